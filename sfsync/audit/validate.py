"""What a rule's file promises, held against itself: its SQL, its parameters, its message and its examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from sfsync.audit.example_records import fields_of, fits
from sfsync.audit.message import message_columns
from sfsync.audit.notions import RELATIONS, serves
from sfsync.audit.portable import (
    DIALECT,
    NESTED_TOO_DEEPLY,
    SCHEMAS,
    Fault,
    Places,
    UnreadableSql,
    check_portable,
    parse_select,
)
from sfsync.audit.rule import MEANINGFUL_COLUMNS, Example, Rule
from sfsync.audit.sql import GIVEN
from sfsync.config.document import Document, KeyPath
from sfsync.config.spelling import nearest_name, shown, suggestion
from sfsync.errors import Problem

#: Columns of the relation behind a threshold, and of the query that makes it.
THRESHOLD_COLUMNS = ("segment", "value", "n")

_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNRESOLVED = re.compile(r"[Cc]olumn:? '?([^'\s]+)'?")


@dataclass(frozen=True, slots=True)
class _Text:
    """One SQL text of the rule, and what it may read besides the mirror."""

    path: KeyPath
    sql: str
    relations: Mapping[str, tuple[str, ...]]
    must_have: tuple[str, ...]


def rule_problems(rule: Rule, document: Document) -> list[Problem]:
    """Everything wrong with a rule that fits the file format."""
    problems: list[Problem] = [*_parameter_problems(rule, document)]
    notions = {name: columns for name, columns in RELATIONS.items() if _may_read(rule, name)}
    thresholds = {name: (*THRESHOLD_COLUMNS, "origin") for name, p in rule.params.items() if p.type == "threshold"}
    for name, parameter in rule.params.items():
        if parameter.sql is not None:
            text = _Text(("params", name, "sql"), parameter.sql, notions, THRESHOLD_COLUMNS)
            problems += _text_problems(rule, document, text)[1]
    judged = _Text(("eligible",), rule.eligible, {**notions, **thresholds}, ("record_id",))
    eligible_columns, found = _text_problems(rule, document, judged)
    problems += found
    relations = {**notions, **thresholds, "eligible": eligible_columns}
    columns, found = _text_problems(rule, document, _Text(("sql",), rule.sql, relations, ("record_id",)))
    problems += found
    if columns:
        problems += _message_problems(rule, document, columns)
    for i, example in enumerate(rule.examples):
        problems += _example_problems(rule, document, i, example)
    return problems


def _may_read(rule: Rule, relation: str) -> bool:
    return any(serves(relation, notion) for notion in (*rule.notions, *rule.optional_notions))


def _parameter_problems(rule: Rule, document: Document) -> Iterator[Problem]:
    for name in rule.params:
        if not _PARAMETER_NAME.fullmatch(name):
            message = f"`{name}` cannot be the name of a parameter"
            yield document.problem("params", name, message=message, hint="lower case, like `grace_hours`", key=True)
        elif name in (*GIVEN, *RELATIONS, "eligible", "violations"):
            yield document.problem("params", name, message=f"`{name}` is taken by sfsync itself", key=True)


def _text_problems(rule: Rule, document: Document, text: _Text) -> tuple[tuple[str, ...], list[Problem]]:
    """The columns one SQL text gives, and everything wrong with it."""
    try:
        query = parse_select(text.sql)
    except UnreadableSql as unreadable:
        return (), [_at(document, text, unreadable.fault)]
    places = Places(text.sql)
    try:
        faults = _faults(rule, query, places, text)
    except RecursionError:
        faults = [NESTED_TOO_DEEPLY]
    columns = tuple(name.casefold() for name in query.named_selects if name not in ("", "*"))
    return columns, [_at(document, text, fault) for fault in faults]


def _faults(rule: Rule, query: exp.Query, places: Places, text: _Text) -> list[Fault]:
    faults = [
        *check_portable(query, places),
        *_source_faults(rule, query, places, text.relations),
        *_placeholder_faults(rule, query, places),
        *_output_faults(query, places, text.must_have),
    ]
    if not faults:
        faults = _resolution_faults(rule, query, places, text.relations)
    if not faults:
        query.sql(dialect=DIALECT)  # what cannot be written out again cannot run either
    return faults


def _at(document: Document, text: _Text, fault: Fault) -> Problem:
    line, column = document.place_in_text(text.path, fault.row, fault.column)
    return Problem(document.name, line, column, fault.message, fault.hint)


def _source_faults(
    rule: Rule, query: exp.Query, places: Places, relations: Mapping[str, tuple[str, ...]]
) -> Iterator[Fault]:
    own = {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
    objects = {name.casefold() for name in rule.fields}
    for source in query.find_all(exp.Table):
        if not isinstance(source.this, exp.Identifier):
            continue  # reported as not portable
        place = places.node(source)
        if not source.db:
            if source.name.casefold() not in own and source.name.casefold() not in relations:
                yield _unknown_relation(source.name, relations, place)
        elif source.catalog or source.db.casefold() not in SCHEMAS:
            message = f"a rule reads the schemas {', '.join(SCHEMAS)}, not `{source.db}`"
            yield Fault(message, suggestion(source.db, SCHEMAS), *place)
        elif source.name.casefold() not in objects:
            hint = suggestion(source.name, rule.fields)
            yield Fault(f"{source.name} is read, but is neither in `needs` nor in `optional`", hint, *place)


def _unknown_relation(
    name: str, relations: Mapping[str, tuple[str, ...]], place: tuple[int | None, int | None]
) -> Fault:
    if name.casefold() in RELATIONS:
        hint = "add `framework` (or `lead_status.…`) to `notions`, or a `notion` to `optional`"
        return Fault(f"`{name}` is read, but the rule does not say which notions it needs", hint, *place)
    hint = suggestion(name, relations) or "tables of the mirror are written `sf.Lead`"
    return Fault(f"there is no relation `{name}`", hint, *place)


def _placeholder_faults(rule: Rule, query: exp.Query, places: Places) -> Iterator[Fault]:
    for node in query.find_all(exp.Placeholder):
        if not node.name.isidentifier():
            continue  # reported as not portable
        place = places.word(node.name)
        parameter = rule.params.get(node.name)
        if parameter is None and node.name not in GIVEN:
            hint = suggestion(node.name, (*rule.params, *GIVEN))
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


def _resolution_faults(
    rule: Rule, query: exp.Query, places: Places, relations: Mapping[str, tuple[str, ...]]
) -> list[Fault]:
    """Columns that nothing in reach has: then `needs` is incomplete, or a name is misspelt."""
    objects = {name: {**dict.fromkeys(fields, "VARCHAR"), "Id": "VARCHAR"} for name, fields in rule.fields.items()}
    kept = {name: {**fields, "valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP"} for name, fields in objects.items()}
    schema = MappingSchema({"sf": objects, "sf_all": objects, "sf_history": kept}, dialect=DIALECT)
    try:
        # Aliases of the same SELECT are refused on purpose: PostgreSQL does not know them either.
        qualify(_with_stubs(query.copy(), relations), schema=schema, dialect=DIALECT, expand_alias_refs=False)
    except OptimizeError as error:
        return [_unresolved(rule, str(error), places, relations)]
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


def _unresolved(rule: Rule, told: str, places: Places, relations: Mapping[str, tuple[str, ...]]) -> Fault:
    match = _UNRESOLVED.search(told)
    if match is None:
        return Fault(f"the SQL does not resolve: {told}")
    name = match.group(1).strip('"')
    known = [field for fields in rule.fields.values() for field in fields]
    known += [column for columns in relations.values() for column in columns]
    row, column = places.word(name)
    name = places.written(row, column, name)
    if name.casefold() in {word.casefold() for word in known}:
        hint = "say which table it belongs to; an alias cannot be used in the SELECT that makes it"
        return Fault(f"the column `{name}` is not in reach here, or is in several tables", hint, row, column)
    near = nearest_name(name, known)
    hint = f"did you mean `{near}`?" if near else "add it to `needs`"
    return Fault(f"the column `{name}` is not in `needs`, and no relation here has it", hint, row, column)


def _message_problems(rule: Rule, document: Document, columns: tuple[str, ...]) -> Iterator[Problem]:
    try:
        used = [name.casefold() for name in message_columns(rule.message)]
    except ValueError as error:
        yield document.problem("message", message=str(error))
        return
    for name in used:
        if name not in columns:
            yield document.problem("message", message=f"`sql` has no column `{name}`", hint=suggestion(name, columns))
    for name in columns:
        if name not in used and name not in MEANINGFUL_COLUMNS:
            hint = suggestion(name, (*used, *MEANINGFUL_COLUMNS))
            message = f"the column `{name}` is neither shown by `message` nor has a meaning of its own"
            yield document.problem("sql", message=message, hint=hint)


def _example_problems(rule: Rule, document: Document, number: int, example: Example) -> Iterator[Problem]:
    here: KeyPath = ("examples", number)
    for name, value in example.params.items():
        parameter = rule.params.get(name)
        if parameter is None:
            hint = suggestion(name, rule.params)
            yield document.problem(*here, "params", name, message=f"no parameter `{name}`", hint=hint, key=True)
            continue
        try:
            parameter.check(value)
        except ValueError as error:
            yield document.problem(*here, "params", name, message=f"`{name}` {error}")
    readable = {*rule.fields, *(f"{name}.{field}" for name, fields in rule.fields.items() for field in fields)}
    for i, name in enumerate(example.without):
        if name not in readable:
            hint = suggestion(name, readable)
            yield document.problem(*here, "without", i, message=f"the rule does not read {name}", hint=hint)
    for name in example.given:
        if name not in rule.fields:
            message, hint = f"the rule does not read {name}", suggestion(name, rule.fields)
            yield document.problem(*here, "given", name, message=message, hint=hint, key=True)
        else:
            yield from _record_problems(rule, document, here, example, name)


def _record_problems(
    rule: Rule, document: Document, here: KeyPath, example: Example, object_name: str
) -> Iterator[Problem]:
    known = fields_of(rule, example, object_name)
    for i, record in enumerate(example.given[object_name]):
        for field, value in record.items():
            place = (*here, "given", object_name, i, field)
            if field not in known:
                message = f"the rule does not read {object_name}.{field}"
                yield document.problem(*place, message=message, hint=suggestion(field, known), key=True)
            elif not fits(value, known[field]):
                message = f"`{field}` should be {known[field]}, not `{shown(value)}`"
                yield document.problem(*place, message=message)
