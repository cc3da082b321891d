"""Which tables and columns there are is asked once, and again as soon as it may be otherwise."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import QueryFailed
from sfsync.store.columns import has_table, mirror_columns, table_columns, tables_in
from sfsync.store.duckdb import DuckDBSession, DuckDBStore


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        session.execute("CREATE SCHEMA sf_all")
        session.execute('CREATE TABLE sf_all."Lead" ("Id" VARCHAR, "Rating" VARCHAR)')
    return store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every question about tables and columns that reaches the database."""
    questions: list[str] = []
    execute = DuckDBSession.execute

    def watched(self: DuckDBSession, sql: str, params: Any = ()) -> Any:
        if "information_schema" in sql or "pragma_table_info" in sql:
            questions.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(DuckDBSession, "execute", watched)
    return questions


def test_a_session_asks_once(store: DuckDBStore, asked: list[str]) -> None:
    with store.reading() as session:
        for _ in range(3):
            assert tables_in(session, "sf_all") == {"Lead"}
            assert has_table(session, "sf_all", "Lead")
            assert not has_table(session, "sf_history", "Lead")
            assert table_columns(session, "sf_all", "Lead") == {"Id": "VARCHAR", "Rating": "VARCHAR"}
            assert mirror_columns(session) == {"Lead": {"Id": "VARCHAR", "Rating": "VARCHAR"}}
    assert len(asked) == 3


def test_what_a_caller_does_to_an_answer_is_not_remembered(store: DuckDBStore) -> None:
    with store.reading() as session:
        table_columns(session, "sf_all", "Lead").clear()
        tables_in(session, "sf_all").clear()
        mirror_columns(session)["Lead"].clear()
        assert table_columns(session, "sf_all", "Lead") == mirror_columns(session)["Lead"] != {}
        assert tables_in(session, "sf_all") == {"Lead"}


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ('ALTER TABLE sf_all."Lead" ADD COLUMN "Email" VARCHAR', ["Id", "Rating", "Email"]),
        ('alter table sf_all."Lead" drop column "Rating"', ["Id"]),
        ('ALTER TABLE sf_all."Lead" RENAME COLUMN "Rating" TO "Warmth"', ["Id", "Warmth"]),
        ('DROP TABLE sf_all."Lead"', []),
        ('DROP TABLE "sf_all"."Lead"', []),
        ("DROP SCHEMA sf_all CASCADE", []),
        ('CREATE OR REPLACE TABLE sf_all."Lead" AS SELECT 1 AS "Other"', ["Other"]),
        ('-- why\nCREATE OR REPLACE TABLE sf_all."Lead" AS SELECT 1 AS "Other"', ["Other"]),
        ('CREATE TEMP TABLE "Other" AS SELECT 1; DROP TABLE sf_all."Lead"', []),
    ],
)
def test_after_a_statement_that_changes_it_the_next_answer_is_the_new_one(
    store: DuckDBStore, statement: str, columns: list[str]
) -> None:
    with store.writing() as session:
        assert table_columns(session, "sf_all", "Lead")
        assert has_table(session, "sf_all", "Lead")
        session.execute(statement)
        assert list(table_columns(session, "sf_all", "Lead")) == columns
        assert has_table(session, "sf_all", "Lead") == bool(columns)
        assert list(mirror_columns(session).get("Lead", {})) == columns


def test_temporary_tables_and_records_change_nothing_of_it(store: DuckDBStore, asked: list[str]) -> None:
    with store.writing() as session:
        assert has_table(session, "sf_all", "Lead")
        session.execute('CREATE TEMP TABLE "fresh" AS SELECT \'x\' AS "Id"')
        session.execute('INSERT INTO sf_all."Lead" ("Id") SELECT "Id" FROM "fresh"')
        session.execute('DROP TABLE "fresh"')
        session.execute("DROP TABLE IF EXISTS fresh")
        session.execute('DELETE FROM sf_all."Lead"')
        assert has_table(session, "sf_all", "Lead")
    assert len(asked) == 1


def test_while_the_file_stays_open_the_next_session_need_not_ask(store: DuckDBStore, asked: list[str]) -> None:
    with store.at_hand():
        for _ in range(3):
            with store.reading() as session:
                assert has_table(session, "sf_all", "Lead")
        assert len(asked) == 1
        store.let_go()
        with store.reading() as session:
            assert has_table(session, "sf_all", "Lead")
        assert len(asked) == 2


def test_what_others_change_while_the_file_was_let_go_is_seen(store: DuckDBStore) -> None:
    def elsewhere() -> None:
        with DuckDBStore(store.path).writing() as session:
            session.execute('CREATE TABLE sf_all."Account" ("Id" VARCHAR)')

    with store.at_hand():
        with store.reading() as session:
            assert tables_in(session, "sf_all") == {"Lead"}
        store.let_go()
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
        with store.reading() as session:
            assert tables_in(session, "sf_all") == {"Lead", "Account"}


def test_what_is_undone_was_never_there(store: DuckDBStore) -> None:
    with store.at_hand():
        with pytest.raises(ZeroDivisionError), store.writing() as session:
            session.execute('CREATE TABLE sf_all."Account" ("Id" VARCHAR)')
            assert has_table(session, "sf_all", "Account")
            raise ZeroDivisionError
        with store.reading() as session:
            assert not has_table(session, "sf_all", "Account")


def test_what_is_undone_while_a_session_only_looks_was_never_there(store: DuckDBStore) -> None:
    with store.judging() as session:
        assert has_table(session, "sf_all", "Lead")
        with pytest.raises(QueryFailed):
            session.ask("SELECT * FROM nothing_of_this_name")
        session.start_writing()
        session.execute('CREATE TABLE sf_all."Account" ("Id" VARCHAR)')
        assert has_table(session, "sf_all", "Account")
