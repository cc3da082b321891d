from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.soql.ast import DateLiteral
from sfsync.soql.dates import (
    COUNTED_DATE_LITERALS,
    DATE_LITERALS,
    FIRST_DAY,
    LAST_DAY,
    Calendar,
    DateRange,
    date_range,
)

TODAY = date(2026, 5, 13)  # a Wednesday
JANUARY = Calendar()
FEBRUARY = Calendar(fiscal_start_month=2)


def days(text: str, calendar: Calendar = JANUARY, today: date = TODAY) -> DateRange:
    name, _, count = text.partition(":")
    return date_range(DateLiteral(name, int(count) if count else None), today, calendar)


def between(start: str, end: str) -> DateRange:
    return DateRange(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    ("literal", "start", "end"),
    [
        ("YESTERDAY", "2026-05-12", "2026-05-13"),
        ("TODAY", "2026-05-13", "2026-05-14"),
        ("TOMORROW", "2026-05-14", "2026-05-15"),
        ("LAST_WEEK", "2026-05-03", "2026-05-10"),
        ("THIS_WEEK", "2026-05-10", "2026-05-17"),
        ("NEXT_WEEK", "2026-05-17", "2026-05-24"),
        ("LAST_MONTH", "2026-04-01", "2026-05-01"),
        ("THIS_MONTH", "2026-05-01", "2026-06-01"),
        ("NEXT_MONTH", "2026-06-01", "2026-07-01"),
        ("LAST_90_DAYS", "2026-02-12", "2026-05-14"),
        ("NEXT_90_DAYS", "2026-05-14", "2026-08-12"),
        ("LAST_QUARTER", "2026-01-01", "2026-04-01"),
        ("THIS_QUARTER", "2026-04-01", "2026-07-01"),
        ("NEXT_QUARTER", "2026-07-01", "2026-10-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("NEXT_YEAR", "2027-01-01", "2028-01-01"),
        ("LAST_N_DAYS:1", "2026-05-12", "2026-05-14"),
        ("LAST_N_DAYS:0", "2026-05-13", "2026-05-14"),
        ("NEXT_N_DAYS:2", "2026-05-14", "2026-05-16"),
        ("N_DAYS_AGO:7", "2026-05-06", "2026-05-07"),
        ("LAST_N_WEEKS:2", "2026-04-26", "2026-05-10"),
        ("NEXT_N_WEEKS:2", "2026-05-17", "2026-05-31"),
        ("N_WEEKS_AGO:2", "2026-04-26", "2026-05-03"),
        ("LAST_N_MONTHS:6", "2025-11-01", "2026-05-01"),
        ("NEXT_N_MONTHS:8", "2026-06-01", "2027-02-01"),
        ("N_MONTHS_AGO:5", "2025-12-01", "2026-01-01"),
        ("LAST_N_QUARTERS:2", "2025-10-01", "2026-04-01"),
        ("NEXT_N_QUARTERS:2", "2026-07-01", "2027-01-01"),
        ("N_QUARTERS_AGO:2", "2025-10-01", "2026-01-01"),
        ("LAST_N_YEARS:2", "2024-01-01", "2026-01-01"),
        ("NEXT_N_YEARS:1", "2027-01-01", "2028-01-01"),
        ("N_YEARS_AGO:3", "2023-01-01", "2024-01-01"),
    ],
)
def test_literals_are_the_days_that_salesforce_documents(literal: str, start: str, end: str):
    assert days(literal) == between(start, end)


@pytest.mark.parametrize(
    ("literal", "start", "end"),
    [
        ("THIS_FISCAL_QUARTER", "2026-05-01", "2026-08-01"),
        ("LAST_FISCAL_QUARTER", "2026-02-01", "2026-05-01"),
        ("NEXT_FISCAL_QUARTER", "2026-08-01", "2026-11-01"),
        ("THIS_FISCAL_YEAR", "2026-02-01", "2027-02-01"),
        ("LAST_FISCAL_YEAR", "2025-02-01", "2026-02-01"),
        ("NEXT_FISCAL_YEAR", "2027-02-01", "2028-02-01"),
        ("LAST_N_FISCAL_QUARTERS:2", "2025-11-01", "2026-05-01"),
        ("NEXT_N_FISCAL_QUARTERS:2", "2026-08-01", "2027-02-01"),
        ("N_FISCAL_QUARTERS_AGO:2", "2025-11-01", "2026-02-01"),
        ("LAST_N_FISCAL_YEARS:1", "2025-02-01", "2026-02-01"),
        ("NEXT_N_FISCAL_YEARS:1", "2027-02-01", "2028-02-01"),
        ("N_FISCAL_YEARS_AGO:1", "2025-02-01", "2026-02-01"),
        ("THIS_QUARTER", "2026-04-01", "2026-07-01"),
    ],
)
def test_fiscal_literals_follow_the_month_the_fiscal_year_begins_in(literal: str, start: str, end: str):
    assert days(literal, FEBRUARY) == between(start, end)


def test_a_fiscal_year_before_its_first_month_is_the_one_that_began_last_year():
    assert days("THIS_FISCAL_YEAR", FEBRUARY, date(2026, 1, 31)) == between("2025-02-01", "2026-02-01")
    assert days("THIS_FISCAL_QUARTER", FEBRUARY, date(2026, 1, 31)) == between("2025-11-01", "2026-02-01")


def test_weeks_begin_where_the_calendar_says():
    assert days("THIS_WEEK", Calendar(first_weekday=0)) == between("2026-05-11", "2026-05-18")
    assert days("THIS_WEEK", today=date(2026, 5, 10)) == between("2026-05-10", "2026-05-17")


def test_today_depends_on_the_time_zone():
    moment = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert Calendar("America/Los_Angeles").today(moment) == date(2025, 12, 31)
    assert Calendar("Asia/Tokyo").today(moment.replace(tzinfo=None)) == date(2026, 1, 1)


def test_a_day_begins_at_midnight_of_its_zone_in_summer_and_winter():
    zone = Calendar("America/New_York")
    assert zone.midnight(date(2026, 1, 1)) == datetime(2026, 1, 1, 5)
    assert zone.midnight(date(2026, 7, 1)) == datetime(2026, 7, 1, 4)


def test_salesforces_44_literals_are_known():
    assert len(DATE_LITERALS) + len(COUNTED_DATE_LITERALS) == 44


@given(
    st.sampled_from(sorted(DATE_LITERALS | COUNTED_DATE_LITERALS)),
    st.integers(0, 999_999_999),
    st.dates(FIRST_DAY, LAST_DAY),
    st.integers(1, 12),
)
def test_every_literal_is_a_range_of_days_that_exist(name: str, count: int, today: date, month: int):
    literal = DateLiteral(name, count if name in COUNTED_DATE_LITERALS else None)
    found = date_range(literal, today, Calendar(fiscal_start_month=month))
    assert FIRST_DAY <= found.start <= found.end <= LAST_DAY


@given(
    st.sampled_from(["WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR"]),
    st.integers(1, 30),
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.integers(1, 12),
)
def test_periods_follow_each_other_without_gap_or_overlap(unit: str, n: int, today: date, month: int):
    calendar = Calendar(fiscal_start_month=month)

    def span(text: str) -> DateRange:
        return days(text, calendar, today)

    this = span(f"THIS_{unit}")
    assert this.start <= today < this.end
    assert span(f"LAST_{unit}").end == this.start
    assert span(f"NEXT_{unit}").start == this.end
    assert span(f"LAST_N_{unit}S:{n}").end == this.start
    assert span(f"NEXT_N_{unit}S:{n}").start == this.end
    assert span(f"LAST_N_{unit}S:{n}").start == span(f"N_{unit}S_AGO:{n}").start
    assert days(f"THIS_{unit}", calendar, this.end - timedelta(days=1)) == this
