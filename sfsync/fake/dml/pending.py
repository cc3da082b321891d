"""A record on its way into the org: what it was, what it would become, and what stands against that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sfsync.fake.dml.outcome import RowError


@dataclass(slots=True)
class PendingRow:
    """One record of a write between coercion and commit.

    Attributes:
        index: Its place in the client's call.
        record_id: 18 characters; for a record to be made, the Id it will have.
        before: Its stored values by API name, typed as the database holds them; None when it is to be made.
        after: What it would be: `before`, with the client's values, defaults and derived values laid over.
        given: API names of the fields the client set (None counts: it clears).
        errors: Why it will be refused; a row with errors is not written.
    """

    index: int
    record_id: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    given: frozenset[str]
    errors: list[RowError] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        """Whether the record is to be made."""
        return self.before is None

    def changed(self, name: str) -> bool:
        """Whether this field would have another value than before (for a new record: any value)."""
        old = None if self.before is None else self.before.get(name)
        return bool(self.after.get(name) != old)
