"""The calls that real clients make, in the spelling of each: simple-salesforce itself, the others as they are on the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

NEW = {"LastName": "Doe", "Company": "Acme"}


@pytest.fixture
def sf(org):
    org.add_field("Lead", "Crm_Id__c", "string", "CRM Id", length=32, external_id=True)
    return Salesforce(instance_url=org.instance_url, session_id=org.token, session=org.session())


# --- simple-salesforce ---------------------------------------------------------------------------------------------


def test_simple_salesforce_lives_through_a_record(sf):
    made = sf.Lead.create(NEW)
    assert made == {"id": made["id"], "success": True, "errors": []}
    assert sf.Lead.get(made["id"])["Company"] == "Acme"
    assert sf.Lead.update(made["id"], {"Company": "New"}) == 204
    assert sf.Lead.upsert(f"Id/{made['id']}", {"Company": "Newer"}) == 200
    assert sf.Lead.get(made["id"], headers={"X-PrettyPrint": "1"})["Company"] == "Newer"
    assert sf.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Lead.get(made["id"])


def test_simple_salesforce_upserts_by_external_id(sf):
    assert sf.Lead.upsert("Crm_Id__c/A", NEW) == 201
    assert sf.Lead.upsert("Crm_Id__c/A", NEW) == 200
    assert sf.Lead.upsert("Crm_Id__c/A", NEW, raw_response=True).json()["created"] is False
    assert sf.Lead.get_by_custom_id("Crm_Id__c", "A")["LastName"] == "Doe"
    sf.Lead.create({**NEW, "Crm_Id__c": "A"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Lead.get_by_custom_id("Crm_Id__c", "A")


def test_simple_salesforce_understands_refusals(sf):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Lead.create({"LastName": "Doe"})
    assert refused.value.content == [
        {
            "message": "Required fields are missing: [Company]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["Company"],
        }
    ]
    with pytest.raises(SalesforceResourceNotFound):
        sf.Nope.create({})


def test_simple_salesforce_asks_what_changed(org, sf):
    lead = sf.Lead.create(NEW)["id"]
    org.clock.advance(timedelta(minutes=5))
    start = datetime(2026, 5, 20, 11, tzinfo=UTC)
    assert sf.Lead.updated(start, start + timedelta(hours=2))["ids"] == [lead]
    sf.Lead.delete(lead)
    org.clock.advance(timedelta(minutes=5))
    assert sf.Lead.deleted(start, start + timedelta(hours=2))["deletedRecords"][0]["id"] == lead


def test_simple_salesforce_reaches_every_resource_by_hand(sf):
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Lead"}, **NEW}]}
    assert sf.restful("composite/sobjects", method="POST", data=json.dumps(body))[0]["success"]
    assert sf.restful("tooling/query", {"q": "SELECT Id FROM ApexClass"})["totalSize"] == 0
    assert sf.toolingexecute("query/?q=SELECT+Id+FROM+ApexClass")["done"] is True
    with pytest.raises(SalesforceGeneralError):
        sf.restful("composite", method="DELETE")


# --- others, as they are on the wire -------------------------------------------------------------------------------


def test_jsforce_reads_the_identity_and_deletes_an_undefined_job(org, wire):
    identity = wire.get("").json()["identity"]
    told = wire.session.get(identity, params={"format": "json", "oauth_token": org.token})
    assert told.json()["user_id"] == org.admin_id
    assert wire.delete("/jobs/query/undefined").status_code == 404


def test_jsforce_and_django_write_collections(org, wire):
    records = [{"attributes": {"type": "Lead"}, **NEW} for _ in range(2)]
    made = wire.post("/composite/sobjects", {"allOrNone": False, "records": records}).json()
    ids = [one["id"] for one in made]
    found = wire.post("/composite/sobjects/Lead", {"ids": ids, "fields": ["Id", "Name"]}).json()
    assert [one["Name"] for one in found] == ["Doe", "Doe"]
    gone = wire.delete(f"/composite/sobjects?ids={','.join(ids)}&allOrNone=false").json()
    assert [one["success"] for one in gone] == [True, True]
    assert org.count("Lead") == 0


def test_aiosalesforce_sends_composites_and_reads_duplicates(org, wire):
    org.add_duplicate_rule("Lead", ["Email"])
    lead = wire.lead(Email="a@b.example")
    entry = {"method": "POST", "url": f"{wire.root}/sobjects/Lead", "referenceId": "lead_1"}
    body = {"allOrNone": True, "compositeRequest": [{**entry, "body": {**NEW, "Email": "a@b.example"}}]}
    [told] = wire.post("/composite", body).json()["compositeResponse"]
    [error] = told["body"]
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    assert error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == lead
    batch = {"batchRequests": [{"method": "GET", "url": f"v60.0/sobjects/Lead/{lead}?fields=Id"}]}
    assert wire.post("/composite/batch", batch).json()["results"][0]["result"]["Id"] == lead


def test_the_tap_sends_the_query_again_with_the_locator(org, wire):
    org.settings.query_page = 2
    org.insert("Lead", [NEW] * 3)
    first = wire.query("SELECT Id FROM Lead").json()
    second = wire.get(first["nextRecordsUrl"], params={"q": "SELECT Id FROM Lead"}).json()
    assert (second["done"], len(second["records"])) == (True, 1)


def test_the_cli_asks_for_columns_sandboxes_and_itself(org, wire):
    assert wire.get("/services/oauth2/userinfo").json()["user_id"] == org.admin_id
    soql = (
        "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization"
    )
    assert wire.query(soql).json()["totalSize"] == 1
    assert wire.get("/query", params={"q": soql, "columns": "true"}).json()["entityName"] == "Organization"
    assert wire.get("/tooling/query", params={"q": "SELECT Id FROM SandboxProcess"}).json()["records"] == []


def test_restforce_calls_its_token_oauth(org):
    headers = {"Authorization": f"OAuth {org.token}"}
    answer = org.session().get(f"{org.instance_url}/services/data/v58.0/sobjects/Lead/describe", headers=headers)
    assert answer.json()["name"] == "Lead"


def test_django_knocks_at_the_front_door(org):
    for method in ("HEAD", "GET"):
        assert org.session().request(method, f"{org.instance_url}/").status_code < 500


def test_cumulusci_counts_and_doubles_slashes(org, wire):
    wire.lead()
    assert wire.get("/limits/recordCount?sObjects=Lead").json()["sObjects"][0]["count"] == 1
    url = f"{org.instance_url}//services/data/v60.0/sobjects//Lead/"
    assert wire.session.post(url, json=NEW).status_code == 201


def test_a_body_in_chunks_arrives_over_tls(org):
    with org.serve() as server:
        url = f"{server.url}/services/data/v60.0/sobjects/Lead/"
        headers = {"Authorization": f"Bearer {org.token}", "Content-Type": "application/json; charset=utf-8"}
        pieces = iter([b'{"LastName": "Doe",', b' "Company": "Acme"}'])
        response = requests.post(url, data=pieces, headers=headers, verify=str(server.ca_file), timeout=10)
        assert response.status_code == 201
        lead = f"{url}{response.json()['id']}"
        unchanged = requests.get(
            lead,
            headers={**headers, "If-Modified-Since": "Wed, 20 May 2026 12:00:00 GMT"},
            verify=str(server.ca_file),
            timeout=10,
        )
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert requests.delete(lead, headers=headers, verify=str(server.ca_file), timeout=10).status_code == 204
