"""DuckDB instances that database files are opened in, one after the other.

To make an instance, and to ask it for the first time what tables it has, takes ten times longer than to open a file in
one that is there. So an instance outlives the file: it waits, empty, for the next one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import duckdb

from sfsync.store.duckdb_blocks import KeptBlocks, put_back
from sfsync.store.names import literal, quote

Config = dict[str, str | bool | int | float | list[str]]

#: Instances that wait for their next file, at most: as many as threads of one program usually work on stores.
MOST_IDLE = 4

#: While an instance waits, in DuckDB's words: with another limit it would keep what a load or a join has taken.
WAITING_MEMORY = "10MB"

#: Names that every instance has given already.
_TAKEN = frozenset({"memory", "temp", "system"})


_CONFIG: Config = {
    "preserve_insertion_order": "false",
    "autoinstall_known_extensions": "false",  # a store must not reach for the network
}


def config_of(memory_limit: str, *, files: bool) -> Config:
    """What an instance is made with that serves one file only.

    Args:
        memory_limit: In DuckDB's words.
        files: SQL may read and write other files.
    """
    return _CONFIG | {"memory_limit": memory_limit} | ({} if files else {"enable_external_access": "false"})


class OpenFile(Protocol):
    """A database file that is open; each session works on a cursor of its own."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to it."""
        ...

    def commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit the transaction of one of its cursors.

        Raises:
            StoreError: The disk is full; nothing is committed.
            duckdb.Error: It was refused.
        """
        ...

    def close(self, *, clean: bool = True) -> None:
        """Close the file, once its cursors are closed; not clean: let no other file be opened in the same instance."""
        ...


class OpenAlone:
    """A file with an instance of its own, which ends with it: whatever statements changed there ends, too.

    Args:
        connection: To it, as the database that is meant.
        blocks: Of the file; None where it will not be opened again, or is not written.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, blocks: KeptBlocks | None = None) -> None:
        self._connection, self._blocks = connection, blocks

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the file."""
        return self._connection.cursor()

    def commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit the transaction of one of its cursors; a kill meanwhile damages nothing, if its blocks are kept."""
        if self._blocks is not None:
            self._blocks.keep(self._connection)
        connection.commit()

    def close(self, *, clean: bool = True) -> None:
        """Close the file and end the instance."""
        del clean
        if self._blocks is not None:
            self._blocks.keep_to_close(self._connection)
        self._connection.close()
        if self._blocks is not None:
            self._blocks.let_go()


class OpenInInstance:
    """A file in an instance that was there before, and serves others after it; a kill at any moment damages nothing.

    Args:
        file: The database file.
        read_only: Nothing can be changed.
        memory_limit: In DuckDB's words.

    Raises:
        duckdb.Error: It does not open; nothing is left open.
        StoreError: A checkpoint that was cut off could not be undone.
    """

    def __init__(self, file: Path, *, read_only: bool, memory_limit: str) -> None:
        database = database_name(file)
        self._name, self._spilled = quote(database), f"{file}.tmp"  # both as DuckDB itself would choose them
        self._base = _idle.take()
        try:
            for setting in (
                f"temp_directory = {literal(self._spilled)}",
                f"memory_limit = {literal(memory_limit)}",
                "preserve_insertion_order = false",
            ):
                self._base.execute(f"SET {setting}")  # sessions of the last file may have changed it
            self._base.execute("RESET threads")
            put_back(file)
            mode = " (READ_ONLY)" if read_only else ""
            self._base.execute(f"ATTACH {literal(str(file))} AS {self._name}{mode}")
        except BaseException:
            self._base.close()
            raise
        self._blocks = None if read_only else KeptBlocks(file, database)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to which the file is the database that is meant."""
        cursor = self._base.cursor()
        cursor.execute(f"USE {self._name}")
        return cursor

    def commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit the transaction of one of its cursors."""
        if self._blocks is not None:
            self._blocks.keep(self._base)
        connection.commit()

    def close(self, *, clean: bool = True) -> None:
        """Close the file; the instance waits for the next one, if nothing of this one is left in it."""
        clean &= self._blocks is None or self._blocks.keep_to_close(self._base)
        try:
            self._base.execute(f"DETACH {self._name}")
            self._base.execute(f"SET memory_limit = '{WAITING_MEMORY}'")  # gives back what its sessions took
        except duckdb.Error:
            clean = False  # the disk may be full: what is committed stays in the file's log, and is read from there
        if clean and not os.path.lexists(self._spilled):  # DuckDB refuses to spill to a second folder
            _idle.put(self._base)
        else:
            self._base.close()
        if self._blocks is not None:
            self._blocks.let_go()


class OpenTogether:
    """A hold on a file that others in this program read, too: there is one opening of it for all.

    The operating system gives up a process's locks on a file with the first of its openings that is closed, however
    many there are: somebody else could write then what is still being read here.

    Args:
        file: The database file.
        opening: Opens it to be read, if nobody has.
    """

    def __init__(self, file: Path, opening: Callable[[], OpenFile]) -> None:
        with _finding:
            self._readers = _readers.setdefault(os.path.realpath(file), _Readers())
        with self._readers.changing:
            self._file = self._readers.file = self._readers.file or opening()
            self._readers.holds += 1

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the file."""
        return self._file.cursor()

    def commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """End the transaction of one of its cursors, which can change nothing."""
        connection.commit()

    def close(self, *, clean: bool = True) -> None:
        """Close the file, if nobody else holds it."""
        with self._readers.changing:
            self._readers.clean &= clean
            self._readers.holds -= 1
            if not self._readers.holds:
                clean, self._readers.clean, self._readers.file = self._readers.clean, True, None
                self._file.close(clean=clean)


class _Readers:
    """Who reads one file."""

    def __init__(self) -> None:
        self.changing = threading.Lock()
        self.file: OpenFile | None = None
        self.holds = 0
        self.clean = True


class _Idle:
    """Instances without a file."""

    def __init__(self) -> None:
        self._waiting: list[duckdb.DuckDBPyConnection] = []
        self._changing = threading.Lock()

    def take(self) -> duckdb.DuckDBPyConnection:
        """One that waits, or a new one."""
        with self._changing:
            if self._waiting:
                return self._waiting.pop()
        return duckdb.connect(config=_CONFIG)

    def put(self, instance: duckdb.DuckDBPyConnection) -> None:
        """Let it wait, or end it where enough wait."""
        with self._changing:
            if len(self._waiting) < MOST_IDLE:
                self._waiting.append(instance)
                return
        instance.close()


def only_selects(sql: str) -> bool:
    """Whether a text consists of questions alone: those leave no settings and no other databases in an instance."""
    instance = _idle.take()
    try:
        return all(one.type == duckdb.StatementType.SELECT for one in instance.extract_statements(sql))
    except duckdb.Error:
        return False
    finally:
        _idle.put(instance)


_idle = _Idle()
_readers: dict[str, _Readers] = {}
_finding = threading.Lock()
_of_the_parent: list[object] = []


def database_name(file: Path) -> str:
    """What DuckDB calls the database of a file."""
    name = file.name.split(".")[0] or "mirror"
    return f"{name}_db" if name.casefold() in _TAKEN else name


def _begin_anew() -> None:
    """A forked process has none of its parent's threads: it must neither use the parent's instances nor end them."""
    global _idle, _readers
    _of_the_parent.append((_idle, _readers))
    _idle, _readers = _Idle(), {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
