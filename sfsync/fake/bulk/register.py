"""The jobs that an org knows: found by Id, listed, and forgotten with all they hold when their time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Lock
from typing import Generic, Protocol, TypeVar

from sfsync.fake.bulk.settings import JOB_LIFETIME, JOB_PREFIX
from sfsync.fake.clock import Clock
from sfsync.fake.ids import is_valid_id, to_18


class Job(Protocol):
    """What the register asks of a job."""

    @property
    def id(self) -> str:
        """Its Id, 18 characters."""

    @property
    def born(self) -> datetime:
        """From when on its age counts."""


J = TypeVar("J", bound=Job)


class JobRegister(Generic[J]):
    """Jobs of one kind.

    Args:
        clock: The org's.
        free: Removes the data and the results of a job that nobody can ask for any more.
    """

    def __init__(self, clock: Clock, free: Callable[[J], None]) -> None:
        self._clock = clock
        self._free = free
        self._lock = Lock()
        self._jobs: dict[str, J] = {}

    def add(self, job: J) -> J:
        """Let a job be known."""
        with self._lock:
            self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> J | None:
        """The job of this Id, or None."""
        self._forget_old()
        return self._jobs.get(to_18(job_id)) if is_valid_id(job_id, JOB_PREFIX) else None

    def remove(self, job: J) -> None:
        """Forget a job, its data and its results."""
        with self._lock:
            self._jobs.pop(job.id, None)
        self._free(job)

    def __iter__(self) -> Iterator[J]:
        self._forget_old()
        with self._lock:
            return iter(tuple(self._jobs.values()))

    def _forget_old(self) -> None:
        oldest = self._clock.now() - JOB_LIFETIME
        with self._lock:
            old = [job for job in self._jobs.values() if job.born <= oldest]
        for job in old:
            self.remove(job)
