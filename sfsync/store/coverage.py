"""How far the org has vouched for an object's changes, and since when its deletions are not proven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfsync.store.columns import has_table
from sfsync.store.interface import Session

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.coverage (object VARCHAR, covered TIMESTAMP, unproven_since TIMESTAMP,"
    " unproven_because VARCHAR, began TIMESTAMP)"
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of one object beside its cursor; instants are naive UTC.

    Attributes:
        covered: Up to here the org said that all changes were committed, and its log of deletions was read; None when
            the mirror was made before that was kept.
        unproven_since: From here on a record may have been deleted for good without the mirror knowing; else None.
        unproven_because: Why.
        began: The upper bound of the first pull: what is dated later and was not read then was committed late.
    """

    covered: datetime | None = None
    unproven_since: datetime | None = None
    unproven_because: str | None = None
    began: datetime | None = None


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def read_coverage(session: Session) -> dict[str, Coverage]:
    """Object → coverage; empty in a mirror that was made before it was kept."""
    if not has_table(session, "sfsync", "coverage"):
        return {}
    rows = session.execute("SELECT object, covered, unproven_since, unproven_because, began FROM sfsync.coverage")
    return {name: Coverage(*known) for name, *known in rows}


def advance_coverage(session: Session, object_name: str, covered: datetime | None) -> None:
    """Keep that the org vouches for an object up to here, and that nothing else is new of it."""
    session.execute("UPDATE sfsync.coverage SET covered = ? WHERE object = ?", [covered, object_name])


def save_coverage(session: Session, object_name: str, coverage: Coverage) -> None:
    """Keep it, in the transaction that moves the object's cursor or compares its Ids."""
    session.execute("DELETE FROM sfsync.coverage WHERE object = ?", [object_name])
    session.execute(
        "INSERT INTO sfsync.coverage VALUES (?, ?, ?, ?, ?)",
        [object_name, coverage.covered, coverage.unproven_since, coverage.unproven_because, coverage.began],
    )
