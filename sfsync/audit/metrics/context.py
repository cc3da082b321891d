"""What every metric is told about the mirror before it computes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

#: What a column must hold to be counted with; a field of this name that holds something else is as good as absent.
KINDS = {
    "CreatedDate": "TIMESTAMP",
    "ConvertedDate": "DATE",
    "CloseDate": "DATE",
    "IsConverted": "BOOLEAN",
    "IsClosed": "BOOLEAN",
    "IsWon": "BOOLEAN",
    "IsDeleted": "BOOLEAN",
    "Amount": "DOUBLE",
}


@dataclass(frozen=True, slots=True)
class MetricContext:
    """The moment, the calendar and the columns a metric may count on.

    Attributes:
        as_of: The mirror's own time, naive UTC. Nothing after it is judged, and no other clock is read.
        timezone: IANA name of the zone in which instants become calendar days, e.g. `Europe/Berlin`.
        columns: Object → column → SQL type, as they exist in schema `sf_all`.
        maturity_days: Age in days from which a lead counts as old enough to judge its conversion.
    """

    as_of: datetime
    timezone: str
    columns: Mapping[str, Mapping[str, str]]
    maturity_days: int = 90

    @property
    def today(self) -> date:
        """The calendar day of `as_of` in `timezone`."""
        return self.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def has(self, object_name: str, *columns: str) -> bool:
        """Whether the mirror holds this object, and all these columns of it, fit to be counted with."""
        held = self.columns.get(object_name)
        return held is not None and all(
            column in held and held[column].upper().startswith(KINDS.get(column, "")) for column in columns
        )

    def missing(self, object_name: str, *columns: str) -> str | None:
        """Why a metric that needs these columns is not evaluable, or None when all of them are there."""
        if not self.has(object_name):
            return f"not evaluable: the mirror holds no {object_name}"
        absent = [column for column in columns if not self.has(object_name, column)]
        if not absent:
            return None
        names = ", ".join(absent)
        return f"not evaluable: {object_name} has no {names} (not in the org, not readable, or of another type)"

    def stamp(self, version: int = 1) -> dict[str, Any]:
        """What every metric prints first: the version of its definition, and the moment it speaks of."""
        as_of = f"{self.as_of.isoformat(timespec='seconds')}Z"
        return {"definition_version": version, "as_of": as_of, "timezone": self.timezone}
