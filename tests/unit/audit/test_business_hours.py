"""Business hours in SQL agree with a count minute by minute, in every zone, across holidays and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from sfsync.audit.business_hours import business_hours
from sfsync.config.definitions_hours import WEEKDAYS, WHOLE_WORKING_DAYS, BusinessHours, minutes_of

HOURS = BusinessHours.model_validate(
    {
        "days": ["mon", "tue", "wed", "thu", "fri"],
        "from": "09:00",
        "to": "17:30",
        # One of them is a Saturday, which nobody works anyway.
        "holidays": ["2025-12-25", "2026-01-01", "2026-01-03", "2026-03-30"],
    }
)


def hours_between(since: datetime, until: datetime, hours: BusinessHours, zone: str) -> float:
    expression = business_hours(_instant(since), _instant(until), hours, zone)
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT {expression.sql(dialect='duckdb')}").fetchone()
    assert row is not None
    return float(row[0])


def counted(since: datetime, until: datetime, hours: BusinessHours, zone: str) -> float:
    """The same, a minute at a time."""
    opens, closes, minutes, moment = minutes_of(hours.opens), minutes_of(hours.closes), 0, since
    while moment < until:
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        worked = WEEKDAYS[local.weekday()] in hours.days and local.date() not in hours.holidays
        minutes += worked and opens <= local.hour * 60 + local.minute < closes
        moment += timedelta(minutes=1)
    return minutes / 60


def _instant(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "TIMESTAMP")


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland"])
def test_any_span_has_the_hours_that_can_be_counted(zone: str) -> None:
    random = Random(zone)
    for _ in range(8):
        since = datetime(2025, 12, 1) + timedelta(minutes=random.randrange(150 * 1440))
        until = since + timedelta(minutes=random.randrange(8 * 1440))
        assert hours_between(since, until, HOURS, zone) == pytest.approx(counted(since, until, HOURS, zone))


def test_a_day_opens_at_the_same_time_before_and_after_clocks_change() -> None:
    # Berlin changes to summer time on 29 March 2026; 30 March is a holiday here.
    friday, tuesday = datetime(2026, 3, 27, 8), datetime(2026, 3, 31, 7)
    assert hours_between(friday, tuesday, HOURS, "Europe/Berlin") == 8.5


def test_nights_weekends_and_holidays_do_not_count() -> None:
    assert hours_between(datetime(2025, 12, 24, 17, 30), datetime(2025, 12, 26, 9), HOURS, "UTC") == 0
    assert hours_between(datetime(2026, 1, 2, 17), datetime(2026, 1, 5, 9, 15), HOURS, "UTC") == 0.75


def test_an_end_before_the_beginning_is_negative() -> None:
    assert hours_between(datetime(2026, 1, 6, 12), datetime(2026, 1, 6, 10), HOURS, "UTC") == -2


def test_unless_anything_is_said_whole_working_days_count() -> None:
    assert hours_between(datetime(2026, 1, 2, 12), datetime(2026, 1, 5, 12), WHOLE_WORKING_DAYS, "UTC") == 24
