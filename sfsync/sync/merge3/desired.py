"""What a plan reads of a two-way table: the rows that were edited, and in each of them which fields."""

from __future__ import annotations

import json
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.errors import MappingError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.local_names import ID_COLUMN, TableName
from sfsync.mapping.schema import Mapping
from sfsync.mapping.two_way import NEW, TwoWayColumn, TwoWayTable, has_base, two_way_table
from sfsync.mapping.two_way_shape import reshape
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.identity import TWINS
from sfsync.sync.merge3.merge import merge
from sfsync.sync.merge3.tables import ROW_NAME, WHOLE_RECORD, prepare, remake

#: Columns of the source table that are the plan's own: whether every field counts, and what the row waits for.
_WHOLE = "~whole"
_WAITS = "~waits"


@dataclass(frozen=True, slots=True)
class TwoWayRows:
    """The edited rows of a two-way table, as a source.

    Attributes:
        table: Quoted name of a temporary table, with `source_row`.
        columns: Name → SQL type, without `source_row` and what is the plan's own.
        rows: How many.
        edited: API name → SQL (over the alias `source`) of whether the row was edited in that field.
        note: SQL (over the alias `source`) of a note on the row, or NULL.
        deleted: A SELECT of the Ids of records whose rows were deleted.
        notes: About the table, for people.
        two_way: The table itself.
    """

    table: str
    columns: dict[str, str]
    rows: int
    edited: dict[str, str]
    note: str
    deleted: str
    notes: tuple[str, ...]
    two_way: TwoWayTable


def desired_from_two_way(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> TwoWayRows:
    """Merge a two-way table with the mirror, and say what was edited in it.

    Rows that were added are there whole, with an empty `sf_id`; fields that wait in a conflict do not count as edited.
    A row whose Id is not one the mirror knows, or stands in two rows, is there as it is: a plan refuses it.

    Args:
        session: A writing session.
        mapping: `direction: both`; has passed `check_mappings`.
        describes: API name → describe.
        as_of: The instant (UTC) that date literals of the filter count from.
        calendar: Time zone and fiscal year of such literals.

    Raises:
        MappingError: There is no such table, or it lacks columns.
    """
    two_way = ready_table(session, mapping, describes, as_of=as_of, calendar=calendar)
    merge(session, two_way)
    source = quote(f"two way rows {two_way.key}")
    own = _own_columns(session, two_way)
    remake(session, source, _rows_sql(session, two_way, own))
    flags = {column.name.casefold(): number for number, column in enumerate(two_way.columns)}
    edited = {}
    for field in {**mapping.pushed_fields(), **mapping.pushed_lookups()}:
        read = [_flag(flags[name]) for name in two_way.columns_of(field) if name in flags]
        edited[field] = "(" + " OR ".join([f"source.{quote(_WHOLE)}", *(f"source.{each}" for each in read)]) + ")"
    columns = {ID_COLUMN: "VARCHAR", **{each.name: each.type for each in two_way.columns}, **own}
    return TwoWayRows(
        source,
        columns,
        int(session.execute(f"SELECT count(*) FROM {source}").scalar()),
        edited,
        f"source.{quote(_WAITS)}",
        _deleted_sql(two_way),
        tuple(_notes(session, two_way)),
        two_way,
    )


def ready_table(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> TwoWayTable:
    """A mapping's two-way table in the shape that the mapping gives it.

    Args:
        session: A writing session.
        mapping: `direction: both`.
        describes: API name → describe.
        as_of: The instant (UTC) that date literals of the filter count from.
        calendar: Time zone and fiscal year of such literals.

    Raises:
        MappingError: The mapping does not fit the org, there is no such table, or it lacks columns.
    """
    problems = check_mappings([mapping], dict(describes))
    if problems:
        raise MappingError(problems)
    if not has_base(session, mapping.local_table):
        message = f"there is no table `{mapping.local_table}` yet"
        raise MappingError([mapping.problem("table", message=message, hint="`sfsync pull` makes it")])
    if not _spelled(session, mapping.local_table):
        message = f"the table `{mapping.local_table}` is not there any more"
        raise MappingError(
            [mapping.problem("table", message=message, hint="`sfsync pull` makes it again from the org")]
        )
    two_way = two_way_table(session, mapping, describes, as_of=as_of, calendar=calendar)
    reshape(session, two_way)
    return two_way


def _flag(number: int) -> str:
    return quote(f"~edited {number}")


def _own_columns(session: Session, two_way: TwoWayTable) -> dict[str, str]:
    """Columns of yours that the mapping does not know: expressions may not read them, but they are there to be told."""
    known = {ID_COLUMN, *(each.name.casefold() for each in two_way.columns)}
    found = session.execute(f"SELECT * FROM {two_way.local} LIMIT 0").columns
    types = {name.casefold(): kind for name, kind in _table_columns(session, two_way).items()}
    return {name: types[name.casefold()] for name in found if name.casefold() not in known}


def _table_columns(session: Session, two_way: TwoWayTable) -> dict[str, str]:
    return table_columns(session, *_spelled(session, two_way.name)[0])


def _spelled(session: Session, name: TableName) -> Sequence[tuple[str, str]]:
    """Schema and name of a local table as the database spells them; nothing where there is none."""
    found: Sequence[tuple[str, str]] = session.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE lower(table_schema) = ? "
        "AND lower(table_name) = ? AND table_catalog = current_database()",
        list(name.key),
    ).rows
    return found


def _rows_sql(session: Session, two_way: TwoWayTable, own: AnyMapping[str, str]) -> str:
    key = ID_COLUMN
    new = f"l.{key} LIKE {literal(NEW + '%')}"
    strange = f"(b.{key} IS NULL AND NOT {new})"
    twin = f"EXISTS (SELECT 1 FROM {TWINS} AS x WHERE x.{key} = l.{key})"
    waiting = {
        name
        for (name,) in session.execute(
            "SELECT DISTINCT lower(column_name) FROM sfsync.conflicts WHERE table_name = ?", [two_way.key]
        )
    }
    flags = [f"{_edited(two_way, column, waiting)} AS {_flag(at)}" for at, column in enumerate(two_way.columns)]
    any_flag = " OR ".join(f"r.{_flag(at)}" for at, column in enumerate(two_way.columns) if column.pushed) or "FALSE"
    values = [f"l.{quote(name)}" for name in (*(each.name for each in two_way.columns), *own)]
    waits = "CAST(NULL AS VARCHAR)"
    if waiting:
        waits = (
            "(SELECT 'waits for `sfsync resolve`: ' || string_agg(c.field, ', ' ORDER BY c.field) "
            f"FROM sfsync.conflicts AS c WHERE c.table_name = {literal(two_way.key)} AND c.record_id = l.{key})"
        )
    whole = f"({new} OR {strange} OR {twin})"
    inner = (
        f"SELECT CASE WHEN NOT {new} THEN l.{key} END AS {key}, {', '.join(values)}, l.{key} AS {quote(ROW_NAME)}, "
        f"{whole} AS {quote(_WHOLE)}, {waits} AS {quote(_WAITS)}, {', '.join(flags)} "
        f"FROM {two_way.local} AS l LEFT JOIN {two_way.base} AS b ON b.{key} = l.{key}"
    )
    if WHOLE_RECORD in waiting:
        inner += (
            f" WHERE NOT EXISTS (SELECT 1 FROM sfsync.conflicts AS c WHERE c.table_name = {literal(two_way.key)} "
            f"AND c.record_id = l.{key} AND c.column_name = '')"
        )
    return (
        f"SELECT row_number() OVER (ORDER BY r.{quote(ROW_NAME)}) AS source_row, r.* FROM ({inner}) AS r "
        f"WHERE r.{quote(_WHOLE)} OR {any_flag}"
    )


def _edited(two_way: TwoWayTable, column: TwoWayColumn, waiting: set[str]) -> str:
    edited = column.differs(f"l.{quote(column.name)}", f"b.{quote(column.name)}")
    if column.name.casefold() not in waiting:
        return edited
    return (
        f"({edited} AND NOT EXISTS (SELECT 1 FROM sfsync.conflicts AS c WHERE c.table_name = {literal(two_way.key)} "
        f"AND c.record_id = l.{ID_COLUMN} AND lower(c.column_name) = {literal(column.name.casefold())}))"
    )


def _deleted_sql(two_way: TwoWayTable) -> str:
    """Ids of records whose rows were deleted here, live in the org, and in no conflict."""
    key, named = ID_COLUMN, literal(two_way.key)
    if two_way.mapping.deletes == "never":
        return f"SELECT b.{key} FROM {two_way.base} AS b WHERE FALSE"
    return (
        f"SELECT b.{key} FROM {two_way.base} AS b "
        f'JOIN {table("sf", two_way.mapping.object)} AS rec ON rec."Id" = b.{key} '
        f"WHERE NOT EXISTS (SELECT 1 FROM {two_way.local} AS l WHERE l.{key} = b.{key}) "
        f"AND NOT EXISTS (SELECT 1 FROM sfsync.conflicts AS c WHERE c.table_name = {named} AND c.record_id = b.{key}) "
        f"AND NOT EXISTS (SELECT 1 FROM sfsync.two_way_awaited AS a WHERE a.table_name = {named} "
        f"AND a.record_id = b.{key})"
    )


def _notes(session: Session, two_way: TwoWayTable) -> list[str]:
    told = []
    waiting = int(session.execute("SELECT count(*) FROM sfsync.conflicts WHERE table_name = ?", [two_way.key]).scalar())
    if waiting:
        told.append(f"{waiting:,} conflicts wait: `sfsync plan --conflicts` lists them, `sfsync resolve` settles them")
    untold = "sfsync.settled WHERE table_name = ? AND plan_id IS NULL"
    for winner, policy, count in session.execute(
        f"SELECT winner, policy, count(*) FROM {untold} GROUP BY 1, 2 ORDER BY 1, 2", [two_way.key]
    ):
        kept = "the org's value" if winner == "org" else "the local value"
        told.append(f"{count:,} conflicts settled for {kept} ({policy}); `sfsync.settled` lists what was given up")
    return told


def keep_for_plan(session: Session, plan_id: str, rows: TwoWayRows) -> None:
    """Keep the rows that a plan was made of: what becomes the base once they are written."""
    prepare(session)
    two_way = rows.two_way
    session.execute(
        "UPDATE sfsync.settled SET plan_id = ? WHERE table_name = ? AND plan_id IS NULL", [plan_id, two_way.key]
    )
    kept_in = f"two_way_{plan_id}_{two_way.key}"
    names = ", ".join(quote(name) for name in ("source_row", ROW_NAME, *(each.name for each in two_way.columns)))
    session.execute(f"CREATE TABLE {table('sfsync', kept_in)} AS SELECT {names} FROM {rows.table}")
    read = {field: list(two_way.columns_of(field)) for field in rows.edited}
    session.execute(
        "INSERT INTO sfsync.two_way_plans VALUES (?, ?, ?, ?, ?, ?)",
        [plan_id, two_way.mapping.file, two_way.key, two_way.mapping.object, kept_in, json.dumps(read)],
    )
