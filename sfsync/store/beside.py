"""A database beside the mirror: it shows all that the mirror holds, and takes in its place whatever is written.

What is asked and written there stays there: the mirror's file is opened for reading alone, and the folder of the other
database is gone at the end, after a kill at the beginning of the next such run.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb

from sfsync.errors import QueryFailed, StoreDamaged, StoreError, StoreLocked, StoreMissing
from sfsync.store import compounds
from sfsync.store.columns import mirror_columns, table_columns
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.duckdb_instances import OpenAlone
from sfsync.store.duckdb_session import MEMORY_LIMIT
from sfsync.store.interface import Session
from sfsync.store.ledger import recount
from sfsync.store.mirror import show_live
from sfsync.store.names import literal, quote, table
from sfsync.store.turns import turns_at

#: What the mirror is called there. No schema has such names, so `a.b` always means the table b of a schema a.
_MIRROR, _FILE = "mirror beside", "beside the mirror.duckdb"

#: Of the ledger: what audits have found and applies have sent is not looked at; changes of plans are read in place.
_NOT_SHOWN = frozenset({"audits", "audit_rules", "findings", "fixes", "batches", "batch_rows"})
_READ_IN_PLACE = re.compile(r"plan_[0-9]{8}T.*")
#: Only to plan must it be known what became of other plans.
_TO_PLAN = "outcomes"

#: Made of `sf_all` again, so that they follow what is put in its place.
_SCHEMAS = ("sfsync", "sf_all", "sf")


class StoreBeside(DuckDBStore):
    """A store that begins as what a mirror holds, and can be changed without changing that.

    Args:
        path: Its own file.
        mirror: That of the mirror.
        patience: As for any store.
    """

    def __init__(self, path: Path, mirror: Path, *, patience: float = 2.0) -> None:
        super().__init__(path, patience=patience)
        self.mirror = mirror

    def __reduce__(self) -> tuple[Any, ...]:
        return StoreBeside, (self.path, self.mirror)

    @property
    def location(self) -> str:
        """Path of the mirror: that is what people know."""
        return str(self.mirror)

    def _connect(self, *, read_only: bool, files: bool = True, memory: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
        connection = super()._connect(read_only=read_only, memory=memory)
        try:
            self._attach(connection)
            if not files:
                connection.execute("SET enable_external_access = false")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, *, read_only: bool, strange: bool = False) -> OpenAlone:
        del strange
        return OpenAlone(self._connect(read_only=read_only))

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                connection.execute(f"ATTACH {literal(str(self.mirror))} AS {quote(_MIRROR)} (READ_ONLY)")
            except duckdb.Error as error:
                if "lock" not in str(error).lower():
                    raise StoreDamaged(
                        f"the mirror {self.mirror} cannot be read: {str(error).splitlines()[0]}",
                        hint="`sfsync status` says more",
                    ) from error
                if time.monotonic() > deadline:
                    raise StoreLocked(
                        f"the mirror {self.mirror} is in use by another process",
                        hint="wait for it to finish (or stop it), then run this again",
                    ) from error
                time.sleep(0.1)
            else:
                return


@contextmanager
def store_beside(store: DuckDBStore, folder: Path, *, to_plan: bool = False) -> Iterator[StoreBeside]:
    """A store that shows what another one holds, for the time of the block; others can read the mirror meanwhile.

    Args:
        store: The mirror.
        folder: Under which its file is kept; made where it is missing.
        to_plan: A plan is to be made there, so local tables are copied, and it is known what became of other plans.

    Raises:
        StoreMissing: There is no mirror.
        StoreError: There is no room, or the folder cannot be made; nothing is left behind.
    """
    if not store.exists():
        raise StoreMissing(f"there is no mirror at {store.path}", hint="run `sfsync pull` first")
    with store.reading():
        pass  # says best why a mirror does not open
    store.let_go()
    with turns_at(store.path).take(alone=False, patience=store.patience), _place(folder) as place, _told(place):
        beside = StoreBeside(place / _FILE, store.path.absolute(), patience=store.patience)
        with beside.writing() as session:
            _show(session, to_plan=to_plan)
        yield beside


def original(name: str) -> str:
    """All records of an object as the mirror itself holds them, as SQL writes the table."""
    return f"{quote(_MIRROR)}.{table('sf_all', name)}"


def put_in_place(session: Session, name: str, select: str) -> None:
    """Let an object's records be others than the mirror's.

    Args:
        session: A writing session of a store beside a mirror.
        name: API name.
        select: Gives them, with the columns that the mirror has.
    """
    session.execute(f"DROP VIEW {table('sf', name)}")
    session.execute(f"DROP VIEW {table('sf_all', name)}")
    session.execute(f"CREATE TABLE {table('sf_all', name)} AS {select}")
    show_live(session, name, table_columns(session, "sf_all", name), compounds.remembered(session).get(name, {}))
    recount(session, name)


def _show(session: Session, *, to_plan: bool) -> None:
    """Make tables and views of all that the mirror holds."""
    found = session.execute(
        "SELECT schema_name, table_name, FALSE FROM duckdb_tables() WHERE database_name = $mirror AND NOT internal "
        "UNION ALL SELECT schema_name, view_name, TRUE FROM duckdb_views() WHERE database_name = $mirror "
        "AND NOT internal ORDER BY 1, 2",
        {"mirror": _MIRROR},
    ).rows
    for schema in dict.fromkeys([*_SCHEMAS, *(schema for schema, _, _ in found)]):
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    for schema, name, is_view in found:
        if schema == "sf" or (schema == "sfsync" and (name in _NOT_SHOWN or (name == _TO_PLAN and not to_plan))):
            continue
        ledger = schema == "sfsync" and not _READ_IN_PLACE.fullmatch(name)
        copied = not is_view and (ledger or (to_plan and schema not in {"sf_all", "sf_history", "sfsync"}))
        what = "TABLE" if copied else "VIEW"
        shown = table(schema, name)
        session.execute(f"CREATE {what} {shown} AS SELECT * FROM {quote(_MIRROR)}.{shown}")
    wholes = compounds.remembered(session)
    for name, columns in sorted(mirror_columns(session).items()):
        show_live(session, name, columns, wholes.get(name, {}))


@contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """A folder of its own, which is gone at the end; those that a killed process has left go, too."""
    descriptor, place = -1, None
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _alone_in(folder):
                _sweep(folder)
                place = Path(mkdtemp(prefix="beside-", dir=folder))
                descriptor = _hold(place)
        except OSError as error:
            raise StoreError(
                f"the folder {folder} cannot be made: {error.strerror}", hint="check its permissions and free space"
            ) from error
        yield place
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others from sweeping away what was made a moment ago and is not held yet."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _hold(place: Path) -> int:
    """Lock a folder; the operating system lets go of it when the process ends, however it ends."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(folder: Path) -> None:
    """Remove what killed processes have left behind."""
    for left in folder.glob("beside-*"):
        try:
            descriptor = _hold(left)
        except OSError:
            continue  # at work, or gone already
        try:
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Say of a full disk what the room is for."""
    try:
        yield
    except (QueryFailed, StoreLocked, StoreMissing, StoreDamaged):
        raise
    except StoreError as error:
        raise StoreError(
            f"there is no room to work beside the mirror: {error.message}",
            hint=f"free space for {place.parent}: as much as the objects concerned take in the mirror, and more while "
            "they are judged; the mirror is as it was, and nothing is left behind",
        ) from error
