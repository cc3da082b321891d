"""A query of a PostgreSQL database as a source, by its own COPY: rows never become Python objects."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.config.spelling import shown
from sfsync.errors import IncompleteAnswer, UsageError
from sfsync.store.interface import Session
from sfsync.store.names import quote
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.source_table import ROW_COLUMN, SourceTable, column_names, finished, telling_clocks

if TYPE_CHECKING:
    import psycopg

_SHOWN_AS = "database"
#: PostgreSQL type → ours; all others travel as the text that PostgreSQL writes: `numeric` may outdo a double.
_TYPES = {
    "bool": "BOOLEAN",
    "int2": "BIGINT",
    "int4": "BIGINT",
    "int8": "BIGINT",
    "float4": "DOUBLE",
    "float8": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "time": "TIME",
}


def load_postgres(session: Session, address: str, query: str, table: str, empty: tuple[str, ...]) -> SourceTable:
    """Load the answer of a query, asked in a transaction that can change nothing.

    Raises:
        SourceError: The server cannot be reached, or refuses.
        UsageError: The extra `postgres` is not installed.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(
            "reading PostgreSQL takes psycopg, which is not installed", hint="pip install 'sfsync[postgres]'"
        ) from None
    try:
        with tempfile.TemporaryDirectory(prefix="sfsync-") as folder, _connected(psycopg, address) as connection:
            file = Path(folder) / "answer.csv"
            columns = _columns(connection, query)
            names = column_names(columns, _SHOWN_AS)
            _copy(connection, query, file)
            typed = {ROW_COLUMN: "BIGINT", **dict(zip(names, columns.values(), strict=True))}
            listed = ", ".join(f"{quote(name)} {sql_type}" for name, sql_type in typed.items())
            session.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({listed})")
            session.load_csv(table, typed, [file])
    except IncompleteAnswer as error:
        message = f"a value has no place here: {shown(error.message, 300)}"
        raise unreadable(_SHOWN_AS, message, "cast it to text in the query: `value::text`") from None
    except psycopg.Error as error:
        raise unreadable(_SHOWN_AS, _reason(error, address)) from None
    return telling_clocks(session, finished(session, table, _SHOWN_AS, empty=empty))


def _connected(library: Any, address: str) -> psycopg.Connection[Any]:
    options = "-c default_transaction_read_only=on -c DateStyle=ISO -c TimeZone=UTC -c extra_float_digits=1"
    waits = {} if "connect_timeout" in address else {"connect_timeout": 15}
    connected: psycopg.Connection[Any] = library.connect(address, options=options, **waits)
    return connected


def _columns(connection: psycopg.Connection[Any], query: str) -> dict[str, str]:
    """Column → our type; two of one name are told where names are checked."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM (\n{query}\n) AS q LIMIT 0".encode())
    described = cursor.description or []
    names = [column.name for column in described]
    column_names(names, _SHOWN_AS)
    return {column.name: _TYPES.get(_type_name(connection, column.type_code), "VARCHAR") for column in described}


def _type_name(connection: psycopg.Connection[Any], code: int) -> str:
    known = connection.adapters.types.get(code)
    return known.name if known is not None else ""


def _copy(connection: psycopg.Connection[Any], query: str, file: Path) -> None:
    numbered = f"SELECT row_number() OVER () AS {ROW_COLUMN}, q.* FROM (\n{query}\n) AS q"
    statement = f"COPY ({numbered}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    with file.open("wb") as out, connection.cursor().copy(statement.encode()) as copy:
        for block in copy:
            out.write(block)


def _reason(error: Exception, address: str) -> str:
    """What the server or the way to it says, without the password."""
    text = " ".join(str(error).split())
    if secret := re.match(r"[a-z]+://[^@/]*?:([^@/]+)@", address):
        text = text.replace(secret[1], "…")
    return shown(text, 300)
