"""The Kaplan-Meier estimate: how long something takes, counting those to whom it has not happened yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, sqrt

from sfsync.audit.metrics.wilson import Z_95

#: Rounding of a product of thousands of factors must not move a quantile by a day.
EXACTNESS = 1e-12


@dataclass(frozen=True, slots=True)
class Step:
    """The state of the estimate from one day on.

    Attributes:
        day: Days since the start.
        surviving: Estimated share to whom it has not happened by the end of that day.
        variance_sum: Greenwood's sum up to that day, for the interval.
    """

    day: int
    surviving: float
    variance_sum: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan-Meier curve: its steps, one for each day on which something happened.

    Attributes:
        steps: In order of days.
        last_day: The longest time anyone was watched, or None when nobody was.
    """

    steps: tuple[Step, ...]
    last_day: int | None

    def quantile(self, share: float) -> int | None:
        """The first day by which this share has had the event, or None when the curve never gets there."""
        wanted = 1 - share + EXACTNESS
        return next((step.day for step in self.steps if step.surviving <= wanted), None)

    def happened_by(self, day: int) -> float | None:
        """The estimated share that has had the event by the end of `day`, or None when nobody was watched so long."""
        if self.last_day is None or day > self.last_day:
            return None
        return 1 - self._step_at(day).surviving

    def interval95(self, day: int) -> list[float] | None:
        """The 95 % interval of `happened_by(day)` on the log-minus-log scale, or None where it has none."""
        if self.last_day is None or day > self.last_day:
            return None
        step = self._step_at(day)
        if not 0 < step.surviving < 1:
            return None
        middle = log(-log(step.surviving))
        reach = Z_95 * sqrt(step.variance_sum) / abs(log(step.surviving))
        return [1 - exp(-exp(middle - reach)), 1 - exp(-exp(middle + reach))]

    @property
    def highest_share(self) -> float:
        """The share that has had the event by the last day watched: the curve's end."""
        return 1 - self.steps[-1].surviving if self.steps else 0.0

    def _step_at(self, day: int) -> Step:
        past = [step for step in self.steps if step.day <= day]
        return past[-1] if past else Step(0, 1.0, 0.0)


def kaplan_meier(days: Iterable[tuple[int, int, int]]) -> Curve:
    """The curve of `(day, events, censored)` counts: how many had the event on that day, how many were last seen then.

    Someone last seen on a day counts as still watched on that day, as is usual. The cost is that of the number of
    different days, whatever the number of records.
    """
    ordered = sorted(days)
    at_risk = sum(events + censored for _, events, censored in ordered)
    last_day = ordered[-1][0] if ordered else None
    steps: list[Step] = []
    surviving, variance_sum = 1.0, 0.0
    for day, events, censored in ordered:
        if events:
            surviving *= 1 - events / at_risk
            variance_sum += events / (at_risk * (at_risk - events)) if at_risk > events else 0.0
            steps.append(Step(day, surviving, variance_sum))
        at_risk -= events + censored
    return Curve(tuple(steps), last_day)
