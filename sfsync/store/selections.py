"""Which part of each object the mirror holds, as it was chosen when its rows were stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sfsync.soql.dates import Calendar
from sfsync.store.columns import has_table
from sfsync.store.interface import Session

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.selections (object VARCHAR, fields VARCHAR, filter VARCHAR, since DATE,"
    " digest VARCHAR, excluded VARCHAR, timezone VARCHAR, condition VARCHAR)"
)


@dataclass(frozen=True, slots=True)
class KeptSelection:
    """What of an object is mirrored.

    Attributes:
        fields: API names that were chosen, or None for all.
        filter: SOQL condition that the records meet, or None.
        since: The day from which on records were created, or None.
        digest: Differs where other records are chosen; empty for every record.
        exclude: Fields that were left out of all.
        timezone: In which the day of `since` begins.
        where: Filter and day as one SOQL condition; empty for every record.
    """

    fields: tuple[str, ...] | None = None
    filter: str | None = None
    since: date | None = None
    digest: str = ""
    exclude: tuple[str, ...] = ()
    timezone: str = "UTC"
    where: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing was chosen: every field of every record is mirrored."""
        return self == KeptSelection(timezone=self.timezone)

    @property
    def born(self) -> str:
        """The day alone, as SOQL; empty without one."""
        return born_since(self.since, self.timezone)

    def __str__(self) -> str:
        """Which records are mirrored, for people; empty for every record."""
        return described(self.filter, self.since, self.timezone)

    @property
    def fields_told(self) -> str:
        """Which fields are mirrored, for people; empty for all."""
        if self.fields is not None:
            return f"only fields {', '.join(self.fields)}"
        return f"all fields but {', '.join(self.exclude)}" if self.exclude else ""

    def as_json(self) -> dict[str, Any] | None:
        """What was chosen, for programs; None when that is everything."""
        if self.is_everything:
            return None
        return {
            "filter": self.filter,
            "since": None if self.since is None else self.since.isoformat(),
            "timezone": self.timezone,
            "fields": None if self.fields is None else list(self.fields),
            "exclude": list(self.exclude),
        }


#: Every field of every record.
EVERYTHING = KeptSelection()


def born_since(since: date | None, timezone: str) -> str:
    """The records created since a day in a time zone, as SOQL; empty without a day."""
    if since is None:
        return ""
    return f"CreatedDate >= {Calendar(timezone).midnight(since):%Y-%m-%dT%H:%M:%S}Z"


def described(condition: str | None, since: date | None, timezone: str) -> str:
    """Which records are mirrored, in words; empty for every record."""
    parts = []
    if since is not None:
        parts.append(f"created since {since.isoformat()}" + (f" ({timezone})" if timezone != "UTC" else ""))
    if condition is not None:
        parts.append(f"where {' '.join(condition.split())}")
    return "only records " + ", ".join(parts) if parts else ""


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def save_selection(session: Session, object_name: str, selection: KeptSelection) -> None:
    """Keep under which selection an object's rows are stored, in the transaction that stores them."""
    session.execute("DELETE FROM sfsync.selections WHERE object = ?", [object_name])
    if selection.is_everything:
        return
    session.execute(
        "INSERT INTO sfsync.selections VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            object_name,
            None if selection.fields is None else ",".join(selection.fields),
            selection.filter,
            selection.since,
            selection.digest,
            ",".join(selection.exclude),
            selection.timezone,
            selection.where,
        ],
    )


def read_selections(session: Session) -> dict[str, KeptSelection]:
    """API name → selection, of every object of which not everything is mirrored."""
    if not has_table(session, "sfsync", "selections"):
        return {}
    rows = session.execute(
        "SELECT object, fields, filter, since, digest, excluded, timezone, condition FROM sfsync.selections"
    )
    return {
        name: KeptSelection(_names(fields), condition, since, digest, _names(excluded) or (), timezone, where)
        for name, fields, condition, since, digest, excluded, timezone, where in rows
    }


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text else None
