"""A run in the ledger, from its beginning to its end, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.store import Store, ledger


@dataclass
class LedgerRun:
    """One run under way; what it is found to have done when its block ends is what the ledger keeps."""

    id: str
    state: str = "done"
    summary: dict[str, Any] = field(default_factory=dict)


@contextmanager
def ledger_run(store: Store, verb: str, api_calls: Callable[[], int]) -> Iterator[LedgerRun]:
    """Write down that a run begins, and at the end of the block how it ended; an error goes on after that.

    A run that is killed stays `running` in the ledger, which is the truth about it.
    """
    with store.writing() as session:
        run = LedgerRun(ledger.start_run(session, verb))
    try:
        yield run
    except SfsyncError as error:
        _note_failure(store, run, api_calls(), error.message)
        raise
    except KeyboardInterrupt:
        _note_failure(store, run, api_calls(), "interrupted")
        raise
    with store.writing() as session:
        ledger.finish_run(session, run.id, state=run.state, api_calls=api_calls(), summary=run.summary)


def _note_failure(store: Store, run: LedgerRun, api_calls: int, reason: str) -> None:
    try:
        with store.writing() as session:
            summary = {**run.summary, "error": reason}
            ledger.finish_run(session, run.id, state="failed", api_calls=api_calls, summary=summary)
    except SfsyncError:
        return  # the store itself is the problem; the first error says so
