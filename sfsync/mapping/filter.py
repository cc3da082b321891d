"""The `filter:` of a mapping: checked against the object's fields, and turned into SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sfsync.config.spelling import suggestion
from sfsync.errors import Problem, SoqlError
from sfsync.mapping.schema import Mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql import Condition, FieldPath, parse_condition
from sfsync.soql.ast import And, Call, Comparison, Expression, Membership, Not, Or, SemiJoin
from sfsync.soql.condition_sql import Column, condition_sql
from sfsync.soql.dates import Calendar
from sfsync.store.names import quote

#: Any instant will do for finding out whether a filter can be understood.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def filter_problems(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    """Everything wrong with the mapping's filter, at its place in the file."""
    if mapping.filter is None:
        return
    try:
        condition = parse_condition(mapping.filter)
    except SoqlError as error:
        yield _as_problem(mapping, error)
        return
    refused = False
    for path in _paths(condition):
        if (problem := _path_problem(mapping, describe, path)) is not None:
            refused = True
            yield problem
    if refused:
        return
    try:
        filter_sql(mapping, describe, alias="record", now=_SOME_TIME)
    except SoqlError as error:
        yield _as_problem(mapping, error)


def filter_sql(
    mapping: Mapping, describe: ObjectDescribe, *, alias: str, now: datetime, calendar: Calendar | None = None
) -> str:
    """The mapping's filter as an SQL expression over the table `alias`; true for every record without a filter.

    Args:
        mapping: Has passed `filter_problems`.
        describe: Of its object.
        alias: Of the table in the statement.
        now: The instant (UTC) that date literals count from.
        calendar: Time zone and fiscal year of date literals; UTC and January unless given.
    """
    if mapping.filter is None:
        return "TRUE"

    def resolve(path: FieldPath) -> Column:
        found = describe.field(path.names[-1]) if len(path.names) == 1 else None
        if found is None:
            raise path.place.error(f"no such column '{path}' on entity '{describe.name}'", code="INVALID_FIELD")
        return _column(found, alias)

    return condition_sql(parse_condition(mapping.filter), resolve, now, calendar=calendar)


def _column(found: FieldDescribe, alias: str) -> Column:
    # Salesforce filters no long text, whatever operator: its own answer is the error `condition_sql` gives.
    filterable = not (found.type == "textarea" and found.length > 255)
    return Column(f"{quote(alias)}.{quote(found.name)}", found.type, found.name, filterable, found.picklist_values)


def _path_problem(mapping: Mapping, describe: ObjectDescribe, path: FieldPath) -> Problem | None:
    at = (path.place.row, path.place.column)
    if len(path.names) > 1:
        message = f"a filter may only use fields of {describe.name} itself, and `{path}` is one of another object"
        return mapping.filter_problem(message, *at, hint="filter by the reference field, e.g. `AccountId != null`")
    found = describe.field(path.names[0])
    if found is None:
        message = f"{describe.name} has no field `{path}`, or this user may not read it"
        return mapping.filter_problem(message, *at, hint=suggestion(str(path), [f.name for f in describe.fields]))
    if found not in describe.stored_fields:
        return mapping.filter_problem(f"{describe.name}.{found.name} is not mirrored, so it cannot be filtered by", *at)
    return None


def _paths(node: Condition) -> Iterator[FieldPath]:
    """Every field that a condition names, in the order of the text."""
    match node:
        case And(operands) | Or(operands):
            for each in operands:
                yield from _paths(each)
        case Not(operand):
            yield from _paths(operand)
        case Comparison(left=left) | Membership(left=left) | SemiJoin(left=left):
            yield from _named_in(left)


def _named_in(expression: Expression) -> Iterator[FieldPath]:
    if isinstance(expression, Call):
        for argument in expression.arguments:
            if isinstance(argument, FieldPath | Call):
                yield from _named_in(argument)
    else:
        yield expression


def _as_problem(mapping: Mapping, error: SoqlError) -> Problem:
    # Without the excerpt that Salesforce puts before its sentence: the place in the file says it better.
    message = str(error.context.get("text") or error.message)
    return mapping.filter_problem(f"the filter cannot be read: {message}", error.row, error.column, error.hint)
