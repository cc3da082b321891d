from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

DATA = "/services/data/v60.0"


@pytest.fixture
def account(org):
    org.clock.set(datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC))
    org.clock.freeze()
    [account] = org.insert("Account", [{"Name": "Acme"}])
    org.clock.advance(timedelta(hours=1))
    return f"{DATA}/sobjects/Account/{account}"


def date(hour, minute=0):
    return format_datetime(datetime(2026, 3, 1, hour, minute, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Modified-Since": date(12)}, 304),
        ({"If-Modified-Since": date(13)}, 304),
        ({"If-Modified-Since": date(11)}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Unmodified-Since": date(12)}, 200),
        ({"If-Unmodified-Since": date(11)}, 412),
        ({"If-Match": '"another"'}, 412),
        ({"If-Match": "*"}, 200),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-None-Match": "*"}, 304),
    ],
)
def test_an_account_is_read_under_conditions(client, account, headers, status):
    response = client.get(account, headers=headers)
    assert response.status_code == status
    if status == 304:
        assert response.content == b""
        assert "Content-Type" not in response.headers
    if status != 412:
        assert response.headers["ETag"]
        assert response.headers["Last-Modified"] == date(12)
    else:
        assert response.json()[0]["errorCode"] == "PRECONDITION_FAILED"


def test_an_etag_lasts_until_the_record_changes(client, account):
    etag = client.get(account).headers["ETag"]
    assert client.get(account, params={"fields": "Name"}).headers["ETag"] == etag
    assert client.get(account, headers={"If-None-Match": etag}).status_code == 304
    zipped = etag[:-1] + '--gzip"'
    assert client.get(account, headers={"If-None-Match": zipped}).status_code == 304
    assert client("PATCH", account, json={"Name": "New"}, headers={"If-Match": etag}).status_code == 204
    assert client.get(account, headers={"If-None-Match": etag}).status_code == 200
    assert client("PATCH", account, json={"Name": "Newer"}, headers={"If-Match": etag}).status_code == 412
    assert client("DELETE", account, headers={"If-Match": etag}).status_code == 412
    assert client.get(account).json()["Name"] == "New"


@pytest.mark.parametrize(("hour", "status"), [(11, 412), (12, 204)])
def test_a_record_that_changed_meanwhile_is_not_overwritten(client, account, hour, status):
    unmodified = {"If-Unmodified-Since": date(hour)}
    assert client("PATCH", account, json={"Name": "New"}, headers=unmodified).status_code == status
    later = {"If-Unmodified-Since": date(hour, 59 if hour == 11 else 0)}
    assert client("DELETE", account, headers=later).status_code == 412


def test_only_accounts_have_etags(client, leads):
    lead = f"{DATA}/sobjects/Lead/{leads[0]}"
    response = client.get(lead, headers={"If-Match": '"x"', "If-None-Match": "*"})
    assert response.status_code == 200
    assert "ETag" not in response.headers
    assert response.headers["Last-Modified"]


@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since"])
def test_a_date_that_is_none_is_refused_where_something_would_be_written(client, account, header):
    response = client("PATCH", account, json={"Name": "New"}, headers={header: "yesterday"})
    assert response.status_code == 400
    assert client("DELETE", account, headers={header: "yesterday"}).status_code == 204


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Lead/describe"])
def test_a_describe_is_sent_again_only_when_it_has_changed(org, client, path):
    first = client.get(DATA + path)
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    again = client.get(DATA + path, headers=since)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(DATA + path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    org.hide("Lead", "Email") if "describe" in path else org.hide("Lead")
    changed = client.get(DATA + path, headers=since)
    assert changed.status_code == (404 if changed.status_code == 404 else 200)
    assert changed.headers.get("ETag") != first.headers["ETag"]
