"""Finds the parents of lookups: among the mirror's records, and among those that the same plan makes or changes.

Every distinct value of a lookup is looked up once. A value that two records have is refused, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.errors import MirrorUnfit
from sfsync.mapping.check_parents import MUST_BE_ACTIVE, is_replaced
from sfsync.mapping.push_columns import PushLookup
from sfsync.mapping.transforms.stage import Telling
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.plan.awaited import Awaited
from sfsync.sync.plan.tables import REFERENCE, step_table
from sfsync.sync.plan.values import folded, folded_text
from sfsync.sync.plan.work import Work

_TELLING = Telling()

#: When a parent is there: already (or made by an earlier step), made by the new records of this very mapping, or of a
#: later one.
THERE, OWN, LATER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ParentFinder:
    """Looks for the parents of one mapping's rows.

    Attributes:
        session: A writing session.
        works: Every mapping of the plan, in order.
        describes: API name → describe.
        awaited: Records that the mirror does not show yet.
    """

    session: Session
    works: Sequence[Work]
    describes: AnyMapping[str, ObjectDescribe]
    awaited: Awaited

    def find(self, work: Work) -> None:
        """Make two tables for each lookup: value, ref, stage, refs (how many have it), other, fault; and every pair."""
        for number, lookup in enumerate(work.push.lookups):
            asked, value = work.temporary(f"asked {number}"), lookup.value_sql
            work.remake(
                self.session,
                asked,
                f"SELECT DISTINCT {value} AS value FROM {work.rows_sql} WHERE {value} IS NOT NULL",
            )
            found = " UNION ALL ".join(
                f"SELECT a.value, {place} AS place, c.ref, c.stage, c.fault FROM {asked} AS a JOIN ({candidates}) AS c "
                f"ON c.folded = {folded_text('a.value', by)}"
                for place, (candidates, by) in enumerate(self._candidates(work, lookup))
            )
            every = work.temporary(f"found {number}")
            work.remake(self.session, every, found)
            work.remake(
                self.session,
                held_table(work, number),
                f"SELECT DISTINCT value, ref FROM {every} WHERE fault IS NULL",
            )
            work.remake(
                self.session,
                lookup_table(work, number),
                f"SELECT value, {_of_all('count(DISTINCT ref)')} AS refs, {_of_all('min(ref)')} AS ref,"
                f" {_of_all('max(ref)')} AS other, {_of_all('max(stage)')} AS stage, min(fault) AS fault,"
                f" min(ref) AS faulty FROM {every} GROUP BY value",
            )

    def _candidates(self, work: Work, lookup: PushLookup) -> list[tuple[str, FieldDescribe]]:
        """One relation an object: folded, ref, stage, fault; and the field it is found by."""
        found = []
        for name, field, condition in zip(lookup.objects, lookup.by, lookup.conditions, strict=True):
            describe = self.describes.get(name)
            by = describe.field(field) if describe else None
            columns = table_columns(self.session, "sf_all", name)
            missing = [each for each in (by.name if by else field, *condition) if each not in columns]
            if by is None or missing:
                raise MirrorUnfit(
                    f"the mirror does not hold {name}.{(missing or [field])[0]}, by which {work.mapping.file} finds "
                    f"{lookup.field}",
                    hint=f"run `sfsync pull {name}`",
                )
            parts = [_mirrored(name, by, condition, columns, lookup)]
            parts += [
                f"SELECT folded, record_id AS ref, {THERE} AS stage, CAST(NULL AS VARCHAR) AS fault FROM ({each}) AS w"
                for each in self.awaited.parents(name, by)
            ]
            parts += [
                _offered(other, by, _stage(work, other), lookup)
                for other in self.works
                if other.mapping.object == name and _has_column(other, by.name)
            ]
            found.append((" UNION ALL ".join(parts), by))
        return found


def _of_all(count: str) -> str:
    """SQL of something about the records that have a value: those that may be referred to.

    Of two objects that have it, none is the one that is meant, though a fault may bar the other: all count then.
    """
    return f"CASE WHEN min(place) <> max(place) THEN {count} ELSE {count} FILTER (WHERE fault IS NULL) END"


def lookup_table(work: Work, number: int) -> str:
    """Quoted name of the table of a lookup's parents."""
    return work.temporary(f"parents {number}")


def held_table(work: Work, number: int) -> str:
    """Quoted name of the table of every record that has a value of a lookup: value, ref."""
    return work.temporary(f"held {number}")


def _mirrored(
    name: str, by: FieldDescribe, condition: AnyMapping[str, str], columns: AnyMapping[str, str], lookup: PushLookup
) -> str:
    value = folded(f"rec.{quote(by.name)}", by)
    where = [f"rec.{quote(by.name)} IS NOT NULL"]
    where += [f"rec.{quote(field)} = {literal(text)}" for field, text in condition.items()]
    if is_replaced(name, lookup.objects, columns):
        where.append('rec."IsConverted" IS NOT TRUE')
    fault = "CAST(NULL AS VARCHAR)"
    if lookup.field in MUST_BE_ACTIVE and "IsActive" in columns:
        fault = f'CASE WHEN rec."IsActive" IS FALSE THEN {literal(f"is that of an inactive {name}")} END'
    return (
        f'SELECT {value} AS folded, rec."Id" AS ref, {THERE} AS stage, {fault} AS fault FROM {table("sf", name)} AS rec'
        f" WHERE {' AND '.join(where)}"
    )


def _has_column(work: Work, field: str) -> bool:
    return any(each.field == field for each in work.push.columns)


def _stage(work: Work, other: Work) -> int:
    if other.position == work.position:
        return OWN
    return LATER if other.position > work.position else THERE


def _offered(work: Work, by: FieldDescribe, stage: int, lookup: PushLookup) -> str:
    """The records that another mapping (or the same) makes, and those that it gives another value."""
    column = next(each for each in work.push.columns if each.field == by.name)
    value = folded(column.value_sql, by)
    refused = "m.lost"
    join = f"{work.rows_sql} JOIN {work.new_rows} AS n ON n.source_row = source.source_row "
    join += f"JOIN {work.matched} AS m ON m.source_row = n.source_row"
    if work.creates is not None and stage == THERE:
        join += f" LEFT JOIN {step_table(work.creates)} AS made ON made.change_no = n.change_no"
        refused = "coalesce(m.lost, made.refused)"
    told = f"{literal(f'is that of a new {work.mapping.object} which is refused: row ')} || n.source_row || ' of ' || "
    told += literal(work.source.shown_as)
    inactive = ""
    active = next((each for each in work.push.columns if each.field == "IsActive"), None)
    if lookup.field in MUST_BE_ACTIVE and active is not None:
        inactive = f" WHEN {active.value_sql} IS FALSE THEN {literal(f'is that of an inactive {work.mapping.object}')}"
    fault = f"CASE WHEN {refused} IS NOT NULL THEN {told}{inactive} END"
    made = (
        f"SELECT {value} AS folded, {literal(REFERENCE)} || n.change_no AS ref, {stage} AS stage, {fault} AS fault "
        f"FROM {join} WHERE {column.value_sql} IS NOT NULL"
    )
    if column.is_key or column.write == "never" or lookup.field in MUST_BE_ACTIVE:
        return made
    held = f"rec.{quote(by.name)}"
    return (
        f"{made} UNION ALL SELECT {value} AS folded, m.record_id AS ref, {stage} AS stage, "
        f"CAST(NULL AS VARCHAR) AS fault FROM {work.rows_sql} JOIN {work.matched} AS m "
        f'ON m.source_row = source.source_row JOIN {work.mirror} AS rec ON rec."Id" = m.record_id '
        f"WHERE m.lost IS NULL AND {column.value_sql} IS NOT NULL AND {value} IS DISTINCT FROM {folded(held, by)}"
    )
