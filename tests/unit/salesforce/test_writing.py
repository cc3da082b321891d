"""Collections and Bulk ingest against the fake org, in fair weather and foul."""

from __future__ import annotations

import csv

import pytest

from sfsync.errors import LimitReached, OutcomeUnknown, RequestRefused, SalesforceError
from sfsync.fake import FakeOrg
from sfsync.fake import weather as bad
from sfsync.salesforce import connect
from sfsync.salesforce.bulk_ingest import BulkIngest
from sfsync.salesforce.collections import Collections
from sfsync.salesforce.query import query_pages
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.salesforce.write_options import WriteOptions

SOBJECTS = "/composite/sobjects"


@pytest.fixture
def fake():
    with FakeOrg.empty() as org:
        org.add_field("Lead", "Crm_Id__c", "string", external_id=True, unique=True, length=32)
        yield org


@pytest.fixture
def org(fake, waits):
    transport = Transport(fake.session(), policy=RetryPolicy(sleep=waits.append), env={})
    env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
    return connect(env=env, transport=transport)


def leads(count, **more):
    return [{"LastName": f"Lead {n}", "Company": "Acme", "Crm_Id__c": f"c{n}", **more} for n in range(count)]


def records(org):
    return [
        row for page in query_pages(org, "SELECT LastName, Company, Title, OwnerId FROM Lead") for row in page.records
    ]


def names(org):
    return sorted(row["LastName"] for row in records(org))


def test_created_records_are_answered_for_in_their_order(fake, org):
    rows = leads(3)
    rows[1]["Company"] = None
    answers = Collections(org).create("Lead", rows)
    assert [answer.done for answer in answers] == [True, False, True]
    assert answers[0].created
    assert (answers[1].code, answers[1].fields) == ("REQUIRED_FIELD_MISSING", ("Company",))
    assert names(org) == ["Lead 0", "Lead 2"]


def test_an_upsert_says_which_records_are_new(fake, org):
    Collections(org).create("Lead", leads(1))
    answers = Collections(org).upsert("Lead", "Crm_Id__c", leads(2, Company="Globex"))
    assert [answer.created for answer in answers] == [False, True]
    assert {row["Company"] for row in records(org)} == {"Globex"}


def test_updates_and_deletes_name_records_by_id(fake, org):
    ids = [answer.record_id for answer in Collections(org).create("Lead", leads(2))]
    assert Collections(org).update("Lead", [{"Id": ids[0], "Company": None}])[0].code == "REQUIRED_FIELD_MISSING"
    assert Collections(org).update("Lead", [{"Id": ids[0], "Title": "CFO"}])[0].done
    gone = Collections(org).delete([ids[1], ids[1]])
    assert gone[0].done
    assert not gone[1].done
    assert [row["Title"] for row in records(org)] == ["CFO"]


def test_more_than_two_hundred_records_are_refused_before_anything_is_sent(fake, org):
    before = len(fake.requests)
    with pytest.raises(ValueError, match="200"):
        Collections(org).create("Lead", leads(201))
    assert len(fake.requests) == before


def test_assignment_rules_stay_off_unless_asked_for(fake, org):
    owner = fake.add_user("rep@example.com")
    fake.add_assignment_rule("Lead", "LastName != null", owner)
    Collections(org).create("Lead", leads(1))
    Collections(org, WriteOptions(auto_assign=True)).create("Lead", [{"LastName": "Routed", "Company": "Acme"}])
    owners = {row["LastName"]: row["OwnerId"] for row in records(org)}
    assert owners["Lead 0"] == fake.admin_id
    assert owners["Routed"] == owner


def test_duplicates_are_saved_only_when_allowed(fake, org):
    fake.add_duplicate_rule("Lead", ["LastName"], action="alert")
    Collections(org).create("Lead", leads(1))
    twin = [{"LastName": "Lead 0", "Company": "Acme"}]
    assert Collections(org).create("Lead", twin)[0].code == "DUPLICATES_DETECTED"
    assert Collections(org, WriteOptions(duplicates="allow")).create("Lead", twin)[0].done


def test_a_write_whose_answer_is_lost_is_never_sent_again(fake, org):
    fake.weather.add(bad.Silence(after_work=True), path=SOBJECTS, times=1)
    with pytest.raises(OutcomeUnknown):
        Collections(org).create("Lead", leads(2))
    assert names(org) == ["Lead 0", "Lead 1"]
    assert sum(1 for call in fake.requests if call.path.endswith(SOBJECTS)) == 1


def test_a_write_that_was_certainly_not_done_is_sent_again(fake, org, waits):
    fake.weather.add(bad.TooManyRequests(), path=SOBJECTS, times=1)
    assert all(answer.done for answer in Collections(org).create("Lead", leads(2)))
    assert names(org) == ["Lead 0", "Lead 1"]
    assert waits


def test_a_limit_of_the_org_is_no_unknown_outcome(fake, org):
    fake.weather.add(bad.LimitExceeded(), path=SOBJECTS, times=1)
    with pytest.raises(LimitReached):
        Collections(org).create("Lead", leads(1))
    assert names(org) == []


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_bulk_ingest_tells_for_each_record_what_became_of_it(fake, org, tmp_path):
    rows = leads(300)
    rows[7]["LastName"] = 'odd\u2028, \n"name"'
    rows[9]["Company"] = "#N/A"
    job = BulkIngest.create(org, "upsert", "Lead", key_field="Crm_Id__c")
    job.upload(write_csv(tmp_path / "up.csv", rows))
    job.close()
    done = job.wait()
    assert (done.state, done.processed, done.failed) == ("JobComplete", 300, 1)
    results = job.results(tmp_path / "results")
    good, failed = read_csv(results.successful), read_csv(results.failed)
    assert len(good) == 299
    assert {row["sf__Created"] for row in good} == {"true"}
    assert [(row["Crm_Id__c"], row["sf__Error"].split(":")[0]) for row in failed] == [("c9", "REQUIRED_FIELD_MISSING")]
    assert read_csv(results.unprocessed) == []
    assert rows[7]["LastName"] in names(org)


def test_closing_a_job_survives_the_loss_of_the_answer(fake, org, tmp_path):
    job = BulkIngest.create(org, "insert", "Lead")
    job.upload(write_csv(tmp_path / "up.csv", leads(2)))
    fake.weather.add(bad.Silence(after_work=True), path=f"/jobs/ingest/{job.id}", times=1)
    job.close()
    assert job.wait().state == "JobComplete"
    assert names(org) == ["Lead 0", "Lead 1"]


def test_an_upload_that_is_lost_has_written_nothing(fake, org, tmp_path):
    job = BulkIngest.create(org, "insert", "Lead")
    fake.weather.add(bad.Silence(after_work=True), path="/batches", times=1)
    with pytest.raises(SalesforceError):
        job.upload(write_csv(tmp_path / "up.csv", leads(2)))
    job.abort()
    assert job.state().state == "Aborted"
    assert names(org) == []
    job.delete()
    job.delete()


def test_a_job_that_failed_half_way_tells_what_it_has_written(fake, org, tmp_path):
    fake.weather.add(bad.JobFailed(after_rows=200))
    job = BulkIngest.create(org, "insert", "Lead")
    job.upload(write_csv(tmp_path / "up.csv", leads(450)))
    job.close()
    assert job.wait().state == "Failed"
    results = job.results(tmp_path / "results")
    assert len(read_csv(results.successful)) == 200
    assert len(read_csv(results.unprocessed)) == 250
    assert len(names(org)) == 200


def test_a_file_that_is_too_large_is_refused_here(org, tmp_path):
    job = BulkIngest.create(org, "insert", "Lead")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(ValueError, match="100,000,001"):
        job.upload(tmp_path / "large.csv")


def test_a_job_for_an_object_that_is_not_there_is_refused(org):
    with pytest.raises(RequestRefused):
        BulkIngest.create(org, "insert", "Nothing")
