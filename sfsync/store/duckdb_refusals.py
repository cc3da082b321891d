"""DuckDB's refusals as sfsync's errors: full disks and memory apart from faults in the SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sfsync.errors import IncompleteAnswer, QueryFailed, StoreError

#: DuckDB tells of a full disk as a failed commit, too.
_UNWRITTEN = re.compile(r"failed to commit|could not write|no space left|file too large", re.IGNORECASE)


@contextmanager
def ignoring_duckdb_errors() -> Iterator[None]:
    """Let go of a connection that may be broken already."""
    try:
        yield
    except duckdb.Error:
        return


@contextmanager
def misfits_as_errors(table: str) -> Iterator[None]:
    """A page that does not fit its table is a fault of the answer: the load stops, nothing is guessed or dropped."""
    try:
        with refusals_as_errors():
            yield
    except QueryFailed as error:
        raise IncompleteAnswer(
            f"a page for {table} does not fit the fields the org described: {error.message}",
            hint="run the pull again; nothing of this answer was kept",
        ) from error


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """DuckDB's refusals as sfsync's errors: full disks and memory apart from faults in the SQL."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from error  # Ctrl-C in the middle of a statement, as DuckDB puts it
    except duckdb.OutOfMemoryException as error:
        raise StoreError(f"the database ran out of memory: {error}", hint="ask for fewer rows or columns") from error
    except duckdb.IOException as error:
        raise StoreError(
            f"the database could not read or write its files: {error}", hint="check free disk space and permissions"
        ) from error
    except duckdb.Error as error:
        text = str(error).strip()
        if isinstance(error, duckdb.FatalException) or _UNWRITTEN.search(text):
            raise StoreError(
                f"the database could not write its files: {text.splitlines()[0]}",
                hint="check free disk space and permissions; what was stored before is as it was",
            ) from error
        raise QueryFailed(text, hint="`sfsync status` lists the tables of the mirror") from error
