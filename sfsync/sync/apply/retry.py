"""`retry`: rejected changes are sent again, where that can help."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sfsync.errors import UsageError
from sfsync.salesforce import Org
from sfsync.store import Session, Store
from sfsync.store.columns import has_table
from sfsync.store.names import literal
from sfsync.sync.apply.check import NO_PARENT
from sfsync.sync.apply.ending import RETRYABLE, codes_sql
from sfsync.sync.apply.events import OnApplyEvent, ignore
from sfsync.sync.apply.guards import refuse_over
from sfsync.sync.apply.later import refuse_written_later
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.result import ApplyResult
from sfsync.sync.apply.run import apply
from sfsync.sync.plan.stored import Plan, read_stored_plan


@dataclass(frozen=True, slots=True)
class RetryResult:
    """What a retry did.

    Attributes:
        result: What became of the plan.
        again: How many rejected changes were to be sent again.
        hopeless: Code → number of rejected changes that were not: the same would be said of them.
    """

    result: ApplyResult
    again: int
    hopeless: dict[str, int]


def plan_of(session: Session, run_or_plan: str) -> str:
    """The plan that a run applied; the Id of a plan is that plan.

    Raises:
        UsageError: There is no such run or plan.
    """
    if has_table(session, "sfsync", "plans"):
        if session.execute("SELECT 1 FROM sfsync.plans WHERE id = ?", [run_or_plan]).rows:
            return run_or_plan
        if has_table(session, "sfsync", "outcomes"):
            found: Any = (
                session.execute("SELECT plan_id FROM sfsync.outcomes WHERE run_id = ? LIMIT 1", [run_or_plan]).scalar()
                or session.execute(
                    "SELECT plan_id FROM sfsync.batches WHERE run_id = ? LIMIT 1", [run_or_plan]
                ).scalar()
            )
            found = found or _plan_told(session, run_or_plan)
            if found is not None:
                return str(found)
    raise UsageError(f"there is no run {run_or_plan} that applied a plan", hint="`sfsync status` lists the runs")


def _plan_told(session: Session, run_id: str) -> str | None:
    """The plan of a run whose changes later runs have settled anew: its own summary names it."""
    told = session.execute("SELECT summary FROM sfsync.runs WHERE id = ?", [run_id]).scalar()
    plan = json.loads(told or "{}").get("plan")
    return plan if isinstance(plan, str) else None


def retry(
    org: Org,
    store: Store,
    run_id: str,
    *,
    workspace: Path | None = None,
    options: ApplyOptions | None = None,
    on_event: OnApplyEvent = ignore,
) -> RetryResult:
    """Send the rejected changes of a run again whose faults pass by themselves, and what it could not send.

    Records that were locked are sent parent by parent, one request after the other, so that they do not lock each
    other out again. All other rejections are counted and left alone.

    Args:
        org: Where to write.
        store: Holds the outcomes.
        run_id: Of an `apply`, a `retry` or a plan.
        workspace: As for `apply`.
        options: How to apply.
        on_event: Called with each event.

    Raises:
        UsageError: There is no such run.
        PlanStale: The plan was given up, or overtaken, or a newer one of the same rows has been applied.
    """
    with store.reading() as session:
        plan_id = plan_of(session, run_id)
        plan = read_stored_plan(session, plan_id)
        if plan.state == "stale":
            refuse_over(plan)
        again, hopeless = _sorted_out(session, plan_id, None if plan_id == run_id else run_id)
        if again or _is_unsent(session, plan):
            refuse_written_later(session, plan)
    chosen = replace(options or ApplyOptions(), by_parent=True)

    def reopen(session: Session, plan: Plan) -> None:
        _reopen(session, plan.id, None if plan.id == run_id else run_id)

    result = apply(
        org,
        store,
        plan_id,
        workspace=workspace,
        options=chosen,
        on_event=on_event,
        verb="retry",
        reopen=reopen,
    )
    return RetryResult(result, again, hopeless)


def _is_unsent(session: Session, plan: Plan) -> bool:
    """Whether the plan has changes that were never sent, or of which nobody knows: they go on with the retry."""
    found = session.execute(
        "SELECT 1 FROM sfsync.outcomes WHERE plan_id = ? AND state IN ('unprocessed', 'unknown') LIMIT 1", [plan.id]
    )
    return plan.state == "applying" or bool(found.rows)


def _of_run(run_id: str | None) -> str:
    return "" if run_id is None else f" AND run_id = {literal(run_id)}"


def _sorted_out(session: Session, plan_id: str, run_id: str | None) -> tuple[int, dict[str, int]]:
    """How many rejections may pass, and the codes of the others."""
    codes: Sequence[tuple[str, int]] = session.execute(
        f"SELECT code, count(*) FROM sfsync.outcomes WHERE plan_id = ? AND state = 'rejected'{_of_run(run_id)}"
        " GROUP BY code ORDER BY count(*) DESC, code",
        [plan_id],
    ).rows
    again = sum(count for code, count in codes if code in RETRYABLE)
    return again, {code: count for code, count in codes if code not in RETRYABLE and code != NO_PARENT}


def _reopen(session: Session, plan_id: str, run_id: str | None) -> None:
    """The changes that are sent again lose their outcome; so do the children of parents that may be made now."""
    session.execute(
        f"DELETE FROM sfsync.outcomes WHERE plan_id = ? AND state = 'rejected'{_of_run(run_id)}"
        f" AND code IN ({codes_sql(RETRYABLE)})",
        [plan_id],
    )
    session.execute(
        "DELETE FROM sfsync.outcomes WHERE plan_id = ? AND state = 'rejected' AND code = ?", [plan_id, NO_PARENT]
    )
