"""Which records a pull reads: what changed between the last upper bound (less an overlap) and the new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sfsync.records import ObjectDescribe
from sfsync.store.merge import STAMP


class Chosen(Protocol):
    """Which records of an object are mirrored at all: `selection.Selection`, or what the ledger keeps of one."""

    @property
    def where(self) -> str:
        """SOQL conditions joined by AND, each safe to be joined to others; empty for every record."""
        ...

    @property
    def born(self) -> str:
        """Those of them that a record meets for ever or never; empty where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of SystemModstamp; None leaves a side open. Instants are naive UTC.

    Attributes:
        lower: From here, the overlap included.
        upper: Up to here.
        after: Upper bound of the pull before, from which the overlap was taken.
        where: Which records are mirrored at all, as SOQL; empty for every record.
    """

    lower: datetime | None
    upper: datetime | None
    after: datetime | None = None
    where: str = ""

    @property
    def is_listing(self) -> bool:
        """Whether it takes every record that is mirrored at all, whatever its stamp."""
        return self.lower is None and self.upper is None

    def soql(self, describe: ObjectDescribe, *, ordered: bool) -> str:
        """The query for this window, all stored fields in the describe's order.

        Args:
            describe: The object.
            ordered: By stamp and Id, for pages that must not overlap. Never for Bulk, where an ORDER BY would turn
                Salesforce's own splitting of large tables off.
        """
        bounds = [(">=", self.lower), ("<", self.upper)]
        conditions = [f"{STAMP} {sign} {instant:%Y-%m-%dT%H:%M:%S}Z" for sign, instant in bounds if instant]
        text = self._select(describe)
        if conditions:
            text += (" AND " if self.where else " WHERE ") + " AND ".join(conditions)
        if ordered:
            text += f" ORDER BY {STAMP}, Id" if describe.field(STAMP) else " ORDER BY Id"
        return text

    def asks_alike(self, describe: ObjectDescribe, soql: str) -> bool:
        """Whether a query is for another window of the same fields of the same records."""
        return soql.startswith(self._select(describe) + (" AND " if self.where else " WHERE ") + f"{STAMP} ")

    def _select(self, describe: ObjectDescribe) -> str:
        fields = ", ".join(f.name for f in describe.stored_fields)
        text = f"SELECT {fields} FROM {describe.name}"
        return f"{text} WHERE {self.where}" if self.where else text


EVERYTHING = Window(None, None)


def everything(selection: Chosen | None = None) -> Window:
    """Every record of an object that is mirrored at all, whatever its stamp."""
    return EVERYTHING if selection is None else Window(None, None, where=selection.where)


def existing(selection: Chosen) -> Window:
    """At least every record that the mirror may hold and the org still has, whether it meets the filter or not.

    What is missing here was deleted; what is missing under the filter may just have changed.
    """
    return Window(None, None, where=selection.born)


def next_window(
    describe: ObjectDescribe,
    saved: datetime | None,
    upper: datetime,
    overlap: timedelta,
    selection: Chosen | None = None,
) -> Window:
    """The window of this pull.

    Args:
        describe: The object; without SystemModstamp everything is read each time.
        saved: The upper bound of the last finished pull, or None to read everything up to `upper`.
        upper: This pull's upper bound.
        overlap: How far to read again behind `saved`, for records that were committed late.
        selection: Which records are mirrored at all; every one unless given.
    """
    if describe.field(STAMP) is None:
        return everything(selection)
    where = "" if selection is None else selection.where
    return Window(None if saved is None else saved - overlap, upper, saved, where)
