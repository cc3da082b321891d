from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

LEAD = "/services/data/v60.0/sobjects/Lead"


@pytest.fixture
def times(org):
    """Two leads changed at 10:00 and 11:00, a third deleted at 12:00; now it is 13:00."""
    day = datetime(2026, 3, 10, tzinfo=UTC)
    org.clock.set(day + timedelta(hours=10))
    org.clock.freeze()
    first, second, third = org.insert("Lead", [{"LastName": f"L{n}", "Company": "A"} for n in range(3)])
    org.clock.set(day + timedelta(hours=11))
    org.update("Lead", second, {"Company": "B"})
    org.clock.set(day + timedelta(hours=12))
    org.delete("Lead", third)
    org.clock.set(day + timedelta(hours=13, seconds=30))
    return first, second, third


def ask(client, what, start, end):
    return client.get(f"{LEAD}/{what}", params={"start": start, "end": end})


def test_updated_records_are_told_by_their_ids(client, times):
    body = ask(client, "updated", "2026-03-10T10:30:00+00:00", "2026-03-10T14:00:00+00:00").json()
    assert body == {"ids": [times[1]], "latestDateCovered": "2026-03-10T13:00:00.000+0000"}
    body = ask(client, "updated/", "2026-03-10T09:00:00Z", "2026-03-10T10:00:59Z").json()
    assert body["ids"] == []
    body = ask(client, "updated", "2026-03-10T11:00:00+01:00", "2026-03-10T12:00:00+01:00").json()
    assert (body["ids"], body["latestDateCovered"]) == ([times[0]], "2026-03-10T11:00:00.000+0000")


def test_deleted_records_are_told_with_their_moment(client, times):
    body = ask(client, "deleted", "2026-03-10T00:00:00Z", "2026-03-10T13:00:00Z").json()
    assert list(body) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]
    assert body["deletedRecords"] == [{"deletedDate": "2026-03-10T12:00:00.000+0000", "id": times[2]}]
    assert ask(client, "deleted", "2026-03-10T12:01:00Z", "2026-03-10T13:00:00Z").json()["deletedRecords"] == []


@pytest.mark.parametrize(
    ("what", "start", "end", "code"),
    [
        ("updated", "2026-03-10T10:00:00Z", "2026-03-10T10:00:30Z", "INVALID_REPLICATION_DATE"),
        ("updated", "2026-03-10T10:00:00Z", "2026-03-09T10:00:00Z", "INVALID_REPLICATION_DATE"),
        ("updated", "2026-01-01T10:00:00Z", "2026-03-10T10:00:00Z", "INVALID_REPLICATION_DATE"),
        ("deleted", "2026-01-01T10:00:00Z", "2026-01-10T10:00:00Z", "INVALID_REPLICATION_DATE"),
        ("updated", "yesterday", "2026-03-10T10:00:00Z", "MALFORMED_DATE"),
        ("updated", "", "2026-03-10T10:00:00Z", "MISSING_ARGUMENT"),
        ("deleted", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "INVALID_REPLICATION_DATE"),
    ],
)
def test_impossible_times_are_refused(client, times, what, start, end, code):
    response = ask(client, what, start, end)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


def test_an_unknown_object_is_not_found(client):
    url = LEAD.replace("Lead", "Nope")
    assert client.get(f"{url}/updated", params={"start": "x", "end": "y"}).status_code == 404
