"""When things happen in the seeded org: seasons, weekdays and office hours."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.fake.seed.draw import Draw, Weighted
from sfsync.fake.seed.plan import GROWTH, HISTORY_DAYS, MONTH_WEIGHTS, WEEKEND_WEIGHT

_OPENS, _CLOSES = 8, 18
_SATURDAY = 5

#: Before closing time, so many minutes are enough to do something today.
_MINUTES_ENOUGH = 10


def creation_times(draw: Draw, count: int, latest: datetime) -> list[datetime]:
    """So many moments before `latest`, in order, as seasons, weekdays and growth would have them."""
    midnight = latest.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=HISTORY_DAYS)
    days = Weighted([(first + timedelta(days=number), _weight(first, number)) for number in range(HISTORY_DAYS + 1)])
    times: list[datetime] = []
    while len(times) < count:
        # Two draws a day's seconds, so that most leads come around noon UTC and some at any hour.
        second = int((draw.share() + draw.share()) * 43_200)
        moment = draw.weighted(days) + timedelta(seconds=second)
        if moment < latest:
            times.append(moment)
    times.sort()
    return times


def in_office(draw: Draw, moment: datetime) -> datetime:
    """A moment in the org's office hours on that day, or on the next working day; never before `moment`."""
    moment = moment.replace(microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0)
    if day.weekday() >= _SATURDAY:
        day += timedelta(days=7 - day.weekday())
    earliest = max(day + timedelta(hours=_OPENS), moment + timedelta(minutes=3))
    seconds = int((day + timedelta(hours=_CLOSES) - earliest).total_seconds())
    if seconds < _MINUTES_ENOUGH * 60:
        return in_office(draw, day + timedelta(days=1))
    return earliest + timedelta(seconds=draw.below(seconds))


def quarter_end(moment: datetime) -> datetime:
    """Midnight of the last day of the calendar quarter: the close date a conversion sets by default."""
    first_of_next = moment.replace(
        month=(moment.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
    first_of_next = (first_of_next + timedelta(days=100)).replace(day=1)
    return first_of_next - timedelta(days=1)


def _weight(first: datetime, number: int) -> float:
    day = first + timedelta(days=number)
    season = MONTH_WEIGHTS[day.month - 1]
    weekday = WEEKEND_WEIGHT if day.weekday() >= _SATURDAY else 1.0
    return season * weekday * (1 + (GROWTH - 1) * number / HISTORY_DAYS)
