"""Validation rules: what an admin does not let anybody save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfsync.fake.behaviour.conditions import Condition, Pending
from sfsync.fake.dml.outcome import RowError
from sfsync.fake.dml.pending import PendingRow

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


@dataclass(frozen=True)
class ValidationRule:
    """A record that meets the condition is refused (`FIELD_CUSTOM_VALIDATION_EXCEPTION`).

    Attributes:
        object_name: Whose records it is about.
        name: Developer name.
        condition: When it refuses.
        message: What the client is told.
        field: Where a page would show the message; None is at its top.
    """

    object_name: str
    name: str
    condition: Condition
    message: str
    field: str | None = None

    def check(self, org: FakeOrg, rows: Sequence[PendingRow]) -> None:
        """Add the refusal to every record that meets the condition."""
        for row in self.condition.found(Pending(org, self.object_name, rows)):
            fields = (self.field,) if self.field else ()
            row.errors.append(RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", self.message, fields))
