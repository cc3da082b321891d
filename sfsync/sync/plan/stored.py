"""Plans as the store keeps them: for `apply`, `undo` and whoever asks what is planned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sfsync.errors import UsageError
from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.sync.plan import tables

PlanKind = Literal["push", "undo", "fix"]
#: `open` waits to be applied; `applying` began and has not ended; `applied` all of it; `partial` some of it; `stale`
#: was overtaken by a newer plan or by the org.
PlanState = Literal["open", "applying", "applied", "partial", "stale"]
Action = Literal["create", "update", "upsert", "delete"]

_PLAN = "SELECT id, created_at, org_id, kind, state, fingerprint, header FROM sfsync.plans"
_STEP = (
    'SELECT step, object, "action", mapping, pass, fields, key_field, table_name, row_count, refused_count, options'
    " FROM sfsync.plan_steps WHERE plan_id = ? ORDER BY step"
)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Changes of one kind to one object, to be written together.

    Attributes:
        step: Its number; steps are applied in this order.
        object: API name.
        action: What is done to each record.
        mapping: The file the changes come from.
        pass_: 1, or 2 for references that could only be set once every record is there.
        fields: API names of the fields that its table has columns for.
        key_field: The external Id by which a new record can be upserted, so that a repeated send makes no second one.
        table_name: Its table in the schema `sfsync`.
        row_count: Changes in it, refused ones included.
        refused_count: Changes that are known to fail and are never sent.
        options: How it is written: `assignment_rules`, `duplicate_rules`, `hard` (deletes).
    """

    step: int
    object: str
    action: Action
    mapping: str
    pass_: int
    fields: tuple[str, ...]
    key_field: str | None
    table_name: str
    row_count: int
    refused_count: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Its table as SQL writes it."""
        return tables.step_table(self.table_name)

    @property
    def sent_count(self) -> int:
        """Changes that would be sent."""
        return self.row_count - self.refused_count


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan.

    Attributes:
        id: Sortable by time.
        created_at: Naive UTC, this machine's clock.
        org_id: Which org it is for; None where that was not known.
        kind: `push`, `undo` or `fix`.
        state: Where it stands.
        fingerprint: Of everything it would do: a plan that was changed by hand has another.
        header: What it was made from and what it will cost; see docs/push.md.
        steps: In the order in which they are applied.
    """

    id: str
    created_at: datetime
    org_id: str | None
    kind: PlanKind
    state: PlanState
    fingerprint: str
    header: Mapping[str, Any]
    steps: tuple[PlanStep, ...]

    @property
    def change_count(self) -> int:
        """Changes that would be sent."""
        return sum(step.sent_count for step in self.steps)

    @property
    def refused_count(self) -> int:
        """Changes that are known to fail."""
        return sum(step.refused_count for step in self.steps)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do, and nothing to tell of."""
        return not self.steps


def read_stored_plan(session: Session, plan_id: str) -> Plan:
    """One plan. Raises `UsageError` when there is none of this Id."""
    rows = session.execute(f"{_PLAN} WHERE id = ?", [plan_id]).rows if _has_plans(session) else []
    if not rows:
        raise UsageError(f"there is no plan {plan_id}", hint="`sfsync plan` makes one")
    return _plan(session, rows[0])


def open_plans(session: Session) -> list[Plan]:
    """Plans that wait to be applied, newest first."""
    if not _has_plans(session):
        return []
    rows = session.execute(f"{_PLAN} WHERE state = 'open' ORDER BY created_at DESC, id DESC").rows
    return [_plan(session, row) for row in rows]


def latest_plan(session: Session) -> Plan | None:
    """The newest plan, whatever its state, or None."""
    if not _has_plans(session):
        return None
    rows = session.execute(f"{_PLAN} ORDER BY created_at DESC, id DESC LIMIT 1").rows
    return _plan(session, rows[0]) if rows else None


def plans_since(session: Session, plan: Plan) -> list[Plan]:
    """Plans that were made after one, in their order, whatever their state."""
    if not _has_plans(session):
        return []
    rows = session.execute(
        f"{_PLAN} WHERE created_at > ? AND id <> ? ORDER BY created_at, id", [plan.created_at, plan.id]
    ).rows
    return [_plan(session, row) for row in rows]


def stopped_plan(session: Session) -> Plan | None:
    """The plan to resume, or None: one that was stopped before one with changes left, the newest of each first."""
    if not _has_plans(session):
        return None
    left = "FALSE"
    if has_table(session, "sfsync", "outcomes"):
        # What Salesforce has rejected is for `retry`: there is nothing of it to resume.
        left = "id IN (SELECT plan_id FROM sfsync.outcomes WHERE state IN ('unprocessed', 'unknown'))"
    rows = session.execute(
        f"{_PLAN} WHERE state IN ('applying', 'partial') "
        f"ORDER BY state = 'applying' DESC, {left} DESC, created_at DESC, id DESC LIMIT 1"
    ).rows
    return _plan(session, rows[0]) if rows else None


def half_applied(session: Session) -> list[Plan]:
    """Plans of which it is not all known yet what became of their rows.

    Their apply was stopped before it ended, or has ended with changes that were sent and never answered.
    """
    if not _has_plans(session):
        return []
    lost = "FALSE"
    if has_table(session, "sfsync", "outcomes"):
        lost = "id IN (SELECT plan_id FROM sfsync.outcomes WHERE state = 'unknown')"
    rows = session.execute(
        f"{_PLAN} WHERE state = 'applying' OR (state = 'partial' AND {lost}) ORDER BY created_at DESC, id DESC"
    ).rows
    return [_plan(session, row) for row in rows]


def mark(session: Session, plan_id: str, state: PlanState) -> None:
    """Write down where a plan stands now."""
    session.execute("UPDATE sfsync.plans SET state = ? WHERE id = ?", [state, plan_id])


def save_plan(session: Session, plan: Plan) -> None:
    """Keep a plan whose steps' tables are filled already."""
    session.execute(
        "INSERT INTO sfsync.plans VALUES (?, ?, ?, ?, ?, ?, ?)",
        [plan.id, plan.created_at, plan.org_id, plan.kind, plan.state, plan.fingerprint, _text(plan.header)],
    )
    for step in plan.steps:
        session.execute(
            "INSERT INTO sfsync.plan_steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                plan.id,
                step.step,
                step.object,
                step.action,
                step.mapping,
                step.pass_,
                _text(step.fields),
                step.key_field,
                step.table_name,
                step.row_count,
                step.refused_count,
                _text(step.options),
            ],
        )


def overtake(session: Session, mappings: Sequence[str]) -> None:
    """A newer plan of these mappings was made: older ones that nobody applied are stale, and their changes dropped."""
    for plan in open_plans(session):
        if plan.kind != "undo" and {step.mapping for step in plan.steps} & set(mappings):
            mark(session, plan.id, "stale")
            for step in plan.steps:
                session.execute(f"DROP TABLE IF EXISTS {step.table}")


def _has_plans(session: Session) -> bool:
    return has_table(session, "sfsync", "plans")


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _plan(session: Session, row: tuple[Any, ...]) -> Plan:
    plan_id, created_at, org_id, kind, state, fingerprint, header = row
    steps = tuple(_step(each) for each in session.execute(_STEP, [plan_id]))
    return Plan(plan_id, created_at, org_id, kind, state, fingerprint, json.loads(header), steps)


def _step(row: tuple[Any, ...]) -> PlanStep:
    number, name, action, mapping, pass_, fields, key_field, table_name, rows, refused, options = row
    return PlanStep(
        number,
        name,
        action,
        mapping,
        pass_,
        tuple(json.loads(fields)),
        key_field,
        table_name,
        rows,
        refused,
        json.loads(options),
    )
