"""Bulk clients, unmodified, take the fake org for real: simple-salesforce's Bulk 2.0 and Bulk 1.0."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest, SalesforceOperationError

from sfsync.fake import FakeOrg
from sfsync.fake.bulk import Transition

AWKWARD = 'say "hi",\nthen; go|on\tnow'


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(leads=50) as org:
        org.add_field("Lead", "Ext__c", "string", external_id=True, unique=True)
        yield org


@pytest.fixture(params=["in process", "over TLS"])
def sf(org: FakeOrg, request: pytest.FixtureRequest) -> Iterator[Salesforce]:
    if request.param == "in process":
        yield Salesforce(session=org.session(), instance_url=org.instance_url, session_id=org.token)
        return
    with org.serve() as server, requests.Session() as session:
        session.trust_env = False
        session.verify = str(server.ca_file)
        yield Salesforce(instance=f"localhost:{server.port}", session_id=server.token, session=session)


def people(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"LastName": f"Loaded {number}", "Company": "Acme", **values} for number in range(count)]


def keyed(count: int) -> list[dict[str, Any]]:
    return [{"Ext__c": f"E-{number}", **person} for number, person in enumerate(people(count))]


def loaded(sf: Salesforce, condition: str = "LastName LIKE 'Loaded%'") -> list[dict[str, Any]]:
    answer = sf.query_all(f"SELECT Id, LastName, City, Description FROM Lead WHERE {condition} ORDER BY LastName")
    return list(answer["records"])


def the_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- Bulk 2.0 ------------------------------------------------------------------------------------------------------


def test_bulk2_inserts_and_hands_out_results(sf):
    records = [*people(3, City="Oslo"), {"LastName": "Nobody", "Company": "", "City": "Rome"}]
    [done] = sf.bulk2.Lead.insert(records=records, wait=0)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"], done["numberRecordsTotal"]) == (4, 1, 4)
    made = the_rows(sf.bulk2.Lead.get_successful_records(done["job_id"]))
    assert {row["sf__Id"] for row in made} == {record["Id"] for record in loaded(sf)}
    assert {row["sf__Created"] for row in made} == {"true"}
    [failed] = the_rows(sf.bulk2.Lead.get_failed_records(done["job_id"]))
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"
    assert failed["LastName"] == "Nobody"
    assert the_rows(sf.bulk2.Lead.get_unprocessed_records(done["job_id"])) == []
    everything = sf.bulk2.Lead.get_all_ingest_records(done["job_id"])
    assert {name: len(rows) for name, rows in everything.items()} == {
        "successfulRecords": 3,
        "failedRecords": 1,
        "unprocessedRecords": 0,
    }


def test_bulk2_results_can_be_downloaded_to_files(sf, tmp_path):
    [done] = sf.bulk2.Lead.insert(records=people(2), wait=0)
    sf.bulk2.Lead.get_successful_records(done["job_id"], file=str(tmp_path / "done.csv"))
    assert len(the_rows((tmp_path / "done.csv").read_text())) == 2


def test_bulk2_speaks_every_dialect(sf):
    for delimiter in ColumnDelimiter:
        for ending in LineEnding:
            records = people(2, Description=AWKWARD, City=f"{delimiter.value} {ending.value}")
            [done] = sf.bulk2.Lead.insert(records=records, column_delimiter=delimiter, line_ending=ending, wait=0)
            assert done["numberRecordsFailed"] == 0
    assert len(loaded(sf)) == 2 * 6 * 2
    assert {record["Description"] for record in loaded(sf)} == {AWKWARD}


def test_bulk2_updates_deletes_and_hard_deletes(org, sf):
    sf.bulk2.Lead.insert(records=people(3), wait=0)
    ids = [record["Id"] for record in loaded(sf)]
    sf.bulk2.Lead.update(records=[{"Id": one, "City": "Oslo"} for one in ids], wait=0)
    assert {record["City"] for record in loaded(sf)} == {"Oslo"}
    [gone] = sf.bulk2.Lead.delete(records=[{"Id": ids[0]}], wait=0)
    assert gone["numberRecordsFailed"] == 0
    assert org.record("Lead", ids[0])["IsDeleted"] is True
    sf.bulk2.Lead.hard_delete(records=[{"Id": ids[1]}], wait=0)
    assert org.record("Lead", ids[1]) is None
    assert [record["Id"] for record in loaded(sf)] == ids[2:]


def test_bulk2_upserts_from_a_file_in_parts_side_by_side(sf, tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text("Ext__c,LastName,Company\n" + "".join(f"E-{n},Loaded {n},Acme\n" for n in range(25)))
    created = sf.bulk2.Lead.upsert(csv_file=str(path), external_id_field="Ext__c", batch_size=10, wait=0)
    assert [part["numberRecordsProcessed"] for part in created] == [10, 10, 5]
    again = sf.bulk2.Lead.insert(csv_file=str(path), batch_size=10, concurrency=3, wait=0)
    assert sum(part["numberRecordsFailed"] for part in again) == 25
    assert len(loaded(sf)) == 25


def test_bulk2_waits_for_a_job_and_tells_its_failure(org, sf):
    org.bulk.settings.transition = Transition(polls=2)
    [done] = sf.bulk2.Lead.insert(records=people(1), wait=0)
    assert done["numberRecordsProcessed"] == 1
    org.bulk.settings.transition = Transition()
    with pytest.raises(SalesforceOperationError, match="InvalidBatch : Field name not found : Nope__c"):
        sf.bulk2.Lead.insert(records=people(1, Nope__c="x"), wait=0)


def test_bulk2_aborts_and_deletes_jobs(org, sf):
    client = sf.bulk2.Lead._client
    job = client.create_job("insert")
    assert client.abort_job(job["id"], is_query=False)["state"] == "Aborted"
    with pytest.raises(ValueError, match="Expecting value"):  # it reads JSON out of an answer without a body
        client.delete_job(job["id"], is_query=False)
    assert list(org.bulk.ingest) == []


def test_bulk2_queries_deleted_records_and_pages(sf, tmp_path):
    live = sf.query("SELECT COUNT() FROM Lead")["totalSize"]
    pages = list(sf.bulk2.Lead.query("SELECT Id FROM Lead", max_records=15, wait=0))
    assert sum(len(the_rows(page)) for page in pages) == live
    everything = list(sf.bulk2.Lead.query_all("SELECT Id FROM Lead", wait=0))
    assert sum(len(the_rows(page)) for page in everything) > live
    files = sf.bulk2.Lead.download("SELECT Id FROM Lead", path=str(tmp_path), max_records=15, wait=0)
    assert sum(part["number_of_records"] for part in files) == live


# --- Bulk 1.0 ------------------------------------------------------------------------------------------------------


def test_bulk1_inserts_in_batches_and_tells_every_record(org, sf):
    records = [*people(5), {"LastName": "Nobody"}]
    outcomes = sf.bulk.Lead.insert(records, batch_size=4)
    assert [outcome["success"] for outcome in outcomes] == [True] * 5 + [False]
    assert [record["Id"] for record in loaded(sf)] == [outcome["id"] for outcome in outcomes[:5]]
    assert outcomes[5] == {
        "success": False,
        "created": False,
        "id": None,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Company]",
                "fields": ["Company"],
            }
        ],
    }
    [job] = org.bulk.classic
    assert (len(job.batches), job.state) == (2, "Closed")


def test_bulk1_updates_upserts_and_deletes(org, sf):
    sf.bulk.Lead.upsert(keyed(3), "Ext__c", batch_size="auto")
    outcomes = sf.bulk.Lead.upsert(keyed(3), "Ext__c")
    assert [outcome["created"] for outcome in outcomes] == [False, False, False]
    ids = [outcome["id"] for outcome in outcomes]
    sf.bulk.submit_dml("Lead", "update", [{"Id": one, "City": "Oslo", "Company": "New"} for one in ids])
    assert {record["City"] for record in loaded(sf)} == {"Oslo"}
    sf.bulk.Lead.delete([{"Id": ids[0]}])
    sf.bulk.Lead.hard_delete([{"Id": ids[1]}])
    assert org.record("Lead", ids[0])["IsDeleted"] is True
    assert org.record("Lead", ids[1]) is None
    assert len(loaded(sf)) == 1


def test_bulk1_gives_back_requests_beside_results(sf):
    outcomes = sf.bulk.Lead.insert(people(2, City="Oslo"), use_serial=True, include_detailed_results=True)
    assert [(outcome["success"], outcome["City"]) for outcome in outcomes] == [(True, "Oslo")] * 2


def test_bulk1_queries_as_rest_does(sf):
    soql = "SELECT Id, Name, CreatedDate, AnnualRevenue, IsConverted, Owner.Name FROM Lead"
    rest = {record["Id"]: record for record in sf.query_all(soql)["records"]}
    bulk = sf.bulk.Lead.query(soql)
    assert len(bulk) == len(rest)
    for record in bulk:
        expected = rest[record["Id"]]
        moment = datetime.strptime(expected["CreatedDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert datetime.fromtimestamp(record["CreatedDate"] / 1000, UTC) == moment
        for name in ("Name", "AnnualRevenue", "IsConverted"):
            assert record[name] == expected[name]
        assert record["Owner"]["Name"] == expected["Owner"]["Name"]
    assert len(sf.bulk.Lead.query_all("SELECT Id FROM Lead")) > len(rest)
    assert [len(part) for part in sf.bulk.Lead.query("SELECT Id FROM Lead", lazy_operation=True)] == [len(rest)]


def test_bulk1_tells_what_is_wrong(org, sf):
    with pytest.raises(SalesforceGeneralError, match="InvalidBatch : Failed to process query: INVALID_FIELD"):
        sf.bulk.Lead.query("SELECT Nope FROM Lead")
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.bulk.Nothing__c.query("SELECT Id FROM Nothing__c")
    assert refused.value.content["exceptionCode"] == "InvalidJob"
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.bulk.Lead.insert(people(1, Nope__c="x"))
    assert refused.value.content == {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}
    org.access.revoke_all()
    with pytest.raises(SalesforceMalformedRequest) as expired:
        sf.bulk.Lead.query("SELECT Id FROM Lead")
    assert expired.value.content["exceptionCode"] == "InvalidSessionId"
