"""Which record each row of a source is: by its Id or its key, or a new one; never by guessing."""

from __future__ import annotations

from sfsync.mapping.transforms.stage import Telling
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.awaited import Awaited
from sfsync.sync.plan.values import canonical, folded
from sfsync.sync.plan.work import Work

_TELLING = Telling()


def match(session: Session, work: Work, first_change: int, awaited: Awaited) -> None:
    """Find the record of every row; makes the tables `matched` and `news` of the mapping.

    Args:
        session: A writing session.
        work: The mapping.
        first_change: The number that its first new record gets.
        awaited: Records that the mirror does not show yet; rows about them are left out.
    """
    work.push.prepare(session, work.source.table)
    _read_keys(session, work)
    _find_twins(session, work)
    work.remake(session, work.matched, _matched_sql(work))
    if _has_ids(work):
        _refuse_record_twins(session, work)
    work.left_out = awaited.leave_out(work)
    work.first_change = first_change
    numbered = f"{first_change - 1} + row_number() OVER (ORDER BY source_row)"
    work.remake(
        session,
        work.new_rows,
        f"SELECT source_row, {numbered} AS change_no FROM {work.matched} WHERE record_id IS NULL",
    )
    work.news = int(session.execute(f"SELECT count(*) FROM {work.new_rows}").scalar())
    work.unmatched = int(session.execute(f"SELECT count(*) FROM {work.matched} WHERE lost IS NOT NULL").scalar())


def _has_ids(work: Work) -> bool:
    return work.push.record_id_sql != "CAST(NULL AS VARCHAR)"


def _read_keys(session: Session, work: Work) -> None:
    key = work.key
    columns = [
        "source.source_row AS source_row",
        f"{work.push.record_id_sql} AS given_id",
        f"{work.push.record_id_problem_sql} AS id_problem",
    ]
    if key is not None:
        described = work.field(key.field)
        columns += [
            f"{canonical(key.value_sql, key.sql_type)} AS key_text",
            f"{folded(key.value_sql, described)} AS folded",
            f"{key.problem_sql} AS key_problem",
        ]
    else:
        columns += [f"CAST(NULL AS VARCHAR) AS {name}" for name in ("key_text", "folded", "key_problem")]
    work.remake(session, work.temporary("keys"), f"SELECT {', '.join(columns)} FROM {work.rows_sql}")


def _find_twins(session: Session, work: Work) -> None:
    """Keys and Ids that several rows have: which rows, for the message."""
    keys = work.temporary("keys")
    for name, column in (("key twins", "folded"), ("id twins", "given_id")):
        rows = "min(source_row) AS first_row, max(source_row) AS last_row, count(*) AS row_count"
        work.remake(
            session,
            work.temporary(name),
            f"SELECT {column} AS value, {rows} FROM {keys} WHERE {column} IS NOT NULL GROUP BY {column} "
            "HAVING count(*) > 1",
        )


def _rows_told(alias: str) -> str:
    """SQL that names the rows which share something: both of two, the first and the last of more."""
    more = f"CASE WHEN {alias}.row_count > 2 THEN ' and ' || ({alias}.row_count - 2) || ' more' ELSE '' END"
    return f"'rows ' || {alias}.first_row || ' and ' || {alias}.last_row || {more} || ' of the source'"


def _mirror_keys(work: Work) -> str:
    """A relation of the keys that live records have: folded, record_id, other_id (of a second record), records."""
    key = work.key
    if key is None:
        return (
            "(SELECT CAST(NULL AS VARCHAR) AS folded, CAST(NULL AS VARCHAR) AS record_id,"
            " CAST(NULL AS VARCHAR) AS other_id, 0 AS records WHERE FALSE)"
        )
    described = work.field(key.field)
    value = folded(f"rec.{quote(described.name)}", described)
    live = f"{work.mirror} AS rec WHERE rec.{quote(described.name)} IS NOT NULL"
    if described.unique:
        return f'(SELECT {value} AS folded, rec."Id" AS record_id, rec."Id" AS other_id, 1 AS records FROM {live})'
    found = 'min(rec."Id") AS record_id, max(rec."Id") AS other_id, count(*) AS records'
    return f"(SELECT {value} AS folded, {found} FROM {live} GROUP BY 1)"


def _matched_sql(work: Work) -> str:
    key, with_ids = work.key, _has_ids(work)
    ids_join = ""
    if with_ids:
        ids_join = (
            f' LEFT JOIN {work.every_record} AS own ON own."Id" = k.given_id'
            f" LEFT JOIN {work.temporary('id twins')} AS it ON it.value = k.given_id"
        )
    by_key = "mk.record_id"
    record = by_key
    if with_ids:
        # A table that goes both ways knows its records by Id; elsewhere a key that the mapping names decides.
        own = 'own."Id"'
        record = f"coalesce({own}, {by_key})" if work.mapping.direction == "both" else f"coalesce({by_key}, {own})"
    lost = [f"k.id_problem, {_key_problem(work)}"]
    if key is not None:
        shown = _TELLING.of("k.key_text")
        same = f"{literal(key.field + ' ')} || {shown} || ' is in ' || {_rows_told('kt')}"
        lost.append(f"CASE WHEN kt.value IS NOT NULL THEN {same} END")
        many = f"{literal(key.field + ' ')} || {shown} || ' belongs to ' || mk.records || ' records: ' "
        many += "|| mk.record_id || ', ' || mk.other_id"
        lost.append(f"CASE WHEN mk.records > 1 THEN {many} END")
    if with_ids:
        lost += _id_problems(work)
    key_join = f" LEFT JOIN {_mirror_keys(work)} AS mk ON mk.folded = k.folded" if key else ""
    twins_join = f" LEFT JOIN {work.temporary('key twins')} AS kt ON kt.value = k.folded" if key else ""
    if key is None:
        record = 'own."Id"' if with_ids else "CAST(NULL AS VARCHAR)"
    return (
        f"SELECT k.source_row, {record} AS record_id, k.key_text, coalesce({', '.join(lost)}) AS lost "
        f"FROM {work.temporary('keys')} AS k{key_join}{twins_join}{ids_join}"
    )


def _key_problem(work: Work) -> str:
    """SQL of what is wrong with a row's key: unreadable, or empty where nothing else names the record."""
    if work.key is None:
        return "CAST(NULL AS VARCHAR)"
    if work.mapping.direction == "both":
        return "k.key_problem"
    empty = literal(f"the row has no {work.key.field}, so its record cannot be told")
    return f"k.key_problem, CASE WHEN k.folded IS NULL AND k.given_id IS NULL THEN {empty} END"


def _id_problems(work: Work) -> list[str]:
    """SQL of what is wrong with the Id that a row gives: each a text or NULL."""
    name = work.mapping.object
    problems = [
        "CASE WHEN it.value IS NOT NULL THEN 'the Id ' || k.given_id || ' is in ' || " + _rows_told("it") + " END",
        f"CASE WHEN k.given_id IS NOT NULL AND own.\"Id\" IS NULL THEN 'there is no {name} ' || k.given_id END",
    ]
    if work.has("IsDeleted"):
        deleted = f"'{name} ' || k.given_id || ' was deleted in the org'"
        problems.insert(1, f'CASE WHEN own."IsDeleted" THEN {deleted} END')
    if work.key is not None:
        field = literal(work.key.field + " ")
        other = f"{field} || {_TELLING.of('k.key_text')} || ' is that of ' || mk.record_id || ', not of ' || k.given_id"
        none = f"{field} || {_TELLING.of('k.key_text')} || ' is not that of ' || k.given_id"
        problems.append(
            "CASE WHEN k.given_id IS NOT NULL AND mk.record_id IS NOT NULL AND mk.record_id <> k.given_id"
            f" THEN {other} END"
        )
        if work.mapping.direction != "both":
            problems.append(
                f"CASE WHEN k.given_id IS NOT NULL AND k.folded IS NOT NULL AND mk.record_id IS NULL THEN {none} END"
            )
    return problems


def _refuse_record_twins(session: Session, work: Work) -> None:
    """Two rows that lead to one record in different ways, one by its Id and one by its key."""
    twins = (
        "SELECT record_id, min(source_row) AS first_row, max(source_row) AS last_row, count(*) AS row_count "
        f"FROM {work.matched} WHERE record_id IS NOT NULL GROUP BY record_id HAVING count(*) > 1"
    )
    session.execute(
        f"UPDATE {work.matched} AS m SET lost = m.record_id || ' is in ' || {_rows_told('t')} "
        f"FROM ({twins}) AS t WHERE t.record_id = m.record_id AND m.lost IS NULL"
    )
