"""The objects of one pull on their way from the org to the store: planned, read several at a time, stored in turn."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from sfsync.errors import (
    BudgetReached,
    GuardRefused,
    IncompleteAnswer,
    LimitReached,
    QueryFailed,
    RequestRefused,
    SfsyncError,
    TemporaryFailure,
)
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.limits import limits
from sfsync.salesforce.query import record_counts
from sfsync.store.coverage import Coverage, read_coverage
from sfsync.store.mirror import ObjectState, find_drifts, object_states
from sfsync.sync.budget import Budget
from sfsync.sync.events import ObjectResult, PullStarted, Teller
from sfsync.sync.forecast import Work, cost_of, in_order, lasts, total_cost
from sfsync.sync.formulas import FormulaReading, FormulaRefresh
from sfsync.sync.one_object import ObjectPull, ObjectRead
from sfsync.sync.read_ahead import read_ahead
from sfsync.sync.run import LedgerRun
from sfsync.sync.upper_bound import Asked, Bound, find_bounds


@dataclass
class EveryObject:
    """Pulls the objects of one run.

    Attributes:
        objects: How each is pulled.
        budget: What all of them may cost.
        run: The run in the ledger.
        teller: Told of every event.
        stop: Set when nobody wants the rest any more.
        hint: How to go on after the budget or the org's limit was reached.
    """

    objects: ObjectPull
    budget: Budget
    run: LedgerRun
    teller: Teller
    stop: threading.Event
    hint: str | None = None
    _refusal: LimitReached | None = None
    _beforehand: int = 0

    def pull(self, describes: dict[str, ObjectDescribe]) -> dict[str, ObjectResult]:
        """Read the objects and store them; one that fails leaves the others alone.

        Raises:
            LimitReached: The org refuses more calls, and no object could be stored.
        """
        works = self._planned(describes)
        results: dict[str, ObjectResult] = {}
        # A budget that will not last is spent on one object after the other: several halves would be worth nothing.
        threads = 1 if not lasts(self.budget, total_cost(works)) else max(1, self.objects.options.concurrency)
        store = self.objects.store
        reading = read_ahead(works, self._read, threads=threads, stop=self.stop, idle=store.let_go)
        with closing(reading):
            for work, read in reading:
                results[work.name] = result = self._store(work, read)
                self.teller.tell(result)
                self.run.note_spending(store)
        if self._refusal is not None and not any(result.state == "done" for result in results.values()):
            raise self._refusal
        return results

    def refresh_formulas(
        self, describes: dict[str, ObjectDescribe], results: dict[str, ObjectResult]
    ) -> tuple[FormulaRefresh, ...]:
        """Read the calculated fields again of the objects whose turn it is, now that the rest is up to date."""
        self.stop.clear()  # every thread that read ahead has ended; from here on this one reads
        done = {name: describes[name] for name, result in results.items() if result.state == "done"}
        whole = {name for name, result in results.items() if result.whole}
        objects = self.objects
        return FormulaReading(objects.store, objects.reader, objects.upper, objects.options).refresh(done, whole)

    def _planned(self, describes: dict[str, ObjectDescribe]) -> list[Work]:
        """The objects in the order in which they are read; tells what that will about cost."""
        objects = self.objects
        with objects.store.reading() as session:
            states, coverage = object_states(session), read_coverage(session)
            drifts = find_drifts(session, describes)
        bounds = self._bounds(describes, states, coverage)
        self.objects = objects = replace(objects, bounds=bounds, coverage=coverage)
        sizes = _sizes(objects.reader.org, [name for name in describes if name not in states])
        works = []
        for name, describe in describes.items():
            state, drift = states.get(name), drifts[name]
            cost = cost_of(state, drift, sizes.get(name), objects.options)
            begun = (objects.reader.spool / name).is_dir()
            works.append(Work(describe, drift, state, sizes.get(name), begun, cost))
        cost = total_cost(works)
        if cost.bulk_jobs:
            self._ask_for_bulk_jobs()
        self._beforehand = self.budget.calls
        expected = self._beforehand + cost.calls
        self.teller.tell(
            PullStarted(tuple(describes), objects.upper, expected, cost.bulk_jobs, *_left(self.budget)),
        )
        return in_order(works, self.budget)

    def _bounds(
        self, describes: dict[str, ObjectDescribe], states: dict[str, ObjectState], coverage: dict[str, Coverage]
    ) -> dict[str, Bound]:
        """How far each object can be mirrored; where the budget does not last for asking, reading will not begin."""
        upper, options = self.objects.upper, self.objects.options
        asked = Asked(describes, states, coverage, upper + options.lag, upper, options.overlap)
        try:
            return find_bounds(self.objects.reader.org, asked)
        except (BudgetReached, LimitReached):
            return {}

    def _ask_for_bulk_jobs(self) -> None:
        """How many Bulk jobs the org has left; a user without “View Setup and Configuration” is not told."""
        with suppress(RequestRefused, TemporaryFailure, BudgetReached, LimitReached, KeyError):
            self.budget.know_bulk_jobs(limits(self.objects.reader.org)["DailyBulkV2QueryJobs"])

    def _read(self, work: Work) -> ObjectRead:
        try:
            return self.objects.read_object(work.describe, work.drift, work.state, work.expected)
        except LimitReached as refusal:
            self.budget.refused(refusal)
            raise
        except OSError as error:
            raise SfsyncError(
                f"the spool folder {self.objects.reader.spool} cannot be written: {error.strerror or error}",
                hint="check free disk space and permissions; the mirror is as the last finished object left it",
            ) from error

    def _store(self, work: Work, read: ObjectRead | BaseException) -> ObjectResult:
        """Store what was read; an error that concerns this object alone is its result, others end the pull."""
        try:
            if isinstance(read, BaseException):
                raise read
            return self.objects.store_object(read)
        except (RequestRefused, IncompleteAnswer, TemporaryFailure, QueryFailed, GuardRefused) as error:
            return ObjectResult(work.name, "failed", reason=error.message)
        except (BudgetReached, LimitReached) as error:
            self.hint = self._never_enough(work) or self.hint or error.hint
            if isinstance(error, LimitReached):
                self._refusal = error
            return ObjectResult(work.name, "postponed", reason=error.message)

    def _never_enough(self, work: Work) -> str | None:
        """What to do about an object that no run's budget lasts for, because REST begins anew each time; else None."""
        most, needed = self.budget.limits.calls_per_run, self._beforehand + work.cost.calls
        if self.objects.options.api != "rest" or most is None or needed <= most:
            return None
        return (
            f"{work.name} takes about {needed:,} API calls by REST, all in one run, and a run may make {most:,}: pull "
            "it without `--api rest` (Bulk goes on where it was stopped), or raise calls_per_run"
        )


def _left(budget: Budget) -> tuple[int | None, int | None]:
    """What the budget allows in this run: calls, those made so far included, and Bulk jobs."""
    calls = budget.calls_left
    return None if calls is None else budget.calls + calls, budget.bulk_jobs_left


def _sizes(org: Org, names: Sequence[str]) -> dict[str, int]:
    """About how many records each object has; empty where the org does not say (no permission for it, no budget)."""
    if not names:
        return {}
    try:
        return record_counts(org, names)
    except (RequestRefused, BudgetReached, LimitReached):
        return {}
