"""One open connection to the embedded store: what is asked, kept and loaded through it."""

from __future__ import annotations

import csv
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sfsync.errors import IncompleteAnswer, QueryFailed, StoreError
from sfsync.store.duckdb_refusals import ignoring_duckdb_errors, misfits_as_errors, refusals_as_errors
from sfsync.store.interface import Params, Rows, TextForm
from sfsync.store.names import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

#: Enough for a load of any size (DuckDB spills beyond it); without a limit its cache grows with the file.
MEMORY_LIMIT = "1GB"

#: Longest CSV record taken: Salesforce allows 400,000 characters a record, at most 4 bytes each, plus quotes.
MAX_CSV_RECORD = 4_000_000

#: Room for two of the longest records is what it takes to find them wherever they stand; DuckDB's default of sixteen
#: takes more memory, and more time, out of the processor's caches.
CSV_BUFFER = 2 * MAX_CSV_RECORD

#: From its first page on, a session works with this much and no more threads: a pull's memory stays the same however
#: many records come. Each thread gathers 122,880 records before it packs them; what does not fit spills to disk.
LOAD_MEMORY, LOAD_THREADS = "300MB", 2

#: Objects with more fields, or longer records (bytes of CSV), need all of MEMORY_LIMIT, among so many threads at most.
NARROW_COLUMNS, NARROW_RECORD, MOST_THREADS = 150, 2000, 4

#: What a thread holds of each column of a table that it fills, until 122,880 rows are packed (kB): two blocks, and what
#: it reads them from. Of MEMORY_LIMIT so much is for that, and the rest, which there is always, for joins and sorts.
COLUMN_MEMORY, FILLING_MEMORY, SPARE_MEMORY = 750, 700_000, 300_000
#: With less than that (kB), joins of many millions of rows do not end.
LEAST_MEMORY = 500_000

#: How a session that can change nothing begins.
BEGIN_LOOKING = "BEGIN TRANSACTION READ ONLY"

#: What statements that make, change or remove a table or view say somewhere.
_SHAPES = re.compile(r"\b(?:CREATE|ALTER|DROP|ATTACH|DETACH|USE|IMPORT|ROLLBACK)\b", re.IGNORECASE)

#: Those that are about a temporary table alone: it is in none of the mirror's schemas.
_PASSING = re.compile(
    r"\s*(?:CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\s+TABLE\b[^;]*|DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:\w+|\"[^\".]*\"))\s*\Z",
    re.IGNORECASE,
)

#: A question about tables and columns, with its values → the answer.
Shapes = dict[tuple[str, *tuple[object, ...]], Rows]


class DuckDBSession:
    """One open connection; see `store.interface.Session`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, *, judging: bool = False, shapes: Shapes | None = None
    ) -> None:
        self.connection = connection
        self.reads_files = not judging
        self.looking = judging
        self._shapes: Shapes = {} if shapes is None else shapes
        self._columns = 0

    def execute(self, sql: str, params: Params = ()) -> Rows:
        """Run one statement and fetch its answer."""
        if _SHAPES.search(sql) and not _PASSING.match(sql):
            self.forget_shapes()
        with refusals_as_errors():
            cursor = self.connection.execute(sql, params or None)
            columns = tuple(str(column[0]) for column in cursor.description or ())
            return Rows(columns, cursor.fetchall() if columns else [])

    def ask_shape(self, sql: str, values: Sequence[object]) -> Rows:
        """The answer to a question about tables and columns, asked again only when it may have become another one."""
        answer = self._shapes.get((sql, *values))
        if answer is None:
            answer = self._shapes[sql, *values] = self.execute(sql, values)
        return answer

    def columns_of(self, schema: str, name: str) -> dict[str, str]:
        """Column → SQL type of a table or view: to look it up in the catalogue as a whole takes ten times as long."""
        asked = "SELECT name, type FROM pragma_table_info(?)"  # ends the transaction where there is no such table
        return dict(self.ask_shape(asked, [f"{quote(schema)}.{quote(name)}"]).rows)

    def forget_shapes(self) -> None:
        """Ask anew which tables and columns there are: something may have changed that, or undone a change."""
        self._shapes.clear()

    def keep(self, table: str, select: str) -> None:
        """Make a temporary table of the answer to one SELECT, and refuse everything else."""
        with refusals_as_errors(), self._apart():
            self.connection.execute(self._only(f"CREATE TEMPORARY TABLE {table} AS\n{select}", "CREATE"))

    def ask(self, select: str) -> Rows:
        """The answer to one SELECT; everything else is refused."""
        with refusals_as_errors(), self._apart():
            cursor = self.connection.execute(self._only(select, "SELECT"))
            return Rows(tuple(str(column[0]) for column in cursor.description or ()), cursor.fetchall())

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """While a session only looks, each question is a transaction of its own.

        One that is refused then takes nothing else along; nobody else can write in between.
        """
        if not self.looking:
            yield
            return
        self.connection.commit()
        self.connection.execute(BEGIN_LOOKING)
        try:
            yield
        except BaseException:
            self.forget_shapes()
            self.connection.rollback()
            self.connection.execute(BEGIN_LOOKING)
            raise

    def _only(self, text: str, kind: str) -> duckdb.Statement:
        """The one statement of a text; a table is made of nothing but a SELECT, says the parser itself."""
        statements = self.connection.extract_statements(text)
        if [statement.type for statement in statements] != [getattr(duckdb.StatementType, kind)]:
            raise QueryFailed("this is not one SELECT", hint="a question changes nothing")
        return statements[0]

    def expect_columns(self, columns: int) -> None:
        """Take as much memory as it needs, however many rows come; fewer threads, where their shares do not fit.

        A session that expected more keeps it: what is there already may not fit into less.
        """
        if columns <= self._columns:
            return
        self._columns = columns
        needed = columns * COLUMN_MEMORY
        threads = max(1, min(os.cpu_count() or 1, FILLING_MEMORY // max(1, needed)))
        self.connection.execute(f"SET threads = {threads}")
        self.connection.execute(f"SET memory_limit = '{max(LEAST_MEMORY, threads * needed + SPARE_MEMORY)}KB'")

    def start_writing(self) -> None:
        """End the part of a session that can only look."""
        if self.looking:
            with refusals_as_errors():
                self.connection.commit()
                self.connection.begin()
            self.looking = False

    def load_csv(
        self, table: str, columns: Mapping[str, str], files: Sequence[Path], *, only: Sequence[str] = ()
    ) -> int:
        """Append CSV files to a table with the types given; DuckDB's own reader, never Python rows."""
        if not files:
            return 0
        for file in files:
            _check_header(file, list(columns))
        names = ", ".join(quote(name) for name in only or columns)
        types = ", ".join(f"{literal(name)}: {literal(sql_type)}" for name, sql_type in columns.items())
        paths = ", ".join(literal(str(file)) for file in files)
        with misfits_as_errors(table):
            self._take_memory(_is_narrow(files[0], len(columns)))
            answer = self.connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM read_csv([{paths}], columns = {{{types}}}, "
                "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                f"encoding = 'utf-8', max_line_size = {MAX_CSV_RECORD}, buffer_size = {CSV_BUFFER})"
            ).fetchall()
        return int(answer[0][0])

    def load_text(self, table: str, columns: Sequence[str], file: Path, form: TextForm) -> int:
        """Make a temporary table of a text file, by DuckDB's own reader with nothing left for it to guess."""
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
        nulls = ", ".join(literal(text) for text in ("", *form.empty))
        with _plain_path(file) as path:
            reader = (
                f"read_csv({literal(path)}, columns = {{{types}}}, auto_detect = false, "
                f"header = {str(form.header).lower()}, delim = {literal(form.delimiter)}, "
                f"quote = {literal(form.quote)}, escape = {literal(form.quote)}, nullstr = [{nulls}], "
                "encoding = 'utf-8', compression = 'none', strict_mode = true, "
                f"max_line_size = {MAX_CSV_RECORD}, buffer_size = {CSV_BUFFER})"
            )
            _try_apart(f"SELECT {', '.join(f'count({quote(name)})' for name in columns)} FROM {reader}")
            return self._make_numbered(table, reader)

    def load_parquet(self, table: str, file: Path) -> int:
        """Make a temporary table of a Parquet file."""
        with _plain_path(file) as path:
            _try_apart(f"SELECT count(*) FROM read_parquet({literal(path)})")
            return self._make_numbered(table, f"read_parquet({literal(path)})")

    def load_arrow(self, table: str, data: pa.Table | pa.RecordBatchReader) -> int:
        """Make a temporary table of Arrow data, batch by batch where it is a reader."""
        name = "sfsync arrow data"
        self.connection.register(name, data)
        try:
            return self._make_numbered(table, quote(name))
        finally:
            with ignoring_duckdb_errors():  # after an error it is refused, and what it was would be hidden
                self.connection.unregister(name)

    def _make_numbered(self, table: str, relation: str) -> int:
        """A temporary table of a relation whose rows are numbered in their own order."""
        if not self.reads_files and relation.startswith("read_"):
            with _apart() as apart:
                return self.load_arrow(table, apart.sql(f"SELECT * FROM {relation}").to_arrow_reader())
        self.execute("SET preserve_insertion_order = true")
        try:
            self.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS source_row, * FROM {relation}"
            )
        finally:
            with ignoring_duckdb_errors():
                self.connection.execute("SET preserve_insertion_order = false")
        return int(self.execute(f"SELECT count(*) FROM {table}").scalar())

    def write_csv(self, select: str, file: Path) -> int:
        """Write an answer to a CSV file; DuckDB's own writer, never Python rows."""
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # it will hold people's data
            file.chmod(0o600)
        except OSError as error:
            raise StoreError(
                f"the file {file} cannot be written: {error.strerror}", hint="check free disk space and permissions"
            ) from error
        with refusals_as_errors():
            answer = self.connection.execute(
                f"COPY ({select}) TO {literal(str(file))} (FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"',"
                " NULLSTR '', USE_TMP_FILE false)"
            ).fetchall()
        return int(answer[0][0])

    def _take_memory(self, narrow: bool) -> None:
        memory = LOAD_MEMORY if narrow else MEMORY_LIMIT
        threads = min(LOAD_THREADS if narrow else MOST_THREADS, os.cpu_count() or 1)
        self.connection.execute(f"SET threads = {threads}")
        self.connection.execute(f"SET memory_limit = '{memory}'")

    def copy_rows(self, copy: str, table: str, ids: str) -> None:
        """Copy rows by their places in the file: a join on Ids would unpack every column of every row on the way."""
        places = quote(f"{copy} places")
        self.execute(f'CREATE TEMP TABLE {places} AS SELECT rowid AS place FROM {table} WHERE "Id" IN ({ids})')
        self.execute(f"CREATE TEMP TABLE {copy} AS SELECT * FROM {table} WHERE rowid IN (SELECT place FROM {places})")
        self.execute(f"DROP TABLE {places}")


def _check_header(file: Path, columns: list[str]) -> None:
    """Columns are matched by position, so a page whose header is not the one asked for must stop the load."""
    with file.open(encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines), [])
    if [name.casefold() for name in header] != [name.casefold() for name in columns]:
        raise IncompleteAnswer(
            f"{file.name}: the org sent other columns than were asked for ({len(header)} instead of {len(columns)})",
            hint="run the pull again; nothing of this answer was kept",
        )


def _try_apart(sql: str) -> None:
    """Ask something of a file in a database of its own: a refusal would end the transaction that is under way."""
    with _apart() as apart:
        apart.execute(sql)


@contextmanager
def _apart() -> Iterator[duckdb.DuckDBPyConnection]:
    with refusals_as_errors():
        apart = duckdb.connect(config={"memory_limit": LOAD_MEMORY, "autoinstall_known_extensions": "false"})
        try:
            yield apart
        finally:
            apart.close()


@contextmanager
def _plain_path(file: Path) -> Iterator[str]:
    """The file under a name without `*`, `?` or brackets, which DuckDB would take for a pattern."""
    with tempfile.TemporaryDirectory(prefix="sfsync-") as folder:
        link = Path(folder) / "source"
        link.symlink_to(file.absolute())
        yield str(link)


def _is_narrow(file: Path, columns: int) -> bool:
    """Whether a page's records are short enough to be gathered in little memory, as far as its beginning tells."""
    with file.open("rb") as page:
        beginning = page.read(NARROW_RECORD * 500)
    records = sum(between_quotes.count(b"\n") for between_quotes in beginning.split(b'"')[::2])
    return columns <= NARROW_COLUMNS and len(beginning) <= NARROW_RECORD * records
