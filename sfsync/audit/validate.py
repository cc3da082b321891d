"""What a rule's file promises, held against itself: its SQL, its parameters, its message and its examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sfsync.audit.check_sql import SqlText, text_problems
from sfsync.audit.example_records import DESCRIBE_TYPES, fields_of, fits
from sfsync.audit.message import message_columns
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import MEANINGFUL_COLUMNS, Example, Rule
from sfsync.audit.sql import GIVEN
from sfsync.config.document import Document, KeyPath
from sfsync.config.spelling import shown, suggestion
from sfsync.errors import Problem

#: Columns of the relation behind a threshold, and of the query that makes it.
THRESHOLD_COLUMNS = ("segment", "value", "n")

#: Names of a rule's own queries.
OWN_NAMES = ("eligible", "violations")

_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")


def rule_problems(rule: Rule, document: Document, relations: Mapping[str, Relation]) -> list[Problem]:
    """Everything wrong with a rule that fits the file format; it must know the relations it reads."""
    problems: list[Problem] = [*_need_problems(rule, document), *_parameter_problems(rule, document, relations)]

    def check(path: KeyPath, sql: str, must_have: tuple[str, ...], **parts: tuple[str, ...]) -> tuple[str, ...]:
        notions = (*rule.every_notion, *(option.notion for option in rule.every_option if option.notion))
        text = SqlText(path, sql, rule.fields, relations, notions, rule.params, parts, must_have)
        columns, found = text_problems(document, text)
        problems.extend(found)
        return columns

    thresholds = {name: (*THRESHOLD_COLUMNS, "origin") for name, p in rule.params.items() if p.type == "threshold"}
    for name, parameter in rule.params.items():
        if parameter.sql is not None:
            check(("params", name, "sql"), parameter.sql, THRESHOLD_COLUMNS)
    judged = check(("eligible",), rule.eligible, ("record_id",), **thresholds)
    columns = check(("sql",), rule.sql, ("record_id",), **thresholds, eligible=judged or ("record_id",))
    if columns:
        problems += [*_fix_problems(rule, document, columns), *_message_problems(rule, document, columns)]
    for i, example in enumerate(rule.examples):
        problems += _example_problems(rule, document, i, example)
    return problems


def _need_problems(rule: Rule, document: Document) -> Iterator[Problem]:
    needed = rule.every_need
    if needed and rule.object not in needed:
        message = f"`needs` lists no fields of {rule.object}, the object the rule judges"
        yield document.problem("needs", message=message, key=True)
    elif not needed and not rule.relations:
        yield document.problem("needs", message="the rule reads nothing: `needs` names no field", key=True)
    for i, name in enumerate(rule.not_empty):
        if name not in needed:
            message = f"{name} is not in `needs`"
            yield document.problem("not_empty", i, message=message, hint=suggestion(name, needed))


def _fix_problems(rule: Rule, document: Document, columns: tuple[str, ...]) -> Iterator[Problem]:
    if rule.fix is None:
        return
    for field, column in rule.fix.set.items():
        if column.casefold() not in columns:
            hint = suggestion(column, columns)
            yield document.problem("fix", "set", field, message=f"`sql` has no column `{column}`", hint=hint)
    yield from _template_problems(document, ("fix", "reason"), rule.fix.reason, columns)


def _template_problems(document: Document, path: KeyPath, template: str, columns: tuple[str, ...]) -> Iterator[Problem]:
    try:
        used = message_columns(template)
    except ValueError as error:
        yield document.problem(*path, message=str(error))
        return
    for name in used:
        if name.casefold() not in columns:
            yield document.problem(*path, message=f"`sql` has no column `{name}`", hint=suggestion(name, columns))


def _parameter_problems(rule: Rule, document: Document, relations: Mapping[str, Relation]) -> Iterator[Problem]:
    for name in rule.params:
        if not _PARAMETER_NAME.fullmatch(name):
            message = f"`{name}` cannot be the name of a parameter"
            yield document.problem("params", name, message=message, hint="lower case, like `grace_hours`", key=True)
        elif name in (*GIVEN, *OWN_NAMES) or (rule.params[name].type == "threshold" and name in relations):
            yield document.problem("params", name, message=f"`{name}` is taken by sfsync itself", key=True)


def _message_problems(rule: Rule, document: Document, columns: tuple[str, ...]) -> Iterator[Problem]:
    yield from _template_problems(document, ("message",), rule.message, columns)
    try:
        templates = [rule.message, *([rule.fix.reason] if rule.fix else [])]
        used = [name.casefold() for template in templates for name in message_columns(template)]
    except ValueError:
        return  # told already
    used += [column.casefold() for column in (rule.fix.set.values() if rule.fix else ())]
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
        if name not in readable and not reads_metadata(rule):
            hint = suggestion(name, readable)
            yield document.problem(*here, "without", i, message=f"the rule does not read {name}", hint=hint)
    yield from _described_problems(rule, document, here, example)
    for name in example.given:
        if name not in rule.fields and name not in example.describe and not reads_metadata(rule):
            message, hint = f"the rule does not read {name}", suggestion(name, rule.fields)
            yield document.problem(*here, "given", name, message=message, hint=hint, key=True)
        else:
            yield from _record_problems(rule, document, here, example, name)


def reads_metadata(rule: Rule) -> bool:
    """Whether the rule asks what the org says about its fields: any object may then stand in an example."""
    return any(relation.rows is not None or relation.any_object for relation in rule.relations)


def _described_problems(rule: Rule, document: Document, here: KeyPath, example: Example) -> Iterator[Problem]:
    for name, fields in example.describe.items():
        if name not in rule.fields and not reads_metadata(rule):
            message, hint = f"the rule does not read {name}", suggestion(name, rule.fields)
            yield document.problem(*here, "describe", name, message=message, hint=hint, key=True)
        for field, described in fields.items():
            if described.type not in DESCRIBE_TYPES:
                hint = suggestion(described.type, DESCRIBE_TYPES)
                message = f"there is no type `{shown(described.type)}` of fields"
                yield document.problem(*here, "describe", name, field, "type", message=message, hint=hint)


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
