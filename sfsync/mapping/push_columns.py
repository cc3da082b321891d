"""The push side of a mapping: SQL that makes a desired value of each field out of the rows of a source."""

from __future__ import annotations

from collections.abc import Container, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.config.spelling import shown
from sfsync.errors import MappingError, QueryFailed, UsageError
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.push_layers import Layers
from sfsync.mapping.push_pipeline import Pipeline, SourceColumns, field_pipeline, lookup_pipeline, source_problems
from sfsync.mapping.schema import Mapping
from sfsync.mapping.transforms.computed import expression_of, quoted_source
from sfsync.mapping.transforms.ids import id_stages
from sfsync.mapping.transforms.stage import Telling, some
from sfsync.mapping.transforms.typed import unlisted_note_sql
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.columns import sql_type
from sfsync.store.interface import Session
from sfsync.store.names import literal


@dataclass(frozen=True, slots=True)
class PushColumn:
    """One field that a push may write. The SQL is over the alias `source` of `PushPlan.from_sql`.

    Attributes:
        field: API name.
        value_sql: The desired value, typed as the mirror's column; NULL where the source has nothing (`null` says what
            that means), and where the value cannot be read.
        problem_sql: A text that says why the value cannot be written, or NULL. It matters only where the value would
            be written: what the org has already it may keep, even if it would not take it again. The text may hold
            the value, which is hostile.
        note_sql: A text worth telling of a value that the org takes, or NULL.
        sql_type: Of the value.
        local: Columns of the source it is made of.
        null: What an empty value means: `keep` the org's, or `clear` it.
        write: `always`, `if-empty`, or `never` (a key may be one: it is read, not written).
        required: A new record cannot be without it; a problem for creates alone.
        is_key: Records are found by it.
        same_sql: Under this form (`{}` is the value) two values are equal that mean the same to the org.
    """

    field: str
    value_sql: str
    problem_sql: str
    note_sql: str
    sql_type: str
    local: tuple[str, ...]
    null: str
    write: str
    required: bool
    is_key: bool
    same_sql: str = "{}"


@dataclass(frozen=True, slots=True)
class PushLookup:
    """One reference that a push may write: the value by which the parent is found.

    Attributes:
        field: API name of the reference field.
        objects: Which objects the parent may be of.
        by: For each object, the field that has the value.
        conditions: For each object, what else must hold of the parent: field → value.
        value_sql: The value as canonical text, or NULL where the source has none.
        problem_sql: A text that says why the value cannot be used, or NULL.
        on_missing: `fail`, `null` or `defer`.
        local: Columns of the source it is made of.
        null: What an empty value means: `keep` or `clear`.
        write: `always` or `if-empty`.
        required: A new record cannot be without it.
        telling: How a problem names the value.
    """

    field: str
    objects: tuple[str, ...]
    by: tuple[str, ...]
    conditions: tuple[dict[str, str], ...]
    value_sql: str
    problem_sql: str
    on_missing: str
    local: tuple[str, ...]
    null: str
    write: str
    required: bool
    telling: Telling


@dataclass(frozen=True, slots=True)
class PushPlan:
    """Everything a push needs to know to make desired values out of a source.

    Attributes:
        columns: One an entry of `fields` that is pushed.
        lookups: One an entry of `lookups` that is pushed.
        key: API name of the field that records are found by; None where the record's Id or nothing does.
        record_id_sql: The record's Id, 18 characters, where the source has it; otherwise NULL.
        record_id_problem_sql: A text that says what is wrong with that Id, or NULL.
        required_unmapped: Fields that a new record needs and the mapping has not.
        unused: Columns of the source that no entry reads.
        layers: The SELECTs that the expressions above are part of.
        expressions: The `sql` of every entry that has one, over the alias `source`, with its place in the mapping.
        mapping: What it was made of.
    """

    columns: tuple[PushColumn, ...]
    lookups: tuple[PushLookup, ...]
    key: str | None
    record_id_sql: str
    record_id_problem_sql: str
    required_unmapped: tuple[str, ...]
    unused: tuple[str, ...]
    layers: Layers
    expressions: tuple[tuple[str, str, str], ...]
    mapping: Mapping

    def from_sql(self, source_table: str) -> str:
        """What stands after FROM: the source, under the alias `source`, with what the expressions need.

        Every column of the source is there under its own name too (`source_row` among them).

        Args:
            source_table: Qualified and quoted already.
        """
        return self.layers.from_sql(source_table)

    def prepare(self, session: Session, source_table: str) -> None:
        """Compute what SQL cannot (phone numbers), over distinct values, into temporary tables that `from_sql` joins.

        Must run before any statement with `from_sql`, in the same session; nothing happens where SQL is enough.

        Raises:
            MappingError: An SQL expression is none for these columns.
        """
        for section, name, sql in self.expressions:
            try:
                session.execute(f'SELECT {sql} FROM {source_table} AS "source" LIMIT 0')
            except QueryFailed as error:
                message = f"the expression cannot be computed: {shown(error.message.splitlines()[0], 200)}"
                hint = "columns of files are text: `CAST(amount AS DOUBLE)` makes a number of one"
                raise MappingError([self.mapping.problem(section, name, "sql", message=message, hint=hint)]) from None
        self.layers.prepare(session, source_table)


def push_columns(
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    source_columns: AnyMapping[str, str],
    *,
    salt: str = "",
    secret: Container[str] = frozenset(),
) -> PushPlan:
    """The push side of a mapping.

    Args:
        mapping: Has passed `check_mappings` with the same describes.
        describes: API name → describe, of the mapping's object and, where they are known, of its parents.
        source_columns: Column → SQL type of the source, as the database names types. VARCHAR columns are read as
            text of which nothing is assumed; others keep their type.
        salt: Makes masks of two projects differ; a secret of the project.
        secret: API names, casefolded, of fields and lookups whose values no problem repeats.

    Raises:
        MappingError: The source lacks columns that the mapping reads; every one is told.
        UsageError: The mapping's object is not among the describes.
    """
    describe = describes.get(mapping.object)
    if describe is None:
        raise UsageError(f"{mapping.object} was never pulled", hint=f"run `sfsync pull {mapping.object}` first")
    columns = SourceColumns.of(source_columns)
    if problems := source_problems(mapping, columns):
        raise MappingError(problems)
    work = _Work(mapping, describes, describe, columns, salt, secret, Layers())
    return work.plan()


@dataclass(frozen=True, slots=True)
class _Work:
    mapping: Mapping
    describes: AnyMapping[str, ObjectDescribe]
    describe: ObjectDescribe
    columns: SourceColumns
    salt: str
    secret: Container[str]
    layers: Layers

    def plan(self) -> PushPlan:
        record_id, id_problem = self._record_id()
        fields = tuple(
            self._field(name, item)
            for name, item in self.mapping.pushed_fields().items()
            if self._found(name).type != "id" and (item.write != "never" or name == self.mapping.key_field)
        )
        lookups = tuple(self._lookup(name, item) for name, item in self.mapping.pushed_lookups().items())
        key = self.mapping.key_field
        entries: tuple[PushColumn | PushLookup, ...] = (*fields, *lookups)
        read = {column for each in entries for column in each.local} | {record_id[1]}
        return PushPlan(
            columns=fields,
            lookups=lookups,
            key=key if any(each.is_key for each in fields) else None,
            record_id_sql=record_id[0],
            record_id_problem_sql=id_problem,
            required_unmapped=tuple(
                each.name
                for each in self.describe.fields
                if is_required(each) and each.name not in {one.field for one in entries}
            ),
            unused=tuple(name for name in self.columns.types if name not in read and name != "source_row"),
            layers=self.layers,
            expressions=tuple(self._expressions()),
            mapping=self.mapping,
        )

    def _expressions(self) -> Iterator[tuple[str, str, str]]:
        for section, items in (("fields", self.mapping.pushed_fields()), ("lookups", self.mapping.pushed_lookups())):
            for name, item in items.items():
                if item.sql is not None:
                    yield section, name, expression_of(item.sql).sql(self.columns.names)

    def _found(self, name: str) -> FieldDescribe:
        found = self.describe.field(name)
        if found is None:
            problem = self.mapping.problem(
                "fields", name, message=f"{self.describe.name} has no field `{name}`", key=True
            )
            raise MappingError([problem])
        return found

    def _record_id(self) -> tuple[tuple[str, str], str]:
        """SQL of the record's Id with the column it is in, and SQL of what is wrong with it."""
        item = next((i for n, i in self.mapping.pushed_fields().items() if self._found(n).type == "id"), None)
        named = item.columns[0] if item is not None and item.columns else ID_COLUMN
        column = self.columns.find(named)
        if column is None:
            return ("CAST(NULL AS VARCHAR)", ""), "CAST(NULL AS VARCHAR)"
        first = some(f"CAST({quoted_source(column)} AS VARCHAR)")
        pipeline = Pipeline("Id", first, id_stages(Telling()), (column,))
        value, problem = self.layers.add(pipeline)
        return (value, column), problem

    def _field(self, name: str, item: FieldMapping) -> PushColumn:
        described, is_key = self._found(name), name == self.mapping.key_field
        telling = Telling(values=item.mask is None and name.casefold() not in self.secret)
        pipeline = field_pipeline(self.mapping, item, described, self.columns, self.salt, telling)
        value, problem = self.layers.add(pipeline)
        if item.null == "clear" and not described.nillable and described.type != "boolean":
            empty = f"{value} IS NULL AND {problem} IS NULL"
            told = literal(f"{name} cannot be empty")
            problem = f"CASE WHEN {empty} THEN {told} ELSE {problem} END"
        note = unlisted_note_sql(value, described, telling)
        return PushColumn(
            field=described.name,
            value_sql=value,
            problem_sql=problem,
            note_sql=note or "CAST(NULL AS VARCHAR)",
            sql_type=sql_type(described),
            local=pipeline.reads,
            null=item.null,
            write=item.write,
            required=is_required(described),
            is_key=is_key,
            same_sql="list_sort(list_distinct(string_split({}, ';')))" if described.type == "multipicklist" else "{}",
        )

    def _lookup(self, name: str, lookup: Lookup) -> PushLookup:
        described = self.describe.field(name)
        objects = lookup.objects
        by = tuple(lookup.field_of(each) for each in objects)
        parent = self.describes.get(objects[0])
        conditions = (parent_conditions(self.mapping.object, name, self.describes.get(each)) for each in objects)
        described_by = parent.field(by[0]) if parent else None
        telling = Telling(values=name.casefold() not in self.secret)
        pipeline = lookup_pipeline(self.mapping, name, lookup, described_by, self.columns, telling)
        value, problem = self.layers.add(pipeline)
        return PushLookup(
            field=name,
            objects=objects,
            by=by,
            conditions=tuple(conditions),
            value_sql=value,
            problem_sql=problem,
            on_missing=lookup.on_missing,
            local=pipeline.reads,
            null=lookup.null,
            write=lookup.write,
            required=described is not None and is_required(described),
            telling=telling,
        )


def parent_conditions(object_name: str, field: str, parent: ObjectDescribe | None) -> dict[str, str]:
    """What else must hold of a parent: field → value.

    A developer name is unique among the record types of one object only. Of groups, queues alone can own records, and
    a public group may have the name of one: developer names are unique by the type of a group (Object Reference,
    Group).
    """
    if parent is not None and parent.name == "RecordType":
        return {"SobjectType": object_name}
    if parent is not None and parent.name == "Group" and field == "OwnerId" and parent.field("Type") is not None:
        return {"Type": "Queue"}
    return {}


def is_required(described: FieldDescribe) -> bool:
    """Whether a new record cannot be made without this field."""
    return (
        not described.nillable
        and described.createable
        and not described.defaulted_on_create
        and described.type != "boolean"
        and described.name != "OwnerId"
    )
