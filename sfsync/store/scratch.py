"""A database for files that are only looked at, where no project has one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sfsync.store.duckdb_session import MEMORY_LIMIT, DuckDBSession


@contextmanager
def scratch_session() -> Iterator[DuckDBSession]:
    """A session of a database of its own, which is gone when the block ends."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "autoinstall_known_extensions": "false",
    }
    connection = duckdb.connect(config=config)
    try:
        yield DuckDBSession(connection)
    finally:
        connection.close()
