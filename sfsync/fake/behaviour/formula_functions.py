"""The plain functions of Salesforce's formula language: each as the kinds it takes, the kind it gives, and its SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sfsync.soql.dates import Calendar
from sfsync.soql.sql_literals import date_literal, text_literal, timestamp_literal

NUMBER, TEXT, TRUTH, DATE, DATETIME = "Number", "Text", "Boolean", "Date", "DateTime"
PICKLIST, MULTIPICKLIST, NOTHING = "Picklist", "Multi-Select Picklist", "Null"


@dataclass(frozen=True, slots=True)
class Value:
    """A part of a formula: its SQL, and what kind of value that gives."""

    sql: str
    kind: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a formula is calculated."""

    now: datetime
    timezone: str

    @property
    def today(self) -> date:
        """The day it is there."""
        return Calendar(self.timezone).today(self.now)

    def local(self, sql: str) -> str:
        """SQL for a moment in UTC as clocks there show it."""
        return (
            sql
            if self.timezone == "UTC"
            else f"(({sql} AT TIME ZONE 'UTC') AT TIME ZONE {text_literal(self.timezone)})"
        )

    def functions(self) -> dict[str, Function]:
        """The functions that depend on when and where."""
        local = self.local("{0}")
        return {
            "TODAY": Function((), DATE, date_literal(self.today)),
            "NOW": Function((), DATETIME, timestamp_literal(self.now)),
            "DATEVALUE": Function((DATETIME,), DATE, f"CAST({local} AS DATE)"),
        }


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        takes: The kinds of its arguments.
        gives: The kind of its value.
        sql: With `{0}`, `{1}`, … for the arguments.
    """

    takes: tuple[str, ...]
    gives: str
    sql: str


_FIND = "CAST(strpos({1}, {0}) AS DOUBLE)"
_DAY_OF = "CAST(make_date(CAST({0} AS BIGINT), CAST({1} AS BIGINT), CAST({2} AS BIGINT)) AS DATE)"
#: Away from zero at the half, as people round; and never -0.
_ROUND = "(round({0}, CAST({1} AS INTEGER)) + 0)"

FUNCTIONS: dict[str, Function] = {
    "ABS": Function((NUMBER,), NUMBER, "abs({0})"),
    "CEILING": Function((NUMBER,), NUMBER, "ceil({0})"),
    "EXP": Function((NUMBER,), NUMBER, "exp({0})"),
    "FLOOR": Function((NUMBER,), NUMBER, "floor({0})"),
    "LN": Function((NUMBER,), NUMBER, "ln({0})"),
    "LOG": Function((NUMBER,), NUMBER, "log10({0})"),
    "MOD": Function((NUMBER, NUMBER), NUMBER, "({0} - {1} * floor({0} / {1}))"),
    "ROUND": Function((NUMBER, NUMBER), NUMBER, _ROUND),
    "SQRT": Function((NUMBER,), NUMBER, "sqrt({0})"),
    "TRUNC": Function((NUMBER, NUMBER), NUMBER, "(trunc({0} * pow(10, {1})) / pow(10, {1}))"),
    "^": Function((NUMBER, NUMBER), NUMBER, "pow({0}, {1})"),
    "*": Function((NUMBER, NUMBER), NUMBER, "({0} * {1})"),
    "/": Function((NUMBER, NUMBER), NUMBER, "({0} / nullif({1}, 0))"),
    "negative": Function((NUMBER,), NUMBER, "(- {0})"),
    "BEGINS": Function((TEXT, TEXT), TRUTH, "starts_with({0}, {1})"),
    "CONTAINS": Function((TEXT, TEXT), TRUTH, "contains({0}, {1})"),
    "FIND": Function((TEXT, TEXT), NUMBER, _FIND),
    "INCLUDES": Function((MULTIPICKLIST, TEXT), TRUTH, "contains(';' || {0} || ';', ';' || {1} || ';')"),
    "ISNUMBER": Function((TEXT,), TRUTH, "(TRY_CAST({0} AS DOUBLE) IS NOT NULL)"),
    "ISPICKVAL": Function((PICKLIST, TEXT), TRUTH, "({0} = {1})"),
    "LEFT": Function((TEXT, NUMBER), TEXT, "substr({0}, 1, greatest(CAST({1} AS BIGINT), 0))"),
    "LEN": Function((TEXT,), NUMBER, "CAST(length({0}) AS DOUBLE)"),
    "LOWER": Function((TEXT,), TEXT, "lower({0})"),
    "MID": Function((TEXT, NUMBER, NUMBER), TEXT, "substr({0}, CAST({1} AS BIGINT), greatest(CAST({2} AS BIGINT), 0))"),
    "RIGHT": Function(
        (TEXT, NUMBER), TEXT, "substr({0}, greatest(length({0}) - greatest(CAST({1} AS BIGINT), 0), 0) + 1)"
    ),
    "SUBSTITUTE": Function((TEXT, TEXT, TEXT), TEXT, "replace({0}, {1}, {2})"),
    "TRIM": Function((TEXT,), TEXT, "trim({0})"),
    "UPPER": Function((TEXT,), TEXT, "upper({0})"),
    "VALUE": Function((TEXT,), NUMBER, "TRY_CAST({0} AS DOUBLE)"),
    "&": Function((TEXT, TEXT), TEXT, "({0} || {1})"),
    "ADDMONTHS": Function((DATE, NUMBER), DATE, "CAST({0} + to_months(CAST({1} AS INTEGER)) AS DATE)"),
    "DATE": Function((NUMBER, NUMBER, NUMBER), DATE, _DAY_OF),
    "DAY": Function((DATE,), NUMBER, "CAST(day({0}) AS DOUBLE)"),
    "MONTH": Function((DATE,), NUMBER, "CAST(month({0}) AS DOUBLE)"),
    "WEEKDAY": Function((DATE,), NUMBER, "CAST(dayofweek({0}) + 1 AS DOUBLE)"),
    "YEAR": Function((DATE,), NUMBER, "CAST(year({0}) AS DOUBLE)"),
}
