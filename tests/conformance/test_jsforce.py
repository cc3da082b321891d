"""jsforce, unmodified, against the fake org over TLS: everything a Node program does with leads and opportunities."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg

HERE = Path(__file__).parent
PACKAGE = "jsforce@3"


@pytest.fixture(scope="module")
def jsforce_home() -> Path:
    """The folder that jsforce is installed in: from the registry the first time, from there ever after."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not here")
    cache = os.environ.get("SFSYNC_NODE_CACHE")
    home = Path(cache) if cache else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sfsync" / "node"
    home = home / PACKAGE
    if not (home / "node_modules" / "jsforce" / "package.json").is_file():
        install(home)
    return home


def install(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    # Next to its place, and moved there when it is complete: tests may run side by side.
    folder = Path(tempfile.mkdtemp(prefix="installing-", dir=home.parent))
    try:
        (folder / "package.json").write_text('{"name": "sfsync-conformance", "private": true}')
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not install jsforce within five minutes")
        if done.returncode != 0:
            pytest.skip(f"npm could not install jsforce: {done.stderr.strip()[-300:]}")
        try:
            folder.rename(home)
        except OSError:
            if not home.is_dir():  # another test run was not faster
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def org() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(1, 450) as made:
        made.add_field("Lead", "Crm_Id__c", "string", external_id=True, unique=True)
        yield made


@pytest.fixture(scope="module")
def answers(org: FakeOrg, jsforce_home: Path) -> dict[str, Any]:
    """What every step of the client program came to."""
    with org.serve() as server:
        done = subprocess.run(
            ["node", str(HERE / "jsforce" / "client.cjs")],
            env={
                "PATH": os.environ["PATH"],
                "JSFORCE_HOME": str(jsforce_home),
                "NODE_EXTRA_CA_CERTS": str(server.ca_file),
                "FAKE_URL": server.url,
                "FAKE_TOKEN": server.token,
                "FAKE_USER": org.credentials.username,
                "FAKE_PASSWORD": org.credentials.password + org.credentials.security_token,
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def answer(answers: dict[str, Any]) -> Any:
    def of(step: str) -> Any:
        assert "failed" not in answers[step], answers[step]["stack"]
        return answers[step]["value"]

    return of


def test_it_learns_who_it_is(answer, org):
    told = answer("identity")
    assert (told["user_id"], told["organization_id"]) == (org.admin_id, org.org_id)


def test_it_queries(answer):
    page = answer("query")
    assert (page["totalSize"], page["done"], len(page["records"])) == (5, True, 5)
    first = page["records"][0]
    assert first["attributes"]["type"] == "Lead"
    assert first["CreatedDate"].endswith(".000+0000")
    assert first["Owner"]["Name"]


def test_it_queries_more(answer):
    assert answer("queryMore") == {"pages": [200, 200, 50], "total": 450}
    assert answer("autoFetch") == 450


def test_it_reads_children_and_groups(answer):
    records = answer("children")["records"]
    assert all(one["Contacts"]["records"][0]["LastName"] for one in records)
    groups = answer("aggregate")["records"]
    assert sum(group["n"] for group in groups) == 450


def test_it_understands_a_refused_query(answer):
    told = answer("queryFails")
    assert (told["name"], told["errorCode"]) == ("INVALID_FIELD", "INVALID_FIELD")
    assert "No such column 'Nonsense' on entity 'Lead'" in told["message"]


def test_it_describes(answer):
    told = answer("describe")
    assert (told["name"], told["keyPrefix"]) == ("Lead", "00Q")
    assert {"Id", "LastName", "Budget_Confirmed__c", "Crm_Id__c"} <= set(told["fields"])
    assert {"Lead", "Opportunity", "Account"} <= set(told["objects"])


def test_it_creates_reads_updates_and_deletes(answer):
    told = answer("crud")
    assert told["made"]["success"] is True
    assert told["before"]["LastName"] == "Created"
    assert told["before"]["Status"] == "Open - Not Contacted"
    assert told["updated"] == {"id": told["made"]["id"], "success": True, "errors": []}
    assert told["title"] == "Buyer"
    assert told["gone"]["success"] is True
    assert told["missing"]["errorCode"] in {"NOT_FOUND", "ENTITY_IS_DELETED"}


def test_it_upserts(answer):
    told = answer("upsert")
    assert told["first"]["created"] is True
    assert (told["second"]["created"], told["second"]["id"]) == (False, told["first"]["id"])


def test_it_understands_a_refused_record(answer):
    told = answer("createFails")
    assert told["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert told["message"] == "Required fields are missing: [LastName]"


def test_it_works_with_collections(answer):
    told = answer("collections")
    assert [one["success"] for one in told["made"]] == [True] * 3
    assert [one["success"] for one in told["updated"]] == [True] * 3
    assert (told["names"], told["titles"]) == (["One", "Two", "Three"], ["All"] * 3)
    assert [one["success"] for one in told["mixed"]] == [True, False]
    assert told["mixed"][1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [one["created"] for one in told["upserted"]] == [True, True]
    assert [one["success"] for one in told["gone"]] == [True] * 3


def test_it_queries_in_bulk(answer):
    told = answer("bulkQuery")
    assert told["rows"] >= 450
    assert told["columns"] == ["Id", "LastName"]
    assert answer("bulkQueryFails")["errorCode"] in {"INVALIDJOB", "API_ERROR", "INVALID_FIELD"}


def test_it_loads_in_bulk(answer):
    told = answer("bulkIngest")
    assert (told["found"], told["successful"], told["unprocessed"]) == (250, 250, 0)
    assert told["first"]["sf__Created"] == "true"
    assert told["first"]["sf__Id"].startswith("00Q")
    assert [one["sf__Error"].partition(":")[0] for one in told["failed"]] == ["REQUIRED_FIELD_MISSING"]


def test_it_speaks_the_older_bulk_api(answer):
    told = answer("bulkOne")
    assert [one["success"] for one in told["made"]] == [True, True]
    assert told["read"] == ["Old bulk 1", "Old bulk 2"]


def test_it_logs_in_by_soap(answer, org):
    told = answer("login")
    assert told["user"]["id"] == org.admin_id
    assert told["user"]["organizationId"] == org.org_id
    assert told["users"] == org.count("User")
    assert "INVALID_LOGIN" in answer("loginFails")["message"]


def test_it_renews_a_session(answer, org):
    assert answer("refresh") == {"asked": 1, "users": org.count("User")}


def test_it_reads_what_changed_and_what_went(answer):
    told = answer("replication")
    assert told["id"] in told["updated"]["ids"]
    assert told["id"] in told["deleted"]
    assert told["latest"]


def test_it_converts_a_lead(answer):
    told = answer("convert")
    assert told["accountId"].startswith("001")
    assert told["contactId"].startswith("003")
    assert told["opportunityId"].startswith("006")


def test_it_composes_requests(answer):
    made, read = answer("composite")["compositeResponse"]
    assert made["httpStatusCode"] == 201
    assert read["body"]["Name"] == "Composite"


def test_it_sees_the_limits(answer):
    told = answer("limits")
    assert told["told"]["Max"] > told["told"]["Remaining"] > 0
    assert told["info"]["apiUsage"]["limit"] == told["told"]["Max"]
