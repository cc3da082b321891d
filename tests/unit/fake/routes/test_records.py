from __future__ import annotations

import pytest

DATA = "/services/data/v60.0"
LEAD = f"{DATA}/sobjects/Lead"
ABSENT = "00QFk000000zzzzMAA"


def error_of(response):
    [error] = response.json()
    return response.status_code, error["errorCode"], error["message"]


@pytest.fixture
def keyed(org):
    """Three leads with an external Id, two of which share one."""
    org.add_field("Lead", "Crm_Id__c", "string", "CRM Id", length=32, external_id=True)
    rows = [{"LastName": f"L{n}", "Company": "Acme", "Crm_Id__c": key} for n, key in enumerate(["A", "B", "B"])]
    return org.insert("Lead", rows)


def test_a_record_is_made_and_told_where(client):
    response = client("POST", LEAD, json={"LastName": "Doe", "Company": "Acme"})
    assert response.status_code == 201
    record_id = response.json()["id"]
    assert response.json() == {"id": record_id, "success": True, "errors": []}
    assert len(record_id) == 18
    assert response.headers["Location"] == f"{LEAD}/{record_id}"
    assert client.rows("SELECT Name FROM Lead") == [{"Name": "Doe"}]


def test_a_trailing_slash_makes_no_difference(client):
    response = client("POST", f"{LEAD}/", json={"LastName": "Doe", "Company": "Acme"})
    assert response.status_code == 201
    assert client("PATCH", f"{LEAD}/{response.json()['id']}/", json={"Company": "New"}).status_code == 204


def test_a_record_without_what_it_needs_is_refused(client):
    response = client("POST", LEAD, json={"FirstName": "Jane"})
    assert response.status_code == 400
    [error] = response.json()
    assert error["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert error["message"] == f"Required fields are missing: [{', '.join(error['fields'])}]"
    assert set(error["fields"]) == {"LastName", "Company"}


def test_an_unknown_field_is_refused_without_a_list_of_fields(client):
    response = client("POST", LEAD, json={"LastName": "Doe", "Company": "Acme", "Nope__c": 1})
    assert error_of(response) == (400, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Lead")
    assert "fields" not in response.json()[0]


def test_an_unknown_object_is_not_found(client):
    assert error_of(client("POST", f"{DATA}/sobjects/Nope", json={}))[:2] == (404, "NOT_FOUND")
    assert error_of(client.get(f"{DATA}/sobjects/Nope/{ABSENT}"))[:2] == (404, "NOT_FOUND")


def test_a_new_record_cannot_choose_its_id(client):
    response = client("POST", LEAD, json={"Id": ABSENT, "LastName": "Doe", "Company": "Acme"})
    assert error_of(response)[:2] == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize("cut", [15, 18])
def test_a_record_is_read_by_either_form_of_its_id(client, leads, cut):
    body = client.get(f"{LEAD}/{leads[0][:cut]}").json()
    assert next(iter(body)) == "attributes"
    assert body["attributes"] == {"type": "Lead", "url": f"{LEAD}/{leads[0]}"}
    assert body["Id"] == leads[0]
    assert body["LastName"] == "Lead 0"
    assert body["Phone"] is None


def test_only_the_fields_asked_for_are_read(client, leads):
    body = client.get(f"{LEAD}/{leads[0]}", params={"fields": "lastname, Company,"}).json()
    assert list(body) == ["attributes", "LastName", "Company"] or set(body) == {
        "attributes",
        "LastName",
        "Company",
        "Id",
    }
    assert body["Company"] == "Acme"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(8e7, "8.0E7"), (12_345_678.9, "1.23456789E7"), (9_999_999.0, "9999999.0"), (33.0, "33.0"), (-1.5e9, "-1.5E9")],
)
def test_numbers_are_written_as_java_writes_them(org, client, amount, text):
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": amount}
    [deal] = org.insert("Opportunity", [deal])
    one = client.get(f"{DATA}/sobjects/Opportunity/{deal}", params={"fields": "Amount"})
    many = client.get(f"{DATA}/composite/sobjects/Opportunity", params={"ids": deal, "fields": "Amount"})
    found = client.get(f"{DATA}/query", params={"q": "SELECT Amount FROM Opportunity"})
    for response in (one, many, found):
        assert f'"Amount":{text}' in response.text


def test_an_unknown_field_cannot_be_read(client, leads):
    assert error_of(client.get(f"{LEAD}/{leads[0]}", params={"fields": "Id,Nope"}))[:2] == (400, "INVALID_FIELD")


def test_a_record_that_never_was_is_not_found(client):
    for method in ("GET", "PATCH", "DELETE"):
        response = client(method, f"{LEAD}/{ABSENT}", json={} if method == "PATCH" else None)
        assert error_of(response) == (404, "NOT_FOUND", "The requested resource does not exist"), method


def test_a_record_of_another_object_is_not_found(client, leads):
    assert error_of(client.get(f"{DATA}/sobjects/Account/{leads[0]}"))[:2] == (404, "NOT_FOUND")


def test_what_is_no_id_is_taken_for_the_name_of_a_field(client):
    expected = "Provided external ID field does not exist or is not accessible: nonsense"
    assert error_of(client.get(f"{LEAD}/nonsense")) == (404, "NOT_FOUND", expected)


def test_a_deleted_record_is_said_to_be_deleted(org, client, leads):
    assert client("DELETE", f"{LEAD}/{leads[0]}").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        response = client(method, f"{LEAD}/{leads[0]}", json={} if method == "PATCH" else None)
        assert error_of(response) == (404, "ENTITY_IS_DELETED", "entity is deleted"), method
        assert response.json()[0]["fields"] == []
    assert org.count("Lead") == 6


def test_a_record_is_changed(client, leads):
    response = client("PATCH", f"{LEAD}/{leads[0]}", json={"Company": "New"})
    assert (response.status_code, response.content) == (204, b"")
    assert client.rows(f"SELECT Company FROM Lead WHERE Id = '{leads[0]}'") == [{"Company": "New"}]


def test_a_change_must_not_name_the_id_again(client, leads):
    response = client("PATCH", f"{LEAD}/{leads[0]}", json={"Id": leads[0], "Company": "New"})
    expected = "The Id field should not be specified in the sobject data."
    assert error_of(response) == (400, "INVALID_FIELD", expected)


def test_post_can_stand_for_patch(client, leads):
    response = client("POST", f"{LEAD}/{leads[0]}?_HttpMethod=PATCH", json={"Company": "New"})
    assert response.status_code == 204


def test_nothing_can_be_posted_to_a_record(client, leads):
    response = client("POST", f"{LEAD}/{leads[0]}", json={})
    assert error_of(response)[:2] == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "DELETE,GET,HEAD,PATCH"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/csv", "application/xml"])
def test_bodies_of_other_kinds_than_json_are_refused(client, kind):
    response = client("POST", LEAD, data=b"LastName=Doe", headers={"Content-Type": kind})
    assert error_of(response)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


# --- external Ids --------------------------------------------------------------------------------------------------


def test_an_upsert_makes_what_is_not_there(client, keyed):
    response = client("PATCH", f"{LEAD}/Crm_Id__c/new one", json={"LastName": "N", "Company": "Acme"})
    body = response.json()
    assert response.status_code == 201
    assert body == {"id": body["id"], "success": True, "errors": [], "created": True}
    assert client.rows("SELECT Id FROM Lead WHERE Crm_Id__c = 'new one'") == [{"Id": body["id"]}]


@pytest.mark.parametrize(("version", "status"), [("45.0", 204), ("46.0", 200), ("60.0", 200)])
def test_an_upsert_changes_what_is_there(client, keyed, version, status):
    response = client("PATCH", f"/services/data/v{version}/sobjects/Lead/Crm_Id__c/A", json={"Company": "New"})
    assert response.status_code == status
    if status == 200:
        assert response.json() == {"id": keyed[0], "success": True, "errors": [], "created": False}
    assert client.rows(f"SELECT Company FROM Lead WHERE Id = '{keyed[0]}'") == [{"Company": "New"}]


def test_an_external_id_of_several_records_is_answered_with_their_addresses(client, keyed):
    for method in ("GET", "PATCH", "DELETE"):
        response = client(method, f"{LEAD}/Crm_Id__c/B", json={"Company": "New"} if method == "PATCH" else None)
        assert response.status_code == 300, method
        assert sorted(response.json()) == sorted(f"{LEAD}/{one}" for one in keyed[1:])


def test_the_key_must_not_stand_in_the_body_too(client, keyed):
    response = client("PATCH", f"{LEAD}/Crm_Id__c/A", json={"crm_id__c": "A"})
    expected = "The Crm_Id__c field should not be specified in the sobject data."
    assert error_of(response) == (400, "INVALID_FIELD", expected)


@pytest.mark.parametrize("field", ["Nope__c", "Company"])
def test_a_field_that_is_no_external_id_is_refused_as_a_key(client, field):
    expected = f"Provided external ID field does not exist or is not accessible: {field}"
    for method in ("GET", "PATCH", "DELETE"):
        response = client(method, f"{LEAD}/{field}/A", json={} if method == "PATCH" else None)
        assert error_of(response) == (404, "NOT_FOUND", expected), method


def test_an_upsert_that_only_updates_makes_nothing(client, keyed):
    url = f"{LEAD}/Crm_Id__c/none?updateOnly=true"
    assert error_of(client("PATCH", url, json={"LastName": "N", "Company": "A"}))[:2] == (404, "NOT_FOUND")
    assert client("PATCH", f"{LEAD}/Crm_Id__c/A?updateOnly=true", json={"Company": "New"}).status_code == 200


def test_a_record_is_read_and_deleted_by_its_external_id(org, client, keyed):
    body = client.get(f"{LEAD}/Crm_Id__c/A", params={"fields": "LastName"}).json()
    assert (body["attributes"]["url"], body["LastName"]) == (f"{LEAD}/{keyed[0]}", "L0")
    assert client("DELETE", f"{LEAD}/Crm_Id__c/A").status_code == 204
    assert error_of(client.get(f"{LEAD}/Crm_Id__c/A"))[:2] == (404, "NOT_FOUND")
    assert org.count("Lead") == 2


def test_the_id_serves_as_a_key_too(client, leads):
    response = client("PATCH", f"{LEAD}/Id/{leads[0]}", json={"Company": "New"})
    assert response.status_code == 200
    assert response.json() == {"id": leads[0], "success": True, "errors": [], "created": False}
    assert client.get(f"{LEAD}/Id/{leads[0]}").json()["Company"] == "New"
    assert client("DELETE", f"{LEAD}/Id/{leads[0]}").status_code == 204
    assert error_of(client("PATCH", f"{LEAD}/Id/{ABSENT}", json={}))[:2] == (404, "NOT_FOUND")


def test_an_upsert_without_a_key_makes_a_record(client):
    response = client("POST", f"{LEAD}/Id", json={"LastName": "N", "Company": "Acme"})
    assert (response.status_code, response.json()["created"]) == (201, True)


# --- relationships -------------------------------------------------------------------------------------------------


@pytest.fixture
def family(org):
    [account] = org.insert("Account", [{"Name": "Acme"}])
    contacts = org.insert("Contact", [{"LastName": f"C{n}", "AccountId": account} for n in range(3)])
    return account, contacts


def test_a_parent_is_reached_through_its_child(client, family):
    account, contacts = family
    url = f"{DATA}/sobjects/Contact/{contacts[0]}/Account"
    assert client.get(url, params={"fields": "Name"}).json()["Name"] == "Acme"
    assert client("PATCH", url, json={"Name": "New"}).status_code == 204
    assert client.get(f"{DATA}/sobjects/Account/{account}").json()["Name"] == "New"
    assert client("DELETE", url).status_code == 204
    assert client.get(f"{DATA}/sobjects/Account/{account}").status_code == 404


def test_children_are_reached_through_their_parent(client, family):
    account, _ = family
    body = client.get(f"{DATA}/sobjects/Account/{account}/Contacts", params={"fields": "LastName"}).json()
    assert (body["totalSize"], body["done"]) == (3, True)
    assert sorted(record["LastName"] for record in body["records"]) == ["C0", "C1", "C2"]
    assert len(client.get(f"{DATA}/sobjects/Account/{account}/contacts").json()["records"][0]) > 40


def test_a_relationship_that_leads_nowhere_is_not_found(org, client, family):
    [alone] = org.insert("Contact", [{"LastName": "Alone"}])
    assert client.get(f"{DATA}/sobjects/Contact/{alone}/Account").status_code == 404
    assert client.get(f"{DATA}/sobjects/Contact/{alone}/Nope").status_code == 404
    assert client.get(f"{DATA}/sobjects/Account/{ABSENT}/Contacts").status_code == 404
