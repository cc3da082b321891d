"""Business hours between two instants, as an SQL expression: whole weeks, days, and parts of a day, less holidays."""

from __future__ import annotations

from datetime import date
from functools import reduce

from sqlglot import exp, parse_one

from sfsync.audit.portable import DIALECT
from sfsync.config.definitions_hours import WEEKDAYS, BusinessHours, minutes_of

#: A Monday before any record: days are counted from it.
_EPOCH = date(1900, 1, 1)

_WORKED = """
(FLOOR({days} / 7.0) * {week} + {weekdays} - {holidays}) * {length}
+ CASE WHEN {closed} THEN 0 ELSE GREATEST(0, LEAST({length}, {minute} - {opens})) END
"""


def business_hours(start: exp.Expr, end: exp.Expr, hours: BusinessHours, timezone: str) -> exp.Expr:
    """Hours from `start` to `end` in which the org works; negative where `end` is earlier, NULL where either is.

    Days and hours are those of the org's time zone, so that a day's opening time stays the same when clocks change.

    Args:
        start: An instant (UTC).
        end: An instant (UTC).
        hours: When the org works.
        timezone: IANA name.
    """
    minutes = exp.Sub(this=_worked(end, hours, timezone), expression=_worked(start, hours, timezone))
    return exp.Paren(this=exp.Div(this=exp.Paren(this=minutes), expression=exp.Literal.number("60.0")))


def _worked(instant: exp.Expr, hours: BusinessHours, timezone: str) -> exp.Expr:
    """Minutes worked since the epoch, up to the instant."""
    local = _local(instant, timezone).sql(dialect=DIALECT)
    days = f"DATE_DIFF('day', CAST('{_EPOCH.isoformat()}' AS DATE), CAST({local} AS DATE))"
    closed = [day for day in sorted(hours.holidays) if WEEKDAYS[day.weekday()] in hours.days]
    text = _WORKED.format(
        days=days,
        week=len(hours.days),
        weekdays=_days_of_week_before(days, hours),
        holidays=_holidays_before(f"CAST({local} AS DATE)", closed),
        length=hours.minutes_a_day,
        closed=_is_closed(f"CAST({local} AS DATE)", days, hours, closed),
        minute=f"({_part('HOUR', local)} * 60 + {_part('MINUTE', local)} + {_part('SECOND', local)} / 60.0)",
        opens=minutes_of(hours.opens),
    )
    return exp.Paren(this=parse_one(text, dialect=DIALECT))


def _local(instant: exp.Expr, timezone: str) -> exp.Expr:
    """The instant as clocks in the zone show it."""
    if timezone == "UTC":
        return exp.Paren(this=instant.copy())
    return exp.ConvertTimezone(
        source_tz=exp.Literal.string("UTC"), target_tz=exp.Literal.string(timezone), timestamp=instant.copy()
    )


def _part(unit: str, local: str) -> str:
    return f"EXTRACT({unit} FROM {local})"


def _weekday(days: str) -> str:
    """0 for Monday."""
    return f"({days} - FLOOR({days} / 7.0) * 7)"


def _days_of_week_before(days: str, hours: BusinessHours) -> str:
    """How many working days of this week lie before the day."""
    whens = "".join(
        f" WHEN {place} THEN {sum(1 for each in WEEKDAYS[:place] if each in hours.days)}"
        for place in range(1, len(WEEKDAYS))
    )
    return f"CASE CAST({_weekday(days)} AS INTEGER){whens} ELSE 0 END"


def _holidays_before(day: str, closed: list[date]) -> str:
    """How many holidays that would have been working days lie before the day."""
    whens = [f" WHEN {day} > CAST('{each.isoformat()}' AS DATE) THEN {n}" for n, each in enumerate(closed, start=1)]
    return f"CASE{reduce(lambda text, when: when + text, whens)} ELSE 0 END" if whens else "0"


def _is_closed(day: str, days: str, hours: BusinessHours, closed: list[date]) -> str:
    weekend = [str(place) for place, each in enumerate(WEEKDAYS) if each not in hours.days]
    tests = [f"CAST({_weekday(days)} AS INTEGER) IN ({', '.join(weekend)})"] if weekend else []
    if closed:
        listed = ", ".join(f"CAST('{each.isoformat()}' AS DATE)" for each in closed)
        tests.append(f"{day} IN ({listed})")
    return " OR ".join(tests) if tests else "FALSE"
