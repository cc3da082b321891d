from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest

from sfsync.fake.bulk import Transition

DATA = "/services/data/v60.0"
JOBS = f"{DATA}/jobs/ingest"
TWO = "LastName,Company\nAnt,Acme\nBee,Acme\n"


def test_a_new_job_waits_for_its_data(org, client):
    response = client("POST", JOBS, json={"operation": "insert", "object": "lead"})
    job = response.json()
    assert response.status_code == 200
    assert list(job) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode",
        "contentType", "apiVersion", "contentUrl", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert job["id"].startswith("750")
    assert (job["state"], job["object"], job["apiVersion"]) == ("Open", "Lead", 60.0)
    assert job["contentUrl"] == f"services/data/v60.0/jobs/ingest/{job['id']}/batches"
    assert job["createdById"] == org.admin_id


def test_a_finished_job_tells_its_counts(ingest):
    job = ingest("LastName,Company\nAnt,Acme\nBee,\n")
    assert (job["state"], job["jobType"]) == ("JobComplete", "V2Ingest")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"], job["retries"]) == (2, 1, 0)
    assert (job["apexProcessingTime"], job["concurrencyMode"]) == (0, "Parallel")
    assert job["totalProcessingTime"] >= 0
    assert "contentUrl" not in job
    assert "errorMessage" not in job


def test_records_are_there_once_the_job_is_closed(client, ingest):
    job = ingest.open()
    upload = ingest.put(job, TWO)
    assert (upload.status_code, upload.content) == (201, b"")
    assert client.rows("SELECT LastName FROM Lead") == []
    assert ingest.close(job).json()["state"] == "UploadComplete"
    assert [row["LastName"] for row in client.rows("SELECT LastName FROM Lead ORDER BY LastName")] == ["Ant", "Bee"]


def test_results_give_back_the_rows_behind_their_own_columns(org, ingest):
    job = ingest("LastName,Company\nAnt,Acme\nBee,\n")["id"]
    [made] = [row["sf__Id"] for row in ingest.rows(job, "successfulResults")]
    assert ingest.text(job, "successfulResults") == (
        f'"sf__Id","sf__Created",LastName,Company\n"{made}","true","Ant","Acme"\n'
    )
    assert ingest.text(job, "failedResults") == (
        '"sf__Id","sf__Error",LastName,Company\n'
        '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --","Bee",""\n'
    )
    assert ingest.text(job, "unprocessedrecords") == "LastName,Company\n"
    assert org.record("Lead", made)["LastName"] == "Ant"


@pytest.mark.parametrize("path", ["unprocessedrecords", "unprocessedRecords", "unprocessedrecords/"])
def test_unprocessed_records_answer_to_every_spelling(ingest, path):
    assert ingest.text(ingest(TWO)["id"], path) == "LastName,Company\n"


def test_the_header_comes_back_as_it_was_spelled(ingest):
    job = ingest('"lastname",COMPANY\nAnt,Acme\n')
    assert job["state"] == "JobComplete"
    assert ingest.text(job["id"], "successfulResults").startswith('"sf__Id","sf__Created","lastname",COMPANY\n')


def test_update_finds_records_by_id(org, ingest, leads):
    job = ingest(f"Id,City\n{leads[0]},Oslo\n{leads[1][:15]},Rome\n", "update")
    assert job["numberRecordsFailed"] == 0
    assert [org.record("Lead", one)["City"] for one in leads[:3]] == ["Oslo", "Rome", None]
    assert {row["sf__Created"] for row in ingest.rows(job["id"], "successfulResults")} == {"false"}


def test_a_failed_update_names_its_record_from_version_53_on(client, ingest, leads):
    data = f"Id,LastName\n{leads[0]},#N/A\n"
    job = ingest(data, "update")["id"]
    [row] = ingest.rows(job, "failedResults")
    assert row["sf__Id"] == leads[0]
    assert row["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    old = "/services/data/v52.0/jobs/ingest"
    job = client("POST", old, json={"operation": "update", "object": "Lead"}).json()["id"]
    client("PUT", f"{old}/{job}/batches", data=data, headers={"Content-Type": "text/csv"})
    client("PATCH", f"{old}/{job}", json={"state": "UploadComplete"})
    client.get(f"{old}/{job}")
    assert ingest.rows(job, "failedResults")[0]["sf__Id"] == ""


def test_upsert_makes_what_is_missing(org, ingest):
    org.add_field("Lead", "Ext__c", "string", external_id=True, unique=True)
    job = ingest("Ext__c,LastName,Company\nA,Ant,Acme\nB,Bee,Acme\n", "upsert", externalIdFieldName="ext__C")
    assert job["externalIdFieldName"] == "Ext__c"
    assert [row["sf__Created"] for row in ingest.rows(job["id"], "successfulResults")] == ["true", "true"]
    job = ingest("Ext__c,LastName,Company\nB,Bumblebee,Acme\nC,Cat,Acme\n", "upsert", externalIdFieldName="Ext__c")
    assert [row["sf__Created"] for row in ingest.rows(job["id"], "successfulResults")] == ["false", "true"]
    assert org.count("Lead") == 3


def test_upsert_needs_an_external_id(org, client):
    def refused(**properties):
        response = client("POST", JOBS, json={"operation": "upsert", "object": "Lead", **properties})
        assert response.status_code == 400
        return response.json()[0]

    assert refused()["errorCode"] == "INVALIDJOB"
    assert "External ID was blank for Lead" in refused()["message"]
    assert "does not match an External ID" in refused(externalIdFieldName="City")["message"]
    assert "does not match an External ID" in refused(externalIdFieldName="Nope__c")["message"]


def test_an_external_id_twice_is_made_and_then_changed_when_the_rows_lie_far_apart(org, ingest):
    org.add_field("Lead", "Ext__c", "string", external_id=True, unique=True)
    rows = "".join(f"E{number % 200},Last {number},Acme\n" for number in range(400))
    job = ingest(f"Ext__c,LastName,Company\n{rows}", "upsert", externalIdFieldName="Ext__c")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (400, 0)
    created = [row["sf__Created"] for row in ingest.rows(job["id"], "successfulResults")]
    assert created == ["true"] * 200 + ["false"] * 200
    assert org.count("Lead") == 200


def test_delete_takes_ids_alone(org, ingest, leads):
    job = ingest(f"Id\n{leads[0]}\n", "delete")
    assert job["numberRecordsFailed"] == 0
    assert org.record("Lead", leads[0])["IsDeleted"] is True
    refused = ingest(f"Id,LastName\n{leads[1]},x\n", "delete")
    assert (refused["state"], refused["numberRecordsProcessed"]) == ("Failed", 0)
    assert refused["errorMessage"] == "InvalidBatch : The 'delete' batch must contain only ids"


def test_a_record_of_another_object_is_not_deleted(org, ingest, leads):
    [account] = org.insert("Account", [{"Name": "Acme"}])
    job = ingest(f"Id\n{account}\n{leads[0]}\nnonsense\n\n", "delete")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 2)
    errors = [row["sf__Error"] for row in ingest.rows(job["id"], "failedResults")]
    assert errors[0] == f"MALFORMED_ID:Lead ID: id value of incorrect type: {account[:15]}:Id --"
    assert org.record("Account", account)["IsDeleted"] is False


def test_hard_delete_leaves_nothing(org, ingest, leads):
    job = ingest(f"Id\n{leads[0]}\n", "hardDelete")
    assert job["numberRecordsFailed"] == 0
    assert org.record("Lead", leads[0]) is None


def test_hard_delete_needs_a_permission(org, client):
    org.bulk.settings.hard_delete = False
    response = client("POST", JOBS, json={"operation": "hardDelete", "object": "Lead"})
    assert response.status_code == 400
    assert response.json() == [
        {
            "message": "hardDelete operation requires special user profile permission, please contact your system"
            " administrator",
            "errorCode": "FEATURENOTENABLED",
        }
    ]


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        ({"object": "Lead"}, "operation must be one of"),
        ({"operation": "merge", "object": "Lead"}, "operation must be one of"),
        ({"operation": [], "object": "Lead"}, "operation must be one of"),
        ({"operation": "insert"}, "object is required"),
        ({"operation": "insert", "object": {}}, "object is required"),
        ({"operation": "insert", "object": "Nothing__c"}, "Unable to find object: Nothing__c"),
        ({"operation": "insert", "object": "Lead", "contentType": "XML"}, "contentType must be CSV"),
        ({"operation": "insert", "object": "Lead", "columnDelimiter": "SPACE"}, "columnDelimiter"),
        ({"operation": "insert", "object": "Lead", "columnDelimiter": []}, "columnDelimiter"),
        ({"operation": "insert", "object": "Lead", "lineEnding": "CR"}, "lineEnding"),
        ({"operation": "insert", "object": "Lead", "assignmentRuleId": "rule"}, "Invalid assignment rule id"),
    ],
)
def test_impossible_jobs_are_refused(client, request_body, message):
    response = client("POST", JOBS, json=request_body)
    assert response.status_code == 400
    assert response.json()[0]["errorCode"] == "INVALIDJOB"
    assert message in response.json()[0]["message"]


def test_a_hidden_object_is_not_found(org, client):
    org.hide("Campaign")
    response = client("POST", JOBS, json={"operation": "insert", "object": "Campaign"})
    assert response.json()[0]["message"] == "Unable to find object: Campaign"


def test_data_is_taken_once(ingest):
    job = ingest.open()
    ingest.put(job, TWO)
    again = ingest.put(job, TWO)
    assert again.status_code == 400
    assert again.json() == [
        {
            "message": f"Found multiple contents for job: <{job[:15]}>, please 'Close' / 'Abort' / 'Delete' the current"
            " Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
            "errorCode": "INVALIDJOB",
        }
    ]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate"])
def test_compressed_uploads_are_read(client, ingest, encoding):
    job = ingest.open()
    assert ingest.put(job, gzip.compress(TWO.encode()), Content_Encoding=encoding).status_code == 201
    ingest.close(job)
    assert ingest.job(job)["numberRecordsProcessed"] == 2


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [(b"not gzip", "gzip", 400), (gzip.compress(b"x" * 5000, mtime=0)[:-9], "gzip", 400), (b"x", "br", 415)],
)
def test_badly_compressed_uploads_are_refused(ingest, body, encoding, status):
    job = ingest.open()
    assert ingest.put(job, body, Content_Encoding=encoding).status_code == status
    assert ingest.put(job, TWO).status_code == 201


def test_an_upload_has_a_limit_also_when_compressed(org, ingest):
    org.bulk.settings.upload_limit = 1000
    job = ingest.open()
    assert ingest.put(job, "x" * 1001).status_code == 413
    assert ingest.put(job, gzip.compress(b"x" * 1001), Content_Encoding="gzip").status_code == 413


def test_a_job_without_data_is_not_closed(ingest):
    response = ingest.close(ingest.open())
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_a_closed_job_takes_no_data_and_is_not_closed_again(ingest):
    job = ingest.open()
    ingest.put(job, TWO)
    ingest.close(job)
    assert ingest.put(job, TWO).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert ingest.close(job).json()[0]["errorCode"] == "INVALIDJOBSTATE"


def test_results_come_only_at_the_end(client, ingest):
    job = ingest.open()
    response = client.get(f"{JOBS}/{job}/successfulResults")
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_an_aborted_job_leaves_everything_unprocessed(org, client, ingest):
    job = ingest.open()
    ingest.put(job, TWO)
    aborted = client("PATCH", f"{JOBS}/{job}", json={"state": "Aborted"})
    assert aborted.json()["state"] == "Aborted"
    assert ingest.text(job, "unprocessedrecords") == TWO
    assert ingest.text(job, "successfulResults") == '"sf__Id","sf__Created",LastName,Company\n'
    assert org.count("Lead") == 0
    assert client("PATCH", f"{JOBS}/{job}", json={"state": "Aborted"}).status_code == 400


def test_a_job_aborted_without_data_has_no_results(client, ingest):
    job = ingest.open()
    client("PATCH", f"{JOBS}/{job}", json={"state": "Aborted"})
    assert [ingest.text(job, kind) for kind in ("successfulResults", "failedResults", "unprocessedrecords")] == [""] * 3


def test_a_job_has_two_states_to_be_moved_to(client, ingest):
    job = ingest.open()
    for state in ("JobComplete", None, []):
        response = client("PATCH", f"{JOBS}/{job}", json={"state": state})
        assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALIDJOB")


def test_only_jobs_at_rest_are_deleted(client, ingest):
    waiting, done = ingest.open(), ingest(TWO)["id"]
    assert client("DELETE", f"{JOBS}/{waiting}").status_code == 400
    assert client("DELETE", f"{JOBS}/{done}").status_code == 204
    assert client.get(f"{JOBS}/{done}").status_code == 404
    assert client.get(f"{JOBS}/{done}/failedResults").status_code == 404


@pytest.mark.parametrize("job", ["undefined", "750Fk0000000000", "00QFk0000000001MAA", "%00"])
def test_unknown_jobs_are_404(client, job):
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/failedResults"), ("PUT", "/batches")]:
        response = client(method, f"{JOBS}/{job}{path}")
        assert (response.status_code, response.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_jobs_are_listed_and_filtered(client, ingest):
    first, second = ingest.open(), ingest(TWO)["id"]
    client.bulk("SELECT Id FROM Lead")
    listed = client.get(JOBS).json()
    assert listed["done"] is True
    assert listed["nextRecordsUrl"] is None
    assert {job["id"] for job in listed["records"]} == {first, second}
    assert client.get(JOBS, params={"jobType": "Classic"}).json()["records"] == []
    assert len(client.get(JOBS, params={"jobType": "V2Ingest"}).json()["records"]) == 2
    assert client.get(JOBS, params={"queryLocator": "x"}).status_code == 400


def test_a_multipart_request_brings_the_data_along(client, ingest):
    parts = {
        "job": (None, json.dumps({"operation": "insert", "object": "Lead"}), "application/json"),
        "content": ("content", TWO, "text/csv"),
    }
    response = client("POST", JOBS, files=parts)
    assert response.status_code == 200, response.text
    assert response.json()["state"] == "UploadComplete"
    assert ingest.job(response.json()["id"])["numberRecordsProcessed"] == 2


@pytest.mark.parametrize(
    "parts",
    [
        {"job": (None, "{}", "application/json")},
        {"job": (None, "{", "application/json"), "content": ("content", TWO, "text/csv")},
        {"job": (None, "[]", "application/json"), "content": ("content", TWO, "text/csv")},
        {"content": ("content", TWO, "text/csv")},
    ],
)
def test_incomplete_multipart_requests_are_refused(client, parts):
    assert client("POST", JOBS, files=parts).status_code == 400


def test_a_multipart_request_is_short(client):
    parts = {
        "job": (None, json.dumps({"operation": "insert", "object": "Lead"}), "application/json"),
        "content": ("content", "x" * 100_001, "text/csv"),
    }
    assert client("POST", JOBS, files=parts).status_code == 413


def test_a_job_takes_its_time(org, ingest):
    org.bulk.settings.transition = Transition(polls=2)
    job = ingest.open()
    ingest.put(job, TWO)
    ingest.close(job)
    assert [ingest.job(job)["state"] for _ in range(3)] == ["InProgress", "InProgress", "JobComplete"]
    assert org.count("Lead") == 2


def test_a_job_takes_the_orgs_time(org, ingest):
    org.clock.freeze()
    org.bulk.settings.transition = Transition(seconds=60)
    job = ingest.open()
    org.clock.advance(timedelta(hours=1))
    ingest.put(job, TWO)
    ingest.close(job)
    assert ingest.job(job)["state"] == "InProgress"
    org.clock.advance(timedelta(seconds=61))
    assert ingest.job(job)["state"] == "JobComplete"


def test_a_stuck_job_never_ends_and_writes_nothing(org, client, ingest):
    org.bulk.settings.transition = Transition(stuck=True)
    job = ingest.open()
    ingest.put(job, TWO)
    ingest.close(job)
    assert {ingest.job(job)["state"] for _ in range(5)} == {"InProgress"}
    assert org.count("Lead") == 0
    assert client("PATCH", f"{JOBS}/{job}", json={"state": "Aborted"}).status_code == 200


def test_a_job_fails_without_having_done_anything(org, ingest):
    org.bulk.settings.transition = Transition(error="InternalServerError : Something went wrong")
    job = ingest(TWO)
    assert (job["state"], job["errorMessage"]) == ("Failed", "InternalServerError : Something went wrong")
    assert (job["numberRecordsProcessed"], org.count("Lead")) == (0, 0)
    assert ingest.text(job["id"], "unprocessedrecords") == TWO
    assert ingest.text(job["id"], "failedResults") == '"sf__Id","sf__Error",LastName,Company\n'


@pytest.mark.parametrize("message", [None, "InternalServerError : Retried more than twenty times"])
def test_a_failed_job_may_have_written_some_rows(org, ingest, message):
    org.bulk.settings.fail_after = 3
    org.bulk.settings.transition = Transition(error=message)
    org.bulk.settings.batch = 2
    job = ingest("LastName,Company\n" + "".join(f"Lead {number},Acme\n" for number in range(5)))
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 3)
    assert job["errorMessage"] == (message or "TooManyLockFailure : Too many lock failure (200) Trying again later.")
    assert org.count("Lead") == 3
    assert [row["LastName"] for row in ingest.rows(job["id"], "successfulResults")] == ["Lead 0", "Lead 1", "Lead 2"]
    assert [row["LastName"] for row in ingest.rows(job["id"], "unprocessedrecords")] == ["Lead 3", "Lead 4"]


def test_a_job_shorter_than_its_failure_completes(org, ingest):
    org.bulk.settings.fail_after = 3
    assert ingest(TWO)["state"] == "JobComplete"


def test_results_come_in_another_order_when_told_to(org, ingest):
    org.bulk.settings.shuffled = True
    names = [f"Lead {number}" for number in range(50)]
    job = ingest("LastName,Company\n" + "".join(f"{name},Acme\n" for name in names))["id"]
    got = [row["LastName"] for row in ingest.rows(job, "successfulResults")]
    assert got != names
    assert sorted(got) == sorted(names)


def test_assignment_rules_fire_only_where_the_job_names_one(org, client, ingest):
    owner = org.add_user("sales@example.com")
    org.add_assignment_rule("Lead", "City = 'Oslo'", owner)
    data = "LastName,Company,City\nAnt,Acme,Oslo\n"
    ingest(data)
    assert client.rows("SELECT OwnerId FROM Lead") == [{"OwnerId": org.admin_id}]
    job = ingest(data, assignmentRuleId="01QFk0000000001MAA")
    assert job["assignmentRuleId"] == "01QFk0000000001MAA"
    assert len(client.rows(f"SELECT Id FROM Lead WHERE OwnerId = '{owner}'")) == 1


def test_batches_count_towards_the_daily_allocation(org, client, ingest):
    org.bulk.settings.batch = 1
    ingest(TWO)
    assert client.get(f"{DATA}/limits").json()["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_998}


def test_a_field_of_more_than_32000_characters_fails_its_row_alone(org, ingest):
    org.add_field("Lead", "Notes__c", "textarea", label="Notes", length=131_072)
    fitting, too_long = "x" * 32_000, "x" * 32_001
    job = ingest(f"LastName,Company,Notes__c\nAnt,Acme,{too_long}\nBee,Acme,{fitting}\n")
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    [failed] = ingest.rows(job["id"], "failedResults")
    assert failed["LastName"] == "Ant"
    assert failed["sf__Error"] == (
        f"STRING_TOO_LONG:Notes: data value too large: {too_long} (max length=32000):Notes__c --"
    )
    [done] = ingest.rows(job["id"], "successfulResults")
    assert done["LastName"] == "Bee"
    [lead] = org.insert("Lead", [{"LastName": "Cat", "Company": "Acme", "Notes__c": too_long}])
    assert org.record("Lead", lead)["Notes__c"] == too_long, "other APIs take it"


def test_a_record_of_more_than_400000_characters_fails_alone(org, ingest):
    names = [f"Long{number}__c" for number in range(13)]
    for name in names:
        org.add_field("Lead", name, "textarea", length=131_072)
    full = ",".join(["x" * 31_000] * 13)
    job = ingest(f"LastName,Company,{','.join(names)}\nAnt,Acme,{full}\nBee,Acme{',' * 13}\n")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    [failed] = ingest.rows(job["id"], "failedResults")
    assert failed["sf__Error"] == "LIMIT_EXCEEDED:Record exceeds the maximum of 400000 characters: 403007:--"


def test_refused_rows_keep_their_place_among_the_others(org, ingest):
    org.add_field("Lead", "Notes__c", "textarea", length=131_072)
    long = "x" * 32_001
    rows = [f"L{number},Acme,{long if number % 2 else ''}" for number in range(6)]
    job = ingest("LastName,Company,Notes__c\n" + "\n".join(rows) + "\n")["id"]
    assert [row["LastName"] for row in ingest.rows(job, "failedResults")] == ["L1", "L3", "L5"]
    assert [row["LastName"] for row in ingest.rows(job, "successfulResults")] == ["L0", "L2", "L4"]
