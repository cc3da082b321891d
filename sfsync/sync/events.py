"""What a pull tells while it runs, for progress displays of any kind; the library itself prints nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sfsync.salesforce.transport import Stopped


@dataclass(frozen=True, slots=True)
class PullStarted:
    """The objects are chosen, the upper bound (naive UTC) is fixed, and what the pull will about cost is known.

    Attributes:
        objects: API names.
        upper_bound: Every record committed before it will be in the mirror.
        expected_calls: About how many API calls the pull will need, at least.
        expected_jobs: About how many Bulk jobs.
        calls_left: How many calls the budget allows, or None when nothing limits them.
        jobs_left: The same for Bulk jobs.
    """

    objects: tuple[str, ...]
    upper_bound: datetime
    expected_calls: int = 0
    expected_jobs: int = 0
    calls_left: int | None = None
    jobs_left: int | None = None

    @property
    def over_budget(self) -> bool:
        """Whether the budget will probably not last for every object."""
        calls = self.calls_left is not None and self.expected_calls > self.calls_left
        return calls or (self.jobs_left is not None and self.expected_jobs > self.jobs_left)


@dataclass(frozen=True, slots=True)
class ObjectStarted:
    """An object is about to be read; `expected` records, or None when nobody knows yet."""

    object: str
    expected: int | None


@dataclass(frozen=True, slots=True)
class JobStateSeen:
    """The Bulk job that reads an object is in this state; `processed` records so far."""

    object: str
    state: str
    processed: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """One more page of an object is in the spool."""

    object: str
    rows: int


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """What became of one object in a pull.

    Attributes:
        object: API name.
        state: `done`; `skipped` (the org does not have it, or the user may not read it); `failed`; `postponed` (the
            budget did not last; the next pull goes on where this one stopped).
        api: How it was read.
        read: Records that came, repeats from the overlap included.
        inserted: Records the mirror did not have.
        updated: Records whose values changed.
        deleted: Records that went to the Recycle Bin since.
        vanished: Records of a setup object that the org no longer lists.
        merged: Records that became part of another one since.
        total: Records the mirror now holds, deleted ones included.
        upper_bound: Up to which instant (naive UTC) the object is mirrored now, or None when it was not read.
        reason: Why it was skipped, failed or was postponed.
        notes: What else the user should know, e.g. fields that are no longer readable.
        left: Records that the org still has, but that no longer meet the object's filter.
        selection: Which records are mirrored at all, in words; empty for every record.
        whole: Every record was read now, with every field; not only what had changed.
    """

    object: str
    state: Literal["done", "skipped", "failed", "postponed"]
    api: Literal["rest", "bulk"] | None = None
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    vanished: int = 0
    merged: int = 0
    total: int = 0
    reason: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    upper_bound: datetime | None = None
    left: int = 0
    selection: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ObjectCounted:
    """How many live records an object has, in the org now and in the mirror, before they are compared.

    What changed in the org since the last pull accounts for a part of what they differ by.

    Attributes:
        object: API name.
        org: Records of the org.
        mirror: Records of the mirror.
        exact: The org counted them; else it is an estimate of some hours ago.
    """

    object: str
    org: int
    mirror: int
    exact: bool


Event = PullStarted | ObjectStarted | JobStateSeen | PageRead | ObjectCounted | ObjectResult
OnEvent = Callable[[Event], None]


class Teller:
    """Passes events of several threads on to one listener, one after the other.

    Args:
        listener: Told every event.
        stop: When set, the thread that has something to tell is stopped instead: nobody waits for what it does.
    """

    def __init__(self, listener: OnEvent, stop: threading.Event) -> None:
        self._listener = listener
        self._stop = stop
        self._turn = threading.RLock()

    def tell(self, event: Event) -> None:
        """Tell an event."""
        with self._turn:
            self._listener(event)

    def tell_of_reading(self, event: Event) -> None:
        """Tell an event of a thread that reads."""
        with self._turn:
            if self._stop.is_set():
                raise Stopped
            self._listener(event)


def ignore(event: Event) -> None:
    """The listener of those who do not listen."""
    del event
