"""SOQL's functions of one record's value: date functions, `toLabel`, `FORMAT`, `convertCurrency`."""

from __future__ import annotations

from collections.abc import Callable

from sfsync.errors import SoqlError
from sfsync.soql.ast import Call, FieldPath
from sfsync.soql.columns import Column, Family, unsupported
from sfsync.soql.dates import Calendar
from sfsync.soql.sql_literals import text_literal

Resolve = Callable[[FieldPath], Column]

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "GROUPING"})

#: Function → SQL over a date or timestamp `x`; `fiscal` is the same moment moved so that fiscal years begin in January.
_DATE_PARTS = {
    "CALENDAR_YEAR": "year({x})",
    "CALENDAR_QUARTER": "quarter({x})",
    "CALENDAR_MONTH": "month({x})",
    "DAY_IN_MONTH": "day({x})",
    "DAY_IN_WEEK": "dayofweek({x}) + 1",
    "DAY_IN_YEAR": "dayofyear({x})",
    "WEEK_IN_MONTH": "(day({x}) - 1) // 7 + 1",
    "WEEK_IN_YEAR": "(dayofyear({x}) - 1) // 7 + 1",
    "FISCAL_YEAR": "year({fiscal})",
    "FISCAL_QUARTER": "quarter({fiscal})",
    "FISCAL_MONTH": "month({fiscal})",
    "HOUR_IN_DAY": "hour({x})",
}

#: Date functions: they may be grouped by.
DATE_FUNCTIONS = frozenset({*_DATE_PARTS, "DAY_ONLY"})


#: Functions that change how a value is shown.
FORMATTING = frozenset({"TOLABEL", "CONVERTCURRENCY", "FORMAT"})


def function_column(call: Call, resolve: Resolve, calendar: Calendar) -> Column:
    """The column that a function of a field stands for; raises `SoqlError` for what cannot be called here."""
    argument = call.arguments[0] if call.arguments else None
    if call.key in DATE_FUNCTIONS and isinstance(argument, FieldPath | Call):
        return _date_function(call, argument, resolve, calendar)
    if call.key == "DISTANCE":
        raise unsupported(call, "DISTANCE")
    if call.key in FORMATTING and isinstance(argument, FieldPath | Call):
        inner = resolve(argument) if isinstance(argument, FieldPath) else function_column(argument, resolve, calendar)
        return formatted(call, inner, calendar)
    if call.key in AGGREGATES:
        raise call.place.error(f"Aggregate function is not allowed here: {call.name}")
    raise call.place.error(f"Invalid function: {call.name}")


def _date_function(call: Call, argument: FieldPath | Call, resolve: Resolve, calendar: Calendar) -> Column:
    x = _date_argument(call, argument, resolve, calendar)
    if call.key == "DAY_ONLY":
        return Column(f"CAST({x.sql} AS DATE)", "date", x.name)
    if call.key == "HOUR_IN_DAY" and x.family is not Family.DATETIME:
        raise _wrong_argument(call, x)
    # A fiscal year carries the name of the calendar year it ends in.
    ahead = (13 - calendar.fiscal_start_month) % 12
    fiscal = f"({x.sql} + INTERVAL {ahead} MONTH)" if ahead else x.sql
    return Column(f"CAST({_DATE_PARTS[call.key].format(x=x.sql, fiscal=fiscal)} AS INTEGER)", "int", x.name)


def _date_argument(call: Call, argument: FieldPath | Call, resolve: Resolve, calendar: Calendar) -> Column:
    """The date or moment a date function looks at: in UTC, unless `convertTimezone` asks for the user's zone."""
    if isinstance(argument, Call):
        inner = argument.arguments[0] if argument.arguments else None
        if argument.key != "CONVERTTIMEZONE" or not isinstance(inner, FieldPath):
            raise argument.place.error(f"Invalid function: {argument.name}")
        column = resolve(inner)
        if column.family is not Family.DATETIME:
            raise _wrong_argument(argument, column)
        return Column(_local(column.sql, calendar), "datetime", column.name)
    column = resolve(argument)
    if column.family not in {Family.DATE, Family.DATETIME}:
        raise _wrong_argument(call, column)
    return column


def _wrong_argument(call: Call, column: Column) -> SoqlError:
    return call.place.error(f"Invalid argument type for {call.name}: {column.name}", code="INVALID_FIELD")


def _local(sql: str, calendar: Calendar) -> str:
    if calendar.timezone == "UTC":
        return sql
    return f"(({sql} AT TIME ZONE 'UTC') AT TIME ZONE {text_literal(calendar.timezone)})"


def formatted(call: Call, column: Column, calendar: Calendar) -> Column:
    """A value as one of the `FORMATTING` functions shows it.

    Labels of picklist entries are their values here, and there is one currency; FORMAT writes as people in the United
    States do, which is Salesforce's default locale.
    """
    if call.key != "FORMAT":
        return column
    if column.family is Family.DATETIME:
        sql = f"strftime({_local(column.sql, calendar)}, '%-m/%-d/%Y, %-I:%M %p')"
    elif column.family is Family.DATE:
        sql = f"strftime({column.sql}, '%-m/%-d/%Y')"
    elif column.family in {Family.NUMBER, Family.INTEGER}:
        sql = f"rtrim(rtrim(format('{{:,.3f}}', CAST({column.sql} AS DOUBLE)), '0'), '.')"
    else:
        sql = f"CAST({column.sql} AS VARCHAR)"
    return Column(sql, "string", column.name)
