"""A file that was exported from a two-way table, edited, and comes back: its edits become edits of the table.

What the file has as the base has it was not edited in the file, and stays as the table has it now; so does what the org
had when the file was exported. So a file that is days old brings back its edits and nothing else. A row that it adds is
added once, however often the file is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfsync.config.spelling import shown
from sfsync.errors import UsageError
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import NEW, TwoWayColumn, TwoWayTable
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.merge3.identity import folded_key, key_column
from sfsync.sync.merge3.merge import merge
from sfsync.sync.merge3.older_file import find_past, was
from sfsync.sync.merge3.spelling import take_spellings
from sfsync.sync.merge3.tables import remake
from sfsync.sync.merge3.work import make_work
from sfsync.sync.source.source_table import SourceTable

#: The rows of the file, with values of the table's types.
_FILE = "two_way_file"
#: Those of them that add a row, each with its digest, and which of the equal ones it is.
_ADDED = "two_way_added"
#: Rows of the table that it changes, with the new values.
_EDITED = "two_way_edited"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class TakenEdits:
    """What a file brought.

    Attributes:
        edited: Rows of the table that it changed.
        added: Rows that it added.
        ignored: Columns of the file that the table does not have.
        known: Rows without an Id that an import has added already: they are left out.
    """

    edited: int
    added: int
    ignored: tuple[str, ...]
    known: int = 0


def take_edits(
    session: Session, two_way: TwoWayTable, file: SourceTable, *, as_of: datetime | None = None
) -> TakenEdits:
    """Take the edits of a file into a two-way table.

    Rows are found by `sf_id`; a row without one is new, unless the same row was added by an earlier import and is
    still there, or has become a record. Rows that the file lacks are left as they are.

    Args:
        session: A writing session.
        two_way: The table; it is there.
        file: As `load_source` has read it.
        as_of: When it was exported (naive UTC): what the org has changed since was not edited in it.

    Raises:
        MappingError: There is no such table yet, or it lacks columns.
        UsageError: It has no `sf_id`, or rows that cannot be taken: an Id that is unknown or stands twice, a row
            without an Id whose key the table has already, a value that is not of its column's type, or one that the
            org had before while nobody says when the file was exported. Nothing is taken then.
    """
    merge(session, two_way)
    given = {name.casefold(): name for name in file.columns}
    if ID_COLUMN not in given:
        raise UsageError(
            f"{file.shown_as} has no column `{ID_COLUMN}`, so its rows cannot be told",
            hint=f'export the table with it: `sfsync query --csv "SELECT * FROM {two_way.name}"`',
        )
    columns = [each for each in two_way.columns if each.name.casefold() in given]
    _load(session, file, given, columns)
    _name_records(session, two_way)
    _find_added(session, two_way, columns)
    _refuse(session, two_way, file, columns)
    past = find_past(session, two_way, f"SELECT {ID_COLUMN} FROM {_FILE}", as_of)
    if past and as_of is None:
        _refuse_older(session, two_way, file, columns)
    edited = _change(session, two_way, columns, past=past)
    added, known = _add(session, two_way, columns)
    named = {ID_COLUMN, *(each.name.casefold() for each in two_way.columns)}
    return TakenEdits(edited, added, tuple(name for folded, name in given.items() if folded not in named), known)


def _load(session: Session, file: SourceTable, given: dict[str, str], columns: list[TwoWayColumn]) -> None:
    values = [f"nullif(trim(CAST({quote(given[ID_COLUMN])} AS VARCHAR)), '') AS {ID_COLUMN}"]
    faults = []
    for each in columns:
        raw = quote(given[each.name.casefold()])
        if each.type == "VARCHAR":
            values.append(f"nullif(CAST({raw} AS VARCHAR), '') AS {quote(each.name)}")
            continue
        text = f"nullif(trim(CAST({raw} AS VARCHAR)), '')"
        cast = f"TRY_CAST({text} AS {each.type})"
        values.append(f"{cast} AS {quote(each.name)}")
        told = f"{literal(each.name + ': ')} || {text} || {literal(f' is no {each.type}')}"
        faults.append(f"CASE WHEN {text} IS NOT NULL AND {cast} IS NULL THEN {told} END")
    fault = f"coalesce({', '.join(faults)}, NULL)" if faults else "CAST(NULL AS VARCHAR)"
    remake(session, _FILE, f'SELECT source_row, {", ".join(values)}, {fault} AS "~fault" FROM {file.table}')


def _name_records(session: Session, two_way: TwoWayTable) -> None:
    """Name rows by the Ids of their records: what was new in an old file may be one, and reports show 15 characters."""
    session.execute(
        f"UPDATE {_FILE} AS f SET {ID_COLUMN} = n.record_id FROM sfsync.two_way_born AS n "
        f"WHERE n.table_name = {literal(two_way.key)} AND n.row_name = f.{ID_COLUMN}"
    )
    session.execute(
        f"UPDATE {_FILE} AS f SET {ID_COLUMN} = l.{ID_COLUMN} FROM {two_way.local} AS l "
        f"WHERE length(f.{ID_COLUMN}) = 15 AND left(l.{ID_COLUMN}, 15) = f.{ID_COLUMN}"
    )


def _find_added(session: Session, two_way: TwoWayTable, columns: list[TwoWayColumn]) -> None:
    """Make the table of the rows without an Id: digest, which of the equal ones, and whether an import added it."""
    texts = [
        f"CASE WHEN {quote(each.name)} IS NULL THEN '' ELSE "
        f"{literal(each.name.casefold() + '=')} || CAST(to_json(CAST({quote(each.name)} AS VARCHAR)) AS VARCHAR) END"
        for each in sorted(columns, key=lambda each: each.name.casefold())
    ]
    rows = f"SELECT *, md5(concat_ws(',', {', '.join(texts) or literal('')})) AS digest FROM {_FILE}"
    numbered = f"SELECT *, row_number() OVER (PARTITION BY digest ORDER BY source_row) AS nth FROM ({rows}) AS r"
    named = literal(two_way.key)
    known = (
        f"SELECT 1 FROM sfsync.two_way_taken AS k WHERE k.table_name = {named} AND k.digest = n.digest "
        f"AND k.nth = n.nth AND (k.row_name IN (SELECT {ID_COLUMN} FROM {two_way.local}) "
        f"OR k.row_name IN (SELECT row_name FROM sfsync.two_way_born WHERE table_name = {named}))"
    )
    remake(
        session,
        _ADDED,
        f"SELECT n.*, {literal(NEW)} || CAST(gen_random_uuid() AS VARCHAR) AS row_name, EXISTS ({known}) AS known "
        f"FROM ({numbered} WHERE {ID_COLUMN} IS NULL) AS n",
    )


def _refuse(session: Session, two_way: TwoWayTable, file: SourceTable, columns: list[TwoWayColumn]) -> None:
    """Raise when any row cannot be taken; the first few are named."""
    twin = f"SELECT {ID_COLUMN} FROM {_FILE} GROUP BY {ID_COLUMN} HAVING count(*) > 1"
    unknown = f"NOT EXISTS (SELECT 1 FROM {two_way.local} AS l WHERE l.{ID_COLUMN} = f.{ID_COLUMN})"
    empty = " AND ".join([f"f.{quote(each.name)} IS NULL" for each in columns] or ["TRUE"])
    there = _key_is_there(two_way, columns)
    reason = (
        'CASE WHEN f."~fault" IS NOT NULL THEN f."~fault" '
        f"WHEN f.{ID_COLUMN} IN ({twin}) THEN f.{ID_COLUMN} || ' stands in several rows' "
        f"WHEN f.{ID_COLUMN} IS NOT NULL AND {unknown} THEN f.{ID_COLUMN} || {literal(f' is not in {two_way.name}')} "
        f"WHEN f.{ID_COLUMN} IS NULL AND {empty} THEN 'the row is empty'{there} END"
    )
    found = session.execute(
        f"SELECT source_row, reason, count(*) OVER () FROM (SELECT f.source_row, {reason} AS reason FROM {_FILE} AS f) "
        f"AS r WHERE reason IS NOT NULL ORDER BY source_row LIMIT {_MOST_NAMED}"
    ).rows
    if found:
        named = "; ".join(f"row {number}: {shown(reason, 120)}" for number, reason, _ in found)
        more = f"; and {found[0][2] - len(found):,} more" if found[0][2] > len(found) else ""
        raise UsageError(f"{file.shown_as}: {named}{more}", hint="nothing was taken; correct these rows")


def _key_is_there(two_way: TwoWayTable, columns: list[TwoWayColumn]) -> str:
    """SQL of a further refusal: a row without an Id whose key a row of the table has, and that no import has added."""
    key = key_column(two_way)
    if key is None or key not in columns:
        return ""
    name = quote(key.name)
    same = f"{folded_key(two_way, key, f'l.{name}')} = {folded_key(two_way, key, f'f.{name}')}"
    row = f"(SELECT min(l.{ID_COLUMN}) FROM {two_way.local} AS l WHERE {same})"
    new = f"f.source_row IN (SELECT source_row FROM {_ADDED} WHERE NOT known)"
    told = literal(f" has this {key.name} already: give the row its {ID_COLUMN}")
    return f" WHEN {new} AND {row} IS NOT NULL THEN {row} || {told}"


def _refuse_older(session: Session, two_way: TwoWayTable, file: SourceTable, columns: list[TwoWayColumn]) -> None:
    """Raise where a value may be an edit, or what the org had when the file was exported."""
    cases = []
    for each in columns:
        # What could never be written is taken back by the merge in any case.
        if each.pushed and each.write == "always":
            given = "TRUE" if each.null == "clear" else f"f.{quote(each.name)} IS NOT NULL"
            told = literal(f"{each.name} is what the org had before")
            cases.append(f"WHEN {given} AND {_is_edited(each)} AND {was(each, 'f')} THEN {told}")
    if not cases:
        return
    rows = f"SELECT f.source_row, CASE {' '.join(cases)} END AS reason FROM {_both(two_way)}"
    found = session.execute(
        f"SELECT source_row, reason, count(*) OVER () FROM ({rows}) AS r WHERE reason IS NOT NULL "
        f"ORDER BY source_row LIMIT {_MOST_NAMED}"
    ).rows
    if found:
        named = "; ".join(f"row {number}: {reason}" for number, reason, _ in found)
        more = f"; and {found[0][2] - len(found):,} more" if found[0][2] > len(found) else ""
        raise UsageError(
            f"{file.shown_as}: {named}{more}: edited back, or not edited since an older export?",
            hint="nothing was taken; say when the file was exported, in UTC: `--as-of 2026-01-31T08:00:00`",
        )


def _both(two_way: TwoWayTable) -> str:
    """The file's rows with those of the table and the base; one that was added here has no base."""
    return (
        f"{_FILE} AS f JOIN {two_way.local} AS l ON l.{ID_COLUMN} = f.{ID_COLUMN} "
        f"LEFT JOIN {two_way.base} AS b ON b.{ID_COLUMN} = f.{ID_COLUMN}"
    )


def _is_edited(column: TwoWayColumn) -> str:
    """SQL of whether the file has another value than the base, and than the table has by now."""
    name = quote(column.name)
    return f"({column.differs(f'f.{name}', f'b.{name}')} AND {column.differs(f'f.{name}', f'l.{name}')})"


def _change(session: Session, two_way: TwoWayTable, columns: list[TwoWayColumn], *, past: bool) -> int:
    if not columns:
        return 0
    rows = _both(two_way)
    flags = [f"({_is_edited(each)} AND NOT {was(each, 'f')})" if past else _is_edited(each) for each in columns]
    made = ", ".join(
        f"f.{quote(each.name)} AS v{at}, {flag} AS e{at}"
        for at, (each, flag) in enumerate(zip(columns, flags, strict=True))
    )
    remake(session, _EDITED, f"SELECT f.{ID_COLUMN}, {made} FROM {rows} WHERE {' OR '.join(flags)}")
    sets = ", ".join(
        f"{quote(each.name)} = CASE WHEN n.e{at} THEN n.v{at} ELSE l.{quote(each.name)} END"
        for at, each in enumerate(columns)
    )
    changed = f"{_EDITED} AS n WHERE n.{ID_COLUMN} = l.{ID_COLUMN}"
    session.execute(f"UPDATE {two_way.local} AS l SET {sets} FROM {changed}")
    # What the file only spells in another way has the table's spelling again, and was not edited.
    take_spellings(session, two_way, make_work(session, two_way))
    kept = [f"(n.e{at} AND l.{quote(each.name)} IS NOT DISTINCT FROM n.v{at})" for at, each in enumerate(columns)]
    found = f"FROM {two_way.local} AS l WHERE EXISTS (SELECT 1 FROM {changed} AND ({' OR '.join(kept)}))"
    return int(session.execute(f"SELECT count(*) {found}").scalar())


def _add(session: Session, two_way: TwoWayTable, columns: list[TwoWayColumn]) -> tuple[int, int]:
    """Add the rows without an Id; returns how many, and how many an import had added already."""
    new = f"FROM {_ADDED} AS f WHERE NOT f.known"
    added, known = session.execute(f"SELECT count(*) FILTER (WHERE NOT known), count(*) FROM {_ADDED}").rows[0]
    if added:
        names = ", ".join(quote(name) for name in (ID_COLUMN, *(each.name for each in columns)))
        values = ", ".join(["f.row_name", *(f"f.{quote(each.name)}" for each in columns)])
        session.execute(f"INSERT INTO {two_way.local} ({names}) SELECT {values} {new}")
        session.execute(
            f"INSERT INTO sfsync.two_way_taken SELECT {literal(two_way.key)}, f.digest, f.nth, f.row_name {new}"
        )
    return int(added), int(known - added)
