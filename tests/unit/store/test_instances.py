"""Files that are opened one after the other in one DuckDB instance: each is as if it had one of its own."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from sfsync.errors import StoreError, StoreLocked
from sfsync.store import duckdb_instances
from sfsync.store.duckdb import DuckDBStore


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[duckdb.DuckDBPyConnection]:
    """Every instance that is made from here on; none waits already."""
    monkeypatch.setattr(duckdb_instances, "_idle", duckdb_instances._Idle())
    instances: list[duckdb.DuckDBPyConnection] = []
    connect = duckdb.connect

    def noted(*args: object, **options: object) -> duckdb.DuckDBPyConnection:
        instances.append(connect(*args, **options))  # type: ignore[arg-type]
        return instances[-1]

    monkeypatch.setattr(duckdb, "connect", noted)
    return instances


NARROW = ("memory_limit", "threads")


def store_with(path: Path, number: int) -> DuckDBStore:
    store = DuckDBStore(path, patience=0.1)
    with store.writing() as session:
        session.execute("CREATE TABLE t AS SELECT ? AS a", [number])
    return store


def number_in(store: DuckDBStore) -> int:
    with store.reading() as session:
        return int(session.execute("SELECT a FROM t").scalar())


def settings(store: DuckDBStore) -> list[str]:
    names = ("memory_limit", "threads", "preserve_insertion_order", "temp_directory", "search_path")
    with store.reading() as session:
        return [str(session.execute(f"SELECT current_setting('{name}')").scalar()) for name in names]


def test_files_follow_each_other_in_one_instance(tmp_path: Path, made: list[duckdb.DuckDBPyConnection]) -> None:
    stores = [store_with(tmp_path / f"mirror {number}.duckdb", number) for number in range(3)]
    assert [number_in(store) for store in stores] == [0, 1, 2]
    assert [store.query("SELECT a FROM t").rows().scalar() for store in stores] == [0, 1, 2]
    assert len(made) == 1


def test_nothing_of_one_file_is_seen_in_the_next(tmp_path: Path) -> None:
    first, second = store_with(tmp_path / "a.duckdb", 1), store_with(tmp_path / "b.duckdb", 2)
    with first.writing() as session:
        session.execute("CREATE TEMP TABLE passing (a INTEGER)")
        session.execute("CREATE TABLE lasting (a INTEGER)")
    with second.reading() as session:
        tables = session.execute("SELECT table_catalog, table_name FROM information_schema.tables").rows
    assert tables == [("b", "t")]


@pytest.mark.parametrize("name", ["memory.duckdb", "temp.duckdb", "System.duckdb", "x;'--\" y.duckdb", "ü.v2.db", ".m"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = store_with(tmp_path / name, 5)
    assert number_in(store) == 5
    assert store.query("SELECT a FROM t").rows().scalar() == 5
    with store.at_hand(), store.writing() as session:
        session.execute("UPDATE t SET a = 6")
    assert number_in(store) == 6


def test_the_database_has_the_name_that_duckdb_itself_gives_it(tmp_path: Path) -> None:
    for name in ("mirror.duckdb", "mirror.of.prod.duckdb", "temp.duckdb", "system.db", "Über uns.duckdb"):
        store = store_with(tmp_path / name, 1)
        with store.reading() as session:
            ours = session.execute("SELECT current_database()").scalar()
        with duckdb.connect(str(store.path)) as theirs:
            assert theirs.sql("SELECT current_database()").fetchall() == [(ours,)]


def test_settings_of_a_load_end_with_the_session(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    before = settings(store)
    with store.writing() as session:
        session.execute("SET memory_limit = '123MB'")
        session.execute("SET threads = 1")
        session.execute("SET preserve_insertion_order = true")
    assert settings(store) == before


def test_settings_of_other_peoples_sql_end_with_it(tmp_path: Path, made: list[duckdb.DuckDBPyConnection]) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    before = len(made)
    store.query("SET GLOBAL lock_configuration = true").rows()
    assert number_in(store) == 1
    with store.at_hand():
        store.query("SET GLOBAL lock_configuration = true").rows()
        assert number_in(store) == 1
    assert number_in(store) == 1
    assert len(made) == before + 2  # the question's own, and the one after what was kept at hand


def test_settings_of_other_peoples_sql_end_with_it_where_another_thread_reads_the_file_too(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    with store.reading(), ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: store.query("SET GLOBAL lock_configuration = true").rows()).result()
    assert number_in(store) == 1


def test_other_peoples_sql_cannot_get_at_the_file_in_another_way(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    for sql in (
        "DETACH a",
        f"ATTACH '{store.path}' AS again; INSERT INTO again.t VALUES (2)",
        f"ATTACH ':memory:' AS m; USE m; DETACH a; ATTACH '{store.path}' AS again; INSERT INTO again.t VALUES (2)",
        f"ATTACH '{tmp_path / 'new.duckdb'}' AS new; CREATE TABLE new.t (a INTEGER)",
    ):
        with pytest.raises(StoreError):
            store.query(sql).rows()
    assert [row[0] for row in store.query("SELECT a FROM t").rows()] == [1]


def test_an_instance_in_which_something_failed_serves_no_other_file(
    tmp_path: Path, made: list[duckdb.DuckDBPyConnection]
) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    before = len(made)
    with suppress(KeyError), store.writing():
        raise KeyError
    assert number_in(store) == 1
    assert len(made) == before + 1


def test_an_instance_that_has_spilled_ends_with_the_file(tmp_path: Path, made: list[duckdb.DuckDBPyConnection]) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    with store.writing() as session:
        session.execute("SET memory_limit = '60MB'")
        session.execute(
            "CREATE TEMP TABLE big AS SELECT i, hash(i) AS h, i || '-' || i AS s FROM range(3000000) AS r(i)"
        )
        assert (tmp_path / "a.duckdb.tmp").exists()
    assert not (tmp_path / "a.duckdb.tmp").exists()
    before = len(made)
    assert number_in(store) == 1
    assert len(made) == before + 1


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system tells memory in another way")
def test_an_instance_that_waits_keeps_no_memory_of_the_file_before(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom sfsync.store.duckdb import DuckDBStore\n"
        "def resident():\n"
        "    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 2**20\n"
        "store = DuckDBStore(Path(sys.argv[1]))\n"
        "with store.writing() as session:\n"
        "    session.execute('CREATE TABLE t (a INTEGER)')\n"
        "before = resident()\n"
        "with store.reading() as session:\n"
        "    session.execute(\"SELECT count(DISTINCT repeat('y', 50) || hash(i)) FROM range(1000000) AS r(i)\")\n"
        "    within = resident()\n"
        "print(before, within, resident())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.duckdb")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    before, within, after = map(int, told.split())
    assert within > before + 100
    assert after < before + 50


def test_threads_that_read_hold_one_opening_so_that_none_takes_the_others_lock_away(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    write = f"import duckdb; duckdb.connect({str(store.path)!r}).execute('UPDATE t SET a = 2')"
    with store.reading() as session:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda _n: number_in(store), range(4))) == [1, 1, 1, 1]
            asked = pool.submit(lambda: store.query("SELECT a FROM t").rows().scalar())
            assert asked.result() == 1
        other = subprocess.run([sys.executable, "-c", write], capture_output=True, text=True, check=False)
        assert "Could not set lock" in other.stderr
        assert session.execute("SELECT a FROM t").scalar() == 1
    subprocess.run([sys.executable, "-c", write], check=True)
    assert number_in(store) == 2


def test_a_file_that_the_same_program_has_open_otherwise_is_locked(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 1)
    with duckdb.connect(str(store.path)) as notebook:
        notebook.execute("UPDATE t SET a = 2")
        with pytest.raises(StoreLocked, match="this program already has the mirror"), store.writing():
            pass
    assert number_in(store) == 2


def test_more_threads_than_instances_that_wait(tmp_path: Path) -> None:
    stores = [store_with(tmp_path / f"{number}.duckdb", number) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        for _round in range(3):
            assert list(pool.map(number_in, stores)) == list(range(12))
    assert len(duckdb_instances._idle._waiting) <= duckdb_instances.MOST_IDLE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_a_forked_process_uses_no_instance_of_its_parent(tmp_path: Path) -> None:
    store = store_with(tmp_path / "a.duckdb", 7)
    forks = multiprocessing.get_context("fork")
    child = forks.Process(target=_exit_with_number, args=(store,))
    child.start()
    child.join(60)
    assert child.exitcode == 7
    assert number_in(store) == 7


def _exit_with_number(store: DuckDBStore) -> None:
    with store.writing() as session:
        number = int(session.execute("SELECT a FROM t").scalar())
    os._exit(number)


def test_a_wide_table_gets_fewer_threads_and_more_memory_until_the_file_is_closed(tmp_path: Path) -> None:
    store = store_with(tmp_path / "mirror.duckdb", 1)
    usual = settings(store)
    with store.writing() as session:
        session.expect_columns(3)
        memory, threads = (str(session.execute(f"SELECT current_setting('{name}')").scalar()) for name in NARROW)
        assert (memory, threads) == ("476.8 MiB", usual[1])
        session.expect_columns(2407)  # of 800 fields, as many as an object can have: value, value before, whether set
        memory, threads = (session.execute(f"SELECT current_setting('{name}')").scalar() for name in NARROW)
        assert (memory, threads) == ("1.9 GiB", 1)
        session.expect_columns(3)  # what is there already may not fit into less
        assert session.execute("SELECT current_setting('memory_limit')").scalar() == memory
    assert settings(store) == usual
