"""A file that is kept open between the sessions of one thread: they cost less, and are what they always are."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import QueryFailed, StoreLocked, StoreMissing
from sfsync.store import duckdb_file
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.duckdb_instances import OpenInInstance


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    made = DuckDBStore(tmp_path / "mirror.duckdb", patience=0.1)
    with made.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every opening of a database file, from here on."""
    files: list[str] = []
    opening = OpenInInstance.__init__

    def counted(self: OpenInInstance, file: Path, **options: Any) -> None:
        files.append(str(file))
        opening(self, file, **options)

    monkeypatch.setattr(OpenInInstance, "__init__", counted)
    return files


def rows(store: DuckDBStore) -> list[int]:
    return [row[0] for row in store.query("SELECT a FROM t ORDER BY a").rows()]


def add(store: DuckDBStore, number: int) -> None:
    with store.writing() as session:
        session.execute("INSERT INTO t VALUES (?)", [number])


def test_sessions_that_follow_each_other_open_the_file_once(store: DuckDBStore, opened: list[str]) -> None:
    with store.at_hand():
        for number in range(5):
            add(store, number)
            assert rows(store) == [*range(number + 1)]
    assert len(opened) == 1
    assert rows(store) == [0, 1, 2, 3, 4]


def test_each_session_is_a_transaction_of_its_own(store: DuckDBStore) -> None:
    with store.at_hand():
        add(store, 1)
        with suppress(KeyError), store.writing() as session:
            session.execute("INSERT INTO t VALUES (2)")
            raise KeyError
        add(store, 3)
        with suppress(QueryFailed), store.writing() as session:
            session.execute("INSERT INTO t VALUES (4)")
            session.execute("SELECT nonsense")
    assert rows(store) == [1, 3]


def test_reading_changes_nothing_and_leaves_no_temporary_table(store: DuckDBStore) -> None:
    with store.at_hand():
        with store.writing() as session:
            session.execute("CREATE TEMP TABLE incoming (a INTEGER)")
        with pytest.raises(QueryFailed, match="read-only"), store.reading() as session:
            session.execute("INSERT INTO t VALUES (1)")
        with store.writing() as session:
            session.execute("CREATE TEMP TABLE incoming (a INTEGER)")
    assert rows(store) == []


def test_others_wait_until_it_is_let_go(store: DuckDBStore) -> None:
    with store.at_hand(), ThreadPoolExecutor(1) as pool:
        add(store, 1)
        other = DuckDBStore(store.path, patience=0.1)
        with pytest.raises(StoreLocked):
            pool.submit(rows, other).result()
        store.let_go()
        assert pool.submit(rows, other).result() == [1]
        add(store, 2)
    assert rows(store) == [1, 2]


def test_other_stores_of_the_same_thread_join(store: DuckDBStore) -> None:
    with store.at_hand():
        add(store, 1)
        assert rows(DuckDBStore(store.path)) == [1]


def test_a_session_that_takes_long_lets_go_by_itself(
    store: DuckDBStore, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_file, "LONGEST_AT_HAND", 0.0)
    with store.at_hand():
        add(store, 1)
        add(store, 2)
    assert len(opened) == 2


def test_a_store_that_is_not_there_is_made_by_writing_alone(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "new" / "mirror.duckdb")
    with store.at_hand():
        with pytest.raises(StoreMissing), store.reading():
            pass
        with store.writing() as session:
            session.execute("CREATE TABLE t (a INTEGER)")
        assert rows(store) == []


def test_what_was_committed_is_there_when_the_process_dies_with_the_file_at_hand(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom sfsync.store.duckdb import DuckDBStore\n"
        "store = DuckDBStore(Path(sys.argv[1]))\n"
        "with store.at_hand():\n"
        "    with store.writing() as session:\n"
        "        session.execute('CREATE TABLE t AS SELECT 7 AS a')\n"
        "    with store.writing() as session:\n"
        "        session.execute('INSERT INTO t VALUES (8)')\n"
        "        os._exit(9)\n"
    )
    path = tmp_path / "mirror.duckdb"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 9
    assert rows(DuckDBStore(path)) == [7]
