from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.errors import QueryFailed, UsageError
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.merge import MergeOptions, merge_pages
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


def day(number: int) -> datetime:
    return datetime(2026, 1, number)


class Mirror:
    """A mirror that is pulled day by day."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, DuckDBStore(folder / "mirror.duckdb")

    def pull(
        self,
        at: int,
        rows: list[tuple[Any, ...]],
        describe: ObjectDescribe = LEAD,
        *,
        listing: bool = False,
        history: bool = True,
    ) -> None:
        page = self.folder / "page.csv"
        with page.open("w", newline="") as file:
            csv.writer(file).writerows([[f.name for f in describe.fields], *rows])
        with self.store.writing() as session:
            prepare_mirror(session)
            drift = find_drift(session, describe)
            shape_table(session, describe, drift)
            options = MergeOptions(
                expected=len(rows),
                listing=listing,
                history_at=day(at) if history else None,
                refilled=(*drift.added, *drift.retyped),
            )
            merge_pages(session, describe, [page], options)
            ledger.save_cursor(session, describe, day(at), "run", history=history)

    def ask(self, sql: str, at: int) -> list[tuple[Any, ...]]:
        return self.store.query(as_of_sql(self.store, sql, day(at))).rows().rows

    def names(self, at: int, schema: str = "sf") -> dict[str, Any]:
        return dict(self.ask(f"SELECT Id, Name FROM {schema}.Lead", at))


def lead(number: int, name: str | None, changed: int, *, deleted: bool = False) -> tuple[Any, ...]:
    return (f"00Q{number}", str(deleted).lower(), name or "", f"2026-01-{changed:02}T00:00:00Z")


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_a_changed_record_is_asked_as_it_was(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(1, "Ada Lovelace", 2)])
    mirror.pull(5, [lead(1, "Countess", 4)])
    assert [mirror.names(at)["00Q1"] for at in (1, 2, 3, 4, 5)] == [
        "Ada",
        "Ada",
        "Ada Lovelace",
        "Ada Lovelace",
        "Countess",
    ]


def test_a_record_is_not_there_before_the_pull_that_brought_it(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(2, "Bob", 2)])
    assert mirror.names(2) == {"00Q1": "Ada"}
    assert mirror.names(3) == {"00Q1": "Ada", "00Q2": "Bob"}


def test_a_deleted_record_was_live_until_then(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(1, "Ada", 2, deleted=True)])
    assert mirror.names(2) == {"00Q1": "Ada"}
    assert mirror.names(3) == {}
    assert mirror.names(3, "sf_all") == {"00Q1": "Ada"}


def test_a_record_that_a_listing_no_longer_names_was_there_until_then(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1), lead(2, "Bob", 1)], listing=True)
    mirror.pull(3, [lead(2, "Bob", 1)], listing=True)
    mirror.pull(5, [lead(2, "Bob", 1), lead(1, "Ada again", 4)], listing=True)
    assert mirror.names(2) == {"00Q1": "Ada", "00Q2": "Bob"}
    assert mirror.names(4) == {"00Q2": "Bob"}
    assert mirror.names(5) == {"00Q1": "Ada again", "00Q2": "Bob"}


def test_reading_the_same_again_leaves_no_version(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(1, "Ada", 1)])
    assert mirror.store.query("SELECT count(*) FROM sf_history.Lead").rows().scalar() == 0


def test_filling_a_new_field_is_no_change_of_the_records(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    wider = ObjectDescribe("Lead", "Lead", (*LEAD.fields, FieldDescribe("Score__c", "double")))
    mirror.pull(3, [(*lead(1, "Ada", 1), "7")], wider)
    assert mirror.store.query("SELECT count(*) FROM sf_history.Lead").rows().scalar() == 0
    assert mirror.ask("SELECT Score__c FROM sf.Lead", 3) == [(7.0,)]


def test_versions_outlive_a_change_of_type(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "12", 1)])
    mirror.pull(3, [lead(1, "twelve", 2)])
    fields = tuple(FieldDescribe("Name", "double") if f.name == "Name" else f for f in LEAD.fields)
    mirror.pull(5, [lead(1, "12.5", 4)], ObjectDescribe("Lead", "Lead", fields))
    kept = {name for (name,) in mirror.store.query("SELECT Name FROM sf_history.Lead").rows()}
    assert "12" in kept
    assert mirror.names(1) == {"00Q1": 12.0}
    assert mirror.names(5) == {"00Q1": 12.5}


def test_joins_subqueries_and_aliases_are_taken_back_too(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(1, "Countess", 2), lead(2, "Bob", 2)])
    sql = (
        "WITH named AS (SELECT l.Id, l.Name FROM sf.Lead AS l) SELECT n.Name, (SELECT count(*) FROM sf_all.Lead) "
        'FROM named n JOIN sf."Lead" ON n.Id = "Lead".Id'
    )
    assert mirror.ask(sql, 2) == [("Ada", 1)]


@pytest.mark.parametrize("at", [31, 30])
def test_a_time_the_mirror_does_not_know_is_refused(mirror: Mirror, at: int) -> None:
    mirror.pull(5, [lead(1, "Ada", 1)])
    with pytest.raises(UsageError, match="ends at"):
        mirror.names(at)
    with pytest.raises(UsageError, match="is not known"):
        mirror.names(4)


def test_the_past_before_a_pull_without_history_is_not_known(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    mirror.pull(3, [lead(1, "Bob", 2)], history=False)
    mirror.pull(5, [lead(1, "Eve", 4)])
    with pytest.raises(UsageError, match="is not known"):
        mirror.names(2)
    assert [mirror.names(at)["00Q1"] for at in (3, 4, 5)] == ["Bob", "Bob", "Eve"]


def test_what_has_no_past_is_refused(mirror: Mirror) -> None:
    mirror.pull(1, [lead(1, "Ada", 1)])
    with pytest.raises(UsageError, match="only tables of sf"):
        mirror.ask("SELECT * FROM crm.leads", 1)
    with pytest.raises(QueryFailed):
        mirror.ask("DELETE FROM sf_all.Lead", 1)


STEP = st.dictionaries(st.integers(1, 4), st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()), max_size=4)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=6))
def test_every_earlier_pull_can_be_asked_again_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[int, tuple[str, bool]]]
) -> None:
    mirror = Mirror(tmp_path_factory.mktemp("mirror"))
    left: dict[int, list[tuple[Any, ...]]] = {}
    everything = "SELECT Id, Name, IsDeleted FROM sf_all.Lead ORDER BY Id"
    with mirror.store.at_hand():
        for number, step in enumerate(steps, start=1):
            at = number * 2
            mirror.pull(at, [lead(record, name, at, deleted=gone) for record, (name, gone) in step.items()])
            left[at] = mirror.store.query(everything).rows().rows
        for at, expected in left.items():
            assert mirror.ask(everything, at) == expected
            if at + 1 < max(left):
                assert mirror.ask(everything, at + 1) == expected
