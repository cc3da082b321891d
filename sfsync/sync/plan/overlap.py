"""Several mappings of one plan that are about the same record: what contradicts itself is refused, by name.

What does not contradict itself stays: changes of different fields are written one after the other, in the order of the
plan's steps; a value that an earlier step writes too is written once, by that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sfsync.mapping.transforms.stage import Telling
from sfsync.records import FieldDescribe
from sfsync.store.columns import sql_type
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.late import keep_again, refuse_children
from sfsync.sync.plan.steps import StepMaker
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import REFERENCE, is_set
from sfsync.sync.plan.values import folded_text, same
from sfsync.sync.plan.work import Work

_WRITTEN, _SHARED = quote("plan written twice"), quote("plan shared")
_TELLING = Telling()


def refuse_new_twins(session: Session, works: Sequence[Work]) -> None:
    """Refuse rows of several mappings that would each make the record with one key."""
    for rivals in _rivals(works):
        keyed: dict[str, list[Work]] = defaultdict(list)
        for work in rivals:
            if work.key is not None and work.news:
                keyed[work.key.field].append(work)
        for field, those in keyed.items():
            if len(those) > 1:
                _refuse_shared_keys(session, those, those[0].field(field))


def _rivals(works: Sequence[Work]) -> list[list[Work]]:
    """The mappings of each object that has several."""
    found: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        found[work.mapping.object].append(work)
    return [those for those in found.values() if len(those) > 1]


def _refuse_shared_keys(session: Session, works: Sequence[Work], described: FieldDescribe) -> None:
    key = folded_text("m.key_text", described)
    rows = " UNION ALL ".join(
        f"SELECT {work.position} AS position, {literal(work.mapping.file)} AS file, m.source_row, {key} AS value "
        f"FROM {work.matched} AS m JOIN {work.new_rows} AS n ON n.source_row = m.source_row "
        "WHERE m.lost IS NULL AND m.key_text IS NOT NULL"
        for work in works
    )
    session.execute(f"DROP TABLE IF EXISTS {_SHARED}")
    session.execute(
        f"CREATE TEMPORARY TABLE {_SHARED} AS SELECT value, {_places()} AS places FROM "
        f"(SELECT value, position, file, min(source_row) AS source_row FROM ({rows}) AS r GROUP BY ALL) AS f "
        "GROUP BY value HAVING count(*) > 1"
    )
    told = (
        f"{literal(described.name + ' ')} || {_TELLING.of('m.key_text')} || ' is that of a new record in ' || t.places"
    )
    for work in works:
        session.execute(
            f"UPDATE {work.matched} AS m SET lost = {told} FROM {_SHARED} AS t "
            f"WHERE m.record_id IS NULL AND m.lost IS NULL AND t.value = {key}"
        )
    session.execute(f"DROP TABLE {_SHARED}")


def _places() -> str:
    """SQL that names the files and rows of a group, in the order of the plan."""
    place = "file || ' (row `' || coalesce(CAST(source_row AS VARCHAR), '?') || '`)'"
    return f"string_agg({place}, ' and ' ORDER BY position, source_row)"


def settle_overlaps(maker: StepMaker, works: Sequence[Work]) -> None:
    """Look for records that several mappings write, refuse contradictions, and write the same value once."""
    for rivals in _rivals(works):
        name = rivals[0].mapping.object
        steps = [step for step in maker.steps if step.object == name]
        before = _refused(maker.session, steps)
        _spare_used_records(maker.session, steps, rivals)
        writing = [step for step in steps if step.action != "delete"]
        if len({step.mapping for step in writing}) > 1:
            _refuse_shared_values(maker.session, writing, rivals[0])
            _settle_fields(maker.session, writing, rivals[0])
        if _refused(maker.session, steps) != before:
            refuse_children(maker, works)
        keep_again(maker)


def _refused(session: Session, steps: Iterable[PlanStep]) -> list[tuple[int, int]]:
    """Of each step, how many rows it has and how many of them are refused."""
    return [session.execute(f"SELECT count(*), count(refused) FROM {step.table}").rows[0] for step in steps]


# --- deletions --------------------------------------------------------------------------------------------------------


def _spare_used_records(session: Session, steps: Sequence[PlanStep], works: Sequence[Work]) -> None:
    """A record that another mapping has among its rows is not deleted; one that two would delete is deleted once."""
    deletes = [step for step in steps if step.action == "delete"]
    for step in deletes:
        for work in works:
            if work.mapping.file != step.mapping:
                told = f"{literal(f'{work.mapping.file} is about this record, too: row `')} || m.source_row || '`'"
                used = f"SELECT record_id, min(source_row) AS source_row FROM {work.matched} GROUP BY 1"
                session.execute(
                    f"UPDATE {step.table} AS s SET refused = {told} FROM ({used}) AS m "
                    "WHERE m.record_id = s.record_id AND s.refused IS NULL"
                )
    for number, step in enumerate(deletes):
        for earlier in deletes[:number]:
            session.execute(
                f"DELETE FROM {step.table} WHERE refused IS NULL AND record_id IN "
                f"(SELECT record_id FROM {earlier.table} WHERE refused IS NULL)"
            )


# --- fields -----------------------------------------------------------------------------------------------------------


def _settle_fields(session: Session, steps: Sequence[PlanStep], work: Work) -> None:
    """Refuse changes that give one field of one record different values; leave equal ones to the first step."""
    updates = [step for step in steps if step.action == "update"]
    fields = _in_several(updates)
    if not fields:
        return
    _gather(session, [(step, work.field(field)) for step in updates for field in step.fields if field in fields])
    session.execute(
        f"CREATE TEMPORARY TABLE {_SHARED} AS SELECT record_id, field, count(DISTINCT value) + max(empties) AS kinds, "
        f"{_places()} AS places FROM (SELECT *, CASE WHEN value IS NULL THEN 1 ELSE 0 END AS empties FROM {_WRITTEN}) "
        "AS w GROUP BY record_id, field HAVING count(*) > 1"
    )
    told = "t.field || ': ' || t.places || ' give `' || t.record_id || '` different values'"
    told = f"string_agg({told}, '; ' ORDER BY t.field)"
    for step in updates:
        session.execute(
            f"UPDATE {step.table} AS s SET refused = x.told FROM (SELECT w.change_no, {told} AS told FROM {_WRITTEN} "
            f"AS w JOIN {_SHARED} AS t ON t.record_id = w.record_id AND t.field = w.field WHERE t.kinds > 1 "
            f"AND w.position = {step.step} GROUP BY 1) AS x WHERE x.change_no = s.change_no"
        )
    _write_once(session, updates)
    for name in (_WRITTEN, _SHARED):
        session.execute(f"DROP TABLE {name}")


def _in_several(steps: Iterable[PlanStep]) -> set[str]:
    """Fields that the steps of several mappings write."""
    writers: dict[str, set[str]] = defaultdict(set)
    for step in steps:
        for field in step.fields:
            writers[field].add(step.mapping)
    return {field for field, files in writers.items() if len(files) > 1}


def _gather(session: Session, columns: Iterable[tuple[PlanStep, FieldDescribe]]) -> None:
    """Make the table of what these columns write: position (of the step), file, rows, record_id, field, value."""
    session.execute(f"DROP TABLE IF EXISTS {_WRITTEN}")
    session.execute(f"DROP TABLE IF EXISTS {_SHARED}")
    session.execute(
        f"CREATE TEMPORARY TABLE {_WRITTEN} (position INTEGER, file VARCHAR, change_no BIGINT, source_row BIGINT,"
        " record_id VARCHAR, field VARCHAR, value VARCHAR)"
    )
    for step, field in columns:
        form = "list_sort(string_split({}, ';'))" if field.type == "multipicklist" else "{}"
        value = same(f"CAST(s.{quote(field.name)} AS {sql_type(field)})", field, form)
        session.execute(
            f"INSERT INTO {_WRITTEN} SELECT {step.step}, {literal(step.mapping)}, s.change_no, s.source_row, coalesce("
            f"s.record_id, {literal(REFERENCE)} || s.change_no), {literal(field.name)}, CAST({value} AS VARCHAR) "
            f"FROM {step.table} AS s WHERE s.{is_set(field.name)} AND s.refused IS NULL"
        )


def _write_once(session: Session, steps: Sequence[PlanStep]) -> None:
    """Take a value out of a step that an earlier one, which is not refused, writes to the same field."""
    kept: list[PlanStep] = []
    for step in steps:
        for earlier in kept:
            for field in set(step.fields) & set(earlier.fields):
                name = quote(field)
                session.execute(
                    f"UPDATE {step.table} AS s SET {name} = NULL, {is_set(field)} = FALSE FROM {earlier.table} AS e "
                    f"WHERE e.record_id = s.record_id AND e.refused IS NULL AND s.refused IS NULL "
                    f"AND e.{is_set(field)} AND s.{is_set(field)}"
                )
        left = " OR ".join(is_set(field) for field in step.fields) or "FALSE"
        session.execute(f"DELETE FROM {step.table} WHERE refused IS NULL AND NOT ({left})")
        kept.append(step)


def _refuse_shared_values(session: Session, steps: Sequence[PlanStep], work: Work) -> None:
    """Refuse values of a unique field that several mappings give to different records."""
    unique = {field for field in _in_several(steps) if work.field(field).unique}
    if not unique:
        return
    columns = [(step, work.field(field)) for step in steps for field in step.fields if field in unique]
    _gather(session, columns)
    for described in {field.name: field for _, field in columns}.values():
        here = f"FROM {_WRITTEN} WHERE field = {literal(described.name)} AND value IS NOT NULL"
        session.execute(f"DROP TABLE IF EXISTS {_SHARED}")
        session.execute(
            f"CREATE TEMPORARY TABLE {_SHARED} AS SELECT {folded_text('value', described)} AS value, "
            f"{_places()} AS places {here} GROUP BY 1 HAVING count(DISTINCT record_id) > 1 AND count(DISTINCT file) > 1"
        )
        told = f"{literal(described.name + ': ')} || {_TELLING.of('w.value')} || ' is given to several records by ' || "
        for step in steps:
            session.execute(
                f"UPDATE {step.table} AS s SET refused = {told} t.places FROM {_WRITTEN} AS w JOIN {_SHARED} AS t "
                f"ON t.value = {folded_text('w.value', described)} "
                f"WHERE w.field = {literal(described.name)} AND w.position = {step.step} "
                "AND w.change_no = s.change_no"
            )
    session.execute(f"DROP TABLE IF EXISTS {_SHARED}")
