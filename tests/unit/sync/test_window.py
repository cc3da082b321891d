from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.sync.selection import Selection
from sfsync.sync.window import EVERYTHING, Window, everything, existing, next_window

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (FieldDescribe("Id", "id"), FieldDescribe("Address", "address"), FieldDescribe("SystemModstamp", "datetime")),
)
UPPER = datetime(2026, 1, 31, 12)


def test_a_first_pull_reads_everything_below_the_upper_bound() -> None:
    window = next_window(LEAD, None, UPPER, timedelta(minutes=10))
    assert window.soql(LEAD, ordered=False) == (
        "SELECT Id, SystemModstamp FROM Lead WHERE SystemModstamp < 2026-01-31T12:00:00Z"
    )


def test_a_later_pull_reads_again_from_a_little_before_the_last_bound() -> None:
    window = next_window(LEAD, datetime(2026, 1, 30, 12), UPPER, timedelta(minutes=10))
    assert window == Window(datetime(2026, 1, 30, 11, 50), UPPER, datetime(2026, 1, 30, 12))
    assert "SystemModstamp >= 2026-01-30T11:50:00Z AND SystemModstamp < 2026" in window.soql(LEAD, ordered=False)


FILTERED = Selection(filter="Email = null OR Email LIKE '%.test'", since=date(2024, 3, 1), timezone="Europe/Berlin")
SELECTED = "CreatedDate >= 2024-02-29T23:00:00Z AND (Email = null OR Email LIKE '%.test')"


def test_a_selection_stands_beside_the_window_in_parentheses_of_its_own() -> None:
    window = next_window(LEAD, datetime(2026, 1, 30, 12), UPPER, timedelta(0), FILTERED)
    assert window.soql(LEAD, ordered=True) == (
        f"SELECT Id, SystemModstamp FROM Lead WHERE {SELECTED} AND SystemModstamp >= 2026-01-30T12:00:00Z "
        "AND SystemModstamp < 2026-01-31T12:00:00Z ORDER BY SystemModstamp, Id"
    )


def test_everything_that_is_mirrored_and_everything_that_exists_differ_by_the_filter() -> None:
    assert everything(FILTERED).soql(LEAD, ordered=False) == f"SELECT Id, SystemModstamp FROM Lead WHERE {SELECTED}"
    assert existing(FILTERED).soql(LEAD, ordered=False) == (
        "SELECT Id, SystemModstamp FROM Lead WHERE CreatedDate >= 2024-02-29T23:00:00Z"
    )
    assert everything() == EVERYTHING


def test_a_query_for_other_records_or_fields_is_not_taken_for_one_of_this_selection() -> None:
    window = next_window(LEAD, None, UPPER, timedelta(0), FILTERED)
    plain = next_window(LEAD, None, UPPER, timedelta(0))
    other = next_window(LEAD, None, UPPER, timedelta(0), Selection(filter="Email = null"))
    soql = window.soql(LEAD, ordered=False)
    assert everything(FILTERED).asks_alike(LEAD, soql)
    assert EVERYTHING.asks_alike(LEAD, plain.soql(LEAD, ordered=False))
    assert not EVERYTHING.asks_alike(LEAD, soql)
    assert not everything(FILTERED).asks_alike(LEAD, plain.soql(LEAD, ordered=False))
    assert not everything(FILTERED).asks_alike(LEAD, other.soql(LEAD, ordered=False))
    assert not everything(FILTERED).asks_alike(replace(LEAD, fields=LEAD.fields[:1]), soql)


def test_rest_pages_are_ordered_and_bulk_queries_are_not() -> None:
    window = Window(None, UPPER)
    assert window.soql(LEAD, ordered=True).endswith(" ORDER BY SystemModstamp, Id")
    assert "ORDER BY" not in window.soql(LEAD, ordered=False)


def test_an_object_without_a_stamp_is_read_whole_each_time() -> None:
    setup = ObjectDescribe("Setup__mdt", "Setup", (FieldDescribe("Id", "id"),))
    assert next_window(setup, datetime(2026, 1, 1), UPPER, timedelta(0)) == EVERYTHING
    assert EVERYTHING.soql(setup, ordered=True) == "SELECT Id FROM Setup__mdt ORDER BY Id"
