"""A query over several files as a source: what is in three CSVs and belongs to one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.interface import Session
from sfsync.store.names import quote
from sfsync.sync.source.source_table import SourceTable


@contextmanager
def files_as_tables(session: Session, loaded: Mapping[str, SourceTable]) -> Iterator[None]:
    """Let a query name each file; whatever the store calls so is hidden meanwhile.

    Args:
        session: May make temporary views.
        loaded: The query's name of each file → the file, loaded.
    """
    for name, source in loaded.items():
        listed = ", ".join(quote(column) for column in source.columns)
        session.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {listed} FROM {source.table}")
    yield
    # After an error the transaction is over, and the session with it.
    for name, source in loaded.items():
        session.execute(f"DROP VIEW {quote(name)}")
        session.execute(f"DROP TABLE {source.table}")


def notes_of(spec: SourceSpec, loaded: Mapping[str, SourceTable]) -> list[str]:
    """What was found out about each file."""
    return [f"{(spec.files or {})[name].file}: {note}" for name, source in loaded.items() for note in source.notes]
