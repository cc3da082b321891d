"""The SELECT behind a local table: Salesforce's columns under your names, values mapped, references looked up."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.field_values import OtherValue
from sfsync.mapping.filter import filter_sql
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.schema import Mapping
from sfsync.mapping.transforms import lists
from sfsync.mapping.transforms.stage import pairs
from sfsync.mapping.transforms.steps import Step
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.names import literal, quote, table

_RECORD = "record"
#: Column of `scoped_sql` that says whether the filter takes the record in.
SCOPE = "~scope"


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """One column of a local table.

    Attributes:
        name: In the local table.
        source: Where its values come from, e.g. `Email` or `OwnerId → User.Email`.
        sql: The expression that makes it.
        field: API name of the field it belongs to, e.g. `OwnerId`.
    """

    name: str
    source: str
    sql: str
    field: str = "Id"


def shown_columns(mapping: Mapping, describe: ObjectDescribe) -> list[ShownColumn]:
    """The columns of the local table, in order: the record's Id as `sf_id`, then fields, then lookups.

    The Id is always there: it is what ties a local row to its record. Fields that are only pushed are left out.
    """
    return _Shown(mapping, describe).columns


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
    shown = _Shown(mapping, describe)
    columns = ", ".join(f"{column.sql} AS {quote(column.name)}" for column in shown.columns)
    source = f"{table('sf', mapping.object)} AS {quote(_RECORD)}{''.join(shown.joins)}"
    if mapping.filter is None:
        return f"SELECT {columns} FROM {source}"
    if as_of is None:
        raise ValueError("a filter needs the instant its date literals count from")
    where = filter_sql(mapping, describe, alias=_RECORD, now=as_of, calendar=calendar)
    return f"SELECT {columns} FROM {source} WHERE {where}"


def scoped_sql(
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    added: AnyMapping[str, str],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> str:
    """Like `select_sql`, of every live record: those that the filter leaves out have FALSE in `SCOPE`.

    Args:
        mapping: What to show.
        describes: API name → describe.
        added: More columns: name → API name of the field.
        as_of: As for `select_sql`.
        calendar: As for `select_sql`.
    """
    describe = describes[mapping.object]
    shown = _Shown(mapping, describe)
    columns = [f"{column.sql} AS {quote(column.name)}" for column in shown.columns]
    columns += [f"{_of(_RECORD, field)} AS {quote(name)}" for name, field in added.items()]
    scope = "TRUE"
    if mapping.filter is not None:
        if as_of is None:
            raise ValueError("a filter needs the instant its date literals count from")
        scope = f"coalesce({filter_sql(mapping, describe, alias=_RECORD, now=as_of, calendar=calendar)}, FALSE)"
    source = f"{table('sf', mapping.object)} AS {quote(_RECORD)}{''.join(shown.joins)}"
    return f"SELECT {', '.join(columns)}, {scope} AS {quote(SCOPE)} FROM {source}"


def _of(alias: str, column: str) -> str:
    return f"{quote(alias)}.{quote(column)}"


@dataclass
class _Shown:
    """The columns of a local table, and what their expressions need beside the records themselves."""

    mapping: Mapping
    describe: ObjectDescribe
    columns: list[ShownColumn] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns.append(ShownColumn(ID_COLUMN, "Id", _of(_RECORD, "Id")))
        for name, item in self.mapping.shown_fields().items():
            if item.local is None or item.columns[0].casefold() == ID_COLUMN:
                continue
            sql = _with_values(_of(_RECORD, name), self.describe.field(name), item)
            self._add(item, name, name, sql)
        for name, lookup in self.mapping.shown_lookups().items():
            if lookup.local is not None:
                self._add(lookup, name, lookup.shown_as(name), self._parents(name, lookup))

    def _add(self, item: FieldMapping | Lookup, name: str, source: str, sql: str) -> None:
        """One column, or several that a joined text is split into; transforms in the order of a pull."""
        for step in reversed(item.transform):
            if step.join is None:
                sql = self._from_table(step, sql) if step.table is not None else step.shown_sql(sql)
        separator = item.transform[0].join if item.transform else None
        count = len(item.columns)
        for number, column in enumerate(item.columns):
            part = sql if count == 1 else lists.part_sql(sql, separator or " ", number, count)
            self.columns.append(ShownColumn(column, source, part, name))

    def _from_table(self, step: Step, sql: str) -> str:
        """The local value for one of the org's; one that the file does not have is shown as it is."""
        values = self.mapping.value_table(step.table)
        if values is None:
            return sql
        alias = quote(f"values{len(self.joins) + 1}")
        self.joins.append(f" LEFT JOIN {pairs(list(values.to_local().items()))} AS {alias} ON {alias}.input = {sql}")
        return f"coalesce({alias}.output, {sql})"

    def _parents(self, name: str, lookup: Lookup) -> str:
        """The parent's field, of whichever object the parent is."""
        found = []
        for object_name in lookup.objects:
            alias = f"parent{len(self.joins) + 1}"
            self.joins.append(
                f" LEFT JOIN {table('sf', object_name)} AS {quote(alias)} ON {_of(alias, 'Id')} = {_of(_RECORD, name)}"
            )
            found.append(_of(alias, lookup.field_of(object_name)))
        return found[0] if len(found) == 1 else f"coalesce({', '.join(f'CAST({each} AS VARCHAR)' for each in found)})"


def _with_values(column: str, described: FieldDescribe | None, item: FieldMapping) -> str:
    if item.values is None:
        return column
    if described is not None and described.type == "boolean":
        column = f"CAST({column} AS VARCHAR)"
    cases = " ".join(f"WHEN {literal(org)} THEN {literal(local)}" for org, local in item.shown_values.items())
    return f"CASE {column} {cases} ELSE {_otherwise_sql(column, item)} END"


def _otherwise_sql(column: str, item: FieldMapping) -> str:
    """What stands for a value that `values` does not name: never nothing, unless the mapping says so."""
    if isinstance(item.otherwise, OtherValue):
        return f"CASE WHEN {column} IS NOT NULL THEN {literal(item.otherwise.value)} END"
    return "NULL" if item.otherwise == "null" else column
