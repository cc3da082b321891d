"""How two-way tables come, change with their mapping and go; nothing that anyone put into one is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping

from sfsync.errors import MappingError
from sfsync.mapping.local_names import ID_COLUMN, TableName
from sfsync.mapping.two_way import BASE_SCHEMA, TwoWayTable, base_name, prepare
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import quote, table


def make_two_way(session: Session, two_way: TwoWayTable) -> None:
    """Make the table and its base, as the org is now; there is no relation of that name."""
    prepare(session)
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(two_way.name.schema)}")
    session.execute(f"CREATE TABLE {two_way.local} AS {two_way.initial}")
    session.execute(f"DROP TABLE IF EXISTS {two_way.base}")
    listed = ", ".join(quote(name) for name in (ID_COLUMN, *(each.name for each in two_way.columns)))
    session.execute(f"CREATE TABLE {two_way.base} AS SELECT {listed} FROM {two_way.local}")
    _register(session, two_way)


def _register(session: Session, two_way: TwoWayTable) -> None:
    session.execute("DELETE FROM sfsync.two_way_columns WHERE table_name = ?", [two_way.key])
    for each in two_way.columns:
        session.execute("INSERT INTO sfsync.two_way_columns VALUES (?, ?, ?)", [two_way.key, each.name, each.field])


def reshape(session: Session, two_way: TwoWayTable) -> None:
    """Follow a mapping that has changed: columns that came, went, were renamed or have another type.

    Raises:
        MappingError: The table lacks a column that it had, or one holds values that are not of its type.
    """
    prepare(session)
    before = {
        name.casefold(): field
        for name, field in session.execute(
            "SELECT column_name, field FROM sfsync.two_way_columns WHERE table_name = ?", [two_way.key]
        )
    }
    wanted = {each.name.casefold(): each for each in two_way.columns}
    _rename(session, two_way, before)
    local, base = _columns(session, two_way)
    missing = [name for name in (ID_COLUMN, *wanted) if name not in local and (name in base or name == ID_COLUMN)]
    if missing:
        told = ", ".join(f"`{wanted[name].name if name in wanted else name}`" for name in missing)
        raise MappingError(
            [two_way.mapping.problem("table", message=f"the table `{two_way.name}` has no column {told} any more")],
            hint="put it back (`ALTER TABLE ... ADD COLUMN`), or take it out of the mapping; nothing was changed",
        )
    for name in [name for name in base if name not in wanted and name != ID_COLUMN]:
        _take_away(session, two_way, base[name], in_local=name in local)
    for name, each in wanted.items():
        if name not in local:
            session.execute(f"ALTER TABLE {two_way.local} ADD COLUMN {quote(each.name)} {each.type}")
        if name not in base:
            session.execute(f"ALTER TABLE {two_way.base} ADD COLUMN {quote(each.name)} {each.type}")
    if two_way.modified is not None and two_way.modified.casefold() not in {*local, *wanted}:
        session.execute(f"ALTER TABLE {two_way.local} ADD COLUMN {quote(two_way.modified)} TIMESTAMP")
    _retype(session, two_way)
    _register(session, two_way)


def _columns(session: Session, two_way: TwoWayTable) -> tuple[dict[str, str], dict[str, str]]:
    """Name, casefolded → name, of the table's columns and of its base's."""
    local = _columns_like(session, two_way.name)
    return {name.casefold(): name for name in local}, {
        name.casefold(): name for name in table_columns(session, BASE_SCHEMA, two_way.key)
    }


def _columns_like(session: Session, name: TableName) -> dict[str, str]:
    """Column → SQL type of a table, however its name is spelled."""
    rows = session.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE lower(table_schema) = ? "
        "AND lower(table_name) = ? AND table_catalog = current_database() ORDER BY ordinal_position",
        list(name.key),
    )
    return dict(rows.rows)


def _rename(session: Session, two_way: TwoWayTable, before: AnyMapping[str, str]) -> None:
    """A field whose column has another name in the mapping now keeps what is in it."""
    wanted = {each.name.casefold(): each for each in two_way.columns}
    local, base = _columns(session, two_way)
    fields = list(before.values())
    for old, field in before.items():
        new = next((each for each in two_way.columns if each.field == field), None)
        if old in wanted or new is None or new.name.casefold() in {*local, *base} or fields.count(field) > 1:
            continue
        for where, columns in ((two_way.local, local), (two_way.base, base)):
            if old in columns:
                session.execute(f"ALTER TABLE {where} RENAME COLUMN {quote(columns[old])} TO {quote(new.name)}")


def _take_away(session: Session, two_way: TwoWayTable, column: str, *, in_local: bool) -> None:
    """A column that the mapping no longer has goes, unless it holds edits: then it is yours from now on."""
    if in_local:
        edited = session.execute(
            f"SELECT 1 FROM {two_way.local} AS l LEFT JOIN {two_way.base} AS b ON b.{ID_COLUMN} = l.{ID_COLUMN} "
            f"WHERE CAST(l.{quote(column)} AS VARCHAR) IS DISTINCT FROM CAST(b.{quote(column)} AS VARCHAR) LIMIT 1"
        ).rows
        if not edited:
            session.execute(f"ALTER TABLE {two_way.local} DROP COLUMN {quote(column)}")
    session.execute(f"ALTER TABLE {two_way.base} DROP COLUMN {quote(column)}")


def _retype(session: Session, two_way: TwoWayTable) -> None:
    """Give every column its type again: a table that came back from a data frame may have others."""
    base, local = table_columns(session, BASE_SCHEMA, two_way.key), _columns_like(session, two_way.name)
    base_types, local_types = ({name.casefold(): kind for name, kind in each.items()} for each in (base, local))
    wanted = {ID_COLUMN: "VARCHAR", **{each.name.casefold(): each.type for each in two_way.columns}}
    problems = []
    for name, kind in wanted.items():
        if base_types[name] != kind:
            session.execute(
                f"ALTER TABLE {two_way.base} ALTER COLUMN {quote(name)} TYPE {kind} "
                f"USING TRY_CAST({quote(name)} AS {kind})"
            )
        if local_types[name] == kind:
            continue
        cast, lossy = _cast(quote(name), local_types[name], kind)
        found = session.execute(
            f"SELECT CAST({quote(name)} AS VARCHAR), {ID_COLUMN} FROM {two_way.local} WHERE {lossy} LIMIT 1"
        ).rows
        if found:
            message = f"`{two_way.name}.{name}` is {kind}, and `{found[0][0]}` ({found[0][1]}) is none"
            problems.append(two_way.mapping.problem("table", message=message))
            continue
        session.execute(f"ALTER TABLE {two_way.local} ALTER COLUMN {quote(name)} TYPE {kind} USING {cast}")
    if problems:
        raise MappingError(problems, hint="correct the values in the table; nothing was changed")


def _cast(column: str, kind: str, wanted: str) -> tuple[str, str]:
    """SQL of a value in another type, and of whether something would be lost."""
    value = f"({column} AT TIME ZONE 'UTC')" if kind == "TIMESTAMP WITH TIME ZONE" else column
    if kind == "VARCHAR":
        value = f"nullif(trim({column}), '')"
    cast = f"TRY_CAST({value} AS {wanted})"
    lossy = f"{value} IS NOT NULL AND {cast} IS NULL"
    if kind not in ("VARCHAR", "TIMESTAMP WITH TIME ZONE") and wanted != "VARCHAR":
        lossy = f"{value} IS NOT NULL AND TRY_CAST({cast} AS {kind}) IS DISTINCT FROM {value}"
    return cast, lossy


def unsent_edits(session: Session, name: TableName) -> int:
    """How many rows of a two-way table differ from its base: edited, added or deleted, and not yet in the org."""
    base = table_columns(session, BASE_SCHEMA, base_name(name))
    local = {column.casefold() for column in _columns_like(session, name)}
    if not local:
        return 0
    shared = [column for column in base if column.casefold() in local and column != ID_COLUMN]
    differs = [
        f"CAST(l.{quote(column)} AS VARCHAR) IS DISTINCT FROM CAST(b.{quote(column)} AS VARCHAR)" for column in shared
    ]
    found = session.execute(
        f"SELECT count(*) FROM {table(name.schema, name.name)} AS l FULL JOIN {table(BASE_SCHEMA, base_name(name))} "
        f"AS b ON b.{ID_COLUMN} = l.{ID_COLUMN} WHERE "
        + " OR ".join([f"l.{ID_COLUMN} IS NULL", f"b.{ID_COLUMN} IS NULL", *differs])
    )
    return int(found.scalar())


def own_columns(session: Session, name: TableName) -> list[str]:
    """Columns of a two-way table that hold something of yours alone: the mapping does not know them."""
    base = {column.casefold() for column in table_columns(session, BASE_SCHEMA, base_name(name))}
    columns = [column for column in _columns_like(session, name) if column.casefold() not in base]
    return [
        column
        for column in columns
        if session.execute(
            f"SELECT 1 FROM {table(name.schema, name.name)} WHERE {quote(column)} IS NOT NULL LIMIT 1"
        ).rows
    ]


def drop_two_way(session: Session, name: TableName) -> None:
    """Drop a table and its base; the caller has made sure that nothing is lost."""
    session.execute(f"DROP TABLE IF EXISTS {table(name.schema, name.name)}")
    session.execute(f"DROP TABLE IF EXISTS {table(BASE_SCHEMA, base_name(name))}")
    session.execute("DELETE FROM sfsync.two_way_columns WHERE table_name = ?", [base_name(name)])
