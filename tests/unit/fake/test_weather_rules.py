"""When trouble strikes: by object, by chance, by count; and the trouble that the org meets at its work."""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from sfsync.fake import FakeOrg
from sfsync.fake.weather import (
    ClockSkew,
    ConnectionRefused,
    JobFailed,
    JobSlow,
    JobStuck,
    LateCommit,
    LockedRows,
    RevokedSession,
    Shuffled,
    Slow,
    Unavailable,
    Weather,
)

DATA = "/services/data/v60.0"


def statuses(client, count, path=f"{DATA}/limits"):
    return [client.get(path).status_code for _ in range(count)]


def test_chance_repeats_itself(org, client):
    rule = org.weather.add(Unavailable(), probability=0.3)
    first = statuses(client, 60)
    assert 8 < first.count(503) < 30
    assert rule.struck == first.count(503)
    org.weather.clear()
    org.weather.add(Unavailable(), probability=0.3)
    assert statuses(client, 60) == first


def test_another_seed_is_another_weather():
    def struck(seed):
        weather = Weather(seed)
        rule = weather.add(LockedRows(), probability=0.5)
        return [bool(weather.row_errors("Lead", [None])) for _ in range(40)], rule

    assert struck(1)[0] == struck(1)[0]
    assert struck(1)[0] != struck(2)[0]


def test_chance_can_be_limited_in_number(org, client):
    org.weather.add(Unavailable(), probability=1.0, times=2)
    assert statuses(client, 4) == [503, 503, 200, 200]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{DATA}/sobjects/Lead/describe", None),
        ("GET", f"{DATA}/query?q=SELECT+Id+FROM+lead", None),
        ("POST", f"{DATA}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Lead"}),
    ],
)
def test_a_trouble_can_be_for_one_object(org, client, method, path, body):
    org.weather.add(Unavailable(), object_name="Lead")
    elsewhere = f"{DATA}/query?q=SELECT+Id+FROM+Account"
    assert client.get(elsewhere).status_code == 200
    assert client(method, path, json=body).status_code == 503
    assert client(method, path, json=body).status_code == 200


def test_a_bulk_job_is_known_by_its_object(org, client):
    accounts = client.bulk("SELECT Id FROM Account")["id"]
    leads = client.bulk("SELECT Id FROM Lead")["id"]
    org.weather.add(Unavailable(), object_name="Lead", path="/jobs/query/")
    assert client.get(f"{DATA}/jobs/query/{accounts}").status_code == 200
    assert client.get(f"{DATA}/jobs/query/{leads}").status_code == 503


def test_a_connection_can_be_refused(org, client):
    org.weather.add(ConnectionRefused())
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        client.get(f"{DATA}/limits")


def test_a_revoked_session_stays_revoked(org, client):
    org.weather.add(RevokedSession(), nth=2)
    assert statuses(client, 4) == [200, 401, 401, 401]


def test_a_host_can_have_another_idea_of_the_time(org, client):
    org.weather.add(ClockSkew(-300))
    told = parsedate_to_datetime(client.get(f"{DATA}/limits").headers["Date"])
    assert timedelta(seconds=298) < org.clock.now() - told < timedelta(seconds=303)
    assert client.get(f"{DATA}/limits").headers["Date"] != org.clock.now()


def test_answers_can_trickle_in(org, client, leads):
    url = f"{DATA}/sobjects/Lead/describe"
    whole = client.get(url, headers={"Accept-Encoding": "identity"}).content
    org.weather.add(Slow(len(whole) * 10))
    begun = time.monotonic()
    assert client.get(url, headers={"Accept-Encoding": "identity"}).content == whole
    assert time.monotonic() - begun >= 0.08


def test_some_rows_of_a_write_are_locked():
    weather = Weather()
    ids = [f"00QFk00000000{number}" for number in range(10, 60)]
    weather.add(LockedRows(rows=2), object_name="Lead")
    assert weather.row_errors("Account", ids) == {}
    assert list(weather.row_errors("lead", ids)) == [0, 1]
    assert weather.row_errors("Lead", ids) == {}
    weather.clear()
    weather.add(LockedRows(share=0.5), times=None)
    assert 10 < len(weather.row_errors("Lead", ids)) < 40
    weather.clear()
    weather.add(LockedRows(ids=(ids[7],)))
    errors = weather.row_errors("Lead", ids)
    assert list(errors) == [7]
    assert errors[7].code == "UNABLE_TO_LOCK_ROW"
    assert errors[7].message.endswith(f"or 1 records: {ids[7][:15]}")


def test_a_record_to_be_made_can_be_locked_out_too():
    weather = Weather()
    weather.add(LockedRows())
    assert "00Q" not in weather.row_errors("Lead", [None])[0].message


def test_a_rule_with_a_path_is_for_requests_alone():
    weather = Weather()
    weather.add(LockedRows(), path="/sobjects/")
    assert weather.row_errors("Lead", [None]) == {}


def test_the_work_of_one_job_can_go_wrong():
    weather = Weather()
    weather.add(JobFailed("boom", after_rows=200), object_name="Lead")
    weather.add(JobStuck(), object_name="Account")
    weather.add(JobSlow(polls=3))
    assert weather.job("Account").stuck
    failed = weather.job("Lead")
    assert (failed.error, failed.after_rows) == ("boom", 200)
    assert weather.job("Lead").polls == 3
    assert weather.job("Lead") is None


def test_shuffling_lasts():
    weather = Weather()
    weather.add(Shuffled(), object_name="Lead")
    assert [weather.shuffles("Lead"), weather.shuffles("Lead"), weather.shuffles("Account")] == [True, True, False]


def test_a_late_commit_has_stamps_of_the_past():
    weather = Weather()
    weather.add(LateCommit(90))
    assert weather.commit_delay("Lead") == timedelta(seconds=90)
    assert weather.commit_delay("Lead") == timedelta()


def test_records_can_come_in_late():
    with FakeOrg.empty() as org:
        org.clock.freeze()
        one = org.insert_late("Lead", [{"LastName": "A", "Company": "B"}], timedelta(minutes=2))[0]
        record = org.record("Lead", one)
        stamp = org.clock.stamp() - timedelta(minutes=2)
        assert (record["SystemModstamp"], record["CreatedDate"]) == (stamp, stamp)


# --- as clients meet it --------------------------------------------------------------------------------------------


def lead(number):
    return {"attributes": {"type": "Lead"}, "LastName": f"L{number}", "Company": "C"}


def test_some_records_of_a_collection_are_locked(org, client):
    org.weather.add(LockedRows(rows=2), object_name="Lead", path="/composite/sobjects")
    body = {"records": [lead(number) for number in range(5)]}
    results = client("POST", f"{DATA}/composite/sobjects", json=body).json()
    assert [one["success"] for one in results] == [False, False, True, True, True]
    assert results[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert org.count("Lead") == 3


def test_a_locked_record_is_neither_changed_nor_deleted(org, client, leads):
    url = f"{DATA}/sobjects/Lead/{leads[0]}"
    org.weather.add(LockedRows(ids=(leads[0],)), times=2)
    refused = client("PATCH", url, json={"LastName": "Changed"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    refused = client("DELETE", url)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert org.record("Lead", leads[0])["LastName"] != "Changed"
    assert client("DELETE", url).status_code == 204


def test_the_owner_of_the_org_writes_in_any_weather(org):
    org.weather.add(LockedRows(), times=None)
    org.weather.add(LateCommit(3600), times=None)
    org.clock.freeze()
    made = org.insert("Lead", [{"LastName": "A", "Company": "B"}])[0]
    assert org.record("Lead", made)["SystemModstamp"] == org.clock.stamp()


def test_what_a_client_writes_can_commit_late(org, client):
    org.clock.freeze()
    org.weather.add(LateCommit(120), object_name="Lead")
    made = client("POST", f"{DATA}/sobjects/Lead", json={"LastName": "A", "Company": "B"}).json()["id"]
    assert org.clock.stamp() - org.record("Lead", made)["SystemModstamp"] == timedelta(minutes=2)


def test_a_query_job_can_hang_or_fail(org, client):
    org.weather.add(JobStuck(), object_name="Account")
    org.weather.add(JobFailed("InternalServerError : boom"), object_name="Lead")
    stuck, failed = (client.bulk(f"SELECT Id FROM {name}")["id"] for name in ("Account", "Lead"))
    states = [client.get(f"{DATA}/jobs/query/{stuck}").json()["state"] for _ in range(3)]
    assert states == ["InProgress"] * 3
    told = client.get(f"{DATA}/jobs/query/{failed}").json()
    assert (told["state"], told["errorMessage"]) == ("Failed", "InternalServerError : boom")


def test_a_load_can_fail_half_way(org, client):
    org.weather.add(JobFailed(after_rows=200), path="/jobs/ingest$")
    job = client("POST", f"{DATA}/jobs/ingest", json={"object": "Lead", "operation": "insert"}).json()["id"]
    rows = "".join(f"L{number},C\n" for number in range(500))
    url = f"{DATA}/jobs/ingest/{job}"
    client("PUT", f"{url}/batches", data=f"LastName,Company\n{rows}", headers={"Content-Type": "text/csv"})
    client("PATCH", url, json={"state": "UploadComplete"})
    told = client.get(url).json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 200)
    assert org.count("Lead") == 200
    assert len(client.get(f"{url}/unprocessedrecords").text.splitlines()) == 301


@pytest.mark.parametrize("order", ["", " ORDER BY Id"])
def test_only_records_without_an_order_are_shuffled(org, client, order):
    ids = org.insert("Lead", [{"LastName": f"L{n}", "Company": "C", "AnnualRevenue": 8e7} for n in range(40)])
    org.weather.add(Shuffled(), object_name="Lead")
    answer = client.get(f"{DATA}/query", params={"q": f"SELECT Id, AnnualRevenue FROM Lead{order}"})
    told = [one["Id"] for one in answer.json()["records"]]
    assert sorted(told) == sorted(ids)
    assert (told == ids) is bool(order)
    assert answer.text.count("8.0E7") == 40
    assert answer.json()["totalSize"] == 40
    job = client.bulk(f"SELECT Id FROM Lead{order}")["id"]
    client.get(f"{DATA}/jobs/query/{job}")
    rows = client.get(f"{DATA}/jobs/query/{job}/results").text.replace('"', "").splitlines()[1:]
    assert (rows == ids) is bool(order)
