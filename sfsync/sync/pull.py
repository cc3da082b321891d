"""`pull`: bring the mirror up to date with the org; each object in one transaction with its cursor."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.salesforce import Org
from sfsync.store import Store
from sfsync.sync.budget import budgeted
from sfsync.sync.events import ObjectResult, OnEvent, Teller, ignore
from sfsync.sync.every_object import EveryObject
from sfsync.sync.lock import mirror_lock
from sfsync.sync.one_object import ObjectPull
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader
from sfsync.sync.result import PullResult
from sfsync.sync.run import ledger_run
from sfsync.sync.wanted import Wanted, find_wanted

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping

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
        store.at_hand(),
        budgeted(org, store, options.budget, stop) as budget,
        ledger_run(store, "pull", lambda: budget.calls, lambda: budget.bulk_jobs) as run,
    ):
        wanted = find_wanted(org, store, objects, mappings, options)
        teller = Teller(on_event, stop)
        reader = Reader(org, folder / "spool", options.api, options.bulk_threshold, teller.tell_of_reading)
        one = ObjectPull(store, reader, run.id, wanted.upper, wanted.options)
        result = _pull(EveryObject(one, budget, run, teller, stop), wanted)
        run.state = "done" if result.complete else "partial"
        run.summary = {each.object: each.reason or each.total for each in result.objects}
    return result


def _pull(every: EveryObject, wanted: Wanted) -> PullResult:
    """Everything that is wanted, then formulas, then local tables."""
    pulled = every.pull(wanted.describes)
    formulas = every.refresh_formulas(wanted.describes, pulled)
    results = (
        *(pulled[name] for name in wanted.describes),
        *(ObjectResult(name, "skipped", reason=reason) for name, reason in wanted.left_out.items()),
    )
    done = [name for name, result in pulled.items() if result.state == "done"]
    as_of = min((each.upper_bound for each in results if each.upper_bound is not None), default=wanted.upper)
    return PullResult(
        run_id=every.run.id,
        as_of=as_of,
        objects=results,
        local_tables=wanted.show(every.objects.store, done),
        api_calls=every.budget.calls,
        bulk_jobs=every.budget.bulk_jobs,
        hint=every.hint,
        formulas=formulas,
    )
