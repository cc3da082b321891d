"""How to plan: what a user may choose, in one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sfsync.soql.dates import Calendar
from sfsync.sync.plan.stored import PlanKind


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How to plan.

    Attributes:
        calendar: Time zone and fiscal year of date literals in the mappings' filters.
        root: Where relative paths of sources begin: the project's folder.
        salt: Makes masks of two projects differ; the store's own secret unless given.
        edit_converted: The user may change converted leads ("View and Edit Converted Leads").
        kind: What the plan is called: `fix` where rules propose what a push would send.
    """

    calendar: Calendar = field(default_factory=Calendar)
    root: Path | None = None
    salt: str = ""
    edit_converted: bool = False
    kind: PlanKind = "push"
