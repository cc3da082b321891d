"""What the parts of one apply share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.write_options import WriteOptions
from sfsync.store import Session, Store
from sfsync.store.names import literal
from sfsync.sync.apply import tables
from sfsync.sync.apply.events import BatchDone, OnApplyEvent
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.step_rows import StepRows
from sfsync.sync.plan.stored import Plan, PlanStep
from sfsync.sync.run import LedgerRun


@dataclass(frozen=True, slots=True)
class Known:
    """What the mirror knows of an object.

    Attributes:
        describe: The object.
        mirrored: Columns that the mirror has of it.
        upper: Up to which instant (naive UTC) it is mirrored, or None where it is not.
        is_whole: Every record of it is mirrored.
    """

    describe: ObjectDescribe
    mirrored: frozenset[str]
    upper: datetime | None
    is_whole: bool


@dataclass
class Apply:
    """One apply under way.

    Attributes:
        org: Where to write.
        store: Where the plan and the outcomes are.
        run: In the ledger.
        plan: What is applied.
        options: How.
        folder: For files on their way to and from the org.
        began: The org's clock (naive UTC) when the run began.
        known: API name → what the mirror knows of the object.
        on_event: Told what happens.
        unbalanced: Where the org's answers and what was sent do not add up.
    """

    org: Org
    store: Store
    run: LedgerRun
    plan: Plan
    options: ApplyOptions
    folder: Path
    began: datetime
    known: dict[str, Known]
    on_event: OnApplyEvent
    unbalanced: list[str] = field(default_factory=list)

    def settle(self, step: PlanStep, rows: str, *, span: tables.Span | None = None, **outcome: str) -> str:
        """SQL that settles changes; see `tables.insert_outcomes`."""
        return tables.insert_outcomes(self.run.id, self.plan.id, step, rows, span=span, **outcome)

    def begin_batch(self, session: Session, rows: StepRows, api: str, changes: str) -> int:
        """Write down what is about to be sent, and return the batch's number.

        Args:
            session: A writing session.
            rows: Of the step.
            api: `collections` or `bulk`.
            changes: A relation with the column `change_no`.
        """
        plan = literal(self.plan.id)
        number = int(
            session.execute(
                f"SELECT coalesce(max(batch_no), 0) + 1 FROM sfsync.batches WHERE plan_id = {plan}"
            ).scalar()
        )
        session.execute(f"INSERT INTO sfsync.batch_rows SELECT {plan}, {number}, change_no FROM {changes}")
        session.execute(
            f"INSERT INTO sfsync.batches SELECT {literal(self.run.id)}, {plan}, {rows.step.step}, {number}, "
            f"{literal(api)}, NULL, 'sending', min(change_no), max(change_no), 1, {tables.moment(tables.now())}, "
            f"{tables.moment(self.began)} FROM {changes}"
        )
        return number

    def note_job(self, number: int, job_id: str) -> None:
        """Write down which Bulk job a batch is; from now on a killed run takes it up."""
        with self.store.writing() as session:
            session.execute(
                "UPDATE sfsync.batches SET job_id = ? WHERE plan_id = ? AND batch_no = ?",
                [job_id, self.plan.id, number],
            )

    def mark_batch(self, session: Session, number: int, state: str) -> None:
        """Write down where a batch stands: `sent`, or `done` when every change of it is settled."""
        session.execute(
            "UPDATE sfsync.batches SET state = ? WHERE plan_id = ? AND batch_no = ?", [state, self.plan.id, number]
        )

    def void_batch(self, number: int) -> None:
        """Forget a batch of which the org has certainly done nothing: its changes wait again."""
        with self.store.writing() as session:
            for table in ("batches", "batch_rows"):
                session.execute(
                    f"DELETE FROM sfsync.{table} WHERE plan_id = ? AND batch_no = ?", [self.plan.id, number]
                )

    def span_of(self, session: Session, number: int) -> tables.Span:
        """The numbers of the first and the last change of a batch."""
        found = session.execute(
            "SELECT first_change, last_change FROM sfsync.batches WHERE plan_id = ? AND batch_no = ?",
            [self.plan.id, number],
        ).rows[0]
        return tables.Span(*found)

    def batch_rows(self, rows: StepRows, number: int) -> str:
        """What stands after FROM for the changes of one batch."""
        return (
            f"{rows.from_sql} JOIN sfsync.batch_rows AS b ON {tables.within('s', rows.span)}"
            f"{tables.within('b', rows.span)}b.plan_id = {literal(self.plan.id)}"
            f" AND b.batch_no = {number} AND b.change_no = s.change_no"
        )

    def tell_of_batch(self, session: Session, rows: StepRows, number: int) -> None:
        """Tell how a batch ended."""
        found = dict(
            session.execute(
                "SELECT o.state, count(*) FROM sfsync.outcomes AS o JOIN sfsync.batch_rows AS b"
                " ON b.plan_id = o.plan_id AND b.change_no = o.change_no"
                " WHERE o.plan_id = ? AND b.batch_no = ? GROUP BY o.state",
                [self.plan.id, number],
            ).rows
        )
        step = rows.step
        self.on_event(BatchDone(step.step, step.object, step.action, found.get("done", 0), found.get("rejected", 0)))


def write_options(step: PlanStep) -> WriteOptions:
    """How the records of a step are written; `assignment_rules` may be true, false or the Id of a rule."""
    rules = step.options.get("assignment_rules", False)
    return WriteOptions(
        auto_assign=rules is True,
        assignment_rule_id=rules if isinstance(rules, str) else None,
        duplicates="allow" if step.options.get("duplicate_rules") == "allow" else "block",
    )
