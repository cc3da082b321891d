from __future__ import annotations

DATA = "/services/data/v60.0"


def names(client):
    return [one["name"] for one in client.get(f"{DATA}/sobjects").json()["sobjects"]]


def test_the_global_describe_lists_every_object(client):
    assert {"Lead", "Opportunity", "Account", "Contact", "User", "OpportunityHistory", "LeadStatus"} <= set(
        names(client)
    )
    [lead] = [one for one in client.get(f"{DATA}/sobjects").json()["sobjects"] if one["name"] == "Lead"]
    assert lead["urls"]["describe"] == f"{DATA}/sobjects/Lead/describe"
    assert lead["queryable"]


def test_an_object_is_described_in_any_case_of_its_name(client):
    body = client.get(f"{DATA}/sobjects/lead/describe").json()
    assert body["name"] == "Lead"
    assert body["keyPrefix"] == "00Q"
    assert len(body["fields"]) == 54
    assert len(body["fields"][0]) == 57


def test_custom_fields_are_described(org, client):
    org.add_field("Lead", "Crm_Id__c", "string", "CRM Id", length=32, external_id=True, unique=True)
    [field] = [f for f in client.get(f"{DATA}/sobjects/Lead/describe").json()["fields"] if f["custom"]]
    assert (field["name"], field["label"], field["length"]) == ("Crm_Id__c", "CRM Id", 32)
    assert field["externalId"]
    assert field["unique"]
    assert field["createable"]


def test_a_formula_is_described_as_calculated(org, client):
    org.add_field("Lead", "Age__c", "double", calculated=True)
    [field] = [f for f in client.get(f"{DATA}/sobjects/Lead/describe").json()["fields"] if f["custom"]]
    assert field["calculated"]
    assert not field["createable"]
    assert not field["updateable"]


def test_children_are_described(client):
    body = client.get(f"{DATA}/sobjects/Account/describe").json()
    names = {one["relationshipName"] for one in body["childRelationships"]}
    assert {"Contacts", "Opportunities", "ChildAccounts"} <= names


def test_an_object_in_short(client):
    body = client.get(f"{DATA}/sobjects/Lead").json()
    assert body["objectDescribe"]["name"] == "Lead"
    assert body["recentItems"] == []


def test_an_unknown_object_is_not_found(client):
    for path in ("Nothing", "Nothing/describe"):
        response = client.get(f"{DATA}/sobjects/{path}")
        assert (response.status_code, response.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_a_hidden_object_is_as_if_it_were_not_there(org, client):
    org.hide("OpportunityStage")
    assert "OpportunityStage" not in names(client)
    assert client.get(f"{DATA}/sobjects/OpportunityStage/describe").status_code == 404
    [error] = client.query("SELECT Id FROM OpportunityStage")
    assert error["errorCode"] == "INVALID_TYPE"


def test_a_hidden_field_is_as_if_it_were_not_there(org, client):
    assert client.query("SELECT Email FROM Lead")["done"]
    org.hide("Lead", "Email")
    fields = [field["name"] for field in client.get(f"{DATA}/sobjects/Lead/describe").json()["fields"]]
    assert "Email" not in fields
    assert "Phone" in fields
    [error] = client.query("SELECT Email FROM Lead")
    assert error["errorCode"] == "INVALID_FIELD"


def test_limits_tell_what_is_left(org, client):
    org.settings.daily_api_requests = 100
    client.bulk("SELECT Id FROM Lead")
    body = client.get(f"{DATA}/limits").json()
    assert body["DailyApiRequests"] == {"Max": 100, "Remaining": 98}
    assert body["DailyBulkV2QueryJobs"] == {"Max": 10000, "Remaining": 9999}
    assert body["DailyBulkApiBatches"]["Max"] == 15000


def test_record_counts_leave_out_what_is_unknown_or_deleted(org, client, leads):
    org.delete("Lead", leads[0])
    body = client.get(f"{DATA}/limits/recordCount", params={"sObjects": "Lead,Nothing, account"}).json()
    assert body == {"sObjects": [{"count": 6, "name": "Lead"}, {"count": 0, "name": "Account"}]}


def test_record_counts_of_everything(client, leads):
    counts = {one["name"]: one["count"] for one in client.get(f"{DATA}/limits/recordCount").json()["sObjects"]}
    assert counts["Lead"] == len(leads)
    assert counts["User"] == 1
