"""What runs have cost the org in API calls and Bulk jobs, so that a day's budget holds over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sfsync.store.columns import tables_in
from sfsync.store.interface import Session

DAY = timedelta(hours=24)

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.spending (run_id VARCHAR, calls BIGINT, bulk_jobs BIGINT, noted_at TIMESTAMP)"
)

# A killed run has no end and, in `runs`, no calls; what it noted on its way is known all the same.
_RECENT = (
    "SELECT r.api_calls, s.calls, s.bulk_jobs, COALESCE(r.finished_at, s.noted_at, r.started_at) AS ended "
    "FROM sfsync.runs AS r LEFT JOIN sfsync.spending AS s ON s.run_id = r.id "
    "WHERE COALESCE(r.finished_at, s.noted_at, r.started_at) > ? ORDER BY ended"
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What the runs of the last 24 hours have cost.

    Attributes:
        calls: API calls, Bulk jobs included.
        bulk_jobs: Bulk jobs begun.
        since: When the oldest of these runs ended (naive UTC), or None when there was none.
    """

    calls: int = 0
    bulk_jobs: int = 0
    since: datetime | None = None


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def note(session: Session, run_id: str, *, calls: int, bulk_jobs: int) -> None:
    """Write down what a run has cost so far; what was noted of it before is replaced."""
    session.execute("DELETE FROM sfsync.spending WHERE run_id = ?", [run_id])
    now = datetime.now(UTC).replace(tzinfo=None)
    session.execute("INSERT INTO sfsync.spending VALUES (?, ?, ?, ?)", [run_id, calls, bulk_jobs, now])


def spent_of_a_day(session: Session) -> Spent:
    """What the runs that ended within the last 24 hours, by this machine's clock, have cost, each as a whole."""
    if not {"runs", "spending"} <= tables_in(session, "sfsync"):
        return Spent()
    now = datetime.now(UTC).replace(tzinfo=None)  # the clock that runs are noted by
    rows = session.execute(_RECENT, [now - DAY]).rows
    return Spent(
        calls=sum(max(of_run or 0, noted or 0) for of_run, noted, _jobs, _ended in rows),
        bulk_jobs=sum(jobs or 0 for _of_run, _noted, jobs, _ended in rows),
        since=rows[0][3] if rows else None,
    )
