"""One SQL text of a rule or relation, held against what it may read and what it must give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from sfsync.audit.parameter import Parameter
from sfsync.audit.portable import (
    DIALECT,
    NESTED_TOO_DEEPLY,
    SCHEMAS,
    Fault,
    Places,
    UnreadableSql,
    check_portable,
    placed_select,
)
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import Fields, Notion
from sfsync.audit.sql import GIVEN
from sfsync.config.document import Document, KeyPath
from sfsync.config.spelling import nearest_name, suggestion
from sfsync.errors import Problem

#: Columns of every table of `sf_history`, beside its fields.
HISTORY_COLUMNS = {"valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP", "existed": "BOOLEAN"}

_UNRESOLVED = re.compile(r"[Cc]olumn:? '?([^'\s]+)'?")


@dataclass(frozen=True, slots=True)
class SqlText:
    """One SQL text, and what it may read.

    Attributes:
        path: Where it stands in its file.
        sql: The text.
        fields: Object → field → type.
        relations: Those there are.
        notions: Those its file names, needed or optional.
        params: Parameters, besides those every text has.
        parts: Other queries of the same rule it may read: name → columns.
        must_have: Columns it must give.
    """

    path: KeyPath
    sql: str
    fields: Mapping[str, Fields]
    relations: Mapping[str, Relation]
    notions: tuple[Notion, ...] = ()
    params: Mapping[str, Parameter] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    must_have: tuple[str, ...] = ()

    @property
    def readable(self) -> dict[str, tuple[str, ...]]:
        """Every bare name it may read, with its columns."""
        return {**{name: tuple(each.columns) for name, each in self.relations.items()}, **self.parts}


def text_problems(document: Document, text: SqlText) -> tuple[tuple[str, ...], list[Problem]]:
    """The columns one SQL text gives, and everything wrong with it."""
    try:
        query = placed_select(text.sql)
    except UnreadableSql as unreadable:
        return (), [_at(document, text, unreadable.fault)]
    places = Places(text.sql)
    try:
        faults = _faults(query, places, text)
    except RecursionError:
        faults = [NESTED_TOO_DEEPLY]
    columns = tuple(name.casefold() for name in query.named_selects if name not in ("", "*"))
    return columns, [_at(document, text, fault) for fault in faults]


def _faults(query: exp.Query, places: Places, text: SqlText) -> list[Fault]:
    faults = [
        *check_portable(query, places),
        *_source_faults(query, places, text),
        *_placeholder_faults(query, places, text),
        *_output_faults(query, places, text.must_have),
    ]
    if not faults:
        faults = _resolution_faults(query, places, text)
    if not faults:
        query.sql(dialect=DIALECT)  # what cannot be written out again cannot run either
    return faults


def _at(document: Document, text: SqlText, fault: Fault) -> Problem:
    line, column = document.place_in_text(text.path, fault.row, fault.column)
    return Problem(document.name, line, column, fault.message, fault.hint)


def _source_faults(query: exp.Query, places: Places, text: SqlText) -> Iterator[Fault]:
    own = {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
    objects = {name.casefold() for name in text.fields}
    for source in query.find_all(exp.Table):
        if not isinstance(source.this, exp.Identifier):
            continue  # reported as not portable
        place = places.node(source)
        if not source.db:
            if source.name.casefold() not in own:
                yield from _bare_source_faults(source.name, text, place)
        elif source.catalog or source.db.casefold() not in SCHEMAS:
            message = f"a rule reads the schemas {', '.join(SCHEMAS)}, not `{source.db}`"
            yield Fault(message, suggestion(source.db, SCHEMAS), *place)
        elif source.name.casefold() not in objects:
            hint = suggestion(source.name, text.fields)
            yield Fault(f"{source.name} is read, but is neither in `needs` nor in `optional`", hint, *place)


def _bare_source_faults(name: str, text: SqlText, place: tuple[int | None, int | None]) -> Iterator[Fault]:
    relation = text.relations.get(name.casefold())
    if name.casefold() in text.parts:
        return
    if relation is None:
        hint = suggestion(name, text.readable) if nearest_name(name, list(text.readable)) else None
        yield Fault(f"there is no relation `{name}`", hint or "tables of the mirror are written `sf.Lead`", *place)
    elif not relation.is_served_by(text.notions):
        served = " or ".join(f"`{notion}`" for notion in relation.serves)
        hint = f"add {served} to `notions`, or as a `notion` to `optional`"
        yield Fault(f"`{name}` is read, but the file does not say which notions it needs", hint, *place)


def _placeholder_faults(query: exp.Query, places: Places, text: SqlText) -> Iterator[Fault]:
    for node in query.find_all(exp.Placeholder):
        if not node.name.isidentifier():
            continue  # reported as not portable
        place = places.word(node.name)
        parameter = text.params.get(node.name)
        if parameter is None and node.name not in GIVEN:
            hint = suggestion(node.name, (*text.params, *GIVEN))
            yield Fault(f"the parameter `${node.name}` is not in `params`", hint, *place)
        in_list = isinstance(node.parent, exp.In) and node in node.parent.expressions
        if parameter is not None and parameter.type == "texts" and not in_list:
            yield Fault(f"`${node.name}` is a list", f"write `… IN (${node.name})`", *place)


def _output_faults(query: exp.Query, places: Places, must_have: tuple[str, ...]) -> Iterator[Fault]:
    names = [column.output_name.casefold() for column in query.selects]
    if "*" in names or "" in names:
        yield Fault("every column of a rule's SELECT needs a name", "write the columns out, each with `AS name`")
        return
    for name in must_have:
        if name not in names:
            yield Fault(f"the SELECT has no column `{name}`", suggestion(name, names))
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(f"the SELECT has two columns `{name}`", None, *places.word(name))


def _resolution_faults(query: exp.Query, places: Places, text: SqlText) -> list[Fault]:
    """Columns that nothing in reach has: then `needs` is incomplete, or a name is misspelt."""
    objects = {name: {**dict.fromkeys(fields, "VARCHAR"), "Id": "VARCHAR"} for name, fields in text.fields.items()}
    kept = {name: {**fields, **HISTORY_COLUMNS} for name, fields in objects.items()}
    tables: dict[str, object] | None = {"sf": objects, "sf_all": objects, "sf_history": kept} if objects else None
    schema = MappingSchema(tables, dialect=DIALECT)
    try:
        # Aliases of the same SELECT are refused on purpose: PostgreSQL does not know them either.
        qualify(_with_stubs(query.copy(), _read(query, text)), schema=schema, dialect=DIALECT, expand_alias_refs=False)
    except OptimizeError as error:
        return [_unresolved(query, str(error), places, text)]
    return []


def _with_stubs(query: exp.Query, relations: Mapping[str, tuple[str, ...]]) -> exp.Query:
    stubs = [
        exp.CTE(
            this=exp.select(*(exp.null().as_(column) for column in columns or ("record_id",))),
            alias=exp.TableAlias(this=exp.to_identifier(name)),
        )
        for name, columns in relations.items()
    ]
    present = query.args.get("with_")
    query.set("with_", exp.With(expressions=[*stubs, *(present.expressions if present else ())]))
    return query


def _read(query: exp.Query, text: SqlText) -> dict[str, tuple[str, ...]]:
    """What the query reads by a bare name, with its columns."""
    names = {source.name.casefold() for source in query.find_all(exp.Table) if not source.db}
    return {name: columns for name, columns in text.readable.items() if name in names}


def _unresolved(query: exp.Query, told: str, places: Places, text: SqlText) -> Fault:
    match = _UNRESOLVED.search(told)
    if match is None:
        return Fault(f"the SQL does not resolve: {told}")
    name = match.group(1).strip('"')
    known = [field for fields in text.fields.values() for field in fields]
    known += [*HISTORY_COLUMNS] if "sf_history" in text.sql else []
    known += [column for columns in _read(query, text).values() for column in columns]
    row, column = places.word(name)
    name = places.written(row, column, name)
    if name.casefold() in {word.casefold() for word in known}:
        hint = "say which table it belongs to; an alias cannot be used in the SELECT that makes it"
        return Fault(f"the column `{name}` is not in reach here, or is in several tables", hint, row, column)
    near = nearest_name(name, known)
    hint = f"did you mean `{near}`?" if near else "add it to `needs`"
    return Fault(f"the column `{name}` is not in `needs`, and no relation here has it", hint, row, column)
