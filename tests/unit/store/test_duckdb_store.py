from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.errors import IncompleteAnswer, QueryFailed, StoreDamaged, StoreError, StoreLocked, StoreMissing
from sfsync.store.duckdb import DuckDBStore


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "state" / "mirror.duckdb", patience=0.2)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_reading_before_there_is_a_mirror_says_what_to_do(store: DuckDBStore) -> None:
    with pytest.raises(StoreMissing) as caught, store.reading():
        pass
    assert "sfsync pull" in (caught.value.hint or "")


def test_a_new_store_can_be_read_by_its_owner_alone(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [p.name for p in store.path.parent.iterdir()] == ["mirror.duckdb"]


def test_an_error_inside_writing_undoes_the_whole_block(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(RuntimeError), store.writing() as session:
        session.execute("INSERT INTO t VALUES (1)")
        session.execute("CREATE TABLE u (a INTEGER)")
        raise RuntimeError
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0
    assert store.query("SELECT count(*) FROM information_schema.tables").rows().scalar() == 1


def test_a_refused_statement_inside_writing_undoes_the_whole_block(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(QueryFailed), store.writing() as session:
        session.execute("INSERT INTO t VALUES (1)")
        session.execute("INSERT INTO nowhere VALUES (1)")
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_nested_writing_joins_the_outer_transaction(store: DuckDBStore) -> None:
    with pytest.raises(RuntimeError), store.writing() as outer:
        outer.execute("CREATE TABLE t (a INTEGER)")
        with store.writing() as inner:
            inner.execute("INSERT INTO t VALUES (1)")
        raise RuntimeError
    assert store.query("SELECT count(*) FROM information_schema.tables").rows().scalar() == 0


def test_writing_inside_reading_is_refused(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    with store.reading(), pytest.raises(StoreError), store.writing():
        pass


def test_a_query_cannot_change_anything(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    for sql in ("INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u (a INTEGER)"):
        with pytest.raises(QueryFailed):
            store.query(sql).rows()


def test_answers_come_as_rows_pandas_and_arrow(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER, b VARCHAR)")
        session.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    relation = store.query("SELECT * FROM t WHERE a >= ? ORDER BY a", [1])
    assert relation.rows().dicts() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert relation.to_pandas()["a"].tolist() == [1, 2]
    assert relation.to_arrow().column("b").to_pylist() == ["x", None]
    assert "&lt;" in store.query("SELECT '<b>' AS html")._repr_html_()


def test_a_file_that_is_no_database_is_named_and_left_alone(store: DuckDBStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"not a database" * 1000)
    before = store.path.read_bytes()
    for session in (store.reading, store.writing):
        with pytest.raises(StoreDamaged) as caught, session():
            pass
        assert "move the file away" in (caught.value.hint or "")
    assert store.path.read_bytes() == before


def test_a_store_in_use_by_another_process_says_by_which(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for session in (store.reading, store.writing):
            with pytest.raises(StoreLocked, match=f"process {other.pid}"), session():
                pass
        other.communicate("")
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_what_a_killed_writer_left_is_not_seen(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("CREATE TABLE t (a INTEGER)")
    killed = (
        "import duckdb, sys, os, signal; c = duckdb.connect(sys.argv[1]); c.begin();"
        "c.execute('INSERT INTO t SELECT range FROM range(1000000)'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, str(store.path)], check=False)
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_csv_values_that_break_other_readers_arrive_as_they_are(store: DuckDBStore, tmp_path: Path) -> None:
    values = [
        "007",
        "NA",
        "null",
        "nan",
        "#N/A",
        " padded ",
        'a "quoted", b',
        "line\nbreak",
        "cr\r\nlf",
        "\u2028",
        "\x0b",
    ]
    values += ["😀", "\u202eabc", "x" * 131_072, "1,77,000.00 ", "=cmd()", "\\N", "'; DROP TABLE t; --"]
    body = "".join('"{}"\r\n'.format(value.replace('"', '""')) for value in values)
    page = write(tmp_path / "page.csv", '"Name"\r\n' + body)
    with store.writing() as session:
        session.execute("CREATE TABLE t (Name VARCHAR)")
        assert session.load_csv("t", {"Name": "VARCHAR"}, [page]) == len(values)
    assert {name for (name,) in store.query("SELECT Name FROM t").rows()} == set(values)


def test_csv_cells_become_typed_values_and_empty_ones_null(store: DuckDBStore, tmp_path: Path) -> None:
    page = write(
        tmp_path / "page.csv",
        "Id,At,On,Big,Flag\n"
        '"1","2018-02-26T19:58:54.000Z","1700-01-01","8.0E7","true"\n'
        '2,2018-02-26T19:58:54.000+0000,4000-12-31,-1234567890123.45,false\n"3","","","",""\n',
    )
    columns = {"Id": "VARCHAR", "At": "TIMESTAMP", "On": "DATE", "Big": "DOUBLE", "Flag": "BOOLEAN"}
    with store.writing() as session:
        session.execute('CREATE TABLE t (Id VARCHAR, "At" TIMESTAMP, "On" DATE, Big DOUBLE, Flag BOOLEAN)')
        session.load_csv("t", columns, [page])
    rows = store.query('SELECT "At"::VARCHAR, "On"::VARCHAR, Big, Flag FROM t ORDER BY Id').rows().rows
    assert rows == [
        ("2018-02-26 19:58:54", "1700-01-01", 80_000_000.0, True),
        ("2018-02-26 19:58:54", "4000-12-31", -1234567890123.45, False),
        (None, None, None, None),
    ]


def test_a_page_with_other_columns_than_asked_for_is_refused(store: DuckDBStore, tmp_path: Path) -> None:
    page = write(tmp_path / "page.csv", "Id,Phone\n1,2\n")
    with pytest.raises(IncompleteAnswer), store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Email VARCHAR)")
        session.load_csv("t", {"Id": "VARCHAR", "Email": "VARCHAR"}, [page])


def test_a_value_that_does_not_fit_its_type_stops_the_load(store: DuckDBStore, tmp_path: Path) -> None:
    page = write(tmp_path / "page.csv", "Id,Count\n1,2\n2,many\n")
    with pytest.raises(IncompleteAnswer, match="many"), store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Count INTEGER)")
        session.load_csv("t", {"Id": "VARCHAR", "Count": "INTEGER"}, [page])


def test_a_row_with_too_few_cells_stops_the_load(store: DuckDBStore, tmp_path: Path) -> None:
    page = write(tmp_path / "page.csv", "Id,Name\n1,a\n2\n")
    with pytest.raises(IncompleteAnswer), store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
        session.load_csv("t", {"Id": "VARCHAR", "Name": "VARCHAR"}, [page])
