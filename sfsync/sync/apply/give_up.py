"""`apply --give-up`: a plan that was begun ends here; what it has not sent yet is never sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfsync.errors import UsageError
from sfsync.store import Session, Store
from sfsync.store.names import literal
from sfsync.sync.apply import guards, tables
from sfsync.sync.apply.ending import settle_refused
from sfsync.sync.lock import mirror_lock
from sfsync.sync.merge3.base import settle as settle_two_way
from sfsync.sync.plan.stored import Plan, mark, read_stored_plan
from sfsync.sync.run import ledger_run


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What became of the changes of a plan that was given up.

    Attributes:
        plan_id: The plan.
        counts: State → number of changes, every state named.
    """

    plan_id: str
    counts: dict[str, int]


def give_up(store: Store, plan_id: str, *, workspace: Path | None = None) -> GivenUp:
    """End a plan that was applied in part, so that its rows may be planned anew; asks the org nothing.

    What was written stays written, and can be taken back. What was sent without an answer stays unknown for good.

    Args:
        store: Holds the plan, and its outcomes.
        plan_id: Which plan.
        workspace: Folder for the run lock; None for one beside the store's file.

    Raises:
        UsageError: There is no such plan, or it was never begun.
        PlanStale: It is over already.
        RunLocked: Another run of this workspace is under way.
    """
    with mirror_lock(workspace, store, "give up"):
        with store.writing() as session:
            tables.prepare(session)
            plan = read_stored_plan(session, plan_id)
        guards.refuse_over(plan)
        if plan.state == "open":
            raise UsageError(f"plan {plan_id} was never begun", hint="a newer plan of its mappings takes its place")
        with ledger_run(store, "give up", lambda: 0) as run:
            with store.writing() as session:
                _settle(session, plan, run.id)
                settle_two_way(session, plan.id)
                mark(session, plan.id, "stale")
                counts = tables.counts(session, plan.id)
            run.summary = {"plan": plan.id, **counts}
    return GivenUp(plan.id, counts)


def _settle(session: Session, plan: Plan, run_id: str) -> None:
    """Give every change that has no outcome one: unknown where it may have been sent, unprocessed otherwise."""
    settle_refused(session, plan, run_id)
    why = literal("the plan was given up before it was known what became of this")
    never = literal("the plan was given up before this was sent")
    for step in plan.steps:
        left = f"{step.table} AS s WHERE {tables.unsettled(plan.id)}"
        for state, message, rows in (
            ("'unknown'", why, f"{left} AND s.change_no IN ({tables.under_way(plan.id)})"),
            ("'unprocessed'", never, left),
        ):
            session.execute(
                tables.insert_outcomes(run_id, plan.id, step, rows, state=state, code="'GIVEN_UP'", message=message)
            )
