"""Rows that nobody has looked for yet: kept in memory, and written in one go when somebody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.database import Cursor

Rows = Sequence[Mapping[str, Any]]

#: Writes rows into their table.
Put = Callable[["Cursor", Rows], None]


@dataclass
class DeferredRows:
    """Rows that are waiting to be written, by the name of their table."""

    _waiting: dict[str, tuple[Put, list[Mapping[str, Any]]]] = field(default_factory=dict)

    def add(self, table: str, rows: Rows, put: Put) -> None:
        """Let these rows wait; `put` is what will write them."""
        known = self._waiting.setdefault(table, (put, []))
        known[1].extend(rows)

    def take_from(self, other: DeferredRows) -> None:
        """Let what waits there wait here, behind what waits here already."""
        for table, (put, rows) in other._waiting.items():
            self.add(table, rows, put)
        other.clear()

    def write(self, cursor: Cursor) -> None:
        """Write all of them; they go on waiting until `clear`, for who writes may yet fail."""
        for put, rows in self._waiting.values():
            put(cursor, rows)

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting = {}

    def is_asked_for(self, sql: str | None) -> bool:
        """Whether one of their tables is named in this SQL; None stands for SQL that is not known yet."""
        return bool(self._waiting) and (sql is None or any(f'"{table}"' in sql for table in tuple(self._waiting)))

    def __bool__(self) -> bool:
        return bool(self._waiting)
