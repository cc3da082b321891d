from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import IncompleteAnswer
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.as_of import as_of_sql
from sfsync.store.drift import find_drift
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.fill import FillCounts, FillOptions, fill_columns
from sfsync.store.merge import MergeOptions, merge_pages
from sfsync.store.mirror import prepare_mirror, shape_table

ID, STAMP = FieldDescribe("Id", "id"), FieldDescribe("SystemModstamp", "datetime")
SCORE = FieldDescribe("Score__c", "double")
LEAD = ObjectDescribe("Lead", "Lead", (ID, FieldDescribe("Name", "string"), SCORE, STAMP))
SCORES = replace(LEAD, fields=(ID, SCORE, STAMP))
STATUS = ObjectDescribe("LeadStatus", "Lead Status", (ID, SCORE))


def day(number: int) -> datetime:
    return datetime(2026, 1, number)


def stamp(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


class Mirror:
    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.pages = folder, DuckDBStore(folder / "mirror.duckdb"), 0

    def page(self, describe: ObjectDescribe, rows: list[list[Any]]) -> Path:
        self.pages += 1
        page = self.folder / f"{self.pages}.csv"
        with page.open("w", newline="") as file:
            csv.writer(file).writerows([[f.name for f in describe.stored_fields], *rows])
        return page

    def merge(self, rows: list[list[Any]], describe: ObjectDescribe = LEAD, at: int = 1) -> None:
        with self.store.writing() as session:
            prepare_mirror(session)
            shape_table(session, describe, find_drift(session, describe))
            merge_pages(session, describe, [self.page(describe, rows)], MergeOptions(len(rows), history_at=day(at)))
            ledger.save_describe(session, describe, day(at))
            ledger.save_cursor(session, describe, day(at), "run", history=True)

    def fill(self, rows: list[list[Any]], describe: ObjectDescribe = SCORES, **options: Any) -> FillCounts:
        page = self.page(describe, rows)
        with self.store.writing() as session:
            chosen = FillOptions(**{"expected": len(rows), **options})
            counts = fill_columns(session, describe, ["Score__c"], [page], chosen)
            if chosen.history_at:
                ledger.save_cursor(session, describe, chosen.history_at, "run", history=True)
            return counts

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.store.query(sql).rows().rows


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_only_the_column_is_filled_and_only_of_the_version_that_is_stored(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "", stamp(1)], ["2", "Bob", "", stamp(1)], ["3", "Eve", "", stamp(1)]])
    counts = mirror.fill([["1", "7.5", stamp(1)], ["2", "8", stamp(2)], ["4", "9", stamp(1)]])
    assert counts == FillCounts(read=3, changed=1)
    assert mirror.rows("SELECT * FROM sf_all.Lead ORDER BY 1") == [
        ("1", "Ada", 7.5, day(1)),
        ("2", "Bob", None, day(1)),
        ("3", "Eve", None, day(1)),
    ]


def test_an_empty_value_empties_a_filled_one(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "7", stamp(1)]])
    assert mirror.fill([["1", "", stamp(1)]]).changed == 1
    assert mirror.rows("SELECT Score__c FROM sf_all.Lead") == [(None,)]


def test_records_without_a_stamp_are_matched_by_id(mirror: Mirror) -> None:
    mirror.merge([["1", ""], ["2", "3"]], STATUS)
    assert mirror.fill([["1", "7"], ["2", "3"]], STATUS).changed == 1
    assert mirror.rows("SELECT * FROM sf_all.LeadStatus ORDER BY 1") == [("1", 7.0), ("2", 3.0)]


def test_a_page_that_is_too_short_changes_nothing(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "", stamp(1)]])
    with pytest.raises(IncompleteAnswer, match="1 records arrived where the org announced 2"):
        mirror.fill([["1", "7", stamp(1)]], expected=2)
    assert mirror.rows("SELECT Score__c FROM sf_all.Lead") == [(None,)]
    assert mirror.fill([["1", "7", stamp(1)]]).changed == 1


def test_a_value_that_is_replaced_can_be_asked_as_of_before(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "7", stamp(1)], ["2", "Bob", "8", stamp(1)]])
    mirror.fill([["1", "70", stamp(1)], ["2", "8", stamp(1)]], history_at=day(5))
    asked = [mirror.rows(as_of_sql(mirror.store, "SELECT Score__c FROM sf.Lead ORDER BY Id", day(at))) for at in (4, 5)]
    assert asked == [[(7.0,), (8.0,)], [(70.0,), (8.0,)]]
    assert mirror.rows("SELECT count(*) FROM sf_history.Lead") == [(1,)]


def test_filling_a_column_that_held_nothing_leaves_no_version(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "", stamp(1)]])
    mirror.fill([["1", "70", stamp(1)]], history_at=day(5), quiet=("Score__c",))
    assert mirror.rows("SELECT count(*) FROM sf_history.Lead") == [(0,)]


def test_one_pull_leaves_one_version_of_a_record_however_often_it_touches_it(mirror: Mirror) -> None:
    mirror.merge([["1", "Ada", "1", stamp(1)]])
    mirror.merge([["1", "Bea", "2", stamp(2)]], at=5)
    mirror.fill([["1", "3", stamp(2)]], history_at=day(5))
    assert mirror.rows("SELECT Name, Score__c, valid_to FROM sf_history.Lead") == [("Ada", 1.0, day(5))]
