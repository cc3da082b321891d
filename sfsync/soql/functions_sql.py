"""SOQL's functions of one record's value: date functions, `DISTANCE`, `toLabel`, `FORMAT`, `convertCurrency`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sfsync.errors import SoqlError
from sfsync.soql.ast import Call, FieldPath, NumberValue, StringValue
from sfsync.soql.columns import Column, Family
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

#: Mean radius of the earth in the units that DISTANCE knows.
_EARTH_RADIUS = {"mi": 3958.7613, "km": 6371.0088}


def function_column(call: Call, resolve: Resolve, calendar: Calendar) -> Column:
    """The column that a function of a field stands for; raises `SoqlError` for what cannot be called here."""
    argument = call.arguments[0] if call.arguments else None
    if call.key in DATE_FUNCTIONS and isinstance(argument, FieldPath | Call):
        return _date_function(call, argument, resolve, calendar)
    if call.key == "DISTANCE" and isinstance(argument, FieldPath):
        return _distance(call, resolve(argument))
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


def _distance(call: Call, column: Column) -> Column:
    """How far an address or location is from a point, along a great circle."""
    _, point, unit = call.arguments
    if column.family is not Family.ADDRESS:
        raise _wrong_argument(call, column)
    if not isinstance(unit, StringValue) or unit.text.lower() not in _EARTH_RADIUS:
        raise call.place.error("DISTANCE() unit must be 'mi' or 'km'")  # from memory
    coordinates = point.arguments if isinstance(point, Call) else ()
    latitude, longitude = (float(one.number) for one in coordinates if isinstance(one, NumberValue))
    here = [f"radians({column.sql}.{part})" for part in ("latitude", "longitude")]
    half = (
        f"sin(({here[0]} - radians({latitude})) / 2) ** 2"
        f" + cos({here[0]}) * cos(radians({latitude})) * sin(({here[1]} - radians({longitude})) / 2) ** 2"
    )
    # `least` passes over what is missing, so a record without a place is kept out of it.
    distance = f"{2 * _EARTH_RADIUS[unit.text.lower()]} * asin(sqrt(least(1.0, {half})))"
    return Column(f"CASE WHEN {half} IS NOT NULL THEN {distance} END", "double", column.name)


def formatted(call: Call, column: Column, calendar: Calendar) -> Column:
    """A value as one of the `FORMATTING` functions shows it.

    FORMAT writes as people in the United States do, which is Salesforce's default locale.
    """
    if call.key == "TOLABEL":
        return _labelled(column)
    if call.key == "CONVERTCURRENCY":
        if column.type != "currency":
            raise call.place.error(f"Invalid argument type for convertCurrency: {column.name}")  # from memory
        return column.in_currency(None)
    if column.family is Family.DATETIME:
        sql = f"strftime({_local(column.sql, calendar)}, '%-m/%-d/%Y, %-I:%M %p')"
    elif column.family is Family.DATE:
        sql = f"strftime({column.sql}, '%-m/%-d/%Y')"
    elif column.family in {Family.NUMBER, Family.INTEGER}:
        sql = _formatted_number(column)
    else:
        sql = f"CAST({column.sql} AS VARCHAR)"
    return Column(sql, "string", column.name)


def _formatted_number(column: Column) -> str:
    if column.type == "double":
        return f"rtrim(rtrim(format('{{:,.{max(column.scale, 3)}f}}', CAST({column.sql} AS DOUBLE)), '0'), '.')"
    number = f"format('{{:,.{column.scale}f}}', CAST({column.sql} AS DOUBLE))"
    if column.type == "percent":
        return f"{number} || '%'"
    if column.type != "currency":
        return number
    # Money carries its ISO code where there are several currencies, and the sign of the only one elsewhere.
    if column.iso_code:
        return f"{column.iso_code} || ' ' || {number}"
    positive = f"'$' || format('{{:,.{column.scale}f}}', abs(CAST({column.sql} AS DOUBLE)))"
    return f"CASE WHEN {column.sql} < 0 THEN '-' ELSE '' END || {positive}"


def _labelled(column: Column) -> Column:
    """A picklist under the names that people see: it then compares and sorts as those do."""
    shown = column.sql
    if column.labels:
        cases = " ".join(f"WHEN lower({text_literal(old)}) THEN {text_literal(new)}" for old, new in column.labels)
        shown = f"CASE lower({column.sql}) {cases} ELSE {column.sql} END"
    return replace(column, sql=shown, picklist=(), labels=())
