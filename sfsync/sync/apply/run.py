"""`apply`: exactly the plan, step by step; may be killed at any moment, and goes on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

from sfsync.errors import BudgetReached, MirrorUnfit, PlanStale, SalesforceError
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.store import Session, Store, ledger
from sfsync.store.columns import mirror_columns
from sfsync.store.names import literal
from sfsync.store.selections import read_selections
from sfsync.sync.apply import guards, tables
from sfsync.sync.apply.by_bulk import NotForBulk, fits_bulk, send_by_bulk, take_up
from sfsync.sync.apply.by_collections import send_by_collections
from sfsync.sync.apply.check import reject_moved_in_mirror, reject_orphans
from sfsync.sync.apply.ending import (
    RETRYABLE,
    begin_outcomes,
    check_balance,
    end_outcomes,
    mark_plan,
    rejection_codes,
    step_outcomes,
)
from sfsync.sync.apply.events import OnApplyEvent, StepBegins, Trouble, ignore
from sfsync.sync.apply.later import overtake_later, refuse_written_later
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.result import ApplyResult
from sfsync.sync.apply.step_rows import StepRows, step_rows
from sfsync.sync.apply.unknown import mark_unknown, resolve_unknown
from sfsync.sync.apply.work import Apply, Known
from sfsync.sync.budget import Budget, budgeted
from sfsync.sync.lock import mirror_lock
from sfsync.sync.merge3.base import settle as settle_two_way
from sfsync.sync.plan import tables as plan_tables
from sfsync.sync.plan.stored import Plan, PlanStep, mark, read_stored_plan
from sfsync.sync.run import LedgerRun, ledger_run

#: More changes than that are not sent parent by parent.
_MOST_BY_PARENT = 10_000

#: Called in the transaction that begins the run: what is to be sent again waits again.
Reopen = Callable[[Session, Plan], None]


def apply(  # noqa: PLR0913 - three things to join and five ways to vary it, all by keyword
    org: Org,
    store: Store,
    plan_id: str,
    *,
    workspace: Path | None = None,
    mappings: Sequence[Mapping] = (),
    options: ApplyOptions | None = None,
    on_event: OnApplyEvent = ignore,
    verb: str = "apply",
    reopen: Reopen | None = None,
) -> ApplyResult:
    """Write a plan to the org: exactly its changes, each at most once.

    A plan that was applied in part goes on where it stopped; nothing that was sent is sent again before the org was
    asked what became of it.

    Args:
        org: Where to write.
        store: Holds the plan, and the outcomes.
        plan_id: Which plan.
        workspace: Folder for the run lock and files on their way; None for one beside the store's file.
        mappings: As they are now: a plan made by other ones is refused. Not looked at when it goes on.
        options: How to apply.
        on_event: Called with each event of `sync.apply.events`.
        verb: What the run is called in the ledger.
        reopen: Called in the transaction that begins the run, with changes to be sent again.

    Returns:
        What became of every change of the plan. Look at `stopped`: trouble with the org ends a run, and not its
        account.

    Raises:
        UsageError: There is no such plan, or it is for another org.
        PlanStale: It is over, the org or a mapping has moved since it was made, or it was applied in part and a newer
            plan of the same rows has written since.
        RunLocked: Another run of this workspace is under way.
        LedgerUnbalanced: The org's answers do not add up with what was sent.
        StoreError: The store could not be written.
    """
    options = options or ApplyOptions()
    with mirror_lock(workspace, store, verb) as folder, store.at_hand(), budgeted(org, store, options.budget) as budget:
        with store.writing() as session:
            tables.prepare(session)
            plan = read_stored_plan(session, plan_id)
        guards.refuse_other_org(plan, org)
        if reopen is None:
            guards.refuse_over(plan)
            if plan.state != "open":
                with store.reading() as session:
                    refuse_written_later(session, plan)
        with store.at_hand(columns=_widest(plan)):
            known = _known(store, plan)
            if plan.state == "open":
                _refuse_stale(store, plan, mappings, known)
            with (
                ledger_run(store, verb, lambda: budget.calls, lambda: budget.bulk_jobs) as run,
                _spool(folder / "apply" / plan.id) as spool,
            ):
                began = org.server_time().astimezone(UTC).replace(tzinfo=None)
                work = Apply(org, store, run, plan, options, spool, began, known, on_event)
                _begin(work, reopen)
                stopped, hint = _send(work)
                return _end(work, budget, run, stopped, hint)


@contextmanager
def _spool(folder: Path) -> Iterator[Path]:
    """An empty folder for files on their way, which hold people's data: gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _widest(plan: Plan) -> int:
    """Columns of the widest of the plan's tables: by that, and not by the number of its rows, it takes memory."""
    return max((plan_tables.column_count(len(step.fields)) for step in plan.steps), default=0)


def _known(store: Store, plan: Plan) -> dict[str, Known]:
    """What the mirror knows of the plan's objects."""
    with store.reading() as session:
        describes = ledger.read_describes(session)
        columns, parts = mirror_columns(session), read_selections(session)
        cursors = dict(session.execute("SELECT object, upper_bound FROM sfsync.cursors").rows)
    known = {}
    for name in {step.object for step in plan.steps}:
        if name not in describes:
            raise MirrorUnfit(f"the mirror does not hold {name}", hint=f"run `sfsync pull {name}`")
        whole = name in cursors and (name not in parts or not parts[name].where)
        known[name] = Known(describes[name], frozenset(columns.get(name, ())), cursors.get(name), whole)
    for step in plan.steps:
        _check_fields(step, describes[step.object])
    return known


def _check_fields(step: PlanStep, describe: ObjectDescribe) -> None:
    """A name of a plan file becomes part of SOQL, so it has to be one that the org has."""
    names = (*step.fields, step.key_field) if step.key_field else step.fields
    missing = [name for name in names if (found := describe.field(name)) is None or found.name != name]
    if missing:
        raise MirrorUnfit(
            f"the plan writes {', '.join(missing)} of {step.object}, which the mirror does not know",
            hint=f"run `sfsync pull {step.object}`, then `sfsync plan`",
        )


def _rows_of(session: Session, plan: Plan, known: dict[str, Known]) -> list[StepRows]:
    return [
        step_rows(session, plan.id, step, known[step.object].describe, known[step.object].mirrored)
        for step in plan.steps
    ]


def _refuse_stale(store: Store, plan: Plan, mappings: Sequence[Mapping], known: dict[str, Known]) -> None:
    guards.refuse_changed_mappings(plan, mappings)
    with store.writing() as session:
        guards.refuse_changed_plan(session, plan)
        stale: PlanStale | None = guards.refuse_moved(session, plan, _rows_of(session, plan, known))
    if stale is not None:
        raise stale


def _begin(work: Apply, reopen: Reopen | None) -> None:
    with work.store.writing() as session:
        begin_outcomes(session, work.plan, work.run.id)
        if work.plan.state != "open":
            overtake_later(session, work.plan)
        if reopen is not None:
            reopen(session, work.plan)
        mark(session, work.plan.id, "applying")


def _send(work: Apply) -> tuple[str | None, str | None]:
    """Send what is pending; why and how to go on, when that ended early."""
    try:
        _take_up(work)
        for number in range(len(work.plan.steps)):
            _send_step(work, number)
    except (SalesforceError, BudgetReached) as error:
        work.on_event(Trouble("", error.message))
        return error.message, error.hint
    return None, None


def _take_up(work: Apply) -> None:
    """Find out what became of the batches that a stopped run left, before anything else is sent."""
    with work.store.reading() as session:
        found = session.execute(
            "SELECT batch_no, step, api, job_id FROM sfsync.batches WHERE plan_id = ? AND state <> 'done'"
            " ORDER BY batch_no",
            [work.plan.id],
        ).rows
        steps = {rows.step.step: rows for rows in _rows_of(session, work.plan, work.known)} if found else {}
    for number, step, api, job_id in found:
        if api == "bulk" and job_id is None:
            work.void_batch(number)  # its job was never closed: nothing was written
        elif api == "bulk":
            take_up(work, steps[step], number, job_id)
        else:
            with work.store.writing() as session:
                mark_unknown(session, work, steps[step], number, "ANSWER_LOST", "the run was stopped while it was sent")


def _send_step(work: Apply, number: int) -> None:
    step = work.plan.steps[number]
    known = work.known[step.object]
    with work.store.reading() as session:
        rows = step_rows(session, work.plan.id, step, known.describe, known.mirrored)
    resolve_unknown(work, rows)
    with work.store.writing() as session:
        reject_orphans(session, work, rows)
        if work.plan.state != "open":  # of one that begins, the whole was looked at
            reject_moved_in_mirror(session, work, rows)
        pending = int(session.execute(f"SELECT count(*) FROM {rows.from_sql} WHERE {rows.pending}").scalar())
    if not pending:
        return
    work.on_event(StepBegins(step.step, step.object, step.action, pending))
    hard = step.action == "delete" and bool(step.options.get("hard"))
    large = max(work.options.bulk_from, _MOST_BY_PARENT if work.options.by_parent else 0)
    if hard or (pending > large and fits_bulk(rows)):
        try:
            send_by_bulk(work, rows)
        except NotForBulk as refused:
            work.on_event(Trouble(step.object, f"not by Bulk: {refused}"))
            if hard:
                _reject_rest(work, rows, "NOT_BY_BULK", str(refused))
        if hard:
            return
    send_by_collections(work, rows)  # what is small, or what a Bulk file cannot carry


def _reject_rest(work: Apply, rows: StepRows, code: str, message: str) -> None:
    with work.store.writing() as session:
        rest = f"{rows.from_sql} WHERE {rows.pending}"
        session.execute(work.settle(rows.step, rest, state="'rejected'", code=literal(code), message=literal(message)))


def _end(work: Apply, budget: Budget, run: LedgerRun, stopped: str | None, hint: str | None) -> ApplyResult:
    plan = work.plan
    with work.store.writing() as session:
        end_outcomes(session, work, _rows_of(session, plan, work.known), stopped)
        check_balance(session, work)
        mark_plan(session, plan.id)
        settle_two_way(session, plan.id)  # bases of two-way tables move by what was written
        counts, codes = tables.counts(session, plan.id), rejection_codes(session, plan.id)
        result = ApplyResult(
            run.id,
            plan.id,
            counts,
            step_outcomes(session, plan),
            codes,
            budget.calls,
            budget.bulk_jobs,
            stopped,
            hint,
            sum(count for code, count in codes.items() if code in RETRYABLE),
            kind=plan.kind,
        )
    run.state = "done" if result.complete else "partial"
    run.summary = {"plan": plan.id, **counts}
    return result
