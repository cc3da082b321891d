from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sfsync.fake import dml, faults
from sfsync.fake.dml import replication

NOON = datetime(2026, 3, 1, 12, 0, 0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_what_was_made_or_changed_is_told(writer):
    first, second, gone = (writer.lead() for _ in range(3))
    writer.org.clock.advance(HOUR)
    writer.changed("Lead", second, Phone="1")
    writer.delete(gone)
    writer.org.clock.advance(HOUR)
    found = replication.updated(writer.org, "lead", NOON - HOUR, NOON + MINUTE)
    assert (found.ids, found.latest_date_covered) == ([first], NOON + MINUTE)
    found = replication.updated(writer.org, "Lead", NOON.replace(tzinfo=UTC), (NOON + DAY).replace(tzinfo=UTC))
    assert (found.ids, found.latest_date_covered) == ([first, second], NOON + 2 * HOUR)


def test_what_was_deleted_is_told_whether_it_is_in_the_bin_or_not(writer):
    binned, gone, back = (writer.lead() for _ in range(3))
    writer.org.clock.advance(HOUR)
    writer.delete(binned, back)
    writer.undelete(back)
    writer.delete(gone, hard=True)
    found = replication.deleted(writer.org, "Lead", NOON, NOON + 2 * HOUR)
    assert found.records == [(binned, NOON + HOUR), (gone, NOON + HOUR)]
    assert found.earliest_date_available == NOON + HOUR - 15 * DAY
    assert replication.deleted(writer.org, "Lead", NOON - DAY, NOON).records == []


def test_what_was_merged_away_is_told(writer):
    master, loser = writer.lead(), writer.lead()
    dml.merge(writer.org, "Lead", {"Id": master}, [loser], writer.options)
    found = replication.deleted(writer.org, "Lead", NOON - HOUR, NOON + HOUR)
    assert [one for one, _ in found.records] == [loser]


@pytest.mark.parametrize("ask", [replication.updated, replication.deleted])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON, NOON),
        (NOON, NOON + timedelta(seconds=59)),
        (NOON + HOUR, NOON),
        (NOON - 31 * DAY, NOON),
        (NOON - 40 * DAY, NOON - 32 * DAY),
        (datetime.min.replace(tzinfo=UTC), NOON),
    ],
)
def test_times_that_make_no_sense_are_refused(writer, ask, start, end):
    with pytest.raises(faults.RestFault) as caught:
        ask(writer.org, "Lead", start, end)
    assert (caught.value.status, caught.value.code) == (400, "INVALID_REPLICATION_DATE")


def test_objects_without_stamps_have_nothing_to_tell(writer):
    assert replication.updated(writer.org, "OpportunityHistory", NOON - DAY, NOON).ids == []
    assert replication.deleted(writer.org, "Organization", NOON - DAY, NOON).records == []
