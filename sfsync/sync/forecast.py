"""What a pull will about cost, told before it begins, and in which order its objects are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.store.mirror import Drift, ObjectState
from sfsync.sync.budget import Budget
from sfsync.sync.options import PullOptions

#: Records of one REST page. Wide records come in smaller ones, so this is the least it can cost.
REST_PAGE = 2000

#: About so many records come in one page of a Bulk job.
BULK_PAGE = 100_000

#: Of one Bulk job: beginning it, asking whether it is ready, the list of its pages, deleting it.
JOB_CALLS = 10

#: Of an object of which little has changed.
CHANGES = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """About how many API calls, and how many of them begin a Bulk job."""

    calls: int = 0
    bulk_jobs: int = 0

    def __add__(self, other: Cost) -> Cost:
        """What both cost together."""
        return Cost(self.calls + other.calls, self.bulk_jobs + other.bulk_jobs)


@dataclass(frozen=True, slots=True)
class Work:
    """One object that is to be read.

    Attributes:
        describe: The object as the org describes it now.
        drift: How that differs from the mirror.
        state: What the last finished pull left, or None before the first.
        expected: About how many records it has, or None when nobody knows.
        begun: A pull that was stopped has read a part of it already.
        cost: What reading it will about cost.
    """

    describe: ObjectDescribe
    drift: Drift
    state: ObjectState | None
    expected: int | None
    begun: bool
    cost: Cost

    @property
    def name(self) -> str:
        """API name."""
        return self.describe.name


def cost_of(state: ObjectState | None, drift: Drift, expected: int | None, options: PullOptions) -> Cost:
    """What reading one object will about cost.

    Args:
        state: What the last finished pull left, or None before the first.
        drift: New or retyped fields mean that every record is read.
        expected: About how many records it has; what the mirror holds counts when nobody knows.
        options: How it is read.
    """
    # Records that have left a filter are found by one more question for the same time.
    filtered = state is not None and state.selection.filter is not None
    everything = state is None or drift.created or drift.stale or options.full
    size = (expected if expected is not None else state.rows if state else 0) if everything else 0
    if options.api == "bulk" or (options.api == "auto" and size > options.bulk_threshold):
        return Cost(JOB_CALLS + -(-size // BULK_PAGE), 1)
    return Cost(CHANGES + filtered + max(0, -(-size // REST_PAGE) - 1))


def total_cost(works: Sequence[Work]) -> Cost:
    """What all of them will about cost."""
    return sum((work.cost for work in works), Cost())


def lasts(budget: Budget, cost: Cost) -> bool:
    """Whether the budget will probably last for this."""
    calls, jobs = budget.calls_left, budget.bulk_jobs_left
    return (calls is None or cost.calls <= calls) and (jobs is None or cost.bulk_jobs <= jobs)


def in_order(works: Sequence[Work], budget: Budget) -> list[Work]:
    """The objects in the order in which they are read.

    With budget enough, the largest come first, so that the small ones are read while Bulk jobs are under way. When it
    will not last for all, what was begun comes first (its job is paid for), then the cheapest, so that as much as
    possible is up to date; among equals what has waited longest, so that nothing waits for ever.
    """
    if lasts(budget, total_cost(works)):
        return sorted(works, key=lambda work: -work.cost.calls)
    return sorted(works, key=lambda work: (not work.begun, work.cost.calls, _age(work.state)))


def _age(state: ObjectState | None) -> datetime:
    return datetime.min if state is None else state.upper_bound  # noqa: DTZ901 - instants here are naive UTC
