"""Where the outcome of every change is written down: what was about to be sent, and what became of it.

A change has no outcome until it is settled. What is about to be sent stands in `sfsync.batches` and
`sfsync.batch_rows` before it is sent, so that a killed run is known to have sent it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sfsync.store.interface import Session
from sfsync.store.names import literal
from sfsync.sync.plan import tables as plan_tables
from sfsync.sync.plan.stored import PlanStep

#: The record is what the plan wanted; the org refused; it was not sent, or not worked on; nobody knows; never sent.
STATES = ("done", "rejected", "unprocessed", "unknown", "refused")


class Span(NamedTuple):
    """Numbers of the first and the last of some changes; whether all of them are known to go into one Bulk file."""

    first: int
    last: int
    fits: bool = False


_TABLES = (
    "CREATE TABLE IF NOT EXISTS sfsync.outcomes (run_id VARCHAR, plan_id VARCHAR, change_no BIGINT, step INTEGER,"
    ' object VARCHAR, "action" VARCHAR, state VARCHAR, record_id VARCHAR, created BOOLEAN, code VARCHAR,'
    ' message VARCHAR, attempt INTEGER, "at" TIMESTAMP)',
    "CREATE TABLE IF NOT EXISTS sfsync.batches (run_id VARCHAR, plan_id VARCHAR, step INTEGER, batch_no BIGINT,"
    " api VARCHAR, job_id VARCHAR, state VARCHAR, first_change BIGINT, last_change BIGINT, attempt INTEGER,"
    ' "at" TIMESTAMP, org_time TIMESTAMP)',
    "CREATE TABLE IF NOT EXISTS sfsync.batch_rows (plan_id VARCHAR, batch_no BIGINT, change_no BIGINT)",
)


def prepare(session: Session) -> None:
    """Make the tables where they are missing."""
    plan_tables.prepare(session)
    for statement in _TABLES:
        session.execute(statement)


def now() -> datetime:
    """This machine's clock (naive UTC)."""
    return datetime.now(UTC).replace(tzinfo=None)


def moment(instant: datetime) -> str:
    """An instant as SQL writes it."""
    return f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S.%f}'"


def insert_outcomes(  # noqa: PLR0913 - the columns of an outcome
    run_id: str,
    plan_id: str,
    step: PlanStep,
    rows: str,
    *,
    state: str = "o.state",
    record_id: str = "NULL",
    created: str = "FALSE",
    code: str = "NULL",
    message: str = "NULL",
    span: Span | None = None,
) -> str:
    """SQL that settles changes.

    Args:
        run_id: Of the run.
        plan_id: Of the plan.
        step: Of the changes.
        rows: What stands after FROM; the alias `s` has the column `change_no`, each change once.
        state: SQL of the outcome's state; so are the others.
        record_id: Id of the record.
        created: Whether it is new.
        code: Of the fault.
        message: Of the fault.
        span: They are most of what was ever sent of the changes in it, so it pays to count all attempts at once.
    """
    settled = (
        f"SELECT s.change_no AS change_no, {state} AS state, {record_id} AS record_id, {created} AS created,"
        f" {code} AS code, {message} AS message FROM {rows}"
    )
    sent = f"FROM sfsync.batch_rows AS a WHERE {within('a', span)}a.plan_id = {literal(plan_id)}"
    attempt, joined = f"(SELECT count(*) {sent} AND a.change_no = x.change_no)", ""
    if span is not None:
        attempt = "coalesce(t.attempt, 0)"
        joined = (
            f" LEFT JOIN (SELECT change_no, count(*) AS attempt {sent} GROUP BY 1) AS t ON t.change_no = x.change_no"
        )
    return (
        f"INSERT INTO sfsync.outcomes SELECT {literal(run_id)}, {literal(plan_id)}, x.change_no, {step.step}, "
        f"{literal(step.object)}, {literal(step.action)}, x.state, x.record_id, x.created, x.code, x.message, "
        f"{attempt}, {moment(now())} FROM ({settled}) AS x{joined}"
    )


def unsettled(plan_id: str, span: Span | None = None) -> str:
    """SQL of whether the change of alias `s` has no outcome yet; with a span, only outcomes within it are looked at."""
    return (
        f"NOT EXISTS (SELECT 1 FROM sfsync.outcomes AS e WHERE {within('e', span)}e.plan_id = {literal(plan_id)}"
        " AND e.change_no = s.change_no)"
    )


def under_way(plan_id: str) -> str:
    """A SELECT of the changes whose batch was about to be sent, or was sent, and is not settled."""
    return (
        "SELECT r.change_no FROM sfsync.batch_rows AS r JOIN sfsync.batches AS b ON b.plan_id = r.plan_id"
        f" AND b.batch_no = r.batch_no WHERE b.plan_id = {literal(plan_id)} AND b.state <> 'done'"
    )


def within(alias: str, span: Span | None) -> str:
    """SQL, to be followed by further conditions, of whether a change lies in a span: tables are skipped beyond it."""
    return "" if span is None else f"{alias}.change_no BETWEEN {span.first} AND {span.last} AND "


def counts(session: Session, plan_id: str) -> dict[str, int]:
    """State → number of changes of a plan, every state named."""
    found = dict(
        session.execute("SELECT state, count(*) FROM sfsync.outcomes WHERE plan_id = ? GROUP BY state", [plan_id]).rows
    )
    return {state: found.get(state, 0) for state in STATES}
