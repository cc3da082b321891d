"""What clients notice of an org's set-up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

DATA = "/services/data/v60.0"
LEAD = {"LastName": "Jones", "Company": "Acme"}


@pytest.fixture
def jones(org, client_of):
    """A user without rights of her own yet, and her client."""
    user = org.add_user("Jones")
    client = client_of(org)
    client.session.headers["Authorization"] = f"Bearer {org.token_for(user)}"
    client.user = user
    return client


def post(client, body=None, **headers):
    return client("POST", f"{DATA}/sobjects/Lead", json=body or LEAD, headers=headers)


def test_a_hidden_field_is_gone_from_describe_query_and_record_of_its_user_alone(org, client, jones):
    lead = org.insert("Lead", [{**LEAD, "Email": "j@acme.example"}])[0]
    org.hide("Lead", "Email", user=jones.user)
    fields = {f["name"] for f in jones.get(f"{DATA}/sobjects/Lead/describe").json()["fields"]}
    assert "Email" not in fields
    assert "Phone" in fields
    (error,) = jones.query("SELECT Id, Email FROM Lead")
    assert error["errorCode"] == "INVALID_FIELD"
    assert "No such column 'Email' on entity 'Lead'" in error["message"]
    assert jones.query("SELECT Id FROM Lead WHERE Email = 'x'")[0]["errorCode"] == "INVALID_FIELD"
    assert "Email" not in jones.get(f"{DATA}/sobjects/Lead/{lead}").json()
    (error,) = post(jones, {**LEAD, "Email": "x@y.example"}).json()
    assert error["errorCode"] == "INVALID_FIELD"
    assert client.rows("SELECT Email FROM Lead") == [{"Email": "j@acme.example"}]
    assert client.get(f"{DATA}/sobjects/Lead/{lead}").json()["Email"] == "j@acme.example"


def test_a_hidden_object_is_not_there(org, client, jones):
    org.hide("Opportunity", user=jones.user)
    assert jones.query("SELECT Id FROM Opportunity")[0]["errorCode"] == "INVALID_TYPE"
    assert jones.query("SELECT Id FROM OpportunityHistory")["totalSize"] == 0
    assert jones.get(f"{DATA}/sobjects/Opportunity/describe").status_code == 404
    assert "Opportunity" not in {o["name"] for o in jones.get(f"{DATA}/sobjects").json()["sobjects"]}
    counts = jones.get(f"{DATA}/limits/recordCount", params={"sObjects": "Opportunity,Lead"}).json()["sObjects"]
    assert [one["name"] for one in counts] == ["Lead"]
    assert client.query("SELECT Id FROM Opportunity")["totalSize"] == 0


def test_bulk_queries_see_what_their_user_sees(org, client, jones):
    org.insert("Lead", [LEAD])
    org.hide("Lead", "Email", user=jones.user)
    body = {"operation": "query", "query": "SELECT Email FROM Lead"}
    refused = jones("POST", f"{DATA}/jobs/query", json=body)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert client("POST", f"{DATA}/jobs/query", json=body).status_code == 200


def test_what_a_user_may_only_read_is_described_so_and_refused_when_written(org, jones):
    lead = org.insert("Lead", [LEAD])[0]
    org.set_permissions("Lead", ("read",), field="Company", user=jones.user)
    fields = {f["name"]: f for f in jones.get(f"{DATA}/sobjects/Lead/describe").json()["fields"]}
    assert not fields["Company"]["updateable"]
    answer = jones("PATCH", f"{DATA}/sobjects/Lead/{lead}", json={"Company": "Other"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    org.set_permissions("Lead", ("read",), user=jones.user)
    assert post(jones).status_code in {400, 403}
    assert jones("PATCH", f"{DATA}/sobjects/Lead/{lead}", json={"LastName": "Other"}).status_code in {400, 403}
    assert jones("DELETE", f"{DATA}/sobjects/Lead/{lead}").status_code in {400, 403}
    assert org.record("Lead", lead)["LastName"] == "Jones"


def test_a_validation_rule_answers_with_its_message(org, client):
    org.add_validation_rule("Lead", "Email_Needed", "Email = null", "Email, please.", "Email")
    answer = post(client)
    assert answer.status_code == 400
    assert answer.json() == [
        {"message": "Email, please.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Email"]}
    ]
    assert post(client, {**LEAD, "Email": "j@acme.example"}).status_code == 201


def test_a_duplicate_answers_with_the_records_there_are_unless_the_client_insists(org, client):
    known = org.insert("Lead", [{**LEAD, "Email": "j@acme.example"}])[0]
    org.add_duplicate_rule("Lead", ["Email"], "alert")
    answer = post(client, {**LEAD, "Email": "J@ACME.example"})
    assert answer.status_code == 400
    (error,) = answer.json()
    assert set(error) == {"errorCode", "message", "duplicateResult"}
    assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", "Use one of these records?")
    (match,) = error["duplicateResult"]["matchResults"][0]["matchRecords"]
    assert match["record"]["attributes"]["url"] == f"{DATA}/sobjects/Lead/{known}"
    insisting = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert post(client, {**LEAD, "Email": "j@acme.example"}, **insisting).status_code == 201


def test_assignment_rules_fire_on_create_and_on_update_unless_switched_off(org, client):
    anna = org.add_user("Anna")
    org.add_assignment_rule("Lead", "Country = 'DE'", anna)
    german = {**LEAD, "Country": "DE"}
    made = post(client, german).json()["id"]
    assert org.record("Lead", made)["OwnerId"] == anna
    kept = post(client, german, **{"Sforce-Auto-Assign": "FALSE"}).json()["id"]
    assert org.record("Lead", kept)["OwnerId"] == org.admin_id
    answer = client("PATCH", f"{DATA}/sobjects/Lead/{kept}", json={"Title": "CEO"})
    assert answer.status_code == 204
    assert org.record("Lead", kept)["OwnerId"] == anna


def test_new_records_get_the_default_record_type_of_their_user(org, client, jones):
    kind = org.add_record_type("Lead", "Partner_Lead", default_for=jones.user)
    mine, other = post(jones).json()["id"], post(client).json()["id"]
    assert org.record("Lead", mine)["RecordTypeId"] == kind
    assert org.record("Lead", other)["RecordTypeId"] is None
    infos = jones.get(f"{DATA}/sobjects/Lead/describe").json()["recordTypeInfos"]
    assert [(i["developerName"], i["defaultRecordTypeMapping"]) for i in infos] == [
        ("Partner_Lead", True),
        ("Master", False),
    ]
    assert jones.rows("SELECT RecordType.DeveloperName FROM Lead WHERE RecordType.DeveloperName != null") == [
        {"RecordType": {"attributes": infos and _record_type(kind), "DeveloperName": "Partner_Lead"}}
    ]


def _record_type(record_id):
    return {"type": "RecordType", "url": f"{DATA}/sobjects/RecordType/{record_id}"}


def test_calculated_fields_are_right_after_every_kind_of_write(org, client):
    account = client("POST", f"{DATA}/sobjects/Account", json={"Name": "Acme"}).json()["id"]
    org.add_roll_up("Account", "Sum__c", "Opportunity", "SUM", "Amount")
    org.add_formula("Account", "Large__c", "boolean", "Sum__c > 100")
    org.add_formula("Opportunity", "Of__c", "string", 'Account.Name & " " & TEXT(Amount)')
    stamp = org.record("Account", account)["SystemModstamp"]
    org.clock.advance(timedelta(hours=1))

    def seen():
        (row,) = client.rows("SELECT Sum__c, Large__c FROM Account")
        return row["Sum__c"], row["Large__c"]

    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 70, "AccountId": account}
    first = client("POST", f"{DATA}/sobjects/Opportunity", json=deal).json()["id"]
    assert seen() == (70.0, False)
    second = org.insert("Opportunity", [deal])[0]
    assert seen() == (140.0, True)
    client("PATCH", f"{DATA}/sobjects/Opportunity/{first}", json={"Amount": 10})
    assert seen() == (80.0, False)
    assert client.get(f"{DATA}/sobjects/Opportunity/{first}").json()["Of__c"] == "Acme 10"
    client("DELETE", f"{DATA}/sobjects/Opportunity/{second}")
    assert seen() == (10.0, False)
    assert org.record("Account", account)["SystemModstamp"] == stamp
    client("PATCH", f"{DATA}/sobjects/Account/{account}", json={"Name": "New"})
    assert client.rows("SELECT Of__c FROM Opportunity") == [{"Of__c": "New 10"}]
    refused = client("PATCH", f"{DATA}/sobjects/Account/{account}", json={"Sum__c": 5})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_time_passes_for_formulas_between_two_queries(org, client):
    org.insert("Lead", [LEAD])
    org.add_formula("Lead", "Age__c", "double", "TODAY() - DATEVALUE(CreatedDate)", scale=0)
    assert client.rows("SELECT Age__c FROM Lead") == [{"Age__c": 0.0}]
    org.clock.advance(timedelta(days=5))
    assert client.rows("SELECT Age__c FROM Lead WHERE Age__c = 5") == [{"Age__c": 5.0}]


def test_money_is_converted_for_the_user_who_asks(org, client, client_of):
    org.multi_currency({"USD": 1, "EUR": 0.5})
    user = org.add_user("Jones", DefaultCurrencyIsoCode="EUR")
    jones = client_of(org)
    jones.session.headers["Authorization"] = f"Bearer {org.token_for(user)}"
    org.insert("Lead", [{**LEAD, "AnnualRevenue": 100, "CurrencyIsoCode": "USD"}])
    soql = "SELECT CurrencyIsoCode, AnnualRevenue, convertCurrency(AnnualRevenue) own FROM Lead"
    assert jones.rows(soql) == [{"CurrencyIsoCode": "USD", "AnnualRevenue": 100.0, "own": 50.0}]
    assert client.rows(soql) == [{"CurrencyIsoCode": "USD", "AnnualRevenue": 100.0, "own": 100.0}]


def test_money_of_opportunities_is_converted_by_the_rate_of_their_close_date(org, client, jones):
    org.multi_currency({"USD": 1, "EUR": 0.5}, {"EUR": {date(2026, 1, 1): 0.8, date(2026, 2, 1): 0.9}})
    org.update("User", jones.user, {"DefaultCurrencyIsoCode": "EUR"})
    deal = {"Name": "D", "StageName": "Prospecting", "Amount": 100, "CurrencyIsoCode": "USD"}
    org.insert("Opportunity", [{**deal, "CloseDate": day} for day in ("2025-06-30", "2026-01-31", "2026-02-01")])
    rows = jones.rows("SELECT convertCurrency(Amount) own FROM Opportunity ORDER BY CloseDate")
    assert [row["own"] for row in rows] == [50.0, 80.0, 90.0]


def test_a_reset_org_has_nothing_set_up(org, client):
    org.hide("Lead", "Email")
    org.add_validation_rule("Lead", "Never", "LastName != null", "No.")
    org.reset()
    assert post(client).status_code == 201
    assert client.rows("SELECT Email FROM Lead") == [{"Email": None}]
