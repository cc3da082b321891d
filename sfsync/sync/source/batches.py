"""Rows of text that Python has in hand, on their way into the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pyarrow as pa

from sfsync.errors import SfsyncError
from sfsync.store.interface import Session

_ROWS = 20_000


def load_rows(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Make the temporary table `table` of rows, every column text; what goes wrong with the rows is raised as it is.

    Args:
        session: The table is its own.
        table: Plain name, already quoted.
        columns: Their names.
        rows: Each with as many values as there are columns.
    """
    schema = pa.schema([(name, pa.string()) for name in columns])
    failures: list[SfsyncError] = []

    def batches() -> Iterator[pa.RecordBatch]:
        remaining = iter(rows)
        try:
            while some := list(islice(remaining, _ROWS)):
                arrays = [pa.array(values, pa.string()) for values in zip(*some, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except SfsyncError as error:
            failures.append(error)
            raise

    try:
        session.load_arrow(table, pa.RecordBatchReader.from_batches(schema, batches()))
    except Exception:
        # The database tells of it in its own way: as a failed query, or as a transaction that cannot go on.
        if failures:
            raise failures[0] from None
        raise
