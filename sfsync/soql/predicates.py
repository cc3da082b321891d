"""One field against one value or list of values, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sfsync.errors import SoqlError
from sfsync.record_ids import is_id, long_id
from sfsync.soql.ast import (
    BooleanValue,
    CurrencyValue,
    DateLiteral,
    DateTimeValue,
    DateValue,
    Expression,
    LikePattern,
    NullValue,
    NumberValue,
    StringValue,
    TimeValue,
    Value,
)
from sfsync.soql.columns import Column, Family, last_name
from sfsync.soql.dates import Calendar, date_range
from sfsync.soql.sql_literals import (
    date_literal,
    number_literal,
    text_literal,
    time_literal,
    timestamp_literal,
)

_ORDERINGS = frozenset({"<", "<=", ">", ">="})
_QUOTED = frozenset({Family.TEXT, Family.MULTIPICKLIST, Family.ID})

#: Kinds of field that take one kind of value, and how that value is written in SQL.
_UNQUOTED: dict[Family, tuple[type[BooleanValue | DateValue | DateTimeValue | TimeValue], Callable[[Any], str]]] = {
    Family.BOOLEAN: (BooleanValue, lambda truth: "true" if truth else "false"),
    Family.DATE: (DateValue, date_literal),
    Family.DATETIME: (DateTimeValue, timestamp_literal),
    Family.TIME: (TimeValue, time_literal),
}


@dataclass(frozen=True, slots=True)
class Exactly:
    """One value; `forms` are SQL literals that all mean it, the usual one first."""

    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A range from `start` to just before `end`, both SQL literals."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value: `null`, or an empty text."""


Operand = Exactly | Between | Nothing


def operand(column: Column, expression: Expression, value: Value, now: datetime, calendar: Calendar) -> Operand:
    """What a value means for a column; raises `SoqlError` when it does not fit the column's type."""
    if column.family is Family.ADDRESS:
        raise expression.place.error(
            "Address fields can only be filtered using Distance expressions", code="INVALID_FIELD"
        )
    family = column.family
    if isinstance(value, NullValue):
        return Nothing()
    if isinstance(value, StringValue) and family in _QUOTED:
        return _text(column, expression, value.text)
    if isinstance(value, DateLiteral) and family in {Family.DATE, Family.DATETIME}:
        return _days(column, value, now, calendar)
    if isinstance(value, NumberValue) and family in {Family.NUMBER, Family.INTEGER}:
        return _number(expression, value.number)
    if isinstance(value, CurrencyValue) and column.type == "currency":
        return _number(expression, value.amount)
    if family in _UNQUOTED:
        kind, literal = _UNQUOTED[family]
        if isinstance(value, kind):
            return Exactly((literal(value.value),))
    raise _mismatch(column, expression)


def comparison(column: Column, operator: str, right: Operand, expression: Expression) -> str:
    """`column operator right`."""
    if operator in _ORDERINGS and column.family in {Family.BOOLEAN, Family.MULTIPICKLIST}:
        raise _invalid_operator(column, expression)
    if operator == "=":
        return equality(column, [right])
    if operator == "!=":
        return f"({equality(column, [right])} IS NOT TRUE)"
    if isinstance(right, Nothing):
        return "false"
    if isinstance(right, Exactly):
        return f"({column.key} {operator} {right.forms[0]})"
    bound = right.start if operator in {"<", ">="} else right.end
    return f"({column.key} {'<' if operator.startswith('<') else '>='} {bound})"


def equality(column: Column, candidates: Sequence[Operand]) -> str:
    """Whether the column equals one of the candidates."""
    tests = []
    forms = list(dict.fromkeys(form for one in candidates if isinstance(one, Exactly) for form in one.forms))
    if len(forms) == 1:
        tests.append(f"{column.key} = {forms[0]}")
    elif forms:
        tests.append(f"{column.key} IN ({', '.join(forms)})")
    spans = [one for one in candidates if isinstance(one, Between)]
    tests += [f"{column.key} >= {span.start} AND {column.key} < {span.end}" for span in spans]
    if any(isinstance(one, Nothing) for one in candidates):
        # A boolean is never without a value; Salesforce documents that `null` matches the false ones.
        tests.append(f"NOT {column.key}" if column.family is Family.BOOLEAN else f"{column.sql} IS NULL")
    return f"({' OR '.join(tests)})"


def like(column: Column, expression: Expression, pattern: Value) -> str:
    """`column LIKE pattern`."""
    if column.family is not Family.TEXT:
        raise _invalid_operator(column, expression)
    if isinstance(pattern, NullValue) or pattern == LikePattern(""):
        return f"({column.sql} IS NULL)"
    if not isinstance(pattern, LikePattern):
        raise _mismatch(column, expression)
    escape = r" ESCAPE '\'" if "\\" in pattern.text else ""
    return f"({column.key} LIKE lower({text_literal(pattern.text)}){escape})"


def includes(column: Column, expression: Expression, values: Sequence[Value]) -> str:
    """Whether a multi-select picklist holds all the entries of one of the values (`'A;B'` is A and B)."""
    if column.family is not Family.MULTIPICKLIST:
        raise _invalid_operator(column, expression)
    tests = []
    for value in values:
        if not isinstance(value, StringValue):
            raise _mismatch(column, expression)
        entries = [entry for entry in value.text.split(";") if entry]
        parts = [f"contains(';' || {column.key} || ';', lower({text_literal(f';{entry};')}))" for entry in entries]
        tests.append(f"({' AND '.join(parts)})" if parts else f"({column.sql} IS NULL)")
    return f"({' OR '.join(tests)})"


def _text(column: Column, expression: Expression, text: str) -> Operand:
    if not text:
        return Nothing()
    if column.family is not Family.ID:
        return Exactly((f"lower({text_literal(text)})",))
    if not is_id(text):
        raise expression.place.error(f"invalid ID field: {text}", code="INVALID_QUERY_FILTER_OPERATOR")
    return Exactly(tuple(text_literal(form) for form in dict.fromkeys((long_id(text), text))))


def _number(expression: Expression, number: Decimal) -> Exactly:
    literal = number_literal(number)
    if "inf" in literal:
        raise expression.place.error("value outside of valid range on numeric field", code="NUMBER_OUTSIDE_VALID_RANGE")
    return Exactly((literal,))


def _days(column: Column, literal: DateLiteral, now: datetime, calendar: Calendar) -> Between:
    days = date_range(literal, calendar.today(now), calendar)
    if column.family is Family.DATE:
        return Between(date_literal(days.start), date_literal(days.end))
    return Between(timestamp_literal(calendar.midnight(days.start)), timestamp_literal(calendar.midnight(days.end)))


def _mismatch(column: Column, expression: Expression) -> SoqlError:
    name = column.name or last_name(expression)
    quotes = "should be enclosed in quotes" if column.family in _QUOTED else "should not be enclosed in quotes"
    word = Family.TEXT if column.family is Family.MULTIPICKLIST else column.family
    return expression.place.error(
        f"value of filter criterion for field '{name}' must be of type {word} and {quotes}", code="INVALID_FIELD"
    )


def _invalid_operator(column: Column, expression: Expression) -> SoqlError:
    word = column.type if column.family is not Family.ID else "id"
    return expression.place.error(f"invalid operator on {word} field", code="INVALID_QUERY_FILTER_OPERATOR")
