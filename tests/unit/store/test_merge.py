from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import IncompleteAnswer
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.merge import MergeCounts, MergeOptions, merge_pages
from sfsync.store.mirror import Drift, find_drift, prepare_mirror, shape_table

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("Name", "string"),
        FieldDescribe("Address", "address"),
        FieldDescribe("SystemModstamp", "datetime"),
    ),
)
STATUS = ObjectDescribe("LeadStatus", "Lead Status", (FieldDescribe("Id", "id"), FieldDescribe("ApiName", "string")))
COLUMNS = ["Id", "IsDeleted", "Name", "SystemModstamp"]


class Mirror:
    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.pages = folder, DuckDBStore(folder / "mirror.duckdb"), 0

    def merge(
        self, rows: list[list[Any]], describe: ObjectDescribe = LEAD, *, expected: int | None = None, **options: bool
    ) -> MergeCounts:
        self.pages += 1
        page = self.folder / f"{self.pages}.csv"
        with page.open("w", newline="") as file:
            csv.writer(file).writerows([[f.name for f in describe.stored_fields], *rows])
        with self.store.writing() as session:
            prepare_mirror(session)
            shape_table(session, describe, find_drift(session, describe))
            chosen = MergeOptions(expected=len(rows) if expected is None else expected, **options)
            return merge_pages(session, describe, [page], chosen)

    def names(self, schema: str = "sf") -> dict[str, str]:
        return dict(self.store.query(f'SELECT Id, Name FROM {schema}."Lead"').rows().rows)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_a_first_load_stores_every_record_and_shows_the_live_ones(mirror: Mirror) -> None:
    counts = mirror.merge([["1", "false", "Ada", "2026-01-01T00:00:00Z"], ["2", "true", "Bob", "2026-01-01T00:00:00Z"]])
    assert counts == MergeCounts(read=2, inserted=2, updated=0, deleted=0)
    assert mirror.names() == {"1": "Ada"}
    assert mirror.names("sf_all") == {"1": "Ada", "2": "Bob"}


def test_a_record_read_twice_in_a_first_load_is_kept_in_its_newest_version(mirror: Mirror) -> None:
    counts = mirror.merge(
        [["1", "false", "new", "2026-01-02T00:00:00Z"], ["1", "false", "old", "2026-01-01T00:00:00Z"]]
    )
    assert counts.inserted == 1
    assert mirror.names() == {"1": "new"}


def test_reading_the_same_records_again_changes_nothing(mirror: Mirror) -> None:
    rows = [["1", "false", "Ada", "2026-01-01T00:00:00Z"]]
    mirror.merge(rows)
    assert mirror.merge(rows) == MergeCounts(read=1, inserted=0, updated=0, deleted=0)


def test_new_changed_and_deleted_records_are_told_apart(mirror: Mirror) -> None:
    mirror.merge([[n, "false", n, "2026-01-01T00:00:00Z"] for n in "123"])
    counts = mirror.merge(
        [
            ["2", "false", "changed", "2026-01-02T00:00:00Z"],
            ["3", "true", "3", "2026-01-02T00:00:00Z"],
            ["4", "false", "4", "2026-01-02T00:00:00Z"],
        ]
    )
    assert counts == MergeCounts(read=3, inserted=1, updated=1, deleted=1)
    assert mirror.names() == {"1": "1", "2": "changed", "4": "4"}


def test_an_older_version_never_replaces_a_newer_one(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "newer", "2026-01-02T00:00:00Z"]])
    mirror.merge([["1", "false", "older", "2026-01-01T00:00:00Z"]])
    assert mirror.names() == {"1": "newer"}


def test_two_changes_within_one_second_both_arrive(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "first", "2026-01-01T00:00:00Z"]])
    assert mirror.merge([["1", "false", "second", "2026-01-01T00:00:00Z"]]).updated == 1
    assert mirror.names() == {"1": "second"}


def test_an_undeleted_record_is_live_again(mirror: Mirror) -> None:
    mirror.merge([["1", "true", "Ada", "2026-01-01T00:00:00Z"]])
    assert mirror.merge([["1", "false", "Ada", "2026-01-02T00:00:00Z"]]).updated == 1
    assert mirror.names() == {"1": "Ada"}


def test_fewer_records_than_announced_are_refused_and_nothing_is_kept(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "Ada", "2026-01-01T00:00:00Z"]])
    with pytest.raises(IncompleteAnswer, match="1 records arrived where the org announced 2"):
        mirror.merge([["2", "false", "Bob", "2026-01-01T00:00:00Z"]], expected=2)
    assert mirror.names() == {"1": "Ada"}


def test_a_field_that_is_no_longer_readable_keeps_its_values(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "Ada", "2026-01-01T00:00:00Z"]])
    unreadable = ObjectDescribe("Lead", "Lead", tuple(f for f in LEAD.fields if f.name != "Name"))
    with mirror.store.reading() as session:
        assert find_drift(session, unreadable) == Drift(gone=("Name",))
    mirror.merge([["1", "true", "2026-01-02T00:00:00Z"]], unreadable)
    assert mirror.names("sf_all") == {"1": "Ada"}
    assert mirror.names() == {}


def test_a_new_field_becomes_a_column_of_table_and_view(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "Ada", "2026-01-01T00:00:00Z"]])
    wider = ObjectDescribe("Lead", "Lead", (*LEAD.fields, FieldDescribe("Score__c", "double")))
    mirror.merge([["1", "false", "Ada", "2026-01-01T00:00:00Z", "7.5"]], wider)
    assert mirror.store.query("SELECT Score__c FROM sf.Lead").rows().scalar() == 7.5


def test_a_retyped_field_is_filled_anew(mirror: Mirror) -> None:
    mirror.merge([["1", "false", "12", "2026-01-01T00:00:00Z"]])
    fields = tuple(FieldDescribe("Name", "double") if f.name == "Name" else f for f in LEAD.fields)
    retyped = ObjectDescribe("Lead", "Lead", fields)
    with mirror.store.reading() as session:
        assert find_drift(session, retyped).retyped == {"Name": "VARCHAR → DOUBLE"}
    mirror.merge([["1", "false", "12.5", "2026-01-01T00:00:00Z"]], retyped)
    assert mirror.names() == {"1": 12.5}


def test_a_full_listing_drops_what_it_no_longer_names(mirror: Mirror) -> None:
    mirror.merge([["1", "Open"], ["2", "Working"]], STATUS, listing=True)
    counts = mirror.merge([["1", "New"], ["3", "Closed"]], STATUS, listing=True)
    assert counts == MergeCounts(read=2, inserted=1, updated=1, deleted=0, vanished=1)
    rows = mirror.store.query("SELECT Id, ApiName FROM sf.LeadStatus ORDER BY Id").rows().rows
    assert rows == [("1", "New"), ("3", "Closed")]


def test_compound_fields_are_not_columns(mirror: Mirror) -> None:
    mirror.merge([])
    columns = mirror.store.query("SELECT column_name FROM information_schema.columns WHERE table_name = 'Lead'")
    assert {name for (name,) in columns.rows()} == set(COLUMNS)
