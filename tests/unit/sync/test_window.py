from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.sync.window import EVERYTHING, Window, next_window

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


def test_rest_pages_are_ordered_and_bulk_queries_are_not() -> None:
    window = Window(None, UPPER)
    assert window.soql(LEAD, ordered=True).endswith(" ORDER BY SystemModstamp, Id")
    assert "ORDER BY" not in window.soql(LEAD, ordered=False)


def test_an_object_without_a_stamp_is_read_whole_each_time() -> None:
    setup = ObjectDescribe("Setup__mdt", "Setup", (FieldDescribe("Id", "id"),))
    assert next_window(setup, datetime(2026, 1, 1), UPPER, timedelta(0)) == EVERYTHING
    assert EVERYTHING.soql(setup, ordered=True) == "SELECT Id FROM Setup__mdt ORDER BY Id"
