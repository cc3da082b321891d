"""The SELECT behind a local table: Salesforce's columns under your names, values mapped, references looked up."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import datetime

from sfsync.mapping.filter import filter_sql
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.schema import FieldMapping, Mapping, OtherValue
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.names import literal, quote, table

_RECORD = "record"


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """One column of a local table.

    Attributes:
        name: In the local table.
        source: Where its values come from, e.g. `Email` or `OwnerId → User.Email`.
        sql: The expression that makes it.
    """

    name: str
    source: str
    sql: str


def shown_columns(mapping: Mapping, describe: ObjectDescribe) -> list[ShownColumn]:
    """The columns of the local table, in order: the record's Id as `sf_id`, then fields, then lookups.

    The Id is always there: it is what ties a local row to its record. Fields that are only pushed are left out.
    """
    columns = [ShownColumn(ID_COLUMN, "Id", _of(_RECORD, "Id"))]
    for name, item in mapping.shown_fields().items():
        if item.local.casefold() != ID_COLUMN:
            columns.append(ShownColumn(item.local, name, _field_sql(describe.field(name), name, item)))
    for (name, lookup), alias in zip(mapping.shown_lookups().items(), _aliases(), strict=False):
        columns.append(ShownColumn(lookup.local, f"{name} → {lookup.object}.{lookup.by}", _of(alias, lookup.by)))
    return columns


def select_sql(
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> str:
    """The SELECT that a local table shows. The mapping has passed `check_mappings` with the same describes.

    Args:
        mapping: What to show.
        describes: API name → describe.
        as_of: The instant (UTC) that date literals of the filter such as `LAST_N_DAYS:30` count from; a mapping with
            a filter needs it.
        calendar: Time zone and fiscal year of such literals; UTC and January unless given.
    """
    describe = describes[mapping.object]
    columns = ", ".join(f"{column.sql} AS {quote(column.name)}" for column in shown_columns(mapping, describe))
    joins = "".join(
        f" LEFT JOIN {table('sf', lookup.object)} AS {quote(alias)} ON {_of(alias, 'Id')} = {_of(_RECORD, name)}"
        for (name, lookup), alias in zip(mapping.shown_lookups().items(), _aliases(), strict=False)
    )
    source = f"{table('sf', mapping.object)} AS {quote(_RECORD)}"
    if mapping.filter is None:
        return f"SELECT {columns} FROM {source}{joins}"
    if as_of is None:
        raise ValueError("a filter needs the instant its date literals count from")
    where = filter_sql(mapping, describe, alias=_RECORD, now=as_of, calendar=calendar)
    return f"SELECT {columns} FROM {source}{joins} WHERE {where}"


def _aliases() -> Iterator[str]:
    """One table alias a lookup: two lookups may show the same object."""
    number = 0
    while True:
        number += 1
        yield f"parent{number}"


def _of(alias: str, column: str) -> str:
    return f"{quote(alias)}.{quote(column)}"


def _field_sql(described: FieldDescribe | None, name: str, item: FieldMapping) -> str:
    column = _of(_RECORD, name)
    if item.values is None:
        return column
    if described is not None and described.type == "boolean":
        column = f"CAST({column} AS VARCHAR)"
    cases = " ".join(f"WHEN {literal(org)} THEN {literal(local)}" for org, local in item.values.items())
    return f"CASE {column} {cases} ELSE {_otherwise_sql(column, item)} END"


def _otherwise_sql(column: str, item: FieldMapping) -> str:
    """What stands for a value that `values` does not name: never nothing, unless the mapping says so."""
    if isinstance(item.otherwise, OtherValue):
        return f"CASE WHEN {column} IS NOT NULL THEN {literal(item.otherwise.value)} END"
    return "NULL" if item.otherwise == "null" else column
