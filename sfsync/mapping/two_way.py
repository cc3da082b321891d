"""Two-way tables: local tables that people edit, each with a base of the values that both sides last agreed on.

Here is what they look like: which columns, of what type, bound to which field. How a table comes, changes with its
mapping and goes is in `two_way_shape`; what flows between the two sides is decided in `sync/merge3`.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import datetime

from sfsync.mapping.columns import scoped_sql, select_sql, shown_columns
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.field_values import ConflictPolicy
from sfsync.mapping.local_names import ID_COLUMN, TableName
from sfsync.mapping.schema import Mapping
from sfsync.mapping.transforms.computed import expression_of
from sfsync.mapping.transforms.stage import trimmed
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: Schema of the bases: one table a two-way table, named like it.
BASE_SCHEMA = "sfsync_base"
#: In front of the name that stands in `sf_id` for a row that you added, until the org has given it an Id.
NEW = "new:"
#: When the org says a record was last changed; the first of these fields that there is.
_STAMPS = ("LastModifiedDate", "SystemModstamp")
#: Column of the org's side of a merge: when the record was last changed.
STAMP = "~stamp"

_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS sfsync",
    f"CREATE SCHEMA IF NOT EXISTS {BASE_SCHEMA}",
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_columns (table_name VARCHAR, column_name VARCHAR, field VARCHAR)",
)


@dataclass(frozen=True, slots=True)
class TwoWayColumn:
    """One column that both sides know.

    Attributes:
        name: In the local table.
        type: SQL type.
        field: API name of the field it shows, or else is pushed to.
        described: The type of that field, as the org names types.
        shown: Whether the org's values come in.
        pushed: Whether local values go out.
        policy: Who wins when both sides changed it.
        null: What an empty local value means: `keep` or `clear`.
        write: `always`, `if-empty` or `never`.
    """

    name: str
    type: str
    field: str
    described: str
    shown: bool
    pushed: bool
    policy: ConflictPolicy
    null: str = "keep"
    write: str = "always"

    def form(self, sql: str) -> str:
        """SQL of a value in the form in which two are equal that Salesforce keeps as one."""
        if self.type == "TIMESTAMP":
            return f"date_trunc('second', {sql})"
        if self.type != "VARCHAR":
            return sql
        text = trimmed(f"replace({sql}, chr(13) || chr(10), chr(10))")
        if self.described == "multipicklist":
            return f"array_to_string(list_sort(string_split(nullif({text}, ''), ';')), ';')"
        return f"nullif({text}, '')"

    def differs(self, one: str, other: str) -> str:
        """SQL of whether two values differ in a way that the org would keep; equal ones cost no more than that."""
        exact = f"{one} IS DISTINCT FROM {other}"
        if self.form(one) == one:
            return exact
        return f"({exact} AND {self.form(one)} IS DISTINCT FROM {self.form(other)})"


@dataclass(frozen=True, slots=True)
class TwoWayTable:
    """One mapping's two-way table.

    Attributes:
        mapping: The mapping, `direction: both`.
        describe: Of its object.
        columns: What both sides know, `sf_id` left out.
        theirs: A SELECT of the org's side: `sf_id`, the shown columns, `STAMP`, and `SCOPE`.
        initial: A SELECT of what the table holds when it is made.
    """

    mapping: Mapping
    describe: ObjectDescribe
    columns: tuple[TwoWayColumn, ...]
    theirs: str
    initial: str

    @property
    def name(self) -> TableName:
        """Of the local table."""
        return self.mapping.local_table

    @property
    def key(self) -> str:
        """What ledgers call it: `crm.leads`, whatever the spelling in the mapping."""
        return base_name(self.name)

    @property
    def local(self) -> str:
        """The local table, as SQL writes it."""
        return table(self.name.schema, self.name.name)

    @property
    def base(self) -> str:
        """Its base, as SQL writes it."""
        return table(BASE_SCHEMA, self.key)

    @property
    def modified(self) -> str | None:
        """The local column that says when a row was last changed, where that is not a field's column."""
        return self.mapping.modified

    def columns_of(self, field: str) -> tuple[str, ...]:
        """The columns that a field is pushed from."""
        pushed = _pushed(self.mapping)
        return tuple(column.casefold() for column in _reads(pushed[field])) if field in pushed else ()


def base_name(name: TableName) -> str:
    """Name of a two-way table's base, without its schema."""
    return f"{name.schema}.{name.name}".casefold()


def prepare(session: Session) -> None:
    """Make the schemas and the register where they are missing."""
    for statement in _TABLES:
        session.execute(statement)


def has_base(session: Session, name: TableName) -> bool:
    """Whether there is a two-way table of this name that sfsync made."""
    return bool(table_columns(session, BASE_SCHEMA, base_name(name)))


def two_way_table(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> TwoWayTable:
    """What a mapping's two-way table is to look like.

    Args:
        session: May make temporary tables.
        mapping: `direction: both`; has passed `check_mappings` with the same describes.
        describes: API name → describe.
        as_of: The instant (UTC) that date literals of the filter count from.
        calendar: Time zone and fiscal year of such literals.
    """
    describe = describes[mapping.object]
    select = select_sql(mapping, describes, as_of=as_of, calendar=calendar)
    stamp = next((name for name in _STAMPS if describe.field(name)), None)
    theirs = scoped_sql(mapping, describes, {STAMP: stamp} if stamp else {}, as_of=as_of, calendar=calendar)
    if stamp is None:
        theirs = f"SELECT t.*, CAST(NULL AS TIMESTAMP) AS {quote(STAMP)} FROM ({theirs}) AS t"
    types = _types_of(session, select)
    columns = [*_shown(mapping, describe, types), *_pushed_only(mapping, describe, types)]
    named = {column.name.casefold() for column in columns}
    added = [f"CAST(NULL AS {each.type}) AS {quote(each.name)}" for each in columns if not each.shown]
    if mapping.modified is not None and mapping.modified.casefold() not in named:
        added.append(f"CAST(NULL AS TIMESTAMP) AS {quote(mapping.modified)}")
    initial = f"SELECT s.*{''.join(', ' + each for each in added)} FROM ({select}) AS s"
    return TwoWayTable(mapping, describe, tuple(columns), theirs, initial)


def _types_of(session: Session, select: str) -> dict[str, str]:
    name = "two_way_types"
    session.execute(f"DROP TABLE IF EXISTS {name}")
    session.execute(f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM ({select}) AS s WHERE FALSE")
    rows = session.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?", [name]
    ).rows
    session.execute(f"DROP TABLE {name}")
    return {column.casefold(): kind for column, kind in rows}


def _items(mapping: Mapping) -> dict[str, FieldMapping | Lookup]:
    return {**mapping.fields, **mapping.lookups}


def _pushed(mapping: Mapping) -> dict[str, FieldMapping | Lookup]:
    return {**mapping.pushed_fields(), **mapping.pushed_lookups()}


def _reads(item: FieldMapping | Lookup) -> tuple[str, ...]:
    """The columns of the table that an entry is pushed from."""
    return item.columns if item.sql is None else expression_of(item.sql).columns


def _pushed_columns(mapping: Mapping) -> dict[str, str]:
    """Column, casefolded → API name of a field that is pushed from it; those that are never written are none."""
    found: dict[str, str] = {}
    for name, item in _pushed(mapping).items():
        if item.write != "never":
            for column in _reads(item):
                found.setdefault(column.casefold(), name)
    return found


def _described(describe: ObjectDescribe, field: str) -> str:
    found = describe.field(field)
    return found.type if found else ""


def _shown(mapping: Mapping, describe: ObjectDescribe, types: AnyMapping[str, str]) -> list[TwoWayColumn]:
    pushed, items = _pushed_columns(mapping), _items(mapping)
    made = []
    for column in shown_columns(mapping, describe)[1:]:
        item = mapping.lookups[column.field] if "→" in column.source else items[column.field]
        made.append(
            TwoWayColumn(
                column.name,
                types[column.name.casefold()],
                column.field,
                "" if isinstance(item, Lookup) else _described(describe, column.field),
                shown=True,
                pushed=column.name.casefold() in pushed,
                policy=item.conflicts or mapping.conflicts,
                null=item.null,
                write=item.write,
            )
        )
    return made


def _pushed_only(mapping: Mapping, describe: ObjectDescribe, types: AnyMapping[str, str]) -> list[TwoWayColumn]:
    """Columns that are only read for a push: yours to fill, text until the mapping types them."""
    spelled: dict[str, TwoWayColumn] = {}
    for name, item in _pushed(mapping).items():
        for column in _reads(item):
            folded = column.casefold()
            if folded in types or folded == ID_COLUMN or folded in spelled:
                continue
            policy = item.conflicts or mapping.conflicts
            kind = _described(describe, name) if isinstance(item, FieldMapping) else ""
            spelled[folded] = TwoWayColumn(
                column,
                "VARCHAR",
                name,
                kind,
                False,
                True,
                policy,
                item.null,
                item.write,
            )
    return list(spelled.values())
