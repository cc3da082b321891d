"""One budget over every object and thread of a run: API calls and Bulk jobs, by run, by day, by the org's own count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sfsync.errors import BudgetReached, LimitReached
from sfsync.salesforce import Org
from sfsync.salesforce.limits import Limit
from sfsync.salesforce.transport import Call
from sfsync.salesforce.usage import ApiUsage
from sfsync.store import Store
from sfsync.store.spending import DAY, Spent, spent_of_a_day

_AGAIN = "run it again: it goes on where this run stopped"
_LATER = "the org counts the last 24 hours; run it again later: it goes on where this run stopped"


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """What runs may cost; None sets no limit.

    Attributes:
        calls_per_run: API calls of one run.
        calls_per_day: API calls of all runs of this mirror within 24 hours.
        bulk_jobs_per_run: Bulk jobs begun by one run.
        bulk_jobs_per_day: Bulk jobs begun by all runs of this mirror within 24 hours.
        reserve: Share (0 to 1) of the org's daily allowance of API calls and Bulk jobs that is left to people and
            other programs: nothing is asked once the org as a whole has used the rest.
    """

    calls_per_run: int | None = None
    calls_per_day: int | None = None
    bulk_jobs_per_run: int | None = None
    bulk_jobs_per_day: int | None = None
    reserve: float = 0.1


#: What holds where a project says nothing: no limit but the reserve for people.
ONLY_RESERVE = BudgetLimits()


@dataclass(frozen=True, slots=True)
class _Purse:
    """One limit: how much of it is left, and what is said when nothing is."""

    left: int
    reason: str
    hint: str


class Budget:
    """Counts what a run asks of the org, and says no before a limit is passed; from any number of threads.

    Args:
        limits: What it may cost.
        spent: What earlier runs have cost within the day.
        usage: The org's own account, as far as its answers have told it.
    """

    def __init__(self, limits: BudgetLimits, spent: Spent, usage: Callable[[], ApiUsage]) -> None:
        self.limits = limits
        self.spent = spent
        self._usage = usage
        self._lock = threading.Lock()
        self._calls = 0
        self._bulk_jobs = 0
        self._org_jobs: Limit | None = None
        self._refusal: LimitReached | None = None
        self._seen: tuple[int, int] = (-1, 0)  # the org's count when it last moved, and ours at that moment

    @property
    def calls(self) -> int:
        """API calls of this run so far."""
        return self._calls

    @property
    def bulk_jobs(self) -> int:
        """Bulk jobs begun by this run so far."""
        return self._bulk_jobs

    @property
    def calls_left(self) -> int | None:
        """How many more calls are within the budget, or None when nothing limits them."""
        with self._lock:
            return min((purse.left for purse in self._call_purses()), default=None)

    @property
    def bulk_jobs_left(self) -> int | None:
        """How many more Bulk jobs are within the budget, or None when nothing limits them."""
        with self._lock:
            return min((purse.left for purse in self._job_purses()), default=None)

    def spend(self, call: Call) -> None:
        """Count a request that is about to be sent.

        Raises:
            BudgetReached: It is not to be sent.
        """
        with self._lock:
            purses = self._call_purses() + (self._job_purses() if call.starts_job else [])
            for purse in purses:
                if purse.left <= 0:
                    raise BudgetReached(
                        purse.reason,
                        hint=purse.hint,
                        docs="docs/mirror.md",
                        context={"calls": self._calls, "bulkJobs": self._bulk_jobs},
                    )
            self._calls += 1
            self._bulk_jobs += call.starts_job

    def know_bulk_jobs(self, limit: Limit) -> None:
        """Take in what the org says about `DailyBulkV2QueryJobs`; to be told before the run's first job."""
        with self._lock:
            self._org_jobs = limit

    def refused(self, refusal: LimitReached) -> None:
        """The org itself refuses more calls: ask no more in this run."""
        if refusal.context.get("errorCode") == "REQUEST_LIMIT_EXCEEDED":
            with self._lock:
                self._refusal = refusal

    def _call_purses(self) -> list[_Purse]:
        purses, limits = [], self.limits
        if self._refusal is not None:
            purses.append(_Purse(0, self._refusal.message, _LATER))
        if limits.calls_per_run is not None:
            reason = f"this run's budget of {limits.calls_per_run:,} API calls is spent"
            purses.append(_Purse(limits.calls_per_run - self._calls, reason, _AGAIN))
        if limits.calls_per_day is not None:
            reason = f"the budget of {limits.calls_per_day:,} API calls a day is spent"
            purses.append(_Purse(limits.calls_per_day - self.spent.calls - self._calls, reason, self._when()))
        usage = self._usage()
        if usage.used is not None and usage.allowed is not None:
            if usage.used != self._seen[0]:
                self._seen = (usage.used, self._calls)
            # Calls that the org has not told of yet are under way in other threads, or its account lags behind.
            used = usage.used + self._calls - self._seen[1]
            reason = (
                f"the org has used {usage.used:,} of its {usage.allowed:,} API calls of the last 24 hours, "
                f"and {limits.reserve:.0%} are kept for people"
            )
            purses.append(_Purse(int(usage.allowed * (1 - limits.reserve)) - used, reason, _LATER))
        if usage.app_used is not None and usage.app_allowed is not None:
            reason = f"this connected app has used its {usage.app_allowed:,} API calls of the last 24 hours"
            purses.append(_Purse(usage.app_allowed - usage.app_used, reason, _LATER))
        return purses

    def _job_purses(self) -> list[_Purse]:
        purses, limits = [], self.limits
        if limits.bulk_jobs_per_run is not None:
            reason = f"this run's budget of {limits.bulk_jobs_per_run:,} Bulk jobs is spent"
            purses.append(_Purse(limits.bulk_jobs_per_run - self._bulk_jobs, reason, _AGAIN))
        if limits.bulk_jobs_per_day is not None:
            reason = f"the budget of {limits.bulk_jobs_per_day:,} Bulk jobs a day is spent"
            left = limits.bulk_jobs_per_day - self.spent.bulk_jobs - self._bulk_jobs
            purses.append(_Purse(left, reason, self._when()))
        if self._org_jobs is not None:
            left = self._org_jobs.remaining - int(self._org_jobs.max * limits.reserve)
            reason = (
                f"the org has {self._org_jobs.remaining:,} of its {self._org_jobs.max:,} Bulk query jobs a day left, "
                f"and {limits.reserve:.0%} are kept for people"
            )
            purses.append(_Purse(left - self._bulk_jobs, reason, _LATER))
        return purses

    def _when(self) -> str:
        if self.spent.since is None:
            return "run it again tomorrow: it goes on where this run stopped; or raise the budget in sfsync.yml"
        return (
            f"from {self.spent.since + DAY:%Y-%m-%d %H:%M} UTC on earlier runs no longer count: run it again then, and "
            "it goes on where this run stopped; or raise the budget in sfsync.yml"
        )


@contextmanager
def budgeted(org: Org, store: Store, limits: BudgetLimits, stop: threading.Event | None = None) -> Iterator[Budget]:
    """For the time of the block, hold every request to the org against a budget.

    Args:
        org: Whose requests.
        store: In whose ledger earlier runs stand.
        limits: What it may cost.
        stop: When set, nothing is asked any more.
    """
    spent = Spent()
    if store.exists():
        with store.reading() as session:
            spent = spent_of_a_day(session)
    budget = Budget(limits, spent, lambda: org.usage)

    def before_call(call: Call) -> None:
        store.let_go()  # others may use the mirror while this thread waits for the org
        budget.spend(call)

    with org.watched(before_call, stop or threading.Event()):
        yield budget
