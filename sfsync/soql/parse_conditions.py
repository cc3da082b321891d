"""Reads expressions and conditions: what stands after WHERE and HAVING."""

from __future__ import annotations

from collections.abc import Callable

from sfsync.errors import SoqlError
from sfsync.soql.ast import (
    And,
    Call,
    Comparison,
    Condition,
    Expression,
    Membership,
    Not,
    NumberValue,
    Or,
    Query,
    SemiJoin,
    Value,
)
from sfsync.soql.cursor import Cursor
from sfsync.soql.parse_values import number, string, value
from sfsync.soql.tokens import Kind

#: Reads the SELECT of a semi-join; handed in by `parse`, which knows statements.
ReadSelect = Callable[[Cursor], Query]

#: Functions around one another: `HOUR_IN_DAY(convertTimezone(CreatedDate))` and no more.
_MOST_FUNCTIONS = 2

_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_MIXED = "Put parentheses around the conditions that belong together: AND and OR do not mix without them."
_NOT_ALONE = "Put NOT and its condition in parentheses: SOQL allows NOT only at the start of a group of its own."


def condition(cursor: Cursor, read_select: ReadSelect) -> Condition:
    """Take conditions joined by AND, or by OR, or one behind NOT."""
    with cursor.nested():
        if cursor.accepts("NOT"):
            negated = Not(_simple(cursor, read_select))
            if cursor.sees("AND") or cursor.sees("OR"):
                raise cursor.next.unexpected(_NOT_ALONE)
            return negated
        operands = [_simple(cursor, read_select)]
        joiner = cursor.next.key
        if joiner not in {"AND", "OR"}:
            return operands[0]
        while cursor.accepts(joiner):
            if cursor.sees("NOT"):
                raise cursor.next.unexpected(_NOT_ALONE)
            operands.append(_simple(cursor, read_select))
        if cursor.sees("AND") or cursor.sees("OR"):
            raise cursor.next.unexpected(_MIXED)
        return And(tuple(operands)) if joiner == "AND" else Or(tuple(operands))


def expression(cursor: Cursor, functions: int = _MOST_FUNCTIONS) -> Expression:
    """Take a field path, or up to `functions` functions around one, or DISTANCE with its special arguments."""
    if cursor.ahead(1).text != "(" or not cursor.sees_name() or not functions:
        return cursor.path()
    if cursor.sees("DISTANCE"):
        return _distance(cursor)
    name = cursor.name()
    cursor.expect_operator("(")
    if not cursor.sees_name():
        raise cursor.next.unexpected(since=name.place)
    argument = expression(cursor, functions - 1)
    cursor.expect_operator(")")
    return Call(name.text, (argument,), place=name.place)


def _distance(cursor: Cursor) -> Call:
    """`DISTANCE(field, GEOLOCATION(latitude, longitude), 'unit')`."""
    name = cursor.name()
    cursor.expect_operator("(")
    field = cursor.path()
    cursor.expect_operator(",")
    point = cursor.expect("GEOLOCATION")
    cursor.expect_operator("(")
    latitude = _coordinate(cursor)
    cursor.expect_operator(",")
    longitude = _coordinate(cursor)
    cursor.expect_operator(")")
    cursor.expect_operator(",")
    unit = string(cursor)
    cursor.expect_operator(")")
    where = Call(point.text, (latitude, longitude), place=point.place)
    return Call(name.text, (field, where, unit), place=name.place)


def _coordinate(cursor: Cursor) -> NumberValue:
    place = cursor.next.place
    return NumberValue(number(cursor), place=place)


def _simple(cursor: Cursor, read_select: ReadSelect) -> Condition:
    """Take a condition in parentheses or one comparison."""
    if cursor.accepts_operator("("):
        inner = condition(cursor, read_select)
        cursor.expect_operator(")")
        return inner
    left = expression(cursor)
    operator = cursor.next
    if operator.kind is Kind.OPERATOR:
        return Comparison(left, _comparison_operator(cursor), value(cursor))
    if cursor.accepts("LIKE"):
        return Comparison(left, "LIKE", value(cursor, like=True))
    if cursor.sees("INCLUDES") or cursor.sees("EXCLUDES"):
        cursor.take()
        return Membership(left, operator.key, _values(cursor))
    if cursor.accepts("NOT", "IN"):
        return _in(cursor, left, read_select, negated=True)
    if cursor.accepts("IN"):
        return _in(cursor, left, read_select, negated=False)
    raise _no_operator(cursor, left)


def _comparison_operator(cursor: Cursor) -> str:
    token = cursor.next
    if token.text not in _COMPARISONS:
        raise token.unexpected()
    cursor.take()
    if token.text in {"<", ">"} and cursor.accepts_operator("="):
        return token.text + "="
    if token.text == "=" and cursor.sees_operator("="):
        raise cursor.next.unexpected("Equality is written with one =.")
    return "!=" if token.text == "<>" else token.text


def _no_operator(cursor: Cursor, left: Expression) -> SoqlError:
    token = cursor.next
    hints = {"IS": "Write `= null` or `!= null`.", "BETWEEN": "Write two comparisons joined by AND."}
    if cursor.accepts("NOT"):
        return cursor.next.unexpected("Write `(NOT field LIKE …)`.", since=left.place)
    return token.unexpected(hints.get(token.key), since=left.place)


def _in(cursor: Cursor, left: Expression, read_select: ReadSelect, *, negated: bool) -> Membership | SemiJoin:
    if not cursor.sees_operator("(") or cursor.ahead(1).text == ")":
        cursor.accepts_operator("(")
        raise cursor.next.unexpected("IN takes at least one value in parentheses.", since=left.place)
    if cursor.ahead(1).key == "SELECT":
        cursor.take()
        with cursor.nested():
            query = read_select(cursor)
        cursor.expect_operator(")")
        return SemiJoin(left, negated, query)
    return Membership(left, "NOT IN" if negated else "IN", _values(cursor))


def _values(cursor: Cursor) -> tuple[Value, ...]:
    cursor.expect_operator("(")
    values = [value(cursor)]
    while cursor.accepts_operator(","):
        values.append(value(cursor))
    cursor.expect_operator(")")
    return tuple(values)
