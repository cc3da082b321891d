"""The org's limits: what it allows, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.salesforce.answers import understood
from sfsync.salesforce.org import Org


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: `max` allowed in its period, `remaining` of it."""

    max: int
    remaining: int


def limits(org: Org) -> dict[str, Limit]:
    """Every limit the org tells, by Salesforce's name, e.g. `DailyApiRequests`.

    Raises:
        RequestRefused: The user lacks “View Setup and Configuration”.
    """
    answer = org.get_json(org.data_path("limits"))
    with understood(org.name, "its limits"):
        return {
            name: Limit(int(entry["Max"]), int(entry["Remaining"]))
            for name, entry in answer.items()
            if isinstance(entry, dict) and "Max" in entry and "Remaining" in entry
        }
