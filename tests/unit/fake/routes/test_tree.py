from __future__ import annotations

import pytest

TREE = "/services/data/v60.0/composite/tree"


def node(kind, reference, **values):
    return {"attributes": {"type": kind, "referenceId": reference}, **values}


def planted(client, name, *records):
    return client("POST", f"{TREE}/{name}", json={"records": list(records)})


def family(number=1):
    contacts = {"records": [node("Contact", f"c{number}{n}", LastName=f"C{n}") for n in range(2)]}
    return node("Account", f"a{number}", Name=f"Acme {number}", Contacts=contacts)


def test_parents_and_children_are_made_together(org, client):
    response = planted(client, "Account", family(1), family(2))
    body = response.json()
    assert response.status_code == 201
    assert body["hasErrors"] is False
    assert [one["referenceId"] for one in body["results"]] == ["a1", "c10", "c11", "a2", "c20", "c21"]
    ids = {one["referenceId"]: one["id"] for one in body["results"]}
    assert org.record("Contact", ids["c21"])["AccountId"] == ids["a2"]
    assert org.count("Contact") == 4


def test_one_refused_record_undoes_the_tree(org, client):
    wrong = family(2)
    wrong["Contacts"]["records"][1]["LastName"] = None
    response = planted(client, "Account", family(1), wrong)
    assert response.status_code == 400
    assert response.json()["hasErrors"] is True
    [result] = response.json()["results"]
    assert result["referenceId"] == "c21"
    assert result["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert result["errors"][0]["fields"] == ["LastName"]
    assert (org.count("Account"), org.count("Contact")) == (0, 0)


def test_two_records_cannot_have_one_reference(org, client):
    response = planted(client, "Account", node("Account", "a", Name="A"), node("Account", "a", Name="B"))
    assert response.status_code == 400
    [result] = response.json()["results"]
    assert result["errors"][0] == {
        "statusCode": "INVALID_INPUT",
        "message": "Duplicate ReferenceId provided in the request.",
        "fields": [],
    }
    assert org.count("Account") == 0


def nested(depth):
    record = node("Account", f"r{depth}", Name=f"Level {depth}")
    if depth > 1:
        record["ChildAccounts"] = {"records": [nested(depth - 1)]}
    return record


def test_a_tree_is_five_levels_deep_at_most(org, client):
    assert planted(client, "Account", nested(5)).status_code == 201
    assert org.count("Account") == 5
    assert planted(client, "Account", nested(6)).status_code == 400


def test_a_tree_has_two_hundred_records_at_most(org, client):
    assert planted(client, "Account", *[node("Account", f"a{n}", Name="A") for n in range(201)]).status_code == 400
    assert org.count("Account") == 0
    assert planted(client, "Account", *[node("Account", f"a{n}", Name="A") for n in range(200)]).status_code == 201


@pytest.mark.parametrize(
    "record",
    [
        {"Name": "A"},
        {"attributes": {"type": "Account"}, "Name": "A"},
        {"attributes": {"referenceId": "a"}, "Name": "A"},
        node("Lead", "a", Name="A"),
        node("Account", "a", Name="A", Nope__c=1),
        node("Account", "a", Name="A", Contacts={"records": "x"}),
        node("Account", "a", Name="A", Contacts={"records": [node("Lead", "b")]}),
        node("Account", "a", Name="A", Nothing={"records": []}),
    ],
    ids=str,
)
def test_a_tree_that_cannot_be_read_is_refused(org, client, record):
    response = planted(client, "Account", record)
    assert response.status_code == 400
    assert response.json()[0]["errorCode"]
    assert org.count("Account") == 0


def test_a_tree_of_an_unknown_object_is_not_found(client):
    assert planted(client, "Nope", node("Nope", "a")).status_code == 404
