"""Lets requests through side by side, and closes while the org is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Gate:
    """Many may pass at a time; whoever closes it waits until all are out, and everybody else until it is open again."""

    def __init__(self) -> None:
        self._change = Condition()
        self._inside = 0
        self._is_closed = False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Be inside for the length of the block."""
        with self._change:
            self._change.wait_for(lambda: not self._is_closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._change:
                self._inside -= 1
                self._change.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Be alone for the length of the block; not to be called from inside."""
        with self._change:
            self._change.wait_for(lambda: not self._is_closed)
            self._is_closed = True
            self._change.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._change:
                self._is_closed = False
                self._change.notify_all()
