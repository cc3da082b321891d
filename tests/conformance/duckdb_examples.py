"""A DuckDB in which small mirrors are made and undone; none of them waits for a file to be opened.

It is what the tests of rules need of a store, and no more: every session is one transaction of one connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from example_store import ExampleStore

from sfsync.store.duckdb_session import DuckDBSession


class DuckDBExamples(ExampleStore):
    """A store without a mirror, in memory."""

    dialect = "duckdb"
    location = "DuckDB"

    def __init__(self) -> None:
        self._connection = duckdb.connect(
            config={"preserve_insertion_order": "false", "autoinstall_known_extensions": "false"}  # as a mirror's is
        )
        self._session: DuckDBSession | None = None

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

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()
