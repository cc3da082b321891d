"""What a client sees of Salesforce on the wire, fact by fact: writing, many records at once, describes, replication."""

from __future__ import annotations

from datetime import timedelta

import pytest

LEAD = "/sobjects/Lead"
NEW = {"LastName": "Doe", "Company": "Acme"}
ABSENT = "00QFk000000zzzzMAA"


def typed(**values):
    return {"attributes": {"type": "Lead"}, **values}


@pytest.fixture
def keyed(org):
    org.add_field("Lead", "Crm_Id__c", "string", "CRM Id", length=32, external_id=True)
    rows = [{**NEW, "Crm_Id__c": key} for key in ("A", "B", "B")]
    return org.insert("Lead", rows)


# --- create, update, delete, upsert --------------------------------------------------------------------------------


def test_writes_answer_201_and_204(wire):
    response = wire.post(LEAD, NEW)
    lead = response.json()["id"]
    assert (response.status_code, response.content) == (201, b'{"id":"%s","success":true,"errors":[]}' % lead.encode())
    assert wire.patch(f"{LEAD}/{lead}", {"Company": "New"}).status_code == 204
    assert wire.delete(f"{LEAD}/{lead}").status_code == 204


def test_an_upsert_tells_whether_it_made_the_record(wire, keyed):
    made = wire.patch(f"{LEAD}/Crm_Id__c/C", NEW)
    assert (made.status_code, made.json()["created"]) == (201, True)
    found = wire.patch(f"{LEAD}/Crm_Id__c/A", NEW)
    assert (found.status_code, found.json()) == (200, {"id": keyed[0], "success": True, "errors": [], "created": False})
    assert wire.patch("/services/data/v45.0/sobjects/Lead/Crm_Id__c/A", NEW).status_code == 204
    several = wire.patch(f"{LEAD}/Crm_Id__c/B", NEW)
    assert (several.status_code, several.json()) == (300, [f"{wire.root}{LEAD}/{one}" for one in keyed[1:]])
    assert wire.patch(f"{LEAD}/Id/{keyed[0]}", {"Company": "New"}).status_code == 200
    assert wire.post(f"{LEAD}/Id", NEW).status_code == 201
    assert wire.patch(f"{LEAD}/Crm_Id__c/Z?updateOnly=true", NEW).status_code == 404


def test_an_upsert_needs_a_field_that_identifies(wire):
    expected = "Provided external ID field does not exist or is not accessible: Nope__c"
    assert wire.refusal(wire.patch(f"{LEAD}/Nope__c/1", NEW)) == (404, "NOT_FOUND", expected)


@pytest.mark.parametrize(
    ("values", "code", "message", "fields"),
    [
        ({"Company": None}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", ["Company"]),
        (
            {"CreatedById": "005000000000000AAA"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: CreatedById. Please check the security settings of this field and verify"
            " that it is read/write for your profile or permission set.",
            ["CreatedById"],
        ),
        ({"City": "x" * 41}, "STRING_TOO_LONG", f"City: data value too large: {'x' * 41} (max length=40)", ["City"]),
        ({"Email": "nonsense"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nonsense", ["Email"]),
    ],
)
def test_a_refused_record_is_told_why_with_its_fields(wire, values, code, message, fields):
    response = wire.post(LEAD, {**NEW, **values})
    assert response.status_code == 400
    assert response.json() == [{"message": message, "errorCode": code, "fields": fields}]


def test_a_restricted_picklist_takes_its_own_values_only(org, wire):
    deal = {"Name": "D", "StageName": "Any stage at all", "CloseDate": "2026-05-20", "ForecastCategoryName": "Nope"}
    _, code, message = wire.refusal(wire.post("/sobjects/Opportunity", deal))
    assert code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert message == "Forecast Category: bad value for restricted picklist field: Nope"
    assert wire.post(LEAD, {**NEW, "Status": "Any status at all"}).status_code == 201


def test_a_unique_value_is_taken_once(org, wire):
    org.add_field("Lead", "Code__c", "string", "Code", length=10, unique=True, external_id=True)
    lead = wire.lead(Code__c="A")
    _, code, message = wire.refusal(wire.post(LEAD, {**NEW, "Code__c": "A"}))
    expected = f"duplicate value found: Code__c duplicates value on record with id: {lead[:15]}"
    assert (code, message) == ("DUPLICATE_VALUE", expected)


def test_duplicates_are_refused_unless_the_client_insists(org, wire):
    org.add_duplicate_rule("Lead", ["Email"], action="alert")
    lead = wire.lead(Email="a@b.example")
    again = {**NEW, "Email": "a@b.example"}
    response = wire.post(LEAD, again)
    assert response.status_code == 400
    [error] = response.json()
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    [found] = error["duplicateResult"]["matchResults"]
    assert found["matchRecords"][0]["record"]["Id"] == lead
    assert wire.post(LEAD, again, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"}).status_code == 201


def test_assignment_rules_fire_unless_the_client_says_otherwise(org, wire):
    other = org.add_user("Other")
    org.add_assignment_rule("Lead", None, other)
    owners = []
    for headers in ({}, {"Sforce-Auto-Assign": "FALSE"}):
        lead = wire.post(LEAD, NEW, headers=headers).json()["id"]
        owners.append(org.record("Lead", lead)["OwnerId"])
    assert owners == [other, org.admin_id]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_deleted_and_never_existing_records_are_told_apart(wire, method):
    lead = wire.lead()
    wire.delete(f"{LEAD}/{lead}")
    body = {"json": {"Company": "New"}} if method == "PATCH" else {}
    response = wire(method, f"{LEAD}/{lead}", **body)
    assert response.status_code == 404
    assert response.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    refusal = (404, "NOT_FOUND", "The requested resource does not exist")
    assert wire.refusal(wire(method, f"{LEAD}/{ABSENT}", **body)) == refusal


def test_the_daily_limit_of_requests_is_enforced(org, wire):
    org.settings.daily_api_requests = 0
    assert wire.refusal(wire.get("/limits")) == (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def test_an_unknown_field_in_a_body_refuses_the_request(wire):
    response = wire.post(LEAD, {**NEW, "X": 1})
    assert wire.refusal(response) == (400, "INVALID_FIELD", "No such column 'X' on sobject of type Lead")


def test_conditions_are_kept(org, wire):
    account = "/sobjects/Account/" + wire.post("/sobjects/Account", {"Name": "A"}).json()["id"]
    first = wire.get(account)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert "ETag" not in wire.get(f"{LEAD}/{wire.lead()}").headers
    assert wire.get(account, headers={"If-None-Match": etag}).status_code == 304
    unchanged = wire.get(account, headers={"If-Modified-Since": modified})
    assert (unchanged.status_code, unchanged.headers["ETag"]) == (304, etag)
    assert wire.patch(account, {"Name": "B"}, headers={"If-Match": '"other"'}).status_code == 412
    assert wire.patch(account, {"Name": "B"}, headers={"If-Modified-Since": "nonsense"}).status_code == 400
    org.clock.advance(timedelta(hours=1))
    assert wire.patch(account, {"Name": "B"}, headers={"If-Unmodified-Since": modified}).status_code == 204
    assert wire.patch(account, {"Name": "C"}, headers={"If-Unmodified-Since": modified}).status_code == 412


# --- collections and composite -------------------------------------------------------------------------------------


def test_a_collection_answers_200_with_a_result_in_each_place(wire):
    response = wire.post("/composite/sobjects", {"records": [typed(**NEW), typed(LastName="Doe")]})
    good, bad = response.json()
    assert (response.status_code, good["success"], list(bad)) == (200, True, ["success", "errors"])
    assert list(bad["errors"][0]) == ["statusCode", "message", "fields"]
    too_many = wire.post("/composite/sobjects", {"records": [typed(**NEW)] * 201})
    assert wire.refusal(too_many)[:2] == (400, "EXCEEDED_ID_LIMIT")
    rolled = wire.post("/composite/sobjects", {"allOrNone": True, "records": [typed(**NEW), typed(LastName="Doe")]})
    assert rolled.json()[0]["errors"] == [
        {
            "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
            "fields": [],
        }
    ]


def test_a_collection_of_upserts_tells_what_was_made_and_a_retrieval_what_is_missing(wire, keyed):
    rows = [typed(Crm_Id__c="A", **NEW), typed(Crm_Id__c="N", **NEW)]
    results = wire.patch("/composite/sobjects/Lead/Crm_Id__c", {"records": rows}).json()
    assert [one["created"] for one in results] == [False, True]
    assert wire.patch("/composite/sobjects/Lead/Id", {"records": [typed(Id=None, **NEW)]}).json()[0]["created"]
    found = wire.post("/composite/sobjects/Lead", {"ids": [ABSENT, keyed[0]], "fields": ["Id"]}).json()
    assert (found[0], found[1]["Id"]) == (None, keyed[0])


def test_a_composite_request_takes_answers_into_requests(wire):
    entries = [
        {"method": "POST", "url": f"{wire.root}/sobjects/Account", "referenceId": "a", "body": {"Name": "A"}},
        {"method": "GET", "url": f"{wire.root}/sobjects/Account/@{{a.id}}", "referenceId": "b"},
        {"method": "GET", "url": f"{wire.root}/nothing", "referenceId": "c"},
    ]
    answers = wire.post("/composite", {"compositeRequest": entries}).json()["compositeResponse"]
    assert [list(answer) for answer in answers] == [["body", "httpHeaders", "httpStatusCode", "referenceId"]] * 3
    assert answers[1]["body"]["Id"] == answers[0]["body"]["id"]
    assert answers[2]["body"] == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
    since = {"If-Modified-Since": answers[1]["httpHeaders"]["Last-Modified"]}
    entries = [{**entries[1], "url": answers[1]["body"]["attributes"]["url"], "httpHeaders": since}]
    [unchanged] = wire.post("/composite", {"compositeRequest": entries}).json()["compositeResponse"]
    assert (unchanged["httpStatusCode"], unchanged["body"]) == (304, None)
    assert wire.post("/composite", {"compositeRequest": entries * 26}).status_code == 400


def test_a_composite_request_is_all_or_none_if_asked(org, wire):
    url = f"{wire.root}{LEAD}"
    entries = [
        {"method": "POST", "url": url, "referenceId": "a", "body": NEW},
        {"method": "POST", "url": url, "referenceId": "b", "body": {}},
    ]
    answers = wire.post("/composite", {"allOrNone": True, "compositeRequest": entries}).json()["compositeResponse"]
    assert answers[0]["httpStatusCode"] == 400
    assert answers[0]["body"] == [
        {
            "errorCode": "PROCESSING_HALTED",
            "message": "The transaction was rolled back since another operation in the same transaction failed.",
        }
    ]
    assert org.count("Lead") == 0


def test_a_batch_tells_status_and_result_and_halts_with_412(wire):
    entries = [{"method": "GET", "url": "v60.0/nothing"}, {"method": "GET", "url": "v60.0/limits"}]
    body = wire.post("/composite/batch", {"batchRequests": entries}).json()
    assert body["hasErrors"] is True
    assert [list(result) for result in body["results"]] == [["statusCode", "result"]] * 2
    body = wire.post("/composite/batch", {"batchRequests": entries, "haltOnError": True}).json()
    assert [result["statusCode"] for result in body["results"]] == [404, 412]


def test_record_counts_leave_out_unknown_objects(wire):
    wire.lead()
    body = wire.get("/limits/recordCount?sObjects=Lead,Nope").json()
    assert body == {"sObjects": [{"count": 1, "name": "Lead"}]}


# --- describe ------------------------------------------------------------------------------------------------------


def test_describes_have_all_their_keys_under_the_version_asked(wire):
    everything = wire.get("/services/data/v59.0/sobjects").json()
    assert (everything["encoding"], everything["maxBatchSize"]) == ("UTF-8", 200)
    lead = wire.get("/services/data/v59.0/sobjects/Lead/describe").json()
    assert {len(field) for field in lead["fields"]} == {57}
    assert len(lead) == 45
    assert lead["urls"]["sobject"] == "/services/data/v59.0/sobjects/Lead"
    assert wire.refusal(wire.get("/sobjects/Nope/describe"))[:2] == (404, "NOT_FOUND")


def test_the_booleans_of_a_describe_are_what_writes_and_queries_go_by(wire):
    fields = {field["name"]: field for field in wire.get(f"{LEAD}/describe").json()["fields"]}
    required = [
        name for name, f in fields.items() if f["createable"] and not f["nillable"] and not f["defaultedOnCreate"]
    ]
    assert sorted(required) == sorted(wire.post(LEAD, {}).json()[0]["fields"]) == ["Company", "LastName"]
    assert not fields["Description"]["filterable"]
    assert not fields["Name"]["createable"]


# --- getUpdated, getDeleted ----------------------------------------------------------------------------------------


def test_updated_and_deleted_records_are_told_up_to_a_moment(org, wire):
    kept, gone = wire.lead(), wire.lead()
    wire.delete(f"{LEAD}/{gone}")
    org.clock.advance(timedelta(hours=1))
    span = {"start": "2026-05-20T11:00:00+00:00", "end": "2026-05-20T12:30:00Z"}
    assert wire.get(f"{LEAD}/updated/", params=span).json() == {
        "ids": [kept],
        "latestDateCovered": "2026-05-20T12:30:00.000+0000",
    }
    body = wire.get(f"{LEAD}/deleted/", params=span).json()
    assert body["deletedRecords"] == [{"deletedDate": "2026-05-20T12:00:00.000+0000", "id": gone}]
    assert set(body) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


@pytest.mark.parametrize(
    ("what", "start", "end"),
    [
        ("updated", "2026-05-20T11:00:00Z", "2026-05-20T11:00:59Z"),
        ("updated", "2026-04-01T11:00:00Z", "2026-05-20T11:00:59Z"),
        ("deleted", "2026-04-01T11:00:00Z", "2026-04-02T11:00:59Z"),
    ],
)
def test_replication_looks_back_so_far_only(wire, what, start, end):
    response = wire.get(f"{LEAD}/{what}", params={"start": start, "end": end})
    assert wire.refusal(response)[:2] == (400, "INVALID_REPLICATION_DATE")


# --- limits --------------------------------------------------------------------------------------------------------


def test_limits_tell_what_is_left_of_each(wire):
    body = wire.get("/limits/").json()
    assert all(set(limit) == {"Max", "Remaining"} for limit in body.values())
    assert {
        *("DailyApiRequests", "DailyBulkApiBatches", "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"),
        *("HourlyTimeBasedWorkflow", "DataStorageMB"),
    } <= set(body)
