"""SOQL's date literals: `TODAY`, `LAST_N_DAYS:7`, `THIS_FISCAL_QUARTER` as ranges of days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sfsync.soql.ast import DateLiteral

#: Salesforce stores no date outside these.
FIRST_DAY = date(1700, 1, 1)
LAST_DAY = date(4000, 12, 31)

_SUNDAY = 6
_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "FISCAL_QUARTER": 3, "FISCAL_YEAR": 12}

#: Literals that stand alone.
DATE_LITERALS = frozenset(
    {"YESTERDAY", "TODAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"}
    | {f"{which}_{unit}" for which in ("LAST", "THIS", "NEXT") for unit in _UNITS}
)

#: Literals that need a number: `LAST_N_DAYS:7`.
COUNTED_DATE_LITERALS = frozenset(
    f"{before}{unit}S{after}"
    for before, after in (("LAST_N_", ""), ("NEXT_N_", ""), ("N_", "_AGO"))
    for unit in ("DAY", *_UNITS)
)

_NAMED_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
_COUNTED = re.compile(r"(?P<before>LAST_N_|NEXT_N_|N_)(?P<unit>[A-Z_]+?)S(?:_AGO)?")


@dataclass(frozen=True)
class Calendar:
    """What a date literal means depends on where and in whose fiscal year it is asked.

    Attributes:
        timezone: IANA name; days begin at midnight there.
        fiscal_start_month: 1 to 12.
        first_weekday: 0 is Monday; Salesforce's default locale begins weeks on Sunday.
    """

    timezone: str = "UTC"
    fiscal_start_month: int = 1
    first_weekday: int = _SUNDAY

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)

    def today(self, now: datetime) -> date:
        """The date at this moment; a moment without zone is UTC."""
        return (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When the day begins, in UTC, without zone as databases keep it."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `start` to just before `end`."""

    start: date
    end: date


def date_range(literal: DateLiteral, today: date, calendar: Calendar) -> DateRange:
    """The days a date literal stands for.

    "Last" and "next" periods leave out the current one; `LAST_N_DAYS` includes today, `NEXT_N_DAYS` does not: that is
    how Salesforce documents them.
    """
    if literal.name in _NAMED_DAYS:
        return _days(today, _NAMED_DAYS[literal.name], 1)
    if literal.name in {"LAST_90_DAYS", "NEXT_90_DAYS"}:
        literal = DateLiteral(literal.name.replace("90", "N"), 90)
    counted = _COUNTED.fullmatch(literal.name)
    if counted is None:
        which, _, unit = literal.name.partition("_")
        return _periods(today, unit, {"LAST": -1, "THIS": 0, "NEXT": 1}[which], 1, calendar)
    n = literal.count or 0
    before, unit = counted["before"], counted["unit"]
    if unit == "DAY":
        first, length = {"LAST_N_": (-n, n + 1), "NEXT_N_": (1, n), "N_": (-n, 1)}[before]
        return _days(today, first, length)
    first, length = {"LAST_N_": (-n, n), "NEXT_N_": (1, n), "N_": (-n, 1)}[before]
    return _periods(today, unit, first, length, calendar)


def _days(today: date, first: int, length: int) -> DateRange:
    return DateRange(_move_days(today, first), _move_days(today, first + length))


def _periods(today: date, unit: str, first: int, length: int, calendar: Calendar) -> DateRange:
    """`length` periods, beginning `first` periods after the one that holds today."""
    if unit == "WEEK":
        week = today - timedelta(days=(today.weekday() - calendar.first_weekday) % 7)
        return DateRange(_move_days(week, 7 * first), _move_days(week, 7 * (first + length)))
    months = _MONTHS[unit]
    year_begins = calendar.fiscal_start_month if unit.startswith("FISCAL") else 1
    begins = today.year * 12 + today.month - 1 - (today.month - year_begins) % months
    return DateRange(_month(begins + months * first), _month(begins + months * (first + length)))


def _month(index: int) -> date:
    """The first day of the month that is the `index`-th since year 0."""
    year, month = divmod(index, 12)
    if year < FIRST_DAY.year:
        return FIRST_DAY
    return LAST_DAY if year > LAST_DAY.year else date(year, month + 1, 1)


def _move_days(day: date, days: int) -> date:
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, FIRST_DAY.toordinal()), LAST_DAY.toordinal()))
