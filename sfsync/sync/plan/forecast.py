"""What applying a plan will cost: API calls and Bulk jobs, from the numbers of its changes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sfsync.sync.plan.stored import PlanStep

#: Up to so many changes of a step go by Collections, 200 a call; more of them go by Bulk ingest.
MOST_BY_COLLECTIONS = 2000
A_CALL = 200
#: So many records one call reads again before they are written.
READ_AT_ONCE = 2000
#: A Bulk job takes about so many rows (its limit is bytes), and about so many calls: open, upload, close, ask, fetch.
A_JOB = 150_000
CALLS_A_JOB = 10
#: From so many records on, the check before the write is a Bulk query.
MOST_READ_BY_REST = 20_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a step, or all of them, will about cost.

    Attributes:
        calls: API calls.
        bulk_jobs: Bulk jobs begun.
    """

    calls: int = 0
    bulk_jobs: int = 0

    def __add__(self, other: Forecast) -> Forecast:
        return Forecast(self.calls + other.calls, self.bulk_jobs + other.bulk_jobs)


def api_of(changes: int) -> Literal["collections", "bulk"]:
    """How so many changes of one step are written."""
    return "collections" if changes <= MOST_BY_COLLECTIONS else "bulk"


def cost_of(step: PlanStep) -> Forecast:
    """What a step will about cost, the look at its records right before the write included."""
    changes = step.sent_count
    if not changes:
        return Forecast()
    if api_of(changes) == "collections":
        write = Forecast(_parts(changes, A_CALL))
    else:
        jobs = _parts(changes, A_JOB)
        write = Forecast(jobs * CALLS_A_JOB, jobs)
    return write + _check_cost(step, changes)


def total_cost(steps: Iterable[PlanStep]) -> Forecast:
    """What all of them will about cost."""
    return sum((cost_of(step) for step in steps), Forecast())


def _check_cost(step: PlanStep, changes: int) -> Forecast:
    if step.action == "create" and step.key_field is None:
        return Forecast()
    if step.pass_ == 2 or changes <= MOST_READ_BY_REST:
        return Forecast(_parts(changes, READ_AT_ONCE))
    return Forecast(CALLS_A_JOB, 1)


def _parts(count: int, size: int) -> int:
    return -(-count // size)
