"""When calculated fields were last read for every record of an object: they move without SystemModstamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.store.columns import has_table
from sfsync.store.interface import Session

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.formula_refreshes (object VARCHAR, refreshed_at TIMESTAMP, rows BIGINT,"
    " changed BIGINT)"
)

#: Fields that Salesforce works out from the date, and does not call calculated.
_BY_DATE = frozenset({("contractlineitem", "status")})


@dataclass(frozen=True, slots=True)
class Refresh:
    """One reading of the calculated fields of an object.

    Attributes:
        object: API name.
        refreshed_at: From when on (naive UTC) the values are what the org calculated.
        rows: Records read.
        changed: Records of which a calculated value had moved.
    """

    object: str
    refreshed_at: datetime
    rows: int
    changed: int


def calculated_fields(describe: ObjectDescribe) -> tuple[str, ...]:
    """The mirrored fields of an object that move without SystemModstamp."""
    name = describe.name.casefold()
    return tuple(f.name for f in describe.stored_fields if f.calculated or (name, f.name.casefold()) in _BY_DATE)


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def note_refresh(session: Session, refresh: Refresh) -> None:
    """Keep it in the ledger, in the transaction that stored the values."""
    session.execute(
        "INSERT INTO sfsync.formula_refreshes VALUES (?, ?, ?, ?)",
        [refresh.object, refresh.refreshed_at, refresh.rows, refresh.changed],
    )


def last_refreshes(session: Session) -> dict[str, datetime]:
    """Object → when its calculated fields were last read for every record; an object that never was is not there."""
    if not has_table(session, "sfsync", "formula_refreshes"):
        return {}
    rows = session.execute("SELECT object, max(refreshed_at) FROM sfsync.formula_refreshes GROUP BY object")
    return dict(rows.rows)
