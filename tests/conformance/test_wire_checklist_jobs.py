"""What a client sees of Salesforce on the wire, fact by fact: Bulk jobs, logins, conversion, what records do by themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest

from sfsync.fake.bulk import Transition

JOBS = "/jobs/query"
INGEST = "/jobs/ingest"
LEAD = "/sobjects/Lead"


def query_job(wire, soql="SELECT Id, LastName FROM Lead", **options):
    return wire.post(JOBS, {"operation": "query", "query": soql, **options})


def load(wire, data, operation="insert", **options):
    """A job from its creation to its end; its Id."""
    job = wire.post(INGEST, {"operation": operation, "object": "Lead", **options}).json()["id"]
    assert wire("PUT", f"{INGEST}/{job}/batches", data=data, headers={"Content-Type": "text/csv"}).status_code == 201
    wire.patch(f"{INGEST}/{job}", {"state": "UploadComplete"})
    wire.get(f"{INGEST}/{job}")
    return job


# --- Bulk API 2.0: query -------------------------------------------------------------------------------------------


def test_a_new_query_job_is_told_with_twelve_keys_and_later_with_more(org, wire):
    response = query_job(wire)
    assert (response.status_code, len(response.json()), response.json()["state"]) == (200, 12, "UploadComplete")
    assert response.json()["apiVersion"] == 60.0
    job = wire.get(f"{JOBS}/{response.json()['id']}").json()
    assert (job["jobType"], job["state"]) == ("V2Query", "JobComplete")
    assert {"numberRecordsProcessed", "retries", "totalProcessingTime", "isPkChunkingSupported"} <= set(job)


def test_results_are_not_to_be_had_before_completion_or_in_another_version(org, wire):
    org.bulk.settings.transition = Transition(stuck=True)
    job = query_job(wire).json()["id"]
    wire.get(f"{JOBS}/{job}")
    status, code, message = wire.refusal(wire.get(f"{JOBS}/{job}/results"))
    assert (status, code) == (412, "JOB_NOT_COMPLETE")
    assert message == (
        "can only download query results of successfully completed bulk job with status: JOB_COMPLETE."
        " Current status: IN_PROGRESS"
    )
    org.bulk.settings.transition = Transition()
    job = query_job(wire).json()["id"]
    wire.get(f"{JOBS}/{job}")
    assert wire.get(f"/services/data/v59.0{JOBS}/{job}/results").status_code == 409


def test_result_pages_have_locators_up_to_the_word_null(org, wire):
    org.insert("Lead", [{"LastName": "Doe", "Company": "Acme"}] * 3)
    job = query_job(wire, "SELECT LastName, Id FROM Lead").json()["id"]
    wire.get(f"{JOBS}/{job}")
    first = wire.get(f"{JOBS}/{job}/results?maxRecords=2")
    assert (first.headers["Sforce-NumberOfRecords"], len(first.text.splitlines())) == ("2", 3)
    assert first.text.splitlines()[0] == '"LastName","Id"'
    locator = first.headers["Sforce-Locator"]
    for _ in range(2):
        last = wire.get(f"{JOBS}/{job}/results?maxRecords=2&locator={locator}")
        assert (last.headers["Sforce-NumberOfRecords"], last.headers["Sforce-Locator"]) == ("1", "null")


def test_no_rows_are_a_header_line(wire):
    job = query_job(wire).json()["id"]
    wire.get(f"{JOBS}/{job}")
    response = wire.get(f"{JOBS}/{job}/results")
    assert (response.text, response.headers["Sforce-Locator"]) == ('"Id","LastName"\n', "null")


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT(Id) FROM Lead",
        "SELECT Status FROM Lead GROUP BY Status",
        "SELECT Id FROM Lead OFFSET 5",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Address FROM Lead",
        "SELECT Nope FROM Lead",
        "SELECT FROM Lead",
    ],
)
def test_what_bulk_does_not_query_is_refused_at_once(wire, soql):
    assert query_job(wire, soql).status_code == 400


def test_an_unknown_query_job_is_not_found(wire):
    assert wire.delete(f"{JOBS}/undefined").status_code == 404


# --- Bulk API 2.0: ingest ------------------------------------------------------------------------------------------


def test_an_ingest_job_goes_its_way(wire):
    response = wire.post(INGEST, {"operation": "insert", "object": "Lead"})
    job = response.json()
    assert (response.status_code, job["state"]) == (200, "Open")
    assert job["contentUrl"] == f"services/data/v60.0/jobs/ingest/{job['id']}/batches"
    data = b"LastName,Company\nDoe,Acme\n"
    put = wire("PUT", f"/{job['contentUrl']}", data=data, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert (put.status_code, put.content) == (201, b"")
    assert wire.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"}).status_code == 200
    told = wire.get(f"{INGEST}/{job['id']}/").json()
    assert (told["jobType"], told["state"], told["numberRecordsProcessed"]) == ("V2Ingest", "JobComplete", 1)


def test_ingest_results_repeat_the_upload_behind_columns_of_their_own(wire):
    job = load(wire, b"Company,LastName\nAcme,Doe\nAcme,\n")
    good = wire.get(f"{INGEST}/{job}/successfulResults").text.splitlines()
    bad = wire.get(f"{INGEST}/{job}/failedResults/").text.splitlines()
    assert good[0] == '"sf__Id","sf__Created",Company,LastName'
    assert good[1].endswith('","true","Acme","Doe"')
    assert bad[0] == '"sf__Id","sf__Error",Company,LastName'
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --" in bad[1]
    for spelled in ("unprocessedrecords", "unprocessedRecords"):
        assert wire.get(f"{INGEST}/{job}/{spelled}/").text.splitlines() == ["Company,LastName"]


def test_empty_is_ignored_and_hash_na_clears(org, wire):
    lead = wire.lead(Phone="1", City="Paris")
    load(wire, f"Id,Phone,City\n{lead},,#N/A\n".encode(), "update")
    stored = org.record("Lead", lead)
    assert (stored["Phone"], stored["City"]) == ("1", None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"LastName,Nope\nDoe,1\n", "InvalidBatch : Field name not found : Nope"),
        (
            b"LastName,Company\r\nDoe,Acme\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
    ],
)
def test_an_upload_that_cannot_be_read_fails_the_job(wire, data, message):
    told = wire.get(f"{INGEST}/{load(wire, data)}").json()
    assert (told["state"], told["errorMessage"]) == ("Failed", message)


# --- OAuth and SOAP ------------------------------------------------------------------------------------------------


def grant(org, wire, **form):
    known = org.credentials
    app = {"client_id": known.client_id, "client_secret": known.client_secret}
    return wire("POST", "/services/oauth2/token", data={**app, **form})


def test_a_token_is_signed_and_names_its_user(org, wire):
    known = org.credentials
    body = grant(org, wire, grant_type="password", username=known.username, password=known.password).json()
    assert body["access_token"].startswith(f"{org.org_id[:15]}!")
    assert body["id"] == f"https://login.salesforce.com/id/{org.org_id}/{org.admin_id}"
    assert body["issued_at"].isdigit()
    signed = hmac.new(known.client_secret.encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256)
    assert base64.b64decode(body["signature"]) == signed.digest()
    assert {"instance_url", "token_type"} <= set(body)


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"grant_type": "password", "username": "x", "password": "y"}, "invalid_grant", "authentication failure"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", "expired access/refresh token"),
        ({"grant_type": "x"}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_a_refused_login_is_an_object(org, wire, form, error, description):
    response = grant(org, wire, **form)
    assert (response.status_code, response.json()) == (400, {"error": error, "error_description": description})


def soap(wire, name, body, version="61.0", session=""):
    head = f"<SessionHeader><sessionId>{session}</sessionId></SessionHeader>" if session else ""
    text = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header xmlns="urn:partner.soap.sforce.com">'
        f'{head}</e:Header><e:Body><{name} xmlns="urn:partner.soap.sforce.com">{body}</{name}></e:Body></e:Envelope>'
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    return wire("POST", f"/services/Soap/u/{version}", data=text.encode(), headers=headers)


def test_a_soap_login_keeps_the_version_and_ends_with_the_short_org_id(org, wire):
    known = org.credentials
    body = f"<username>{known.username}</username><password>{known.password}</password>"
    text = soap(wire, "login", body, "51.0").text
    assert f"/services/Soap/u/51.0/{org.org_id[:15]}</serverUrl>" in text
    assert text.index("<metadataServerUrl>") < text.index("<serverUrl>") < text.index("<sessionId>")
    assert text.index("<userId>") < text.index("<userInfo>")


def test_a_wrong_soap_login_is_a_fault_with_status_500(wire):
    response = soap(wire, "login", "<username>x</username><password>y</password>")
    assert response.status_code == 500
    assert "INVALID_LOGIN: Invalid username, password, security token; or user locked out." in response.text
    assert "LoginFault" in response.text
    assert "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in response.text


def test_a_converted_lead_becomes_read_only(org, wire):
    lead = wire.lead()
    request = (
        "<leadConverts><convertedStatus>Closed - Converted</convertedStatus>"
        f"<doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>{lead}</leadId>"
        "<overwriteLeadSource>false</overwriteLeadSource><sendNotificationEmail>false</sendNotificationEmail>"
        "</leadConverts>"
    )
    text = soap(wire, "convertLead", request, session=org.token).text
    assert "<success>true</success>" in text
    names = ("<accountId>", "<contactId>", "<leadId>", "<opportunityId ", "<success>")
    assert [text.index(name) for name in names] == sorted(text.index(name) for name in names)
    row = wire.query("SELECT IsConverted, ConvertedDate, Status FROM Lead").json()["records"][0]
    assert (row["IsConverted"], row["ConvertedDate"], row["Status"]) == (True, "2026-05-20", "Closed - Converted")
    response = wire.patch(f"{LEAD}/{lead}", {"Company": "New"})
    assert wire.refusal(response) == (400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def test_a_lead_is_not_converted_into_a_status_that_is_not_converted(org, wire):
    request = (
        "<leadConverts><convertedStatus>Open - Not Contacted</convertedStatus>"
        f"<doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>{wire.lead()}</leadId>"
        "<overwriteLeadSource>false</overwriteLeadSource><sendNotificationEmail>false</sendNotificationEmail>"
        "</leadConverts>"
    )
    text = soap(wire, "convertLead", request, session=org.token).text
    assert "<success>false</success>" in text
    assert "INVALID_STATUS" in text


# --- what records do by themselves ---------------------------------------------------------------------------------


def test_a_stage_brings_probability_forecast_and_expected_revenue(wire):
    deal = {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-05-20", "Amount": 1000}
    created = wire.post("/sobjects/Opportunity", deal).json()["id"]
    stored = wire.get(f"/sobjects/Opportunity/{created}").json()
    assert (stored["Probability"], stored["ForecastCategoryName"]) == (100.0, "Closed")
    assert (stored["IsClosed"], stored["IsWon"], stored["ExpectedRevenue"]) == (True, True, 1000.0)
    assert (stored["FiscalYear"], stored["FiscalQuarter"], stored["Fiscal"]) == (2026, 2, "2026 2")


def test_every_change_of_a_deal_is_kept_in_its_history(org, wire):
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-05-20", "Amount": 1000}
    created = "/sobjects/Opportunity/" + wire.post("/sobjects/Opportunity", deal).json()["id"]
    org.clock.advance(timedelta(minutes=1))
    wire.patch(created, {"Amount": 2000})
    wire.patch(created, {"Description": "Nothing that counts"})
    rows = wire.query("SELECT Amount, StageName FROM OpportunityHistory ORDER BY CreatedDate").json()["records"]
    assert [row["Amount"] for row in rows] == [1000.0, 2000.0]
    wire.delete(created)
    assert wire.query("SELECT Id FROM OpportunityHistory").json()["totalSize"] == 0


def test_a_deleted_record_moves_its_stamp_and_lies_in_the_bin(org, wire):
    lead = wire.lead(FirstName="Jane")
    org.clock.advance(timedelta(hours=1))
    wire.delete(f"{LEAD}/{lead}")
    soql = "SELECT Name, IsDeleted, SystemModstamp, LastModifiedDate FROM Lead"
    [row] = wire.get("/queryAll", params={"q": soql}).json()["records"]
    assert (row["Name"], row["IsDeleted"]) == ("Jane Doe", True)
    assert row["SystemModstamp"] == "2026-05-20T13:00:00.000+0000"
    assert row["SystemModstamp"] >= row["LastModifiedDate"]
