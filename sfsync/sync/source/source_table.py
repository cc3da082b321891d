"""Rows that a push reads, in a temporary table: what every source becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sfsync.config.spelling import shown
from sfsync.mapping.transforms.stage import Kind, kind_of
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.source.faults import unreadable

#: Column of every source table: 1-based number of the row in its source.
ROW_COLUMN = "source_row"
#: What to do about columns that cannot be told apart.
NAMES = "name them in the source, or in the mapping: `header: false`, `skip: 1` and `columns: [...]`"
#: Types of which no field of Salesforce can be made here.
_BINARY = re.compile(r"BLOB|BYTEA|BIT", re.IGNORECASE)
_ENUM = re.compile(r"ENUM|DICTIONARY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source, loaded.

    Attributes:
        table: Quoted name of the temporary table.
        columns: Column → SQL type, in the source's order, without `source_row`; text where the source is.
        rows: How many.
        notes: What was found out about the source, for people: nothing is guessed silently.
        shown_as: What messages call the source.
        content: SHA-256 of the file, where the source is one.
    """

    table: str
    columns: dict[str, str]
    rows: int
    notes: tuple[str, ...] = ()
    shown_as: str = "source"
    content: str | None = None

    def noting(self, *notes: str) -> SourceTable:
        """The same, with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def table_name(name: str) -> str:
    """The quoted name of the temporary table for a source."""
    return quote(f"sfsync_source_{name}".replace("\0", ""))


def column_names(given: Iterable[str], shown_as: str, *, line: int | None = None) -> list[str]:
    """The names of the columns, blanks around them cut, when a mapping can tell them apart.

    Raises:
        SourceError: One is empty, stands twice, or is sfsync's own.
    """
    names = [name.strip() for name in given]
    hint = NAMES if line is not None else "give each column a name of its own in the source"
    first: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise unreadable(shown_as, f"column {number} of {len(names)} has no name", hint, line=line)
        if "\0" in name:
            raise unreadable(shown_as, f"the name of column {number} holds a NUL character", hint, line=line)
        folded = name.casefold()
        if folded == ROW_COLUMN:
            message = f"a column is called `{ROW_COLUMN}`, which is sfsync's own"
            raise unreadable(shown_as, message, hint, line=line)
        if folded in first:
            both = f"`{shown(name)}`" if first[folded] == name else f"`{shown(first[folded])}` and `{shown(name)}`"
            message = f"two columns are called {both} (capitals do not matter)"
            raise unreadable(shown_as, message, hint, line=line)
        first[folded] = name
    if not names:
        raise unreadable(shown_as, "it has no columns", None, line=line)
    return names


def finished(
    session: Session, table: str, shown_as: str, *, notes: Sequence[str] = (), empty: Sequence[str] = ()
) -> SourceTable:
    """What a loaded table is: types that no mapping reads taken out, rows without any value too, and counted.

    Args:
        session: The table is its own.
        table: Quoted name; has `source_row`.
        shown_as: What messages call the source.
        notes: What is known already.
        empty: Texts that mean nothing, where the loading has not seen to them.
    """
    found: list[str] = list(notes)
    columns = _types(session, table)
    for name, sql_type in list(columns.items()):
        if _BINARY.fullmatch(sql_type.partition("(")[0].strip()):
            session.execute(f"ALTER TABLE {table} DROP COLUMN {quote(name)}")
            del columns[name]
            found.append(f"left out: the column {shown(name)} is binary")
        elif _ENUM.match(sql_type):
            session.execute(f"ALTER TABLE {table} ALTER COLUMN {quote(name)} TYPE VARCHAR")
            columns[name] = "VARCHAR"
    if not columns:
        raise unreadable(shown_as, "it has no columns that could be read")
    if empty:
        _take_for_empty(session, table, columns, empty)
    nothing = " AND ".join(f"{quote(name)} IS NULL" for name in columns)
    blank = int(session.execute(f"SELECT count(*) FROM {table} WHERE {nothing}").scalar())
    if blank:
        session.execute(f"DELETE FROM {table} WHERE {nothing}")
        found.append(f"left out: {blank:,} rows without any value")
    rows = int(session.execute(f"SELECT count(*) FROM {table}").scalar())
    found.append(f"{rows:,} rows, {len(columns)} columns")
    return SourceTable(table, columns, rows, tuple(found), shown_as)


def telling_clocks(session: Session, source: SourceTable) -> SourceTable:
    """The source, with a note on times that do not say where their clock stood: only the mapping can."""
    clocks = [
        name
        for name, sql_type in source.columns.items()
        if kind_of(sql_type) is Kind.DATETIME
        and session.execute(
            f"SELECT 1 FROM {source.table} WHERE {quote(name)} <> date_trunc('day', {quote(name)}) LIMIT 1"
        ).rows
    ]
    if not clocks:
        return source
    named = ", ".join(shown(name, 40) for name in clocks)
    told = f"times without a zone are taken for UTC, unless the mapping declares another: {named}"
    return source.noting(f"{told} (`transform: {{datetime: Europe/Berlin}}`)")


def _types(session: Session, table: str) -> dict[str, str]:
    plain = table[1:-1].replace('""', '"')
    rows = session.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_name = ? AND table_schema = 'main' AND table_catalog = 'temp' ORDER BY ordinal_position",
        [plain],
    )
    return {name: sql_type for name, sql_type in rows if name != ROW_COLUMN}


def _take_for_empty(session: Session, table: str, columns: dict[str, str], empty: Sequence[str]) -> None:
    words = ", ".join(literal(text) for text in empty)
    for name, sql_type in columns.items():
        if sql_type == "VARCHAR":
            session.execute(f"UPDATE {table} SET {quote(name)} = NULL WHERE {quote(name)} IN ({words})")
