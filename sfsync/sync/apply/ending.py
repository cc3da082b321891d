"""The end of an apply: every change gets its outcome, and the account is checked."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.errors import LedgerUnbalanced
from sfsync.store.interface import Session
from sfsync.store.names import literal
from sfsync.sync.apply import tables
from sfsync.sync.apply.result import StepOutcome
from sfsync.sync.apply.step_rows import StepRows, is_settled
from sfsync.sync.apply.work import Apply
from sfsync.sync.plan.stored import Plan, mark

#: Codes of rejections that pass by themselves: the same change may succeed later.
RETRYABLE = (
    "UNABLE_TO_LOCK_ROW",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
    "UNKNOWN_EXCEPTION",
    "REQUEST_LIMIT_EXCEEDED",
    "LIMIT_EXCEEDED",
    "TXN_SECURITY_METERING_ERROR",
    "TOO_MANY_APEX_REQUESTS",
    "CONCURRENT_REQUESTS_IN_ORG",
)


def codes_sql(codes: Sequence[str]) -> str:
    """The codes as SQL has them within brackets."""
    return ", ".join(literal(code) for code in codes)


def begin_outcomes(session: Session, plan: Plan, run_id: str) -> None:
    """Settle what will never be sent; what an earlier run could not send waits again."""
    session.execute("DELETE FROM sfsync.outcomes WHERE plan_id = ? AND state = 'unprocessed'", [plan.id])
    # What is told of a batch that is still under way is not its outcome.
    session.execute(
        "DELETE FROM sfsync.outcomes WHERE plan_id = ? AND state = 'unknown'"
        f" AND change_no IN ({tables.under_way(plan.id)})",
        [plan.id],
    )
    settle_refused(session, plan, run_id)


def settle_refused(session: Session, plan: Plan, run_id: str) -> None:
    """Settle the changes that the plan itself refuses."""
    for step in plan.steps:
        refused = f"{step.table} AS s WHERE s.refused IS NOT NULL AND {tables.unsettled(plan.id)}"
        session.execute(
            tables.insert_outcomes(
                run_id, plan.id, step, refused, state="'refused'", code="'REFUSED_BY_PLAN'", message="s.refused"
            )
        )


def end_outcomes(session: Session, work: Apply, steps: Sequence[StepRows], stopped: str | None) -> None:
    """Give every change that has no outcome one: unknown while its batch is under way, unprocessed otherwise."""
    plan = literal(work.plan.id)
    why = literal(stopped or "what it refers to is not there yet")
    code = literal("NOT_SENT" if stopped else "PARENT_NOT_READY")
    for rows in steps:
        if is_settled(session, rows):
            continue
        under_way = (
            f"{rows.step.table} AS s JOIN (SELECT r.change_no, min(b.job_id) AS job_id FROM sfsync.batch_rows AS r"
            " JOIN sfsync.batches AS b ON b.plan_id = r.plan_id AND b.batch_no = r.batch_no"
            f" WHERE b.plan_id = {plan} AND b.state <> 'done' GROUP BY 1) AS u ON u.change_no = s.change_no"
            f" WHERE {tables.unsettled(work.plan.id)}"
        )
        told = "coalesce('Bulk job ' || u.job_id || ' is not known to be over', 'the answer is not known')"
        session.execute(work.settle(rows.step, under_way, state="'unknown'", code="'UNDER_WAY'", message=told))
        left = f"{rows.step.table} AS s WHERE {tables.unsettled(work.plan.id)}"
        session.execute(work.settle(rows.step, left, state="'unprocessed'", code=code, message=why))


def check_balance(session: Session, work: Apply) -> None:
    """Raise `LedgerUnbalanced` unless every change of the plan has exactly one outcome."""
    problems = list(work.unbalanced)
    for step in work.plan.steps:
        # Counted in groups, which spill to disk when there are many; distinct values would have to fit into memory.
        outcomes, distinct, of_step = session.execute(
            "SELECT coalesce(sum(o.outcomes), 0), count(*), count(s.change_no) FROM (SELECT change_no, count(*) AS"
            " outcomes FROM sfsync.outcomes WHERE plan_id = ? AND step = ? GROUP BY change_no) AS o"
            f" LEFT JOIN {step.table} AS s ON s.change_no = o.change_no",
            [work.plan.id, step.step],
        ).rows[0]
        if not outcomes == distinct == of_step == step.row_count:
            problems.append(
                f"step {step.step} ({step.action} {step.object}) has {step.row_count:,} changes, and outcomes of "
                f"{distinct:,}"
            )
    if problems:
        raise LedgerUnbalanced(
            f"the account of plan {work.plan.id} does not balance: {'; '.join(problems)}",
            hint="pull, and compare the records with `sfsync.outcomes` before anything is sent again",
        )


def mark_plan(session: Session, plan_id: str) -> None:
    """The plan is applied when every change that could be sent is done, and partial otherwise."""
    counts = tables.counts(session, plan_id)
    left = counts["rejected"] + counts["unprocessed"] + counts["unknown"]
    mark(session, plan_id, "partial" if left else "applied")


def step_outcomes(session: Session, plan: Plan) -> tuple[StepOutcome, ...]:
    """What became of each step."""
    found = session.execute(
        "SELECT step, state, count(*) FROM sfsync.outcomes WHERE plan_id = ? GROUP BY step, state", [plan.id]
    ).rows
    by_step: dict[int, dict[str, int]] = {}
    for number, state, count in found:
        by_step.setdefault(number, {})[state] = count
    return tuple(
        StepOutcome(
            step.step,
            step.object,
            step.action,
            {state: by_step.get(step.step, {}).get(state, 0) for state in tables.STATES},
        )
        for step in plan.steps
    )


def rejection_codes(session: Session, plan_id: str) -> dict[str, int]:
    """Code → number of rejected changes, the most frequent first."""
    return dict(
        session.execute(
            "SELECT code, count(*) FROM sfsync.outcomes WHERE plan_id = ? AND state = 'rejected' GROUP BY code"
            " ORDER BY count(*) DESC, code",
            [plan_id],
        ).rows
    )
