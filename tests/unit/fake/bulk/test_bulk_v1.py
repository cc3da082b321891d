from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.bulk import Transition

ASYNC = "/services/async/60.0/job"
SPACE = "{http://www.force.com/2009/06/asyncapi/dataload}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TYPES = {"CSV": "text/csv; charset=UTF-8", "XML": "application/xml; charset=UTF-8", "JSON": "application/json"}


class Classic:
    """A client of Bulk API 1.0 that speaks XML or JSON about jobs."""

    def __init__(self, org: FakeOrg, *, speaks: str) -> None:
        self.org = org
        self.speaks = speaks
        self.session = org.session()
        self.session.headers["X-SFDC-Session"] = org.token

    def __call__(self, method, path, body=None, kind=None, **headers):
        if kind is not None:
            headers["Content-Type"] = kind
        return self.session.request(method, self.org.instance_url + ASYNC + path, data=body, headers=headers)

    def job(self, path="", **properties):
        if self.speaks == "JSON":
            return self("POST", path, json.dumps(properties), "application/json; charset=UTF-8").json()
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in properties.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="{SPACE[1:-1]}">{inner}</jobInfo>'
        return told(self("POST", path, body, "application/xml; charset=UTF-8"))

    def open(self, operation, content_type="CSV", object_name="Lead", **properties):
        job = self.job(operation=operation, object=object_name, contentType=content_type, **properties)
        assert job["state"] == "Open", job
        return job["id"]

    def batch(self, job, data, content_type="CSV", **headers):
        response = self("POST", f"/{job}/batch", data, TYPES[content_type], **headers)
        assert response.status_code == 201, response.text
        return told(response)["id"]

    def run(self, operation, data, content_type="CSV", **properties):
        job = self.open(operation, content_type, **properties)
        batch = self.batch(job, data, content_type)
        return job, batch, told(self("GET", f"/{job}/batch/{batch}"))

    def result(self, job, batch):
        response = self("GET", f"/{job}/batch/{batch}/result")
        assert response.status_code == 200, response.text
        return response

    def records(self, soql, content_type="CSV", **properties):
        job, batch, _ = self.run("query", soql, content_type, **properties)
        [result] = results_of(self.result(job, batch))
        return self("GET", f"/{job}/batch/{batch}/result/{result}")


def told(response):
    """A flat answer, whatever it is written in."""
    if response.headers["Content-Type"] == "application/json":
        return response.json()
    assert response.headers["Content-Type"] == "application/xml"
    return {child.tag.removeprefix(SPACE): child.text for child in ET.fromstring(response.content)}


def results_of(response):
    if response.headers["Content-Type"] == "application/json":
        return response.json()
    return [child.text for child in ET.fromstring(response.content)]


@pytest.fixture(params=["XML", "JSON"])
def classic(request, org):
    return Classic(org, speaks=request.param)


@pytest.fixture
def xml(org):
    return Classic(org, speaks="XML")


def test_a_new_job_tells_everything(org, classic):
    job = classic.job(operation="upsert", object="lead", contentType="CSV", externalIdFieldName="Email")
    assert job["id"].startswith("750")
    assert (job["state"], job["object"], job["operation"]) == ("Open", "Lead", "upsert")
    assert (job["concurrencyMode"], job["contentType"], job["externalIdFieldName"]) == ("Parallel", "CSV", "Email")
    assert (str(job["apiVersion"]), str(job["numberBatchesTotal"]), job["createdById"]) == ("60.0", "0", org.admin_id)
    assert job["createdDate"].endswith(".000+0000" if classic.speaks == "JSON" else ".000Z")


def test_json_jobs_have_the_keys_of_the_guide_in_order(org):
    job = Classic(org, speaks="JSON").job(operation="insert", object="Lead", contentType="JSON", concurrencyMode=1)
    assert list(job) == [
        "apexProcessingTime", "apiActiveProcessingTime", "apiVersion", "assignmentRuleId", "concurrencyMode",
        "contentType", "createdById", "createdDate", "externalIdFieldName", "fastPathEnabled", "id",
        "numberBatchesCompleted", "numberBatchesFailed", "numberBatchesInProgress", "numberBatchesQueued",
        "numberBatchesTotal", "numberRecordsFailed", "numberRecordsProcessed", "numberRetries", "object", "operation",
        "state", "systemModstamp", "totalProcessingTime",
    ]  # fmt: skip
    assert (job["concurrencyMode"], job["assignmentRuleId"]) == ("Serial", None)


def test_csv_is_loaded(org, classic):
    job, batch, info = classic.run("insert", "LastName,Company\nAnt,Acme\nBee,\n")
    assert (info["state"], str(info["numberRecordsProcessed"]), str(info["numberRecordsFailed"])) == (
        "Completed", "2", "1",
    )  # fmt: skip
    response = classic.result(job, batch)
    assert response.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(response.text)))
    made = rows[1][0]
    assert rows == [
        ["Id", "Success", "Created", "Error"],
        [made, "true", "true", ""],
        ["", "false", "false", "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"],
    ]
    assert response.text.startswith('"Id","Success","Created","Error"\n')
    assert org.record("Lead", made)["LastName"] == "Ant"


def test_json_is_loaded(org, classic):
    rows = [
        {"LastName": "Ant", "Company": "Acme", "AnnualRevenue": 5.0, "attributes": {"type": "Lead"}},
        {"LastName": "Bee"},
    ]
    job, batch, info = classic.run("insert", json.dumps(rows), "JSON")
    assert info["state"] == "Completed"
    first, second = classic.result(job, batch).json()
    assert list(first) == ["success", "created", "id", "errors"]
    assert org.record("Lead", first["id"])["AnnualRevenue"] == 5.0
    assert second == {
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


def test_xml_is_loaded(org, classic):
    data = (
        f'<?xml version="1.0" encoding="UTF-8"?><sObjects xmlns="{SPACE[1:-1]}" xmlns:xsi="{XSI[1:-1]}">'
        "<sObject><LastName>Ant &amp; Sons</LastName><Company>Acme</Company><City/></sObject>"
        '<sObject><LastName>Bee</LastName><Company xsi:nil="true"/></sObject></sObjects>'
    )
    job, batch, info = classic.run("insert", data, "XML")
    assert info["state"] == "Completed"
    root = ET.fromstring(classic.result(job, batch).content)
    assert root.tag == f"{SPACE}results"
    done, failed = root
    assert [child.tag.removeprefix(SPACE) for child in done] == ["id", "success", "created"]
    assert org.record("Lead", done[0].text)["LastName"] == "Ant & Sons"
    [errors] = failed.findall(f"{SPACE}errors")
    assert [child.text for child in errors] == [
        "Company", "Required fields are missing: [Company]", "REQUIRED_FIELD_MISSING",
    ]  # fmt: skip
    assert failed.find(f"{SPACE}success").text == "false"


@pytest.mark.parametrize("content_type", ["CSV", "JSON", "XML"])
def test_parents_are_named_by_external_id_in_every_format(org, xml, content_type):
    org.add_field("Account", "Ext__c", "string", external_id=True, unique=True)
    [account] = org.insert("Account", [{"Name": "Acme", "Ext__c": "A-1"}])
    data = {
        "CSV": "Name,StageName,CloseDate,Account.Ext__c\nOne,Prospecting,2026-05-01,A-1\n",
        "JSON": json.dumps(
            [{"Name": "One", "StageName": "Prospecting", "CloseDate": "2026-05-01", "Account": {"Ext__c": "A-1"}}]
        ),
        "XML": "<sObjects><sObject><Name>One</Name><StageName>Prospecting</StageName><CloseDate>2026-05-01</CloseDate>"
        "<Account><sObject><Ext__c>A-1</Ext__c></sObject></Account></sObject></sObjects>",
    }[content_type]
    _, _, info = xml.run("insert", data, content_type, object_name="Opportunity")
    assert (str(info["numberRecordsFailed"]), info["state"]) == ("0", "Completed")
    with org.database.reading() as cursor:
        assert cursor.execute('SELECT "AccountId" FROM "Opportunity"').fetchall() == [(account,)]


@pytest.mark.parametrize("content_type", ["JSON", "XML"])
def test_polymorphic_parents_tell_their_object(org, xml, content_type):
    owner = org.add_user("Sales", Email="sales@example.com")
    data = {
        "JSON": json.dumps(
            [{"LastName": "A", "Company": "B", "Owner": {"attributes": {"type": "User"}, "Email": "sales@example.com"}}]
        ),
        "XML": "<sObjects><sObject><LastName>A</LastName><Company>B</Company><Owner><sObject><type>User</type>"
        "<Email>sales@example.com</Email></sObject></Owner></sObject></sObjects>",
    }[content_type]
    _, _, info = xml.run("insert", data, content_type)
    assert str(info["numberRecordsFailed"]) == "0", info
    with org.database.reading() as cursor:
        assert cursor.execute('SELECT "OwnerId" FROM "Lead"').fetchall() == [(owner,)]


def test_update_upsert_delete_and_hard_delete(org, classic, leads):
    org.add_field("Lead", "Ext__c", "string", external_id=True)
    _, _, info = classic.run("update", json.dumps([{"Id": leads[0], "City": "Oslo", "Phone": None}]), "JSON")
    assert info["state"] == "Completed"
    assert org.record("Lead", leads[0])["City"] == "Oslo"
    properties = {"externalIdFieldName": "Ext__c"}
    data = "Ext__c,LastName,Company\nA,Ant,Acme\n"
    created = [
        csv.DictReader(io.StringIO(classic.result(*classic.run("upsert", data, **properties)[:2]).text))
        for _ in range(2)
    ]
    assert [row["Created"] for rows in created for row in rows] == ["true", "false"]
    classic.run("delete", f"Id\n{leads[1]}\n")
    assert org.record("Lead", leads[1])["IsDeleted"] is True
    classic.run("hardDelete", f"Id\n{leads[2]}\n")
    assert org.record("Lead", leads[2]) is None


def test_a_failed_update_names_its_record_from_version_53_on(org, leads):
    classic = Classic(org, speaks="JSON")
    job, batch, _ = classic.run("update", json.dumps([{"Id": leads[0], "LastName": None}]), "JSON")
    assert classic.result(job, batch).json()[0]["id"] == leads[0]


# --- queries -------------------------------------------------------------------------------------------------------

SOQL = "SELECT Id, LastName, Email, AnnualRevenue, CreatedDate, IsConverted, Owner.Name FROM Lead ORDER BY LastName"


@pytest.fixture
def one(org):
    return org.insert(
        "Lead",
        [{"LastName": 'A "b" <c>', "Company": "X", "AnnualRevenue": 80_000_000, "CreatedDate": "2022-02-15T06:21:19Z"}],
    )[0]


def test_a_query_in_csv(classic, one):
    response = classic.records(SOQL)
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.text == (
        '"Id","LastName","Email","AnnualRevenue","CreatedDate","IsConverted","Owner.Name"\n'
        f'"{one}","A ""b"" <c>","","8.0E7","2022-02-15T06:21:19.000Z","false","Ada Admin"\n'
    )


def test_a_query_in_json_has_datetimes_in_milliseconds(classic, one):
    [record] = classic.records(SOQL, "JSON").json()
    assert record["attributes"] == {"type": "Lead", "url": f"/services/data/v60.0/sobjects/Lead/{one}"}
    assert list(record)[1:] == ["Id", "LastName", "Email", "AnnualRevenue", "CreatedDate", "IsConverted", "Owner"]
    assert (record["LastName"], record["Email"], record["AnnualRevenue"]) == ('A "b" <c>', None, 8e7)
    assert (record["CreatedDate"], record["IsConverted"]) == (1644906079000, False)
    assert record["Owner"]["Name"] == "Ada Admin"
    assert record["Owner"]["attributes"]["type"] == "User"


def test_a_query_in_xml(classic, one):
    root = ET.fromstring(classic.records(SOQL, "XML").content)
    assert root.tag == f"{SPACE}queryResult"
    [record] = root
    assert record.get(f"{XSI}type") == "sObject"
    values = {child.tag.removeprefix(SPACE): child.text for child in record}
    assert (values["type"], values["Id"], values["LastName"]) == ("Lead", one, 'A "b" <c>')
    assert (values["AnnualRevenue"], values["CreatedDate"]) == ("8.0E7", "2022-02-15T06:21:19.000Z")
    assert record.find(f"{SPACE}Email").get(f"{XSI}nil") == "true"
    assert record.find(f"{SPACE}Owner/{SPACE}Name").text == "Ada Admin"


def test_nothing_found_is_said_in_csv_and_is_an_empty_list_elsewhere(classic):
    assert classic.records("SELECT Id FROM Lead").text == "Records not found for this query"
    assert classic.records("SELECT Id FROM Lead", "JSON").json() == []
    assert len(ET.fromstring(classic.records("SELECT Id FROM Lead", "XML").content)) == 0


def test_query_all_sees_the_recycle_bin(org, classic, leads):
    org.delete("Lead", leads[0])
    _, _, info = classic.run("queryAll", "SELECT Id FROM Lead")
    assert str(info["numberRecordsProcessed"]) == "7"
    _, _, info = classic.run("query", "SELECT Id FROM Lead")
    assert str(info["numberRecordsProcessed"]) == "6"


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        ("SELECT Nope FROM Lead", "InvalidBatch : Failed to process query: INVALID_FIELD: "),
        ("nonsense", "InvalidBatch : Failed to process query: MALFORMED_QUERY: "),
        ("SELECT COUNT() FROM Lead", "InvalidBatch : Failed to process query: "),
        ("SELECT Address FROM Lead", "InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: "),
        ("", "InvalidBatch : Failed to process query: "),
        (b"\xff\x00", "InvalidBatch : Failed to process query: "),
    ],
)
def test_a_query_that_cannot_run_fails_its_batch(classic, soql, message):
    job, batch, info = classic.run("query", soql)
    assert info["state"] == "Failed"
    assert info["stateMessage"].startswith(message)
    assert classic("GET", f"/{job}/batch/{batch}/result").status_code == 400


def test_pk_chunking_answers_in_more_batches(xml, leads):
    response = xml(
        "POST",
        "",
        "<jobInfo><operation>query</operation><object>Lead</object><contentType>CSV</contentType></jobInfo>",
        "application/xml",
        **{"Sforce-Enable-PKChunking": "chunkSize=3; parent=Lead"},
    )
    job = told(response)["id"]
    first = xml.batch(job, "SELECT Id FROM Lead ORDER BY Id")
    batches = [
        {child.tag.removeprefix(SPACE): child.text for child in batch}
        for batch in ET.fromstring(xml("GET", f"/{job}/batch").content)
    ]
    assert [(batch["state"], batch["numberRecordsProcessed"]) for batch in batches] == [
        ("NotProcessed", "0"), ("Completed", "3"), ("Completed", "3"), ("Completed", "1"),
    ]  # fmt: skip
    assert batches[0]["id"] == first
    ids = []
    for batch in batches[1:]:
        [result] = results_of(xml.result(job, batch["id"]))
        ids += xml("GET", f"/{job}/batch/{batch['id']}/result/{result}").text.replace('"', "").split()[1:]
    assert ids == leads


# --- who speaks what -----------------------------------------------------------------------------------------------


def test_batches_of_a_csv_job_are_told_of_in_xml_even_to_a_client_that_speaks_json(org, leads):
    classic = Classic(org, speaks="JSON")
    job = classic.open("query", "CSV")
    created = classic("POST", f"/{job}/batch", "SELECT Id FROM Lead", "text/csv")
    assert created.text.startswith('<?xml version="1.0" encoding="UTF-8"?><batchInfo ')
    batch = told(created)["id"]
    for path in (f"/{job}/batch/{batch}", f"/{job}/batch", f"/{job}/batch/{batch}/result"):
        assert classic("GET", path, None, "application/json").headers["Content-Type"] == "application/xml"
    assert classic("GET", f"/{job}", None, "application/json").headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "application/xml"),
        ({"Accept": "application/json"}, "application/json"),
        ({"Content-Type": "application/json"}, "application/json"),
        ({"Content-Type": "application/xml", "Accept": "application/json"}, "application/xml"),
    ],
)
def test_a_job_is_told_of_as_the_client_speaks(xml, headers, kind):
    job = xml.open("query", "CSV")
    assert xml("GET", f"/{job}", **headers).headers["Content-Type"] == kind


def test_a_batch_can_be_read_back(classic):
    data = json.dumps([{"LastName": "Ant", "Company": "Acme"}])
    job, batch, _ = classic.run("insert", data, "JSON")
    assert classic("GET", f"/{job}/batch/{batch}/request").text == data


def test_doubled_slashes_and_compressed_batches_are_let_pass(org, classic):
    job = classic.open("insert")
    url = f"{org.instance_url}//services/async/60.0//job/{job}/batch/"
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    response = classic.session.post(url, data=gzip.compress(b"LastName,Company\r\nAnt,Acme\r\n"), headers=headers)
    assert response.status_code == 201
    assert org.count("Lead") == 1


# --- states --------------------------------------------------------------------------------------------------------


def test_a_closed_job_takes_no_more_batches(classic):
    job = classic.open("insert")
    assert classic.job(f"/{job}", state="Closed")["state"] == "Closed"
    assert classic.job(f"/{job}", state="Closed")["state"] == "Closed"
    response = classic("POST", f"/{job}/batch", "Id\n", "text/csv")
    assert (response.status_code, told(response)["exceptionCode"]) == (400, "InvalidJobState")
    assert classic.job(f"/{job}", state="Aborted")["exceptionCode"] == "InvalidJobState"


def test_an_aborted_job_does_not_work_on_what_waits(org, classic):
    org.bulk.settings.transition = Transition(polls=1)
    job = classic.open("insert")
    batch = classic.batch(job, "LastName,Company\nAnt,Acme\n")
    assert classic.job(f"/{job}", state="Aborted")["state"] == "Aborted"
    assert told(classic("GET", f"/{job}/batch/{batch}"))["state"] == "NotProcessed"
    assert org.count("Lead") == 0


def test_a_batch_takes_its_time(org, classic):
    org.bulk.settings.transition = Transition(polls=1)
    job = classic.open("insert")
    response = classic("POST", f"/{job}/batch", "LastName,Company\nAnt,Acme\n", "text/csv")
    batch = told(response)["id"]
    assert told(response)["state"] == "Queued"
    assert told(classic("GET", f"/{job}/batch/{batch}"))["state"] == "InProgress"
    assert classic("GET", f"/{job}/batch/{batch}/result").status_code == 400
    assert told(classic("GET", f"/{job}/batch/{batch}"))["state"] == "Completed"
    info = told(classic("GET", f"/{job}"))
    assert (str(info["numberBatchesCompleted"]), str(info["numberRecordsProcessed"])) == ("1", "1")


def test_a_batch_fails_as_told(org, classic):
    org.bulk.settings.transition = Transition(error="InternalServerError : no")
    job, batch, info = classic.run("insert", "LastName,Company\nAnt,Acme\n")
    assert (info["state"], info["stateMessage"], org.count("Lead")) == ("Failed", "InternalServerError : no", 0)
    response = classic("GET", f"/{job}/batch/{batch}/result", None, TYPES[classic.speaks])
    assert told(response) == {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}


def test_jobs_show_in_the_lists_of_bulk_api_2(client, classic):
    load, query = classic.open("insert"), classic.open("query")
    ingest = client.get("/services/data/v60.0/jobs/ingest", params={"jobType": "Classic"}).json()["records"]
    assert [(job["id"], job["jobType"]) for job in ingest] == [(load, "Classic")]
    queries = client.get("/services/data/v60.0/jobs/query").json()["records"]
    assert {job["id"] for job in queries} == {load, query}


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "content_type", "message"),
    [
        ("LastName,Nope__c\nAnt,1\n", "CSV", "InvalidBatch : Field name not found : Nope__c"),
        ("", "CSV", "No header row"),
        ('[{"Nope__c": 1}]', "JSON", "InvalidBatch : Field name not found : Nope__c"),
        ('[{"Owner": {"Email": "x"}}]', "JSON", "InvalidBatch : Field name not found : Owner.Email"),
        ('[{"": 1}]', "JSON", "InvalidBatch : Field name not found : "),
        ("[1]", "JSON", "JSON array of records"),
        ("{}", "JSON", "JSON array of records"),
        ("[", "JSON", "Unable to parse JSON"),
        ("<sObjects><sObject><Nope__c>1</Nope__c></sObject></sObjects>", "XML", "Field name not found : Nope__c"),
        ("<records/>", "XML", "sObjects"),
        ("<sObjects>", "XML", "Unable to parse XML"),
        ("", "XML", "Unable to parse XML"),
        (b"<?xml version='1.0' encoding='nope'?><sObjects/>", "XML", "Unable to parse XML"),
        (
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sObjects><sObject><LastName>&a;</LastName></sObject>'
            "</sObjects>",
            "XML",
            "DOCTYPE is not allowed",
        ),
    ],
)
def test_what_is_no_batch_fails_it(org, classic, data, content_type, message):
    _, _, info = classic.run("insert", data, content_type)
    assert info["state"] == "Failed"
    assert message in info["stateMessage"]
    assert org.count("Lead") == 0


@pytest.mark.parametrize(
    ("properties", "code", "message"),
    [
        ({"operation": "insert"}, "InvalidJob", "object is required"),
        ({"operation": "query"}, "InvalidJob", "object is required"),
        ({"operation": "query", "object": "Nothing__c"}, "InvalidJob", "Unable to find object: Nothing__c"),
        ({"operation": "insert", "object": "Nothing__c"}, "InvalidJob", "Unable to find object: Nothing__c"),
        ({"operation": "merge", "object": "Lead"}, "InvalidJob", "operation must be one of"),
        ({"operation": "insert", "object": "Lead", "contentType": "ZIP_CSV"}, "InvalidJob", "Unsupported content type"),
    ],
)
def test_impossible_jobs_are_refused_in_the_clients_format(classic, properties, code, message):
    refused = classic.job(**properties)
    assert refused["exceptionCode"] == code
    assert message in refused["exceptionMessage"]


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("{", "application/json", "InvalidJob"),
        ("[]", "application/json", "InvalidJob"),
        ('{"operation": [], "object": {}, "contentType": []}', "application/json", "InvalidJob"),
        ("<jobInfo>", "application/xml", "InvalidXML"),
        ("<other/>", "application/xml", "InvalidJob"),
        ("<!DOCTYPE x><jobInfo/>", "application/xml", "InvalidXML"),
        ("", "application/xml", "InvalidXML"),
        ("x" * 11_000_000, "application/xml", "ClientInputError"),
    ],
)
def test_what_is_no_job_is_refused(xml, body, kind, code):
    response = xml("POST", "", body, kind)
    assert response.status_code in {400, 413}
    assert told(response)["exceptionCode"] == code


def test_unknown_jobs_batches_and_results_are_told(classic, leads):
    kind = TYPES[classic.speaks]
    job, batch, _ = classic.run("query", "SELECT Id FROM Lead")
    for path, code in [
        ("/undefined", "InvalidJob"),
        ("/750Fk0000009999IAA/batch", "InvalidJob"),
        (f"/{job}/batch/undefined", "InvalidBatch"),
        (f"/{job}/batch/{batch}/result/undefined", "InvalidBatch"),
    ]:
        response = classic("GET", path, None, kind)
        assert (response.status_code, told(response)["exceptionCode"]) == (400, code)


def test_an_expired_session_is_told_as_clients_look_for_it(org, classic):
    org.access.revoke_all()
    response = classic("GET", "/750Fk0000000000IAA", None, TYPES[classic.speaks])
    assert response.status_code == 400
    assert told(response) == {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}


def test_too_many_records_fail_the_batch(org, classic):
    _, _, info = classic.run("insert", "LastName,Company\n" + "Ant,Acme\n" * 10_001)
    assert info["state"] == "Failed"
    assert org.count("Lead") == 0


def test_a_field_too_long_for_bulk_fails_its_record_in_every_format(org, classic):
    org.add_field("Lead", "Notes__c", "textarea", length=131_072)
    rows = [{"LastName": "Ant", "Company": "Acme", "Notes__c": "x" * 32_001}, {"LastName": "Bee", "Company": "Acme"}]
    job, batch, info = classic.run("insert", json.dumps(rows), "JSON")
    assert (info["state"], str(info["numberRecordsFailed"])) == ("Completed", "1")
    first, second = classic.result(job, batch).json()
    assert first["errors"][0]["statusCode"] == "STRING_TOO_LONG"
    assert second["success"] is True


def test_a_job_is_gone_after_seven_days_and_so_is_what_it_held(org, classic, leads):
    job, _, _ = classic.run("query", "SELECT Id FROM Lead")
    other = classic.open("insert")
    classic.batch(other, "LastName,Company\nAnt,Acme\n")
    org.clock.advance(timedelta(days=6, hours=23))
    assert classic("GET", f"/{job}").status_code == 200
    files = len(list(org.database.scratch.glob("batch*")))
    org.clock.advance(timedelta(hours=1))
    for one in (job, other):
        response = classic("GET", f"/{one}", None, TYPES[classic.speaks])
        assert (response.status_code, told(response)["exceptionCode"]) == (400, "InvalidJob")
    assert len(list(org.database.scratch.glob("batch*"))) == files - 2
    assert list(org.bulk.classic) == []


def test_the_youngest_batch_keeps_a_job_for_another_while(org, classic):
    job = classic.open("insert")
    org.clock.advance(timedelta(hours=20))
    classic.batch(job, "LastName,Company\nAnt,Acme\n")
    org.clock.advance(timedelta(days=6, hours=23))
    assert classic("GET", f"/{job}").status_code == 200
    org.clock.advance(timedelta(hours=1))
    assert classic("GET", f"/{job}").status_code == 400


def test_a_job_takes_no_batches_after_a_day(org, classic):
    job = classic.open("insert")
    org.clock.advance(timedelta(hours=25))
    response = classic("POST", f"/{job}/batch", "LastName,Company\nAnt,Acme\n", TYPES["CSV"])
    assert response.status_code == 400
    assert "InvalidJobState" in response.text
