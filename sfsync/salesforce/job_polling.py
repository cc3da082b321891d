"""What is alike for Bulk jobs of every kind: waiting until they are over, giving them up and deleting them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from sfsync.errors import JobNotReady, RequestRefused
from sfsync.salesforce.org import Org

_FIRST_PAUSE, _PAUSE_GROWTH, _LONGEST_PAUSE = 0.05, 1.5, 5.0

#: States from which a job never moves.
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})


class _State(Protocol):
    @property
    def state(self) -> str: ...


S = TypeVar("S", bound=_State)


def wait_for_job(
    org: Org, job_id: str, ask: Callable[[], S], on_state: Callable[[S], None] | None, patience: float
) -> S:
    """The job's terminal state, asked for quickly at first, because small jobs are done at once, then ever more slowly.

    Raises:
        JobNotReady: It is still running after `patience` seconds; the job goes on.
    """
    pause, waited = _FIRST_PAUSE, 0.0
    while True:
        now = ask()
        if on_state:
            on_state(now)
        if now.state in TERMINAL:
            return now
        if waited >= patience:
            raise JobNotReady(
                f"Bulk job {job_id} is not ready after {waited / 60:.0f} minutes ({now.state}).",
                hint="It goes on in the org; run the command again to pick it up.",
                context={"job": job_id},
            )
        org.pause(pause)
        waited += pause
        pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)


def abort_job(org: Org, path: str) -> None:
    """Ask the org to stop a job; one that is over, or gone, is fine."""
    with suppress(RequestRefused):
        org.send_json("PATCH", path, {"state": "Aborted"}, repeatable=True)


def delete_job(org: Org, path: str) -> None:
    """Delete a job and its results in the org; one that is gone already is fine."""
    try:
        org.delete(path)
    except RequestRefused as refused:
        if refused.status != 404:
            raise
