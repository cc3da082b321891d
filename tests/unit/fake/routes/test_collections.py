from __future__ import annotations

import pytest

from sfsync.fake import dml

DATA = "/services/data/v60.0"
MANY = f"{DATA}/composite/sobjects"
ABSENT = "00QFk000000zzzzMAA"


def lead(**values):
    return {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme", **values}


def account(**values):
    return {"attributes": {"type": "Account"}, "Name": "Acme", **values}


def error_of(response):
    [error] = response.json()
    return response.status_code, error["errorCode"]


def test_records_of_several_objects_are_made_in_order(org, client):
    response = client("POST", MANY, json={"records": [lead(), account(), lead(LastName="Roe")]})
    assert response.status_code == 200
    results = response.json()
    assert [one["id"][:3] for one in results] == ["00Q", "001", "00Q"]
    assert all(one == {"id": one["id"], "success": True, "errors": []} for one in results)
    assert org.record("Lead", results[2]["id"])["LastName"] == "Roe"


def test_a_refused_record_stands_in_its_place_and_the_others_are_made(org, client):
    bad = {"attributes": {"type": "Lead"}, "LastName": "No company"}
    results = client("POST", MANY, json={"records": [lead(), bad, account()]}).json()
    assert [one["success"] for one in results] == [True, False, True]
    assert list(results[1]) == ["success", "errors"]
    assert results[1]["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Company]",
            "fields": ["Company"],
        }
    ]
    assert (org.count("Lead"), org.count("Account")) == (1, 1)


@pytest.mark.parametrize("others", [[lead()], [account(), lead()]])
def test_all_or_none_leaves_nothing_behind(org, client, others):
    bad = {"attributes": {"type": "Lead"}, "LastName": "No company"}
    results = client("POST", MANY, json={"allOrNone": True, "records": [*others, bad]}).json()
    assert [one["errors"][0]["statusCode"] for one in results] == [
        *["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * len(others),
        "REQUIRED_FIELD_MISSING",
    ]
    assert results[0]["errors"][0]["message"] == (
        "Record rolled back because not all records were valid and the request was using AllOrNone header"
    )
    assert (org.count("Lead"), org.count("Account")) == (0, 0)


def test_records_are_changed(org, client, leads):
    rows = [
        {"attributes": {"type": "Lead"}, key: one, "Company": "New"}
        for key, one in zip(["Id", "id"], leads, strict=False)
    ]
    results = client("PATCH", MANY, json={"records": rows}).json()
    assert results == [{"id": one, "success": True, "errors": []} for one in leads[:2]]
    assert org.record("Lead", leads[1])["Company"] == "New"


def test_a_record_to_be_changed_that_is_not_there_is_an_error_of_its_own(client, leads):
    rows = [lead(Id=ABSENT), lead(Id=leads[0])]
    results = client("PATCH", MANY, json={"records": rows}).json()
    assert [one["success"] for one in results] == [False, True]


def test_records_are_deleted(org, client, leads):
    results = client(
        "DELETE", MANY, params={"ids": f"{leads[0]},{leads[1][:15]},{ABSENT}", "allOrNone": "false"}
    ).json()
    assert [one["success"] for one in results] == [True, True, False]
    assert results[1]["id"] == leads[1]
    assert org.count("Lead") == 5
    [_, missing] = client("DELETE", MANY, params={"ids": f"{leads[2]},{ABSENT}", "allOrNone": "true"}).json()
    assert not missing["success"]
    assert org.count("Lead") == 5


def test_records_are_upserted_by_external_id(org, client):
    org.add_field("Lead", "Crm_Id__c", "string", "CRM Id", length=32, external_id=True, unique=True)
    [known] = org.insert("Lead", [{"LastName": "Doe", "Company": "Acme", "Crm_Id__c": "A"}])
    rows = [lead(Crm_Id__c="A", Company="New"), lead(Crm_Id__c="B")]
    results = client("PATCH", f"{MANY}/Lead/Crm_Id__c", json={"records": rows}).json()
    assert [(one["success"], one["created"]) for one in results] == [(True, False), (True, True)]
    assert results[0]["id"] == known
    assert org.record("Lead", known)["Company"] == "New"


def test_an_upsert_by_id_makes_the_records_without_one(client, leads):
    rows = [lead(Id=leads[0]), lead(Id=None), lead()]
    results = client("PATCH", f"{MANY}/Lead/Id", json={"records": rows}).json()
    assert [one["created"] for one in results] == [False, True, True]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_records_are_retrieved_with_null_for_those_that_are_missing(client, leads, method):
    ids = [leads[1], ABSENT, leads[0][:15]]
    if method == "GET":
        response = client.get(f"{MANY}/Lead", params={"ids": ",".join(ids), "fields": "LastName,id"})
    else:
        response = client("POST", f"{MANY}/Lead", json={"ids": ids, "fields": ["LastName", "id"]})
    first, missing, last = response.json()
    assert missing is None
    assert (first["Id"], first["LastName"], last["Id"]) == (leads[1], "Lead 1", leads[0])
    assert first["attributes"]["type"] == "Lead"


def test_two_hundred_records_are_the_most(client):
    assert error_of(client("POST", MANY, json={"records": [lead()] * 201})) == (400, "EXCEEDED_ID_LIMIT")
    assert error_of(client("DELETE", MANY, params={"ids": ",".join([ABSENT] * 201)})) == (400, "EXCEEDED_ID_LIMIT")
    assert len(client("POST", MANY, json={"records": [lead()] * 200}).json()) == 200


def test_records_of_two_objects_may_not_alternate_too_often(client):
    assert error_of(client("POST", MANY, json={"records": [lead(), account()] * 5 + [lead()]})) == (
        400,
        "LIMIT_EXCEEDED",
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "JSON_PARSER_ERROR"),
        ({"records": "x"}, "JSON_PARSER_ERROR"),
        ({"records": [1]}, "JSON_PARSER_ERROR"),
        ({"records": [{"LastName": "Doe"}]}, "INVALID_INPUT"),
        ({"records": [{"attributes": "Lead", "LastName": "Doe"}]}, "INVALID_INPUT"),
        ({"records": [{"attributes": {"type": "Nope"}}]}, "INVALID_TYPE"),
        ({"records": [lead(), lead(Nope__c=1)]}, "INVALID_FIELD"),
    ],
)
def test_a_collection_that_cannot_be_read_is_refused_as_a_whole(org, client, body, code):
    assert error_of(client("POST", MANY, json=body)) == (400, code)
    assert org.count("Lead") == 0


def test_assignment_and_duplicate_headers_are_read(org, client, monkeypatch):
    seen = []
    create = dml.create
    monkeypatch.setattr(dml, "create", lambda *given: (seen.append(given[-1]), create(*given))[1])
    headers = {"Sforce-Auto-Assign": "FALSE", "Sforce-Duplicate-Rule-Header": "allowSave=true"}
    client("POST", MANY, json={"records": [lead()]}, headers=headers)
    client("POST", MANY, json={"records": [lead()]})
    assert [(one.auto_assign, one.allow_duplicates) for one in seen] == [(False, True), (True, False)]
    assert seen[0].user_id == org.admin_id
