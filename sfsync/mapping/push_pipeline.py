"""The stages that one local value goes through on its way to the org, from the source's column to a typed value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.config.spelling import shown, suggestion
from sfsync.errors import Problem
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.field_values import OtherValue
from sfsync.mapping.local_names import readable_header
from sfsync.mapping.schema import Mapping
from sfsync.mapping.transforms import lists
from sfsync.mapping.transforms.as_text import canonical_text, number_sql, text_stages
from sfsync.mapping.transforms.computed import computed_stage, expression_of, quoted_source
from sfsync.mapping.transforms.instants import utc_text_sql
from sfsync.mapping.transforms.mask import mask_stages
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, kind_of, pairs, plain, said, some
from sfsync.mapping.transforms.typed import limit_stages, typed_stages
from sfsync.records import FieldDescribe
from sfsync.store.columns import sql_type
from sfsync.store.names import literal

#: From so many values on, a join is quicker than asking one after the other.
_MANY_VALUES = 24


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one field gets its value.

    Attributes:
        name: API name of the field.
        first: SQL of the raw value over the alias `source`.
        stages: What is done to it, one after the other.
        reads: Columns of the source.
    """

    name: str
    first: str
    stages: tuple[Stage, ...]
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """The columns of a source by name, whatever the case: name casefolded → name, and name → SQL type.

    A name is there as people type it, too, where it has line breaks or signs that they do not see, and no other column
    is called so.
    """

    names: dict[str, str]
    types: AnyMapping[str, str]

    @classmethod
    def of(cls, columns: AnyMapping[str, str]) -> SourceColumns:
        """From name → SQL type."""
        typed = Counter(readable_header(name).casefold() for name in columns)
        readable = {readable_header(name).casefold(): name for name in columns}
        sure = {key: name for key, name in readable.items() if typed[key] == 1}
        return cls(sure | {name.casefold(): name for name in columns}, columns)

    def find(self, name: str) -> str | None:
        """The column's own spelling."""
        return self.names.get(name.casefold()) or self.names.get(readable_header(name).casefold())

    def named(self, name: str) -> str | None:
        """The same, of a name as SQL has it."""
        return self.names.get(name.casefold())

    def all(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns' own spellings; all are there."""
        return tuple(found for name in names if (found := self.find(name)) is not None)


def source_problems(mapping: Mapping, columns: SourceColumns) -> list[Problem]:
    """Columns that the mapping reads and the source does not have."""
    found: list[Problem] = []
    sections = (("fields", mapping.pushed_fields()), ("lookups", mapping.pushed_lookups()))
    for section, items in sections:
        for name, item in items.items():
            wanted, at = item.columns, "local"
            find = columns.find
            if item.sql is not None:
                wanted, at = expression_of(item.sql).columns, "sql"
                find = columns.named
            for column in wanted:
                if find(column) is None:
                    message = f"the source has no column `{shown(column)}`"
                    hint = suggestion(column, [name for name in columns.types if name != "source_row"])
                    found.append(mapping.problem(section, name, at, message=message, hint=hint))
            found += (
                mapping.problem(section, name, "local", message=each[0], hint=each[1])
                for each in _nested(item, columns)
            )
    return found


def _nested(item: FieldMapping | Lookup, columns: SourceColumns) -> Iterator[tuple[str, str]]:
    """Columns with values within values, whose text would be the database's own spelling of them."""
    for column in columns.all(item.columns):
        if kind_of(columns.types[column]) is Kind.NESTED:
            kind = shown(columns.types[column], 40)
            message = f"`{shown(column)}` holds values within values ({kind}), and a field takes one"
            yield message, "take out the one that is meant, like `sql: \"address['city']\"`"


def field_pipeline(
    mapping: Mapping, item: FieldMapping, described: FieldDescribe, columns: SourceColumns, salt: str, telling: Telling
) -> Pipeline:
    """How a field gets its value. The mapping's columns are all there."""
    first, kind, stages = _first(item, columns)
    stages += _transformed(mapping, item, _kind(stages, kind), telling)
    if item.sql is not None and described.type == "datetime" and not item.transform:
        stages += (plain(utc_text_sql),)
    if item.values is not None:
        stages += (*_text(stages, kind), _values_stage(item, telling))
    stages += typed_stages(_kind(stages, kind), described, telling)
    stages += _default_stages(item.default, described, _kind(stages, kind))
    if item.mask is not None:
        stages += mask_stages(item.mask, described, salt)
    if item.mask != "null":
        stages += limit_stages(described, telling)
    return Pipeline(described.name, first, stages, _reads(item, columns))


def lookup_pipeline(
    mapping: Mapping, name: str, lookup: Lookup, by: FieldDescribe | None, columns: SourceColumns, telling: Telling
) -> Pipeline:
    """How a lookup gets the value that its parent is found by: canonical text."""
    first, kind, stages = _first(lookup, columns)
    stages += _transformed(mapping, lookup, _kind(stages, kind), telling)
    if by is not None:
        stages += typed_stages(_kind(stages, kind), by, telling)
    stages += (*text_stages(_kind(stages, kind)), plain(said))
    if lookup.default is not None:
        stages += _filled(literal(lookup.default), Kind.TEXT)
    return Pipeline(name, first, stages, _reads(lookup, columns))


def _reads(item: FieldMapping | Lookup, columns: SourceColumns) -> tuple[str, ...]:
    wanted = item.columns if item.sql is None else expression_of(item.sql).columns
    return columns.all(wanted)


def _kind(stages: tuple[Stage, ...], kind: Kind) -> Kind:
    return stages[-1].kind if stages else kind


def _text(stages: tuple[Stage, ...], kind: Kind) -> tuple[Stage, ...]:
    """The stages that make text of whatever came so far."""
    return text_stages(_kind(stages, kind))


def _first(item: FieldMapping | Lookup, columns: SourceColumns) -> tuple[str, Kind, tuple[Stage, ...]]:
    """SQL of the raw value, what it is, and what reading it takes."""
    if item.constant is not None:
        return literal(item.constant), Kind.TEXT, ()
    if item.sql is not None:
        # What an expression gives is known to the database alone; as text it goes the same way as a file's values.
        computed, taken_out = computed_stage(expression_of(item.sql).sql(columns.names))
        return computed, Kind.LIST, (taken_out,)
    named = columns.all(item.columns)
    if len(named) == 1:
        kind, column = kind_of(columns.types[named[0]]), quoted_source(named[0])
        if kind is Kind.NUMBER:
            return number_sql(column, columns.types[named[0]]), kind, ()
        if kind is not Kind.TEXT:
            return column, kind, ()
        is_plain_text = columns.types[named[0]].upper() in ("VARCHAR", "TEXT")
        return some(column if is_plain_text else f"CAST({column} AS VARCHAR)"), kind, ()
    parts = [_text_of(each, columns.types[each]) for each in named]
    return lists.joined_sql(parts, item.transform[0].join or ""), Kind.TEXT, ()


def _text_of(column: str, sql_type: str) -> str:
    kind, value = kind_of(sql_type), quoted_source(column)
    return canonical_text(number_sql(value, sql_type) if kind is Kind.NUMBER else value, kind)


def _transformed(mapping: Mapping, item: FieldMapping | Lookup, kind: Kind, telling: Telling) -> tuple[Stage, ...]:
    stages: tuple[Stage, ...] = ()
    for step in item.transform:
        if not step.takes(_kind(stages, kind)):
            stages += _text(stages, kind)
        stages += step.stages(_kind(stages, kind), telling, mapping.value_table(step.table))
    return stages


def _values_stage(item: FieldMapping, telling: Telling) -> Stage:
    to_org = [(local, org) for org, local in item.value_pairs()]

    def other(x: str) -> str:
        if isinstance(item.otherwise, OtherValue):
            return f"CASE WHEN {said(x)} IS NOT NULL THEN {literal(item.otherwise.value)} END"
        return x if item.otherwise == "keep" else "NULL"

    def problem(x: str, unnamed: str) -> str:
        return telling.said(x, "is not among the `values` of the mapping", f"{unnamed} AND {said(x)} IS NOT NULL")

    if len(to_org) >= _MANY_VALUES:
        return Stage(
            Kind.TEXT,
            lambda x, t: f"CASE WHEN {t}.input IS NOT NULL THEN {t}.output WHEN {x} IS NOT NULL THEN {other(x)} END",
            (lambda x, t, _: problem(x, f"{x} IS NOT NULL AND {t}.input IS NULL"))
            if item.otherwise == "fail"
            else None,
            relation=pairs(to_org),
        )
    cases = " ".join(f"WHEN {literal(local)} THEN {literal(org)}" for local, org in to_org)
    named = ", ".join(literal(local) for local, _ in to_org)
    return Stage(
        Kind.TEXT,
        lambda x, _: f"CASE {x} {cases} ELSE CASE WHEN {x} IS NOT NULL THEN {other(x)} END END",
        (lambda x, _t, _y: problem(x, f"{x} NOT IN ({named})")) if item.otherwise == "fail" else None,
    )


def _default_stages(default: str | None, described: FieldDescribe, kind: Kind) -> tuple[Stage, ...]:
    """A default is typed like everything else; `mapping check` refuses one that cannot be."""
    if default is None:
        return ()
    column_type = sql_type(described)
    typed = literal(default) if column_type == "VARCHAR" else f"TRY_CAST({literal(default)} AS {column_type})"
    return _filled(typed, kind)


def _filled(value: str, kind: Kind) -> tuple[Stage, ...]:
    there = said if kind is Kind.TEXT else str
    return (plain(lambda x: f"coalesce({there(x)}, {value})", kind),)
