"""The fake org's own database: one typed DuckDB table an object, in memory, and nothing of Salesforce's manners."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock, local
from typing import Any

import duckdb
import orjson

from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts
from sfsync.fake.deferred import DeferredRows, Put, Rows
from sfsync.fake.ids import to_18
from sfsync.fake.instance import Instance, Template, shared_instance
from sfsync.fake.sql_names import literal, quote

Cursor = duckdb.DuckDBPyConnection

_SQL_TYPES = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "currency": "DOUBLE",
    "percent": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
}

#: The same checksum as `record_ids.checksum`, for whole columns: `id_18`, `id_valid`.
ID_MACROS = """
CREATE MACRO id_check(block) AS substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1
    + (ascii(block[1]) BETWEEN 65 AND 90)::INTEGER
    + 2 * (ascii(block[2]) BETWEEN 65 AND 90)::INTEGER
    + 4 * (ascii(block[3]) BETWEEN 65 AND 90)::INTEGER
    + 8 * (ascii(block[4]) BETWEEN 65 AND 90)::INTEGER
    + 16 * (ascii(block[5]) BETWEEN 65 AND 90)::INTEGER, 1);
CREATE MACRO id_18(id) AS id[1:15] || id_check(id[1:5]) || id_check(id[6:10]) || id_check(id[11:15]);
CREATE MACRO id_valid(id) AS regexp_full_match(id, '[0-9A-Za-z]{15}([0-9A-Z]{3})?')
    AND (length(id) = 15 OR id = id_18(id));
"""

#: What the org keeps about records besides the records: which are gone for good, which went to the recycle bin along
#: with another one, and which lookups were emptied because what they pointed to was deleted.
_BOOKS = """
CREATE TABLE gone_records(object VARCHAR, id VARCHAR, moment TIMESTAMP);
CREATE TABLE deleted_along(root VARCHAR, object VARCHAR, id VARCHAR);
CREATE TABLE emptied_lookups(root VARCHAR, object VARCHAR, id VARCHAR, field VARCHAR, value VARCHAR);
"""

#: Rows turned into one JSON text at a time when records come as Python objects.
_CHUNK = 20_000


def sql_type(field_type: str) -> str:
    """The column type for a describe type."""
    return _SQL_TYPES.get(field_type, "VARCHAR")


#: Statements whose syntax trees are kept, of all orgs; longer texts are read each time.
_MOST_READ, _LONGEST_READ = 300, 20_000
_read_statements: OrderedDict[str, duckdb.Statement] = OrderedDict()
_reading_statements = Lock()


def run(cursor: Cursor, sql: str, values: object = None) -> Cursor:
    """Execute a statement that will come again: its text is read but once, which costs as much as executing it."""
    if len(sql) > _LONGEST_READ:
        return cursor.execute(sql, values)
    with _reading_statements:
        known = _read_statements.get(sql)
        if known is None:
            [known] = cursor.extract_statements(sql)
            _read_statements[sql] = known
            if len(_read_statements) > _MOST_READ:
                _read_statements.popitem(last=False)
        else:
            _read_statements.move_to_end(sql)
    return cursor.execute(known, values)


#: An org of fewer records, of all objects together, is served faster by one thread.
_SMALL_ORG = 50_000


class Undone(Exception):
    """Raised within `OrgDatabase.together`: nothing that was written there is to stay."""


class _Joint(local):
    """The transaction that a thread is in, if it is in one of many steps."""

    cursor: Cursor | None = None
    undone: bool = False

    def __init__(self) -> None:
        self.deferred = DeferredRows()  # of this transaction
        self.written = DeferredRows()  # of earlier ones, but written by this one


class OrgDatabase:
    """Tables named and typed after the catalogue.

    Readers never block: each works on its own cursor and sees one consistent state. Writers take turns.

    Args:
        catalog: The objects.
        is_large: Whether it is to have memory and processors to itself.
        like: What it begins as a copy of, with tables for these objects; their tables are empty, unless given.
    """

    def __init__(self, catalog: Catalog, *, is_large: bool = False, like: Template | None = None) -> None:
        self.catalog = catalog
        self.lock = RLock()
        self._joint = _Joint()
        self._deferred = DeferredRows()
        self._instance = Instance() if is_large else shared_instance()
        self._is_large = is_large
        self._attached = [self._instance.copy(like) if like else self._instance.create(_create_tables(catalog))]
        self._leave = weakref.finalize(self, self._instance.abandon, self._attached)
        self._scratch: Path | None = None
        self._connection = self._instance.connect()
        place = f"{self._attached[0]}.main,memory.main"  # its own tables, everybody's macros
        [self._enter] = self._connection.extract_statements(f"SET search_path = '{place}'")

    def template(self, tables: Collection[str]) -> Template:
        """What others can be made like: with the rows of these tables, and the others empty."""
        return self._instance.template(self._attached[0], tables)

    def teach(self, macros: str) -> None:
        """Make SQL macros known that few orgs need: for statements whose cursor is not yet there."""
        self._instance.teach(macros)

    @contextmanager
    def all_threads(self) -> Iterator[None]:
        """Let a large org use every processor in this block, and after it too if it has become as large as that."""
        if not self._is_large:
            yield
            return
        self._instance.use_threads(all_of_them=True)
        yield
        rows = self._connection.execute("SELECT sum(estimated_size) FROM duckdb_tables()").fetchone()
        if rows is None or int(rows[0] or 0) < _SMALL_ORG:
            self._instance.use_threads(all_of_them=False)

    def attach(self, path: Path) -> str:
        """Attach a file as one more database, for as long as this one is there, and return its name."""
        with self.lock:
            self._attached.append(self._instance.attach(str(path)))
            return self._attached[-1]

    def _cursor(self) -> Cursor:
        cursor = self._connection.cursor()
        cursor.execute(self._enter)
        return cursor

    @contextmanager
    def reading(self, sql: str | None = None) -> Iterator[Cursor]:
        """A cursor of your own; within `together` the one of that transaction.

        Args:
            sql: All that is to be read with it, where that is known already: rows that it does not ask for may go on
                waiting to be written.
        """
        self._write_deferred(sql)
        if self._joint.cursor is not None:
            yield self._joint.cursor
            return
        cursor = self._cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def writing(self, sql: str | None = None) -> Iterator[Cursor]:
        """A cursor in a transaction: committed at the end, rolled back when the block raises; `sql` as in `reading`."""
        if self._joint.cursor is not None:
            self._write_deferred(sql)
            try:
                yield self._joint.cursor
            except BaseException:
                self._joint.undone = True
                raise
            return
        with self.lock, self.reading(sql) as cursor:
            run(cursor, "BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                self._joint.deferred.clear()
                self._deferred.take_from(self._joint.written)
                raise
            # Before the commit: who sees what this transaction wrote has to see what it deferred.
            self._deferred.take_from(self._joint.deferred)
            run(cursor, "COMMIT")
            self._joint.written.clear()

    @contextmanager
    def together(self, sql: str | None = None) -> Iterator[None]:
        """Make one transaction of all that this thread reads and writes within the block; `sql` as in `reading`.

        It is rolled back when the block raises, and quietly so when it raises `Undone`; within another one, both end
        in the same way.
        """
        joint = self._joint
        if joint.cursor is not None:
            self._write_deferred(sql)
            try:
                yield
            except Undone:
                joint.undone = True
            return
        try:
            with self.writing(sql) as cursor:
                joint.cursor, joint.undone = cursor, False
                yield
                if joint.undone:
                    raise Undone  # noqa: TRY301 - this is how `writing` is told
        except Undone:
            return
        finally:
            joint.cursor = None

    def defer(self, table: str, rows: Rows, put: Put) -> None:
        """Within `together`: let rows wait until somebody may want to see them. Nobody can tell the difference."""
        self._joint.deferred.add(table, rows, put)

    def _write_deferred(self, sql: str | None) -> None:
        """Write the rows that are waiting, if they may be wanted."""
        joint = self._joint
        if joint.cursor is not None:
            if joint.deferred.is_asked_for(sql) or self._deferred.is_asked_for(sql):
                self._deferred.write(joint.cursor)
                joint.written.take_from(self._deferred)
                joint.deferred.write(joint.cursor)
                joint.deferred.clear()
        elif self._deferred.is_asked_for(sql):
            with self.lock, self._cursor() as cursor:
                cursor.execute("BEGIN")
                self._deferred.write(cursor)
                cursor.execute("COMMIT")
                self._deferred.clear()

    @property
    def joined(self) -> bool:
        """Whether this thread is within `together`."""
        return self._joint.cursor is not None

    @property
    def scratch(self) -> Path:
        """A private folder for what is too large for memory; removed with the database."""
        with self.lock:
            if self._scratch is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="sfsync-fake-"))
                weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
                self._instance.spill_privately()
            return self._scratch

    def add_object(self, facts: ObjectFacts) -> None:
        """Give the org one more object."""
        with self.writing() as cursor:
            cursor.execute(_create_table(facts))
        self.catalog.put(facts)

    def add_fields(self, facts: ObjectFacts, fields: Iterable[FieldFacts]) -> ObjectFacts:
        """Give an object more (custom) fields; returns its new facts."""
        new = tuple(fields)
        with self.writing() as cursor:
            for field in new:
                column = f"{quote(field.name)} {sql_type(field.type)}"
                default = " DEFAULT false" if field.type == "boolean" else ""
                cursor.execute(f"ALTER TABLE {quote(facts.name)} ADD COLUMN {column}{default}")
        wider = facts.with_fields(new)
        self.catalog.put(wider)
        return wider

    def close(self) -> None:
        """Free the memory and remove the scratch folder."""
        with self.lock:
            self._connection.close()
            if self._leave.detach() is not None:
                self._instance.detach(self._attached)
            if self._is_large:
                self._instance.close()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
                self._scratch = None


def stage_rows(cursor: Cursor, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Put Python records into a temporary table of text columns and return its name.

    They travel as JSON text that the database takes apart: a thousand times faster than one statement a record.
    """
    name = "staged_rows"
    shape = orjson.dumps([dict.fromkeys(columns, "VARCHAR")]).decode()
    listed = ", ".join(f"{quote(column)} VARCHAR" for column in columns)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({listed})")
    for start in range(0, len(rows), _CHUNK):
        text = orjson.dumps(rows[start : start + _CHUNK], default=str).decode()
        cursor.execute(
            f"INSERT INTO {name} BY NAME SELECT r.* FROM (SELECT unnest(from_json(?, {literal(shape)})) AS r)", [text]
        )
    return name


def record(cursor: Cursor, facts: ObjectFacts, record_id: str) -> dict[str, Any] | None:
    """One record with all its stored fields, deleted or not, or None."""
    cursor.execute(f'SELECT * FROM {quote(facts.name)} WHERE "Id" = ?', [to_18(record_id)])
    row = cursor.fetchone()
    return dict(zip((column[0] for column in cursor.description or ()), row, strict=True)) if row else None


def _create_table(facts: ObjectFacts) -> str:
    columns = ", ".join(f"{quote(field.name)} {sql_type(field.type)}" for field in facts.stored_fields)
    return f"CREATE TABLE {quote(facts.name)} ({columns})"


def _create_tables(catalog: Catalog) -> str:
    return _BOOKS + ";".join(map(_create_table, catalog))
