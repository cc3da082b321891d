"""How to pull: everything a user may choose, in one record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sfsync.sync.read import ApiChoice


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    Attributes:
        lag: How far the upper bound stays behind the org's clock, so that transactions under way can commit.
        overlap: How far behind the last upper bound to read again.
        bulk_threshold: From how many records on an object is read by Bulk API 2.0.
        api: `auto` chooses by size.
        timezone: In which the days of date literals in mapping filters begin.
        fiscal_year_start_month: When fiscal date literals begin, 1 to 12.
        history: Whether superseded versions of records are kept.
        without_history: Objects of which none are kept all the same.
    """

    lag: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=10)
    bulk_threshold: int = 5000
    api: ApiChoice = "auto"
    timezone: str = "UTC"
    fiscal_year_start_month: int = 1
    history: bool = True
    without_history: frozenset[str] = frozenset()

    def keeps_history(self, object_name: str) -> bool:
        """Whether superseded versions of this object are kept."""
        return self.history and object_name.casefold() not in {name.casefold() for name in self.without_history}
