"""simple-salesforce, unmodified, takes the fake org for real."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from sfsync.fake import FakeOrg

SOQL = "SELECT Id, Name, CreatedDate, AnnualRevenue, IsConverted, Owner.Name FROM Lead"


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(leads=60) as org:
        org.settings.query_page = 25
        yield org


def ways_to_log_in(org: FakeOrg) -> dict[str, dict[str, Any]]:
    known = org.credentials
    app = {"consumer_key": known.client_id, "consumer_secret": known.client_secret}
    person = {"username": known.username, "password": known.password}
    return {
        "SOAP with security token": {**person, "security_token": known.security_token},
        "SOAP from a trusted network": {**person, "organizationId": org.org_id},
        "SOAP at a sandbox": {**person, "security_token": known.security_token, "domain": "test"},
        "username-password flow": {**person, **app},
        "client credentials": {**app, "domain": "fake-org.my"},
        "JWT bearer": {"username": known.username, "consumer_key": known.client_id, "privatekey": known.private_key},
        "access token": {"session_id": org.token, "instance_url": org.instance_url},
    }


WAYS = [
    "SOAP with security token",
    "SOAP from a trusted network",
    "SOAP at a sandbox",
    "username-password flow",
    "client credentials",
    "JWT bearer",
    "access token",
]


@pytest.mark.parametrize("way", WAYS)
def test_every_login_works_in_process(org, way):
    sf = Salesforce(session=org.session(), **ways_to_log_in(org)[way])
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 60


@pytest.mark.parametrize("way", WAYS)
def test_every_login_works_through_responses(org, way):
    with org.responses():
        sf = Salesforce(**ways_to_log_in(org)[way])
        assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 60


PROGRAM = """
import json, sys
from simple_salesforce import Salesforce
sf = Salesforce(**json.load(sys.stdin))
live = sf.query_all("SELECT Id FROM Lead")["records"]
everything = sf.query_all("SELECT Id FROM Lead", include_deleted=True)["records"]
pages = list(sf.bulk2.Lead.query("SELECT Id FROM Lead", max_records=25, wait=0.01))
print(json.dumps({"live": len(live), "all": len(everything), "rows": sum(page.count("\\n") - 1 for page in pages),
                  "pages": len(pages), "instance": sf.sf_instance}))
"""


@pytest.mark.parametrize("way", WAYS)
def test_every_login_works_in_another_process_over_tls_through_the_proxy(org, way):
    with org.serve(proxy=True) as server:
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(ways_to_log_in(org)[way]),
            env=environment | {"HTTPS_PROXY": str(server.proxy_url), "REQUESTS_CA_BUNDLE": str(server.ca_file)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert org.requests.to("/queryAll")
    found = json.loads(done.stdout)
    assert (found["live"], found["rows"], found["pages"]) == (60, 60, 3)
    assert found["all"] > 60
    assert found["instance"] == "fake-org.my.salesforce.com"


def test_a_second_process_is_served_with_nothing_but_address_token_and_certificate(serve_fake_org, real_data, tmp_path):
    with serve_fake_org("--data", real_data("olist_org"), "--ca-file", tmp_path / "ca.pem") as served:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.replace("max_records=25", "max_records=3000")],
            input=json.dumps({"session_id": served.token, "instance_url": served.url}),
            env=dict(os.environ) | {"REQUESTS_CA_BUNDLE": served.ca_file, "NO_PROXY": "localhost"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["live"], found["all"], found["rows"], found["pages"]) == (8000, 8000, 8000, 3)
    assert found["instance"] == served.url.removeprefix("https://")


@pytest.fixture
def sf(org) -> Salesforce:
    return Salesforce(session=org.session(), instance_url=org.instance_url, session_id=org.token)


def test_query_all_follows_every_page(org, sf):
    records = sf.query_all(SOQL)["records"]
    assert len(records) == 60
    assert len({record["Id"] for record in records}) == 60
    assert len(org.requests.to("/query")) == 3
    assert records[0]["attributes"]["type"] == "Lead"
    assert records[0]["Owner"]["attributes"]["type"] == "Name"


def test_deleted_records_come_when_asked_for(org, sf):
    [gone] = sf.query("SELECT Id FROM Lead LIMIT 1")["records"]
    org.delete("Lead", gone["Id"])
    live = {record["Id"] for record in sf.query_all("SELECT Id FROM Lead")["records"]}
    everything = {record["Id"] for record in sf.query_all("SELECT Id FROM Lead", include_deleted=True)["records"]}
    assert gone["Id"] not in live
    assert gone["Id"] in everything


def test_query_more_takes_a_locator_alone(sf):
    first = sf.query(SOQL)
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    assert len(sf.query_more(locator)["records"]) == 25


def test_bulk_and_rest_give_the_same_values(sf):
    rest = {record["Id"]: record for record in sf.query_all(SOQL)["records"]}
    text = "".join(sf.bulk2.Lead.query(SOQL, wait=0.01))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(rest)
    for row in rows:
        record = rest[row["Id"]]
        assert row["Name"] == record["Name"]
        assert row["CreatedDate"].replace("Z", "+0000") == record["CreatedDate"]
        assert row["IsConverted"] == str(record["IsConverted"]).lower()
        assert row["Owner.Name"] == record["Owner"]["Name"]
        assert (float(row["AnnualRevenue"]) if row["AnnualRevenue"] else None) == record["AnnualRevenue"]


def test_bulk_results_can_be_downloaded_to_files(sf, tmp_path):
    [page] = sf.bulk2.Lead.download("SELECT Id FROM Lead", path=str(tmp_path), wait=0.01)
    assert page["number_of_records"] == 60


def test_everything_else_that_only_reads(org, sf):
    assert {one["name"] for one in sf.describe()["sobjects"]} >= {"Lead", "Opportunity"}
    assert sf.Lead.describe()["keyPrefix"] == "00Q"
    assert sf.Lead.metadata()["objectDescribe"]["name"] == "Lead"
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].used == 4
    assert sf.restful("limits/recordCount", params={"sObjects": "Lead"})["sObjects"][0]["count"] == 60


def test_errors_come_as_its_own_exceptions(org, sf):
    with pytest.raises(SalesforceMalformedRequest) as malformed:
        sf.query("SELECT Nope FROM Lead")
    assert malformed.value.content[0]["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceResourceNotFound):
        sf.Nothing.describe()
    org.access.revoke_all()
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Lead")


@pytest.mark.parametrize("way", ["SOAP with security token", "username-password flow"])
def test_a_wrong_password_is_told(org, way):
    with pytest.raises(SalesforceAuthenticationFailed) as failed:
        Salesforce(session=org.session(), **{**ways_to_log_in(org)[way], "password": "wrong"})
    assert failed.value.code in {"INVALID_LOGIN", "invalid_grant"}


def test_a_client_of_its_own_session_needs_no_help(org):
    """A plain `requests` session with the certificate: what any user of `sfsync fake serve` has."""
    with org.serve() as server, requests.Session() as session:
        session.trust_env = False
        session.verify = str(server.ca_file)
        sf = Salesforce(instance=f"localhost:{server.port}", session_id=server.token, session=session)
        assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 60
