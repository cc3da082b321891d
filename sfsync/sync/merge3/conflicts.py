"""Conflicts as values: those that wait for a decision, and those that were settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.sync.merge3.tables import WHOLE_RECORD

_FOUND = "table_name, object, record_id, column_name, field, kind, base_value, local_value, org_value"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One value that both sides changed, or one record that one side changed and the other deleted.

    Attributes:
        table: The local table.
        object: API name.
        record_id: 18-character Id.
        column: Of the local table; empty where the conflict is about the whole record.
        field: API name; empty where the conflict is about the whole record.
        kind: `field`, `deleted in the org` or `deleted here`.
        base: What both sides last agreed on, in local form.
        local: What stands in the local table.
        org: What the org has, in local form.
        local_changed: When the local row was changed, where the mapping's `modified` column says so (naive UTC).
        org_changed: When the record was changed (naive UTC).
        reason: Why nobody has settled it.
        seen_at: When it was first seen (naive UTC).
    """

    table: str
    object: str
    record_id: str
    column: str
    field: str
    kind: str
    base: str | None
    local: str | None
    org: str | None
    local_changed: datetime | None
    org_changed: datetime | None
    reason: str
    seen_at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether it is about the record as a whole."""
        return self.column == WHOLE_RECORD


@dataclass(frozen=True, slots=True)
class Settled:
    """A conflict that was settled, with the value that lost.

    Attributes:
        table: The local table.
        object: API name.
        record_id: 18-character Id.
        column: Of the local table, or empty.
        field: API name, or empty.
        kind: As of `Conflict`.
        base: What both sides had agreed on.
        local: What stood in the local table.
        org: What the org had.
        winner: `org` or `local`.
        policy: What settled it: a policy, another rule of the mapping, or `resolve`.
        settled_at: When (naive UTC).
        plan_id: The plan that told of it, or None.
    """

    table: str
    object: str
    record_id: str
    column: str
    field: str
    kind: str
    base: str | None
    local: str | None
    org: str | None
    winner: str
    policy: str
    settled_at: datetime
    plan_id: str | None

    @property
    def lost(self) -> str | None:
        """The value that was given up."""
        return self.local if self.winner == "org" else self.org


def open_conflicts(
    session: Session, tables: Sequence[str] | None = None, *, limit: int | None = None
) -> list[Conflict]:
    """What waits for a decision, the oldest first.

    Args:
        session: Any session.
        tables: Local tables, like `crm.leads`; all unless given.
        limit: At most so many.
    """
    if not has_table(session, "sfsync", "conflicts"):
        return []
    where, params = _of(tables)
    rows = session.execute(
        f"SELECT {_FOUND}, local_changed, org_changed, reason, seen_at FROM sfsync.conflicts{where} "
        f"ORDER BY seen_at, table_name, record_id, column_name{_at_most(limit)}",
        params,
    )
    return [Conflict(*row) for row in rows]


def count_conflicts(session: Session, tables: Sequence[str] | None = None) -> int:
    """How many conflicts wait for a decision."""
    if not has_table(session, "sfsync", "conflicts"):
        return 0
    where, params = _of(tables)
    return int(session.execute(f"SELECT count(*) FROM sfsync.conflicts{where}", params).scalar())


def settled_conflicts(
    session: Session,
    tables: Sequence[str] | None = None,
    *,
    plan_id: str | None = None,
    limit: int | None = None,
) -> list[Settled]:
    """What was settled, the newest first.

    Args:
        session: Any session.
        tables: Local tables; all unless given.
        plan_id: Only what this plan told of.
        limit: At most so many.
    """
    if not has_table(session, "sfsync", "settled"):
        return []
    where, params = _of(tables)
    if plan_id is not None:
        where, params = f"{where}{' AND' if where else ' WHERE'} plan_id = ?", [*params, plan_id]
    rows = session.execute(
        f"SELECT {_FOUND}, winner, policy, settled_at, plan_id FROM sfsync.settled{where} "
        f"ORDER BY settled_at DESC, table_name, record_id, column_name{_at_most(limit)}",
        params,
    )
    return [Settled(*row) for row in rows]


def _of(tables: Sequence[str] | None) -> tuple[str, list[str]]:
    if tables is None:
        return "", []
    if not tables:
        return " WHERE FALSE", []
    return f" WHERE table_name IN ({', '.join('?' * len(tables))})", [name.casefold() for name in tables]


def _at_most(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"
