"""The local database that holds the mirror: DuckDB in a file of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.store.interface import Relation, Rows, Session, Store

if TYPE_CHECKING:
    from sfsync.store.duckdb import DuckDBStore

__all__ = ["Relation", "Rows", "Session", "Store", "open_store"]


def open_store(path: Path | str) -> DuckDBStore:
    """The mirror at this path; nothing is opened or made before the first session.

    Args:
        path: The database file, e.g. `.sfsync/mirror.duckdb`.
    """
    from sfsync.store.duckdb import DuckDBStore  # noqa: PLC0415 - duckdb costs 90 ms, paid when a store is wanted

    return DuckDBStore(Path(path))
