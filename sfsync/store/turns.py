"""Whose turn it is at a database file, among the threads of one program: many readers, or one writer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfsync.errors import StoreLocked


class Turns:
    """The turns at one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False

    @contextmanager
    def take(self, *, alone: bool, patience: float) -> Iterator[None]:
        """Hold a turn for the time of the block.

        Args:
            alone: To write; otherwise others may read at the same time.
            patience: Seconds to wait for it.

        Raises:
            StoreLocked: Another thread did not finish in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._writing and not (alone and self._readers), patience):
                raise StoreLocked(
                    f"the mirror {self._path} is in use by another thread of this program",
                    hint="wait until it has finished, then ask again",
                )
            self._writing, self._readers = alone, self._readers + (not alone)
        try:
            yield
        finally:
            with self._changed:
                self._writing, self._readers = False, self._readers - (not alone)
                self._changed.notify_all()


_turns: dict[str, Turns] = {}
_finding = threading.Lock()


def turns_at(path: Path) -> Turns:
    """The turns at a file: the same for every store of this program that is on it."""
    with _finding:
        return _turns.setdefault(os.path.realpath(path), Turns(path))
