"""What a client sees of Salesforce on the wire, fact by fact: limits of size and time, rare statuses, merges, weather."""

from __future__ import annotations

import gzip
from datetime import timedelta

import orjson
import pytest

from sfsync.fake.bulk import Transition
from sfsync.fake.ids import to_15
from sfsync.fake.weather import GatewayPage, LockedRows, Refused, Unavailable

JOBS = "/jobs/query"
INGEST = "/jobs/ingest"
LEAD = "/sobjects/Lead"
NEW = {"LastName": "Doe", "Company": "Acme"}
CSV = {"Content-Type": "text/csv"}


def query_job(wire, soql="SELECT Id FROM Lead", root=""):
    """A new query job, looked at once."""
    job = wire.post(f"{root}{JOBS}", {"operation": "query", "query": soql}).json()["id"]
    wire.get(f"{root}{JOBS}/{job}")
    return job


def ingest_job(wire):
    """A new ingest job that waits for its data."""
    return wire.post(INGEST, {"operation": "insert", "object": "Lead"}).json()["id"]


def soap(wire, name, body):
    """The answer to a SOAP call."""
    text = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header xmlns="urn:partner.soap.sforce.com">'
        f"<SessionHeader><sessionId>{wire.org.token}</sessionId></SessionHeader></e:Header>"
        f'<e:Body><{name} xmlns="urn:partner.soap.sforce.com">{body}</{name}></e:Body></e:Envelope>'
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    return wire("POST", "/services/Soap/u/60.0", data=text.encode(), headers=headers)


def page_sizes(wire, soql, **options):
    """How many records each page of an answer has."""
    page = wire.query(soql, **options).json()
    sizes = [len(page["records"])]
    while not page["done"]:
        page = wire.get(page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
    return sizes


# --- transport -----------------------------------------------------------------------------------------------------


def test_an_address_too_long_is_told_from_headers_too_long(wire):
    long = wire.query("SELECT Id FROM Lead WHERE Name = '" + "x" * 16_400 + "'")
    assert wire.refusal(long)[:2] == (414, "URI_TOO_LONG")
    headers = {"X-Note": "x" * 8_000}
    together = wire.query("SELECT Id FROM Lead WHERE LastName != '" + "x" * 8_400 + "'", headers=headers)
    assert together.status_code == 431
    assert set(together.json()[0]) == {"message", "errorCode"}
    assert wire.query("SELECT Id FROM Lead", headers=headers).status_code == 200
    assert wire.get("/limits", headers={"X-Note": "x" * 16_400}).status_code == 431


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (420, "NO_ROUTE"),
        (428, "PRECONDITION_REQUIRED"),
        (500, "UNKNOWN_EXCEPTION"),
        (502, "BAD_GATEWAY"),
        (503, "SERVER_UNAVAILABLE"),
    ],
)
def test_what_the_platform_answers_out_of_the_blue_comes_with_the_weather(org, wire, status, code):
    org.weather.add(Refused(status, orjson.dumps([{"message": "no", "errorCode": code}])), path="/limits$")
    response = wire.get("/limits")
    assert wire.refusal(response) == (status, code, "no")
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert wire.get("/limits").status_code == 200


def test_an_org_that_is_away_says_so_in_json_and_a_gateway_in_html(org, wire):
    org.weather.add(Unavailable())
    assert wire.refusal(wire.get("/limits"))[:2] == (503, "SERVER_UNAVAILABLE")
    org.weather.add(GatewayPage())
    page = wire.get("/limits")
    assert (page.status_code, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert page.text.startswith("<html>")


def test_an_org_that_is_away_writes_nothing(org, wire):
    for trouble in (Unavailable(), GatewayPage(), Refused(502)):
        org.weather.add(trouble)
        assert wire.post(LEAD, NEW).status_code >= 500
    assert org.count("Lead") == 0


# --- locked rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_locked_record_is_refused_for_now_with_its_short_id(org, wire, method):
    lead = wire.lead()
    org.weather.add(LockedRows(), object_name="Lead")
    body = {"Company": "New"} if method == "PATCH" else None
    response = wire(method, f"{LEAD}/{lead}", json=body)
    assert response.status_code == 400
    message = f"unable to obtain exclusive access to this record or 1 records: {to_15(lead)}"
    assert response.json() == [{"message": message, "errorCode": "UNABLE_TO_LOCK_ROW", "fields": []}]
    assert org.record("Lead", lead)["Company"] == "Acme"
    assert wire(method, f"{LEAD}/{lead}", json=body).status_code == 204


def test_a_locked_record_among_others_is_a_failed_item(org, wire):
    leads = [wire.lead(), wire.lead()]
    org.weather.add(LockedRows(ids=(leads[1],)), object_name="Lead")
    records = [{"attributes": {"type": "Lead"}, "Id": lead, "Company": "New"} for lead in leads]
    response = wire.patch("/composite/sobjects", {"records": records})
    good, bad = response.json()
    assert (response.status_code, good["success"], bad["success"]) == (200, True, False)
    [error] = bad["errors"]
    assert (error["statusCode"], error["fields"]) == ("UNABLE_TO_LOCK_ROW", [])


def test_a_locked_row_of_a_job_is_a_failed_row(org, wire):
    lead = wire.lead()
    org.weather.add(LockedRows(), object_name="Lead")
    job = wire.post(INGEST, {"operation": "update", "object": "Lead"}).json()["id"]
    wire("PUT", f"{INGEST}/{job}/batches", data=f"Id,Company\n{lead},New\n", headers=CSV)
    wire.patch(f"{INGEST}/{job}", {"state": "UploadComplete"})
    assert wire.get(f"{INGEST}/{job}").json()["numberRecordsFailed"] == 1
    row = wire.get(f"{INGEST}/{job}/failedResults").text.splitlines()[1]
    assert f"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {to_15(lead)}:--" in row


# --- records and queries -------------------------------------------------------------------------------------------


def test_rows_with_several_long_texts_come_in_pages_of_200(org, wire):
    org.add_field("Lead", "Story__c", "textarea", length=32_000)
    org.add_field("Lead", "Note__c", "textarea", length=255)
    org.insert("Lead", [NEW] * 450)
    wide = "SELECT Id, Description, Story__c FROM Lead"
    assert page_sizes(wire, wide) == [200, 200, 50]
    assert page_sizes(wire, wide, headers={"Sforce-Query-Options": "batchSize=2000"}) == [200, 200, 50]
    assert page_sizes(wire, "SELECT Id, Owner.Name, Description FROM Lead") == [450]
    assert page_sizes(wire, "SELECT Id, Street, Note__c, Description FROM Lead") == [450]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("COUNT(Description)", "Description"),
        ("COUNT(IsConverted)", "IsConverted"),
        ("COUNT_DISTINCT(Description)", "Description"),
        ("SUM(LastName)", "LastName"),
    ],
)
def test_what_cannot_be_counted_or_summed_is_refused(wire, call, field):
    status, _, message = wire.refusal(wire.query(f"SELECT {call} FROM Lead"))
    assert status == 400
    assert f"field {field} does not support aggregate operator {call.partition('(')[0]}" in message


def test_a_statement_has_100_000_characters_at_most(wire):
    head, tail = "SELECT Id FROM Lead", "WHERE IsConverted = false"
    longest, longer = (head + " " * (length - len(head + tail)) + tail for length in (100_000, 100_001))
    assert wire.post(JOBS, {"operation": "query", "query": longest}).status_code == 200
    assert soap(wire, "query", f"<queryString>{longest}</queryString>").status_code == 200
    refused = wire.post(JOBS, {"operation": "query", "query": longer})
    assert wire.refusal(refused)[:2] == (400, "MALFORMED_QUERY")
    told = soap(wire, "query", f"<queryString>{longer}</queryString>")
    assert told.status_code == 500
    assert "<faultcode>sf:MALFORMED_QUERY</faultcode>" in told.text


def test_a_merged_record_tells_its_master_and_is_seen_by_query_all_only(wire):
    master, loser, gone = wire.lead(), wire.lead(), wire.lead()
    body = (
        '<request><masterRecord xmlns:s="urn:sobject.partner.soap.sforce.com"><s:type>Lead</s:type>'
        f"<s:Id>{master}</s:Id></masterRecord><recordToMergeIds>{loser}</recordToMergeIds></request>"
    )
    assert "<success>true</success>" in soap(wire, "merge", body).text
    wire.delete(f"{LEAD}/{gone}")
    soql = "SELECT Id, MasterRecordId, IsDeleted FROM Lead ORDER BY Id"
    assert [row["Id"] for row in wire.query(soql).json()["records"]] == [master]
    rows = wire.get("/queryAll", params={"q": soql}).json()["records"]
    assert [(row["Id"], row["MasterRecordId"], row["IsDeleted"]) for row in rows] == [
        (master, None, False),
        (loser, master, True),
        (gone, None, True),
    ]
    assert wire.refusal(wire.get(f"{LEAD}/{loser}"))[:2] == (404, "ENTITY_IS_DELETED")


@pytest.mark.parametrize("what", ["updated", "deleted"])
def test_replication_tells_so_many_ids_only(org, wire, what, monkeypatch):
    monkeypatch.setattr("sfsync.fake.dml.replication._MOST_IDS", 2)
    span = {"start": "2026-05-20T11:00:00Z", "end": "2026-05-20T12:30:00Z"}
    for status in (200, 200, 400):
        lead = wire.lead()
        if what == "deleted":
            wire.delete(f"{LEAD}/{lead}")
        response = wire.get(f"{LEAD}/{what}", params=span)
        assert response.status_code == status
    assert wire.refusal(response)[1] == "EXCEEDED_ID_LIMIT"


# --- Bulk API 2.0 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "header"), [("49.0", '"Company","Id","LastName"'), ("50.0", '"LastName","Id","Company"')]
)
def test_columns_were_in_alphabetical_order_up_to_version_49(wire, version, header):
    wire.lead()
    root = f"/services/data/v{version}"
    job = query_job(wire, "SELECT LastName, Id, Company FROM Lead", root)
    first, row = wire.get(f"{root}{JOBS}/{job}/results").text.splitlines()
    assert first == header
    values = dict(zip(orjson.loads(f"[{first}]"), orjson.loads(f"[{row}]"), strict=True))
    assert (values["LastName"], values["Company"]) == ("Doe", "Acme")


def test_jobs_are_gone_after_seven_days(org, wire):
    wire.lead()
    query, load = query_job(wire), ingest_job(wire)
    wire("PUT", f"{INGEST}/{load}/batches", data=b"LastName,Company\nRoe,Acme\n", headers=CSV)
    wire.patch(f"{INGEST}/{load}", {"state": "UploadComplete"})
    wire.get(f"{INGEST}/{load}")
    known = [f"{JOBS}/{query}", f"{JOBS}/{query}/results", f"{INGEST}/{load}", f"{INGEST}/{load}/successfulResults"]
    org.clock.advance(timedelta(days=7, seconds=-1))
    assert [wire.get(path).status_code for path in known] == [200] * 4
    org.clock.advance(timedelta(seconds=1))
    assert [wire.refusal(wire.get(path))[:2] for path in known] == [(404, "NOT_FOUND")] * 4
    assert [wire.get(path).json()["records"] for path in (JOBS, INGEST)] == [[], []]
    assert org.count("Lead") == 2


def test_a_job_that_never_ends_is_gone_as_well(org, wire):
    org.bulk.settings.transition = Transition(stuck=True)
    query, load = query_job(wire), ingest_job(wire)
    org.clock.advance(timedelta(days=8))
    assert wire.get(f"{JOBS}/{query}").status_code == 404
    assert wire("PUT", f"{INGEST}/{load}/batches", data=b"LastName\n", headers=CSV).status_code == 404


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_upload_has_a_limit_that_compression_does_not_widen(org, wire, encoding):
    assert org.bulk.settings.upload_limit == 150_000_000
    org.bulk.settings.upload_limit = 1_000
    pack = gzip.compress if encoding == "gzip" else bytes
    job = ingest_job(wire)
    headers = {**CSV, "Content-Encoding": encoding}
    row, end = b"LastName,Company\nDoe,", b"\n"
    for size, status in ((1_001, 413), (1_000, 201)):
        data = row + b"x" * (size - len(row) - len(end)) + end
        assert wire("PUT", f"{INGEST}/{job}/batches", data=pack(data), headers=headers).status_code == status


def test_data_that_comes_with_its_job_has_a_limit_of_its_own(wire):
    asked = orjson.dumps({"operation": "insert", "object": "Lead"})
    for size, status in ((100_001, 413), (100_000, 200)):
        content = b"LastName,Company\nDoe,Acme\n" + b"Doe,Acme\n" * 12_000
        files = {
            "job": (None, asked, "application/json"),
            "content": ("content", content[: size - 1] + b"\n", "text/csv"),
        }
        assert wire("POST", INGEST, files=files).status_code == status
