from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sfsync.errors import IncompleteAnswer, StoreError
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import duckdb_session as duckdb_store
from sfsync.store import merge
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.merge import MergeCounts, MergeOptions, merge_pages
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("Name", "string"),
        FieldDescribe("SystemModstamp", "datetime"),
    ),
)
COLUMNS = {"Id": "VARCHAR", "Name": "VARCHAR"}
FIRST, SECOND = datetime(2026, 1, 1), datetime(2026, 1, 2)


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "mirror.duckdb")


def page(folder: Path, rows: list[list[Any]], header: list[str]) -> Path:
    path = folder / f"{len(list(folder.glob('*.csv'))) + 1}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return path


def test_a_session_works_sparingly_from_its_first_page_on(store: DuckDBStore, tmp_path: Path) -> None:
    first = page(tmp_path, [["1", "a"]], ["Id", "Name"])
    with store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
        before = session.execute("SELECT current_setting('memory_limit')").scalar()
        session.load_csv("t", COLUMNS, [first])
        assert session.execute("SELECT current_setting('memory_limit')").scalar() != before
    with store.reading() as session:
        assert session.execute("SELECT current_setting('memory_limit')").scalar() == before


@pytest.mark.parametrize(
    ("columns", "length", "memory", "most"),
    [(2, 20, "286.1 MiB", 2), (151, 1, "953.6 MiB", 4), (2, 1500, "953.6 MiB", 4)],
    ids=["narrow", "many fields", "long records"],
)
def test_wide_records_get_more_memory_than_narrow_ones(
    store: DuckDBStore, tmp_path: Path, columns: int, length: int, memory: str, most: int
) -> None:
    header = [f"F{n}" for n in range(columns)]
    many = page(tmp_path, [[f'"{n}",\n' * length] * columns for n in range(200)], header)
    with store.writing() as session:
        session.execute(f"CREATE TABLE t ({', '.join(f'{name} VARCHAR' for name in header)})")
        assert session.load_csv("t", dict.fromkeys(header, "VARCHAR"), [many]) == 200
        told = session.execute("SELECT current_setting('memory_limit'), current_setting('threads')").rows[0]
    assert told[0] == memory
    assert told[1] <= most


def test_too_little_memory_is_said_to_be_that_and_nothing_is_kept(
    store: DuckDBStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_store, "LOAD_MEMORY", "1KB")
    first = page(tmp_path, [["1", "a"]], ["Id", "Name"])
    with store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
    with pytest.raises(StoreError, match="memory"), store.writing() as session:
        session.execute("INSERT INTO t VALUES ('0', 'kept?')")
        session.load_csv("t", COLUMNS, [first])
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_more_pages_than_fit_into_memory_are_loaded_at_once(
    store: DuckDBStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_store, "LOAD_MEMORY", "60MB")
    pages = [
        page(tmp_path, [[f"{n}-{i}", f"{i} " + "é" * 400] for i in range(20_000)], ["Id", "Name"]) for n in range(5)
    ]
    with store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
        assert session.load_csv("t", COLUMNS, pages) == 100_000
    assert store.query("SELECT count(DISTINCT Id), min(length(Name)) FROM t").rows().rows == [(100_000, 402)]


def test_the_longest_record_there_can_be_is_loaded_wherever_it_stands(store: DuckDBStore, tmp_path: Path) -> None:
    longest = "😀" * 400_000
    short = [[str(n), "x" * 1000] for n in range(5000)]
    mixed = page(tmp_path, [["a", longest], *short, ["b", longest], ["c", longest]], ["Id", "Name"])
    with store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
        assert session.load_csv("t", COLUMNS, [mixed]) == 5003
    found = store.query("SELECT count(*) FROM t WHERE Name = ?", [longest]).rows().scalar()
    assert found == 3


def test_one_page_of_several_that_does_not_fit_stops_the_whole_load(store: DuckDBStore, tmp_path: Path) -> None:
    good, bad = page(tmp_path, [["1", "a"]], ["Id", "Name"]), page(tmp_path, [["2"]], ["Id", "Name"])
    with store.writing() as session:
        session.execute("CREATE TABLE t (Id VARCHAR, Name VARCHAR)")
    with pytest.raises(IncompleteAnswer), store.writing() as session:
        session.load_csv("t", COLUMNS, [good, bad])
    assert store.query("SELECT count(*) FROM t").rows().scalar() == 0


def test_rows_are_copied_by_their_ids_also_when_they_are_of_this_transaction(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute('CREATE TABLE t ("Id" VARCHAR, n INTEGER)')
        session.execute("INSERT INTO t SELECT 'old' || range, range FROM range(300000)")
    with store.writing() as session:
        session.execute("INSERT INTO t SELECT 'new' || range, range FROM range(5)")
        session.execute("""DELETE FROM t WHERE "Id" = 'old7'""")
        session.execute("""UPDATE t SET n = -1 WHERE "Id" = 'old250000'""")
        session.copy_rows("copied", "t", "SELECT unnest(['old7', 'old250000', 'old8', 'new3', 'never'])")
        found = session.execute('SELECT "Id", n FROM copied ORDER BY "Id"').rows
        assert found == [("new3", 3), ("old250000", -1), ("old8", 8)]
        session.execute("DROP TABLE copied")
        session.copy_rows("copied", "t", "SELECT 'nobody'")
        assert session.execute("SELECT * FROM copied").rows == []


def contents(store: DuckDBStore) -> tuple[Any, Any]:
    mirror = store.query('SELECT * FROM sf_all."Lead" ORDER BY ALL').rows().rows
    return mirror, store.query('SELECT * FROM sf_history."Lead" ORDER BY ALL').rows().rows


@pytest.mark.parametrize("twice", [False, True])
def test_few_records_and_many_are_merged_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twice: bool) -> None:
    header = [field.name for field in LEAD.fields]
    everything = [[f"{n}", "false", f"Lead {n}", "2026-01-01T00:00:00Z"] for n in range(50)]
    changes = [
        ["1", "false", "changed", "2026-01-02T00:00:00Z"],
        ["2", "true", "Lead 2", "2026-01-02T00:00:00Z"],
        ["3", "false", "Lead 3", "2026-01-01T00:00:00Z"],
        ["4", "false", "outdated", "2025-12-31T00:00:00Z"],
        ["99", "false", "new", "2026-01-02T00:00:00Z"],
    ]
    if twice:
        changes += [["1", "false", "between", "2026-01-01T12:00:00Z"], ["99", "false", "old", "2026-01-01T00:00:00Z"]]
    found = []
    for most in (0, 1000):
        monkeypatch.setattr(merge, "MOST_COPIED", most)
        folder = tmp_path / str(most)
        folder.mkdir()
        store = DuckDBStore(folder / "mirror.duckdb")
        for rows, at in ((everything, FIRST), (changes, SECOND)):
            with store.writing() as session:
                prepare_mirror(session)
                shape_table(session, LEAD, find_drift(session, LEAD))
                counts = merge_pages(
                    session, LEAD, [page(folder, rows, header)], MergeOptions(expected=len(rows), history_at=at)
                )
                assert not session.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").rows
        assert counts == MergeCounts(read=len(changes), inserted=1, updated=1, deleted=1)
        found.append(contents(store))
    assert found[0] == found[1]
    assert {row[0]: row[2] for row in found[0][0]}["1"] == "changed"


def test_the_error_of_a_source_that_breaks_off_is_not_hidden_by_what_it_leaves(store: DuckDBStore) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1, 2]})
        raise ValueError("the source broke off at row 3")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), batches())
    with pytest.raises(Exception, match="the source broke off at row 3"), store.writing() as session:
        session.load_arrow('"taken"', reader)


def test_instants_with_a_zone_can_be_asked_for(store: DuckDBStore) -> None:
    with store.writing() as session:
        answer = session.execute("SELECT TIMESTAMPTZ '2026-01-01 12:00:00+00'").scalar()
    assert answer == datetime(2026, 1, 1, 12, tzinfo=UTC)
