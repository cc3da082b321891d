"""A file that was exported from a two-way table, edited, and comes back: its edits become edits of the table.

What the file has as the base has it was not edited in the file, and stays as the table has it now. So a file that is
days old brings back its edits and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.config.spelling import shown
from sfsync.errors import UsageError
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import TwoWayColumn, TwoWayTable
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.merge3.merge import merge
from sfsync.sync.merge3.tables import remake
from sfsync.sync.source.source_table import SourceTable

#: The rows of the file, with values of the table's types.
_FILE = "two_way_file"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class TakenEdits:
    """What a file brought.

    Attributes:
        edited: Rows of the table that it changed.
        added: Rows that it added.
        ignored: Columns of the file that the table does not have.
    """

    edited: int
    added: int
    ignored: tuple[str, ...]


def take_edits(session: Session, two_way: TwoWayTable, file: SourceTable) -> TakenEdits:
    """Take the edits of a file into a two-way table.

    Rows are found by `sf_id`; a row without one is new. Rows that the file lacks are left as they are.

    Args:
        session: A writing session.
        two_way: The table; it is there.
        file: As `load_source` has read it.

    Raises:
        UsageError: It has no `sf_id`, or rows that cannot be taken: an Id that is unknown or stands twice, or a value
            that is not of its column's type. Nothing is taken then.
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
    _refuse(session, two_way, file, columns)
    edited = _change(session, two_way, columns)
    added = _add(session, two_way, columns)
    known = {ID_COLUMN, *(each.name.casefold() for each in two_way.columns)}
    return TakenEdits(edited, added, tuple(name for folded, name in given.items() if folded not in known))


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


def _refuse(session: Session, two_way: TwoWayTable, file: SourceTable, columns: list[TwoWayColumn]) -> None:
    """Raise when any row cannot be taken; the first few are named."""
    twin = f"SELECT {ID_COLUMN} FROM {_FILE} GROUP BY {ID_COLUMN} HAVING count(*) > 1"
    unknown = f"NOT EXISTS (SELECT 1 FROM {two_way.local} AS l WHERE l.{ID_COLUMN} = f.{ID_COLUMN})"
    empty = " AND ".join([f"f.{quote(each.name)} IS NULL" for each in columns] or ["TRUE"])
    reason = (
        'CASE WHEN f."~fault" IS NOT NULL THEN f."~fault" '
        f"WHEN f.{ID_COLUMN} IN ({twin}) THEN f.{ID_COLUMN} || ' stands in several rows' "
        f"WHEN f.{ID_COLUMN} IS NOT NULL AND {unknown} THEN f.{ID_COLUMN} || {literal(f' is not in {two_way.name}')} "
        f"WHEN f.{ID_COLUMN} IS NULL AND {empty} THEN 'the row is empty' END"
    )
    found = session.execute(
        f"SELECT source_row, reason, count(*) OVER () FROM (SELECT f.source_row, {reason} AS reason FROM {_FILE} AS f) "
        f"AS r WHERE reason IS NOT NULL ORDER BY source_row LIMIT {_MOST_NAMED}"
    ).rows
    if found:
        named = "; ".join(f"row {number}: {shown(reason, 120)}" for number, reason, _ in found)
        more = f"; and {found[0][2] - len(found):,} more" if found[0][2] > len(found) else ""
        raise UsageError(f"{file.shown_as}: {named}{more}", hint="nothing was taken; correct these rows")


def _change(session: Session, two_way: TwoWayTable, columns: list[TwoWayColumn]) -> int:
    if not columns:
        return 0
    # A row that was added here has no base: what the file has is compared with the row itself.
    rows = (
        f"{_FILE} AS f JOIN {two_way.local} AS l ON l.{ID_COLUMN} = f.{ID_COLUMN} "
        f"LEFT JOIN {two_way.base} AS b ON b.{ID_COLUMN} = f.{ID_COLUMN}"
    )
    flags = [
        f"({each.differs(f'f.{quote(each.name)}', f'b.{quote(each.name)}')} "
        f"AND {each.differs(f'f.{quote(each.name)}', f'l.{quote(each.name)}')})"
        for each in columns
    ]
    made = ", ".join(
        f"f.{quote(each.name)} AS v{at}, {flag} AS e{at}"
        for at, (each, flag) in enumerate(zip(columns, flags, strict=True))
    )
    remake(session, "two_way_taken", f"SELECT f.{ID_COLUMN}, {made} FROM {rows} WHERE {' OR '.join(flags)}")
    sets = ", ".join(
        f"{quote(each.name)} = CASE WHEN n.e{at} THEN n.v{at} ELSE l.{quote(each.name)} END"
        for at, each in enumerate(columns)
    )
    session.execute(
        f"UPDATE {two_way.local} AS l SET {sets} FROM two_way_taken AS n WHERE n.{ID_COLUMN} = l.{ID_COLUMN}"
    )
    return int(session.execute("SELECT count(*) FROM two_way_taken").scalar())


def _add(session: Session, two_way: TwoWayTable, columns: list[TwoWayColumn]) -> int:
    new = f"FROM {_FILE} AS f WHERE f.{ID_COLUMN} IS NULL"
    count = int(session.execute(f"SELECT count(*) {new}").scalar())
    if count:
        names = ", ".join(quote(each.name) for each in columns)
        values = ", ".join(f"f.{quote(each.name)}" for each in columns)
        session.execute(f"INSERT INTO {two_way.local} ({names}) SELECT {values} {new}")
    return count
