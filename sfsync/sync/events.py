"""What a pull tells while it runs, for progress displays of any kind; the library itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class PullStarted:
    """The objects are chosen and the upper bound (naive UTC) is fixed."""

    objects: tuple[str, ...]
    upper_bound: datetime


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
        state: `done`; `skipped` (the org does not have it, or the user may not read it); `failed`.
        api: How it was read.
        read: Records that came, repeats from the overlap included.
        inserted: Records the mirror did not have.
        updated: Records whose values changed.
        deleted: Records that went to the Recycle Bin since.
        vanished: Records of a setup object that the org no longer lists.
        total: Records the mirror now holds, deleted ones included.
        reason: Why it was skipped or failed.
        notes: What else the user should know, e.g. fields that are no longer readable.
    """

    object: str
    state: Literal["done", "skipped", "failed"]
    api: Literal["rest", "bulk"] | None = None
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    vanished: int = 0
    total: int = 0
    reason: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


Event = PullStarted | ObjectStarted | JobStateSeen | PageRead | ObjectResult
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of those who do not listen."""
    del event
