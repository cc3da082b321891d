"""Which records a pull reads: what changed between the last upper bound (less an overlap) and the new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sfsync.records import ObjectDescribe
from sfsync.store.merge import STAMP


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of SystemModstamp; None leaves a side open. Instants are naive UTC.

    Attributes:
        lower: From here, the overlap included.
        upper: Up to here.
        after: Upper bound of the pull before, from which the overlap was taken.
    """

    lower: datetime | None
    upper: datetime | None
    after: datetime | None = None

    def soql(self, describe: ObjectDescribe, *, ordered: bool) -> str:
        """The query for this window, all stored fields in the describe's order.

        Args:
            describe: The object.
            ordered: By stamp and Id, for pages that must not overlap. Never for Bulk, where an ORDER BY would turn
                Salesforce's own splitting of large tables off.
        """
        fields = ", ".join(f.name for f in describe.stored_fields)
        text = f"SELECT {fields} FROM {describe.name}"
        bounds = [(">=", self.lower), ("<", self.upper)]
        conditions = [f"{STAMP} {sign} {instant:%Y-%m-%dT%H:%M:%S}Z" for sign, instant in bounds if instant]
        if conditions:
            text += " WHERE " + " AND ".join(conditions)
        if ordered:
            text += f" ORDER BY {STAMP}, Id" if describe.field(STAMP) else " ORDER BY Id"
        return text


EVERYTHING = Window(None, None)


def next_window(describe: ObjectDescribe, saved: datetime | None, upper: datetime, overlap: timedelta) -> Window:
    """The window of this pull.

    Args:
        describe: The object; without SystemModstamp everything is read each time.
        saved: The upper bound of the last finished pull, or None to read everything up to `upper`.
        upper: This pull's upper bound.
        overlap: How far to read again behind `saved`, for records that were committed late.
    """
    if describe.field(STAMP) is None:
        return EVERYTHING
    return Window(None if saved is None else saved - overlap, upper, saved)
