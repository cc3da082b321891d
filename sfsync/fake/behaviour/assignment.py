"""Assignment rules: who gets a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfsync.fake.behaviour.conditions import Condition, Pending
from sfsync.fake.dml.pending import PendingRow

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Objects that have assignment rules; accounts are assigned by territory, which looks the same from outside.
ASSIGNED = frozenset({"Account", "Case", "Lead"})


@dataclass(frozen=True)
class AssignmentRule:
    """One entry of the active assignment rule of an object.

    Attributes:
        object_name: Whose records it assigns.
        condition: Which of them.
        owner_id: User or queue, 18 characters.
    """

    object_name: str
    condition: Condition
    owner_id: str

    def found(self, org: FakeOrg, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """The records that it assigns."""
        return self.condition.found(Pending(org, self.object_name, rows))
