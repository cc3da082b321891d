from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from sfsync.errors import StoreLocked
from sfsync.store.duckdb import DuckDBStore


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    made = DuckDBStore(tmp_path / "mirror.duckdb", patience=30)
    with made.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
    return made


def test_transactions_of_several_threads_never_mix(store: DuckDBStore) -> None:
    def write(number: int) -> None:
        with suppress(KeyError), store.writing() as session:
            session.execute("INSERT INTO t VALUES (?, 1)", [number])
            with store.writing() as inner:
                inner.execute("INSERT INTO t VALUES (?, 2)", [number])
            if number % 3 == 0:
                raise KeyError(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(30)))
    rows = store.query("SELECT a, count(*) FROM t GROUP BY a ORDER BY a").rows().rows
    assert rows == [(number, 2) for number in range(30) if number % 3]


def test_a_thread_does_not_see_what_another_has_not_committed(store: DuckDBStore) -> None:
    impatient = DuckDBStore(store.path, patience=0.1)
    with store.writing() as session, ThreadPoolExecutor(1) as pool:
        session.execute("INSERT INTO t VALUES (1, 1)")
        for asked in (impatient, DuckDBStore(store.path, patience=0.1)):
            answer = pool.submit(lambda one=asked: one.query("SELECT count(*) FROM t").rows().scalar())
            with pytest.raises(StoreLocked, match="another thread"):
                answer.result()
    assert impatient.query("SELECT count(*) FROM t").rows().scalar() == 1


def test_a_writer_waits_for_readers_and_readers_do_not_wait_for_each_other(store: DuckDBStore) -> None:
    together = threading.Barrier(4, timeout=30)

    def read(_number: int) -> int:
        with store.reading() as session:
            together.wait()  # passes only when four read at the same time
            return int(session.execute("SELECT count(*) FROM t").scalar())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [0, 0, 0, 0]
    with store.reading(), ThreadPoolExecutor(1) as pool:
        writer = DuckDBStore(store.path, patience=0.1)
        with pytest.raises(StoreLocked):
            pool.submit(lambda: writer.writing().__enter__()).result()


def test_a_store_can_be_sent_to_another_process(store: DuckDBStore) -> None:
    sent: DuckDBStore = pickle.loads(pickle.dumps(store))
    assert (sent.path, sent.patience) == (store.path, store.patience)
    assert sent.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_several_threads_that_begin_a_mirror_make_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mirror.duckdb"

    def begin(number: int) -> None:
        with DuckDBStore(path, patience=30).writing() as session:
            session.execute("CREATE TABLE IF NOT EXISTS t (a INTEGER)")
            session.execute("INSERT INTO t VALUES (?)", [number])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin, range(8)))
    assert DuckDBStore(path).query("SELECT count(*) FROM t").rows().scalar() == 8
