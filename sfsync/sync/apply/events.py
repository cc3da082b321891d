"""What an apply tells while it runs, for progress displays of any kind; the library itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepBegins:
    """A step is about to be applied; `changes` of it are yet to be sent."""

    step: int
    object: str
    action: str
    changes: int


@dataclass(frozen=True, slots=True)
class BatchDone:
    """So many more changes of a step are settled."""

    step: int
    object: str
    action: str
    done: int
    rejected: int


@dataclass(frozen=True, slots=True)
class JobSeen:
    """The Bulk job that writes a batch is in this state; `processed` records so far."""

    object: str
    job_id: str
    state: str
    processed: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong that is being dealt with."""

    object: str
    reason: str


ApplyEvent = StepBegins | BatchDone | JobSeen | Trouble
OnApplyEvent = Callable[[ApplyEvent], None]


def ignore(event: ApplyEvent) -> None:
    """The listener of those who do not listen."""
    del event
