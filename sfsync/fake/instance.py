"""DuckDB instances: the one that all small orgs of a process share, and those that large orgs have to themselves.

To start an instance takes a hundred times as long as to attach one more database to one that runs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Collection, Iterable
from itertools import count
from pathlib import Path
from threading import Lock

import duckdb

from sfsync.fake.sql_names import literal, quote

#: Handing a statement of a few rows to several threads costs a quarter of its time: small orgs use one.
_ONE_THREAD = "SET GLOBAL threads = 1"


class Template:
    """A database that nobody writes to any more: others begin as copies of it.

    Attributes:
        tables: The names of those whose rows are copied, too.
    """

    def __init__(self, instance: Instance, name: str, tables: Collection[str] = ()) -> None:
        self.instance, self.name, self.tables = instance, name, tables
        weakref.finalize(self, instance.abandon, [name])


class Instance:
    """A running DuckDB: threads, settings and macros that its databases have in common."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        # DuckDB 2.0.0 fails to bind nested CASEs over a column that its statistics know to be all NULL.
        self._connection.execute("SET GLOBAL disabled_optimizers = 'statistics_propagation'")
        self._connection.execute(_ONE_THREAD)
        self._lock, self._creating = Lock(), Lock()
        self._created: dict[str, Template | None] = {}
        self._numbers = count(1)
        self._abandoned: deque[Iterable[str]] = deque()
        self._taught: set[str] = set()
        self._spills = False

    @property
    def here(self) -> bool:
        """Whether it runs in this process: a forked one has got its memory, but not its threads."""
        return self._process == os.getpid()

    def use_threads(self, *, all_of_them: bool) -> None:
        """Work on a statement with every processor, or with the caller's alone."""
        self._connection.execute("RESET GLOBAL threads" if all_of_them else _ONE_THREAD)

    def attach(self, path: str = ":memory:") -> str:
        """Make a database and return its name."""
        with self._lock:
            while self._abandoned:
                self._detach(self._abandoned.popleft())
            name = f"org_{next(self._numbers)}"
            self._connection.execute(f"ATTACH {literal(path)} AS {name}")
            return name

    def copy(self, template: Template) -> str:
        """Make a database that has the template's tables, and its rows of those that it names; return its name."""
        return self._copy(template.name, template.tables)

    def template(self, name: str, tables: Collection[str]) -> Template:
        """Keep a copy of a database for others to begin with: all tables as they are, and these ones' rows."""
        return Template(self, self._copy(name, tables), tables)

    def create(self, sql: str) -> str:
        """Make a database by executing this and return its name; from the third one on, by copying what that gave.

        To copy takes a quarter of the time, and many a process needs but one.
        """
        with self._creating:
            template = self._created.get(sql)
            if template is None and sql in self._created:
                template = self._created[sql] = Template(self, self._execute(sql))
            self._created.setdefault(sql, None)
        return self.copy(template) if template else self._execute(sql)

    def _execute(self, sql: str) -> str:
        name = self.attach()
        with self._connection.cursor() as cursor:
            cursor.execute(f"USE {name}; BEGIN; {sql}; COMMIT")
        return name

    def _copy(self, name: str, tables: Collection[str]) -> str:
        copy = self.attach()
        rows = (f"INSERT INTO {copy}.main.{quote(table)} FROM {name}.main.{quote(table)}" for table in tables)
        with self._connection.cursor() as cursor:
            # With the rows of all tables it takes five times as long, even where most of them have none.
            cursor.execute(f"COPY FROM DATABASE {name} TO {copy} (SCHEMA)")
            cursor.execute("; ".join(("BEGIN", *rows, "COMMIT")))
        return copy

    def connect(self) -> duckdb.DuckDBPyConnection:
        """One more connection; it has yet to say whose tables it means."""
        return self._connection.cursor()

    def detach(self, names: Iterable[str]) -> None:
        """Free the memory of databases."""
        if self.here:
            with self._lock:
                self._detach(names)

    def abandon(self, names: Iterable[str]) -> None:
        """Free the memory of databases that nobody can reach any more, when the next one is made.

        The garbage collector calls this, and may do so amid a statement: therefore nothing is locked here.
        """
        self._abandoned.append(names)

    def _detach(self, names: Iterable[str]) -> None:
        for name in names:
            self._connection.execute(f"DETACH {name}")

    def teach(self, macros: str) -> None:
        """Make SQL macros known to all databases: for statements whose cursor is not yet there."""
        with self._lock:
            if macros not in self._taught:
                self._connection.execute(macros)
                self._taught.add(macros)

    def spill_privately(self) -> None:
        """Let what is too large for memory go into a folder of this process, not into the current one."""
        with self._lock:
            if not self._spills:
                folder = Path(tempfile.mkdtemp(prefix="sfsync-fake-"))
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
                self._connection.execute(f"SET temp_directory = {literal(str(folder))}")
                self._spills = True

    def close(self) -> None:
        """Let it end as soon as nobody reads in it any more."""
        self._connection.close()


_shared: list[Instance] = []  # the last one; those before it belong to a process that forked this one
_sharing = Lock()


def shared_instance() -> Instance:
    """The instance that the small orgs of this process share."""
    with _sharing:
        if not _shared or not _shared[-1].here:
            _shared.append(Instance())
        return _shared[-1]
