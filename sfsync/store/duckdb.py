"""The embedded store: one DuckDB file, opened for as short as possible, because one writer shuts all others out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sfsync.errors import StoreError, StoreMissing
from sfsync.store.duckdb_blocks import KeptBlocks, put_back
from sfsync.store.duckdb_file import Opened, create, judging_memory, opened_at, patiently
from sfsync.store.duckdb_instances import (
    OpenAlone,
    OpenFile,
    OpenInInstance,
    OpenTogether,
    config_of,
    database_name,
    only_selects,
)
from sfsync.store.duckdb_refusals import ignoring_duckdb_errors, refusals_as_errors
from sfsync.store.duckdb_session import BEGIN_LOOKING, MEMORY_LIMIT, DuckDBSession
from sfsync.store.interface import Params, Rows
from sfsync.store.turns import turns_at

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class DuckDBRelation:
    """A question to the store, asked anew for each shape; see `store.interface.Relation`."""

    store: DuckDBStore
    sql: str
    params: Params = ()

    def rows(self) -> Rows:
        """Everything, as Python tuples."""
        with self.store.asking(self.sql) as session:
            return session.execute(self.sql, self.params)

    def to_pandas(self) -> pd.DataFrame:
        """Everything, as a pandas DataFrame."""
        with self.store.asking(self.sql) as session, refusals_as_errors():
            frame: pd.DataFrame = session.connection.execute(self.sql, self.params or None).df()
            return frame

    def to_arrow(self) -> pa.Table:
        """Everything, as a pyarrow Table."""
        with self.store.asking(self.sql) as session, refusals_as_errors():
            return session.connection.sql(self.sql, params=self.params or None).to_arrow_table()

    def _repr_html_(self) -> str:
        """What a notebook shows: the first hundred rows."""
        preview = DuckDBRelation(self.store, f"SELECT * FROM ({self.sql.rstrip().rstrip(';')}) LIMIT 100", self.params)
        return str(preview.to_pandas().to_html(escape=True))


class DuckDBStore:
    """The mirror in one DuckDB file.

    May be used from several threads, and be sent to another process. Many threads read at once, one writes alone: a
    thread waits its turn as another process would, and nested use joins the session of its own thread only.

    Args:
        path: The file; made, readable by its owner alone, at the first `writing()`.
        patience: Seconds to wait for another process or thread that has the file open, before `StoreLocked`.
    """

    dialect = "duckdb"

    def __init__(self, path: Path, *, patience: float = 2.0) -> None:
        # DuckDB keeps its log beside the name it is given: who opens the file by another name would miss what is in it.
        self.path = path.resolve() if path.is_symlink() else path
        self.patience = patience
        self._mine = opened_at(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.patience)

    @property
    def location(self) -> str:
        """Path of the file."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def reading(self) -> AbstractContextManager[DuckDBSession]:
        """A session that cannot change anything; joins a session that is open already."""
        return self._reading(strange=False)

    def asking(self, sql: str) -> AbstractContextManager[DuckDBSession]:
        """The same for SQL that is not sfsync's own: whatever it sets ends with the session."""
        return self._reading(strange=not only_selects(sql))

    @contextmanager
    def _reading(self, *, strange: bool) -> Iterator[DuckDBSession]:
        if self._mine.session is not None:
            self._mine.strange |= strange
            yield self._mine.session
            return
        self._must_exist()
        with self._session(read_only=True, strange=strange) as (_, session):
            yield session

    @contextmanager
    def writing(self) -> Iterator[DuckDBSession]:
        """One transaction; nested use joins the outer one, which alone commits."""
        if self._mine.session is not None:
            if not self._mine.for_writing:
                raise StoreError("a store cannot be written while the same program holds it open for reading")
            yield self._mine.session
            return
        with self._session(read_only=False) as (file, session):
            with refusals_as_errors():
                session.connection.begin()
            try:
                yield session
            except BaseException:
                # An error may already have ended the transaction; closing without a commit undoes it in any case.
                session.forget_shapes()
                with ignoring_duckdb_errors():
                    session.connection.rollback()
                raise
            with refusals_as_errors():
                file.commit(session.connection)

    @contextmanager
    def judging(self) -> Iterator[DuckDBSession]:
        """A session that at first only looks; see `store.interface.Store`.

        Files stay shut until its end, for what it writes too: the database is opened without access to others.
        """
        if self._mine.session is not None:
            yield self._mine.session
            return
        self._must_exist()
        self._mine.let_go()
        with turns_at(self.path).take(alone=True, patience=self.patience):
            connection = self._connect(read_only=False, files=False, memory=judging_memory())
            file = OpenAlone(connection, KeptBlocks(self.path, database_name(self.path)))
            connection = file.cursor()
            self._mine.session, self._mine.for_writing = DuckDBSession(connection, judging=True), True
            try:
                with refusals_as_errors():
                    connection.execute(BEGIN_LOOKING)
                yield self._mine.session
                with refusals_as_errors():
                    file.commit(connection)
            finally:
                self._mine.session = None
                connection.close()  # whatever is not committed is undone
                file.close()

    def query(self, sql: str, params: Params = ()) -> DuckDBRelation:
        """A read-only question, answered when its rows are asked for."""
        return DuckDBRelation(self, sql, params)

    @contextmanager
    def at_hand(self, *, columns: int = 0) -> Iterator[None]:
        """For the time of the block, keep the file open for this thread's next session; see `store.interface.Store`."""
        self._mine.wanted += 1
        expected, self._mine.columns = self._mine.columns, max(columns, self._mine.columns)
        try:
            yield
        finally:
            self._mine.wanted -= 1
            self._mine.columns = expected
            if not self._mine.wanted:
                self._mine.let_go()

    def let_go(self) -> None:
        """Close the file if it is only kept at hand; the next session opens it again."""
        self._mine.let_go()

    def _must_exist(self) -> None:
        if not self.exists():
            raise StoreMissing(f"there is no mirror at {self.path}", hint="run `sfsync pull` first")

    @contextmanager
    def _session(self, *, read_only: bool, strange: bool = False) -> Iterator[tuple[OpenFile, DuckDBSession]]:
        with self._opened(read_only=read_only, strange=strange) as (file, connection):
            session = DuckDBSession(connection, shapes=self._mine.shapes)
            if self._mine.columns:
                session.expect_columns(self._mine.columns)
            self._mine.session, self._mine.for_writing = session, not read_only
            try:
                yield file, session
            finally:
                self._mine.session = None
                connection.close()

    @contextmanager
    def _opened(self, *, read_only: bool, strange: bool) -> Iterator[tuple[OpenFile, duckdb.DuckDBPyConnection]]:
        """The file, open for one session; while it is wanted at hand, it stays open after that."""
        mine = self._mine
        mine.strange |= strange  # it may be others who have opened what it joins
        if not mine.wanted:
            with turns_at(self.path).take(alone=not read_only, patience=self.patience):
                if not read_only and not self.exists():
                    self._create()
                with _closing(self._open(read_only=read_only, strange=strange), mine) as file:
                    yield file, file.cursor()
            return
        if mine.keeper is None:
            with ExitStack() as turn:
                turn.enter_context(turns_at(self.path).take(alone=True, patience=self.patience))
                if not self.exists():
                    self._create()
                mine.keep(self._open(read_only=False), turn.pop_all())
        assert mine.keeper is not None  # noqa: S101 - made two lines above, or before
        connection = mine.keeper.cursor()
        if read_only:
            with refusals_as_errors():
                connection.execute("BEGIN TRANSACTION READ ONLY")
        passed = False
        try:
            yield mine.keeper, connection
            passed = True
        finally:
            if not passed or mine.overdue:  # after an error nothing is taken for granted
                mine.let_go(clean=passed)

    def _open(self, *, read_only: bool, strange: bool = False) -> OpenFile:
        """The file, for sessions of sfsync's own or for somebody else's SQL."""

        def opening() -> OpenFile:
            if strange:
                return OpenAlone(self._connect(read_only=read_only))
            return OpenInInstance(self.path, read_only=read_only, memory_limit=MEMORY_LIMIT)

        return patiently(self.path, self.patience, lambda: OpenTogether(self.path, opening) if read_only else opening())

    def _connect(self, *, read_only: bool, files: bool = True, memory: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
        """The file in an instance of its own."""
        config = config_of(memory, files=files)

        def opening() -> duckdb.DuckDBPyConnection:
            put_back(self.path)
            return duckdb.connect(str(self.path), read_only=read_only, config=config)

        return patiently(self.path, self.patience, opening)

    def _create(self) -> None:
        create(self.path)


@contextmanager
def _closing(file: OpenFile, mine: Opened) -> Iterator[OpenFile]:
    clean = False
    try:
        yield file
        clean = not mine.strange
    finally:
        mine.strange = False
        file.close(clean=clean)


def _reopened(path: Path, patience: float) -> DuckDBStore:
    return DuckDBStore(path, patience=patience)
