"""A DuckDB in which small mirrors are made and undone; none of them waits for a file to be opened.

It is what the tests of rules need of a store, and no more: every session is one transaction of one connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb

from sfsync.store.duckdb_session import DuckDBSession
from sfsync.store.interface import Params, Relation


class DuckDBExamples:
    """A store without a mirror, in memory."""

    dialect = "duckdb"
    location = "DuckDB"

    def __init__(self) -> None:
        self._connection = duckdb.connect(
            config={"preserve_insertion_order": "false", "autoinstall_known_extensions": "false"}  # as a mirror's is
        )
        self._session: DuckDBSession | None = None

    def exists(self) -> bool:
        return True

    @contextmanager
    def writing(self) -> Iterator[DuckDBSession]:
        """One transaction; nested use joins it."""
        if self._session is not None:
            yield self._session
            return
        self._session = DuckDBSession(self._connection)
        self._connection.begin()
        try:
            yield self._session
        except BaseException:
            self._connection.rollback()
            raise
        else:
            self._connection.commit()
        finally:
            self._session = None

    def judging(self) -> AbstractContextManager[DuckDBSession]:
        return self.writing()

    def reading(self) -> AbstractContextManager[DuckDBSession]:
        return self.writing()

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        yield

    def let_go(self) -> None:
        """Nothing is kept at hand."""

    def query(self, sql: str, params: Params = ()) -> Relation:
        raise AssertionError("an example is asked in its session")

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()
