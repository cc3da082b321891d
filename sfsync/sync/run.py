"""A run in the ledger, from its beginning to its end, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.store import Session, Store, ledger, spending
from sfsync.store.mirror import prepare_mirror

#: So many calls are made at most before they are written down; a kill loses the account of fewer.
NOTED_EVERY = 100


def _none() -> int:
    return 0


@dataclass
class LedgerRun:
    """One run under way; what it is found to have done when its block ends is what the ledger keeps.

    Attributes:
        id: Of the run.
        api_calls: How many calls it has made so far.
        bulk_jobs: How many Bulk jobs it has begun so far.
        state: `done`, `partial` or `failed`.
        summary: What it did.
    """

    id: str
    api_calls: Callable[[], int]
    bulk_jobs: Callable[[], int] = _none
    state: str = "done"
    summary: dict[str, Any] = field(default_factory=dict)
    _noted: tuple[int, int] = (0, 0)

    def note_spending(self, store: Store) -> None:
        """Write down what was spent, if it is much: a run that is killed has spent it all the same."""
        calls, jobs = self._noted
        if self.api_calls() - calls >= NOTED_EVERY or self.bulk_jobs() > jobs:
            with store.writing() as session:
                self._note(session)

    def finish(self, session: Session, state: str, summary: dict[str, Any]) -> None:
        """Write down how it ended."""
        self._note(session)
        ledger.finish_run(session, self.id, state=state, api_calls=self.api_calls(), summary=summary)

    def _note(self, session: Session) -> None:
        self._noted = self.api_calls(), self.bulk_jobs()
        spending.note(session, self.id, calls=self._noted[0], bulk_jobs=self._noted[1])


@contextmanager
def ledger_run(
    store: Store, verb: str, api_calls: Callable[[], int], bulk_jobs: Callable[[], int] = _none
) -> Iterator[LedgerRun]:
    """Write down that a run begins, and at the end of the block how it ended; an error goes on after that.

    A run that is killed stays `running` in the ledger, which is the truth about it.
    """
    with store.writing() as session:
        prepare_mirror(session)  # a mirror made by an older version lacks tables
        run = LedgerRun(ledger.start_run(session, verb), api_calls, bulk_jobs)
    try:
        yield run
    except SfsyncError as error:
        _note_failure(store, run, error.message)
        raise
    except KeyboardInterrupt:
        _note_failure(store, run, "interrupted")
        raise
    with store.writing() as session:
        run.finish(session, run.state, run.summary)


def _note_failure(store: Store, run: LedgerRun, reason: str) -> None:
    try:
        with store.writing() as session:
            run.finish(session, "failed", {**run.summary, "error": reason})
    except SfsyncError:
        return  # the store itself is the problem; the first error says so
