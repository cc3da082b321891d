"""Which records were changed and deleted within a time: `getUpdated` and `getDeleted`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sfsync.fake import faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.dml.bin import purge
from sfsync.fake.dml.call import shape_of
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.state import BIN_TIME
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: `getUpdated` looks back so far.
_UPDATES_KEPT = timedelta(days=30)

_MOST_IDS = 600_000


@dataclass(frozen=True, slots=True)
class Updated:
    """Records made or changed: their 18-character Ids, and up to when (naive UTC) that is all."""

    ids: list[str]
    latest_date_covered: datetime


@dataclass(frozen=True, slots=True)
class Deleted:
    """Records deleted: Id and moment (naive UTC) of each, since when that is known, and up to when that is all."""

    records: list[tuple[str, datetime]]
    earliest_date_available: datetime
    latest_date_covered: datetime


def updated(org: FakeOrg, object_name: str, start: datetime, end: datetime, *, user_id: str | None = None) -> Updated:
    """The live records whose SystemModstamp lies from `start` up to `end`; seconds do not count."""
    facts = shape_of(org, object_name, WriteOptions(user_id or org.admin_id)).whole
    first, last = _span(start, end)
    if first < org.clock.stamp() - _UPDATES_KEPT:
        # from memory
        raise _invalid_date("startDate cannot be more than 30 days ago")
    live = ' AND NOT "IsDeleted"' if facts.field("IsDeleted") else ""
    rows = _rows(org, facts, live, first, last)
    return Updated([row[0] for row in rows], _covered(org, facts, last))


def deleted(org: FakeOrg, object_name: str, start: datetime, end: datetime, *, user_id: str | None = None) -> Deleted:
    """The records that were deleted from `start` up to `end`, gone for good or not; seconds do not count."""
    purge(org)
    facts = shape_of(org, object_name, WriteOptions(user_id or org.admin_id)).whole
    first, last = _span(start, end)
    earliest = org.clock.stamp() - BIN_TIME
    if last < earliest or first < earliest - timedelta(minutes=1):
        # from memory
        raise _invalid_date("startDate before org replication enabled date")
    found = _rows(org, facts, ' AND "IsDeleted"', first, last) if facts.field("IsDeleted") else []
    with org.database.reading() as cursor:
        found += cursor.execute(
            "SELECT id, min(moment) FROM gone_records WHERE object = ? AND moment >= ? AND moment < ?"
            " GROUP BY id ORDER BY 2, 1",
            [facts.name, first, last],
        ).fetchall()
    records = [(row[0], row[1]) for row in found]
    _refuse_too_many(records)
    return Deleted(records, earliest, _covered(org, facts, last))


def _covered(org: FakeOrg, facts: ObjectFacts, last: datetime) -> datetime:
    """Up to when everything is committed: while a transaction is under way, up to its beginning."""
    now = org.clock.stamp()
    return min(last, _minute(now), now - org.weather.longest_transaction(facts.name))


def _rows(
    org: FakeOrg, facts: ObjectFacts, condition: str, first: datetime, last: datetime
) -> list[tuple[str, datetime]]:
    stamp = next((name for name in ("SystemModstamp", "CreatedDate") if facts.field(name) is not None), None)
    if stamp is None:
        return []
    with org.database.reading() as cursor:
        rows = cursor.execute(
            f'SELECT "Id", {quote(stamp)} FROM {quote(facts.name)} WHERE {quote(stamp)} >= ? AND {quote(stamp)} < ?'
            f' {condition} ORDER BY {quote(stamp)}, "Id" LIMIT {_MOST_IDS + 1}',
            [first, last],
        ).fetchall()
    _refuse_too_many(rows)
    return rows


def _refuse_too_many(rows: list[tuple[str, datetime]]) -> None:
    if len(rows) > _MOST_IDS:
        # from memory
        message = f"the number of ids exceeds the limit of {_MOST_IDS}; choose a shorter time"
        raise faults.RestFault(400, "EXCEEDED_ID_LIMIT", message)


def _span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    first, last = _minute(_naive(start)), _minute(_naive(end))
    if last - first < timedelta(minutes=1):
        # from memory
        raise _invalid_date("endDate must be at least one minute greater than startDate")
    return first, last


def _naive(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        raise _invalid_date("date out of range") from None


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _invalid_date(message: str) -> faults.RestFault:
    return faults.RestFault(400, "INVALID_REPLICATION_DATE", message)
