"""`pull`: bring the mirror up to date with the org; each object in one transaction with its cursor."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from sfsync.errors import (
    BudgetReached,
    GuardRefused,
    IncompleteAnswer,
    LimitReached,
    MappingError,
    QueryFailed,
    RequestRefused,
    SfsyncError,
    TemporaryFailure,
)
from sfsync.mapping import Mapping
from sfsync.mapping.check import check_mappings
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_objects, list_objects
from sfsync.salesforce.limits import limits
from sfsync.salesforce.query import record_counts
from sfsync.store import Store, ledger
from sfsync.store.coverage import Coverage, read_coverage
from sfsync.store.mirror import ObjectState, find_drifts, object_states, prepare_mirror
from sfsync.sync.budget import Budget, budgeted
from sfsync.sync.events import ObjectResult, OnEvent, PullStarted, Teller, ignore
from sfsync.sync.forecast import Work, cost_of, in_order, lasts, total_cost
from sfsync.sync.formulas import FormulaReading, FormulaRefresh
from sfsync.sync.lock import mirror_lock
from sfsync.sync.objects import choose_objects
from sfsync.sync.one_object import ObjectPull, ObjectRead
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader
from sfsync.sync.read_ahead import read_ahead
from sfsync.sync.result import PullResult
from sfsync.sync.run import LedgerRun, ledger_run
from sfsync.sync.same_org import refuse_another_org
from sfsync.sync.selection_check import select
from sfsync.sync.upper_bound import Asked, Bound, find_bounds

__all__ = ["PullResult", "pull"]


def pull(  # noqa: PLR0913 - three things to join and four ways to vary it, all by keyword
    org: Org,
    store: Store,
    *,
    objects: Sequence[str] | None = None,
    workspace: Path | None = None,
    mappings: Sequence[Mapping] = (),
    options: PullOptions | None = None,
    on_event: OnEvent = ignore,
) -> PullResult:
    """Bring the mirror up to date with the org.

    Objects are read several at a time and stored one after the other, each in one transaction with its cursor. A pull
    that is killed leaves each object exactly as its last finished pull did; the next one begins there.

    Args:
        org: Where to read.
        store: Where the mirror is; made when missing.
        objects: API names, or None for the default set (those of it that the org has).
        workspace: Folder for the run lock and spool files, e.g. `.sfsync`; None for one beside the store's file.
        mappings: Shown as local tables afterwards; checked against the org before anything is read.
        options: How to pull.
        on_event: Called with each event of `sync.events`, one at a time, from whichever thread it happens in.

    Raises:
        UsageError: An object of `objects` does not exist, or the mirror is of another org.
        MappingError: A mapping names what the org does not have.
        RunLocked: Another pull of this workspace is under way.
        BudgetReached: The budget was spent before anything could be read.
        LimitReached: The org refuses more calls, and nothing could be stored.
        SalesforceError: The org could not be read at all.
        StoreError: The store could not be written.
    """
    options, stop = options or PullOptions(), threading.Event()
    with (
        mirror_lock(workspace, store, "pull") as folder,
        budgeted(org, store, options.budget, stop) as budget,
    ):
        available = list_objects(org)
        mapped = () if objects is not None else tuple(name for mapping in mappings for name in mapping.objects)
        mapped = tuple(name for name in mapped if name in available)
        chosen, left_out = choose_objects(available, objects, mapped, options.selections)
        describes, options = select(describe_objects(org, chosen), options, mappings, available)
        shown = _checked_mappings(mappings, {**_known_describes(store), **describes}, available)
        upper = (org.server_time() - options.lag).astimezone(UTC).replace(tzinfo=None, microsecond=0)
        _claim_mirror(org, store)
        with ledger_run(store, "pull", lambda: budget.calls, lambda: budget.bulk_jobs) as run:
            teller = Teller(on_event, stop)
            reader = Reader(org, folder / "spool", options.api, options.bulk_threshold, teller.tell_of_reading)
            work = _Pull(ObjectPull(store, reader, run.id, upper, options), budget, run, teller, stop)
            pulled = work.pull_every(describes)
            formulas = work.refresh_formulas(describes, pulled)
            results = (
                *(pulled[name] for name in chosen),
                *(ObjectResult(name, "skipped", reason=reason) for name, reason in left_out.items()),
            )
            local_tables = tuple(_show_local_tables(store, shown, options))
            cost = (budget.calls, budget.bulk_jobs)
            as_of = min((each.upper_bound for each in results if each.upper_bound is not None), default=upper)
            result = PullResult(run.id, as_of, results, local_tables, *cost, work.hint, formulas)
            run.state = "done" if result.complete else "partial"
            run.summary = {each.object: each.reason or each.total for each in results}
        return result


@dataclass
class _Pull:
    """The objects of one pull on their way from the org to the store.

    Attributes:
        hint: How to go on after the budget or the org's limit was reached.
    """

    objects: ObjectPull
    budget: Budget
    run: LedgerRun
    teller: Teller
    stop: threading.Event
    hint: str | None = None
    _refusal: LimitReached | None = None

    def pull_every(self, describes: dict[str, ObjectDescribe]) -> dict[str, ObjectResult]:
        """Read the objects and store them; one that fails leaves the others alone.

        Raises:
            LimitReached: The org refuses more calls, and no object could be stored.
        """
        works = self._planned(describes)
        results: dict[str, ObjectResult] = {}
        # A budget that will not last is spent on one object after the other: several halves would be worth nothing.
        threads = 1 if not lasts(self.budget, total_cost(works)) else max(1, self.objects.options.concurrency)
        with closing(read_ahead(works, self._read, threads=threads, stop=self.stop)) as reading:
            for work, read in reading:
                results[work.name] = result = self._store(work, read)
                self.teller.tell(result)
                self.run.note_spending(self.objects.store)
        if self._refusal is not None and not any(result.state == "done" for result in results.values()):
            raise self._refusal
        return results

    def refresh_formulas(
        self, describes: dict[str, ObjectDescribe], results: dict[str, ObjectResult]
    ) -> tuple[FormulaRefresh, ...]:
        """Read the calculated fields again of the objects whose turn it is, now that the rest is up to date."""
        self.stop.clear()  # every thread that read ahead has ended; from here on this one reads
        fresh = {name: describes[name] for name, result in results.items() if result.state == "done"}
        objects = self.objects
        return FormulaReading(objects.store, objects.reader, objects.upper, objects.options).refresh(fresh)

    def _planned(self, describes: dict[str, ObjectDescribe]) -> list[Work]:
        """The objects in the order in which they are read; tells what that will about cost."""
        objects = self.objects
        with objects.store.reading() as session:
            states, coverage = object_states(session), read_coverage(session)
            drifts = find_drifts(session, describes)
        self.objects = objects = replace(objects, bounds=self._bounds(describes, states, coverage))
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
        self.teller.tell(
            PullStarted(
                tuple(describes),
                objects.upper,
                self.budget.calls + cost.calls,
                cost.bulk_jobs,
                *_left(self.budget),
            )
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
            self.hint = self.hint or error.hint
            if isinstance(error, LimitReached):
                self._refusal = error
            return ObjectResult(work.name, "postponed", reason=error.message)


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


def _known_describes(store: Store) -> dict[str, ObjectDescribe]:
    if not store.exists():
        return {}
    with store.reading() as session:
        return ledger.read_describes(session)


def _checked_mappings(
    mappings: Sequence[Mapping], describes: dict[str, ObjectDescribe], available: dict[str, bool]
) -> list[Mapping]:
    """The mappings whose objects are mirrored, or about to be; a fault in any of them stops the pull before it reads.

    A pull of chosen objects leaves alone a mapping whose objects were never pulled.
    """
    later = [m for m in mappings if any(name in available and name not in describes for name in m.objects)]
    now = [mapping for mapping in mappings if mapping not in later]
    problems = check_mappings(now, describes, object_names=tuple(available))
    if problems:
        raise MappingError(problems, hint="nothing was read from the org; correct the mapping and pull again")
    return now


def _claim_mirror(org: Org, store: Store) -> None:
    """Prepare the mirror, after making sure that it is of this org."""
    with store.writing() as session:
        prepare_mirror(session)
        refuse_another_org(org, ledger.facts(session).get("org_id"))
        if org.org_id:
            ledger.set_fact(session, "org_id", org.org_id)
        ledger.set_fact(session, "instance_url", org.instance_url)


def _show_local_tables(store: Store, shown: Sequence[Mapping], options: PullOptions) -> list[str]:
    with store.writing() as session:
        describes = ledger.read_describes(session)
        # An object that could never be read has no table yet that a mapping could show.
        showable = [mapping for mapping in shown if all(name in describes for name in mapping.objects)]
        return refresh_local_tables(
            session,
            showable,
            describes,
            timezone=options.timezone,
            fiscal_year_start_month=options.fiscal_year_start_month,
        )
