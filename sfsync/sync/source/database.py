"""A query of another database as a source: another DuckDB file, or PostgreSQL."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote as percent_encoded

import duckdb

from sfsync.config.spelling import shown
from sfsync.errors import QueryFailed, UsageError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.interface import Session
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.source_table import SourceTable, column_names, finished, telling_clocks

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BATCH = 50_000
#: How every file of SQLite begins.
_SQLITE = b"SQLite format 3\0"


def load_database(session: Session, spec: SourceSpec, query: str, root: Path, table: str) -> SourceTable:
    """Load the answer of a query; columns keep their types.

    Raises:
        SourceError: The database cannot be reached or refuses the query.
        UsageError: An environment variable is not set, or the extra `postgres` not installed.
    """
    address = spec.database or ""
    if address.startswith(("postgres://", "postgresql://")):
        from sfsync.sync.source.postgres import load_postgres  # noqa: PLC0415 - an extra

        return load_postgres(session, _with_variables(address), query, table, spec.empty)
    if spec.is_on_a_server:
        kind = shown(address.partition("://")[0])
        hint = "a DuckDB file or `postgresql://…`; export others as CSV or Parquet"
        raise unreadable("database", f"`{kind}` databases cannot be read", hint)
    return _load_duckdb(session, spec, query, root / Path(address).expanduser(), table)


def _with_variables(address: str) -> str:
    """The address with environment variables put in, so that whatever a password holds stays a password."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(f"the environment variable {match[1]} is not set", hint=f"set {match[1]}")
        return percent_encoded(os.environ[match[1]], safe="")

    return _VARIABLE.sub(value, address)


def _load_duckdb(session: Session, spec: SourceSpec, query: str, path: Path, table: str) -> SourceTable:
    shown_as = str(spec.database)
    if not path.is_file():
        raise unreadable(shown_as, "there is no such database", "paths count from the project's folder")
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            raise unreadable(shown_as, "SQLite databases cannot be read", "export the rows as CSV or Parquet")
    try:
        other = duckdb.connect(str(path), read_only=True, config={"autoinstall_known_extensions": "false"})
    except duckdb.Error as error:
        hint = "it must be a DuckDB file that no other program writes; leave `database` out for the project's own store"
        message = f"it cannot be opened: {shown(str(error).splitlines()[0], 200)}"
        raise unreadable(shown_as, message, hint) from None
    try:
        answer = other.sql(query)
        column_names(answer.columns, shown_as)
        session.load_arrow(table, answer.to_arrow_reader(_BATCH))
    except (duckdb.Error, QueryFailed) as error:
        raise unreadable(shown_as, f"it refuses the query: {shown(error, 400)}") from None
    finally:
        other.close()
    return telling_clocks(session, finished(session, table, shown_as, empty=spec.empty))
