"""Periods of the org's fiscal calendar, in the org's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.audit.metrics.context import MetricContext

#: Complete fiscal quarters that a series of them looks back on.
QUARTERS_BACK = 8


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days; the first and the last belong to it."""

    first: date
    last: date
    label: str

    def as_json(self) -> dict[str, Any]:
        """For a metric's context."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "label": self.label}


def fiscal_quarter(day: date, start_month: int) -> Period:
    """The fiscal quarter of a day; a fiscal year has the name of the calendar year in which it ends."""
    since_start = (day.month - start_month) % 12
    number = since_start // 3
    first_month_index = day.year * 12 + (day.month - 1) - since_start % 3
    first = _month(first_month_index)
    last = _month(first_month_index + 3) - timedelta(days=1)
    # The year in which the fiscal year's last month lies.
    year = _month(first_month_index - 3 * number + 11).year
    return Period(first, last, f"FY{year} Q{number + 1}")


def complete_quarters(context: MetricContext) -> list[Period]:
    """The last fiscal quarters that are over, oldest first."""
    quarters: list[Period] = []
    day = fiscal_quarter(context.today, context.fiscal_year_start_month).first
    while len(quarters) < QUARTERS_BACK and day.year > 1900:
        quarter = fiscal_quarter(day - timedelta(days=1), context.fiscal_year_start_month)
        quarters.append(quarter)
        day = quarter.first
    return quarters[::-1]


def chosen_period(context: MetricContext) -> Period | None:
    """The period somebody chose, in whole days of the org's zone, or None."""
    if context.since is None and context.until is None:
        return None
    this = fiscal_quarter(context.today, context.fiscal_year_start_month)
    first = local_date(context, context.since) if context.since else this.first
    last = local_date(context, context.until - timedelta(microseconds=1)) if context.until else context.today
    return Period(first, max(first, last), f"{first} to {max(first, last)}")


def current_period(context: MetricContext) -> Period:
    """The period somebody chose, else the fiscal quarter of the as-of day."""
    return chosen_period(context) or fiscal_quarter(context.today, context.fiscal_year_start_month)


def start_of(context: MetricContext, day: date) -> datetime:
    """The instant (naive UTC) at which a day begins in the org's zone."""
    local = datetime.combine(day, time(), ZoneInfo(context.timezone))
    return local.astimezone(UTC).replace(tzinfo=None)


def end_of(context: MetricContext, day: date) -> datetime:
    """The instant (naive UTC) at which a day ends in the org's zone."""
    return start_of(context, day + timedelta(days=1))


def local_date(context: MetricContext, instant: datetime) -> date:
    """The calendar day of an instant (naive UTC) in the org's zone."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(context.timezone)).date()


def _month(index: int) -> date:
    year, month = divmod(index, 12)
    return date(year, month + 1, 1)
