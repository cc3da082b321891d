"""What the tests of rules need of a store, and no more: every session is one transaction that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sfsync.store.interface import Params, Relation, Session


class ExampleStore:
    """A store without a mirror, on any engine."""

    def writing(self) -> AbstractContextManager[Session]:
        """One transaction; nested use joins it."""
        raise NotImplementedError

    def exists(self) -> bool:
        return True

    def judging(self) -> AbstractContextManager[Session]:
        return self.writing()

    def reading(self) -> AbstractContextManager[Session]:
        return self.writing()

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        yield

    def let_go(self) -> None:
        """Nothing is kept at hand."""

    def query(self, sql: str, params: Params = ()) -> Relation:
        raise AssertionError("an example is asked in its session")
