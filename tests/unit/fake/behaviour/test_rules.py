from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from sfsync.errors import UsageError


def codes(row):
    return [error.code for error in row.errors]


def test_a_record_that_meets_the_condition_of_a_validation_rule_is_refused(org, pend, options):
    org.add_validation_rule("Lead", "Email_Needed", "Status = 'Qualified' AND Email = null", "Email, please.", "Email")
    bad = pend(0, Status="QUALIFIED", LastName="A", Company="B")
    good = pend(1, Status="Qualified", Email="a@b.example", LastName="A", Company="B")
    org.behaviour.check("Lead", [good, bad], options)
    assert not good.errors
    (error,) = bad.errors
    assert (error.code, error.message, error.fields) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Email, please.",
        ("Email",),
    )


def test_every_validation_rule_that_applies_is_told(org, pend, options):
    org.add_validation_rule("Lead", "One", "AnnualRevenue < 0", "Too little.")
    org.add_validation_rule("Lead", "Two", "NumberOfEmployees > 5", "Too many.")
    row = pend(AnnualRevenue=-1.5, NumberOfEmployees=6)
    org.behaviour.check("Lead", [row], options)
    assert [error.message for error in row.errors] == ["Too little.", "Too many."]


def test_a_rule_can_look_at_parents_dates_and_other_records(org, pend, options):
    account = org.insert("Account", [{"Name": "Acme", "Industry": "Banking"}])[0]
    org.add_validation_rule(
        "Opportunity",
        "Banks",
        "Account.Industry = 'banking' AND CloseDate < TODAY AND AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'A%')",
        "No.",
    )
    row = pend(AccountId=account, CloseDate=date(2020, 1, 1), CreatedDate=datetime(2020, 1, 1))
    later = pend(1, AccountId=account, CloseDate=date(2999, 1, 1))
    org.behaviour.check("Opportunity", [row, later], options)
    assert codes(row) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert not later.errors


def test_a_rule_can_be_about_new_records_only(org, pend, options):
    org.add_validation_rule("Lead", "No_New_Ones", "Id = null", "No.")
    new, old = pend(1, LastName="A"), pend(2, before={"LastName": "A"}, LastName="B")
    org.behaviour.check("Lead", [new, old], options)
    assert [bool(row.errors) for row in (new, old)] == [True, False]


def test_a_rule_can_be_a_function_of_the_record_as_it_was_and_will_be(org, pend, options):
    org.add_validation_rule(
        "Lead", "No_Way_Back", lambda new, old: old is not None and old["Status"] == "Closed" != new["Status"], "No."
    )
    row = pend(before={"Status": "Closed"}, Status="Open")
    new = pend(1, Status="Open")
    org.behaviour.check("Lead", [row, new], options)
    assert codes(row) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert not new.errors


def test_hostile_values_are_only_values_to_a_rule(org, pend, options):
    org.add_validation_rule("Lead", "Rule", "LastName = 'O\\'Brien'", "No.")
    rows = [
        pend(number, LastName=name)
        for number, name in enumerate(["O'Brien", '\'; DROP TABLE "Lead"; --', '"', "\\", "\u0000", "\U0001f600"])
    ]
    org.behaviour.check("Lead", rows, options)
    assert [bool(row.errors) for row in rows] == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    "when", ["Nothing__c = 1", "Status =", "Status = 5", "Email = 'a') OR (Id != null", "Id != null LIMIT 1"]
)
def test_a_condition_that_the_org_would_refuse_is_refused_when_it_is_declared(org, when):
    with pytest.raises(UsageError):
        org.add_validation_rule("Lead", "Rule", when, "No.")


def test_a_duplicate_is_refused_with_the_records_there_are(org, pend, options):
    known = org.insert("Lead", [{"LastName": "Jones", "Company": "Acme", "Email": "Jones@Acme.example"}])[0]
    org.add_duplicate_rule("Lead", ["Email"], name="Same_Email")
    row = pend(1, Email="jones@acme.EXAMPLE ", LastName="J")
    org.behaviour.check("Lead", [row, pend(2, Email="other@acme.example")], options)
    (error,) = row.errors
    assert (error.code, error.message, error.fields) == ("DUPLICATES_DETECTED", "Use one of these records?", ())
    assert error.extra == {
        "duplicateResult": {
            "allowSave": False,
            "duplicateRule": "Same_Email",
            "duplicateRuleEntityType": "Lead",
            "errorMessage": "Use one of these records?",
            "matchResults": [
                {
                    "entityType": "Lead",
                    "errors": [],
                    "matchEngine": "ExactMatchEngine",
                    "matchRecords": [
                        {
                            "additionalInformation": [],
                            "fieldDiffs": [],
                            "matchConfidence": 100.0,
                            "record": {
                                "attributes": {"type": "Lead", "url": f"/services/data/v66.0/sobjects/Lead/{known}"},
                                "Id": known,
                            },
                        }
                    ],
                    "rule": "Same_Email_Match",
                    "size": 1,
                    "success": True,
                }
            ],
        }
    }


def test_an_alert_stops_a_save_unless_the_client_insists_and_a_block_does_so_always(org, pend, options):
    org.insert("Lead", [{"LastName": "Jones", "Company": "Acme", "Email": "j@acme.example"}])
    org.insert("Lead", [{"LastName": "Smith", "Company": "Acme", "Email": "s@acme.example"}])
    org.add_duplicate_rule("Lead", ["Email"], "alert")
    org.add_duplicate_rule("Lead", ["LastName", "Company"], "block")
    alerted = pend(11, Email="j@acme.example", LastName="X", Company="Acme")
    blocked = pend(12, LastName="smith", Company="ACME")
    insisting = replace(options, allow_duplicates=True)
    org.behaviour.check("Lead", [alerted, blocked], insisting)
    assert not alerted.errors
    assert blocked.errors[0].extra["duplicateResult"]["allowSave"] is False
    org.behaviour.check("Lead", [alerted], options)
    assert alerted.errors[0].extra["duplicateResult"]["allowSave"] is True


def test_a_lead_can_be_a_duplicate_of_a_contact(org, pend, options):
    contact = org.insert("Contact", [{"LastName": "Jones", "Email": "j@acme.example"}])[0]
    org.add_duplicate_rule("Lead", ["Email"], against=["Lead", "Contact"])
    row = pend(Email="j@acme.example")
    org.behaviour.check("Lead", [row], options)
    (result,) = row.errors[0].extra["duplicateResult"]["matchResults"]
    assert (result["entityType"], result["matchRecords"][0]["record"]["Id"]) == ("Contact", contact)


def test_no_duplicate_is_found_where_there_is_none(org, pend, options):
    gone, kept, _ = org.insert(
        "Lead",
        [
            {"LastName": "A", "Company": "Acme", "Email": "gone@acme.example"},
            {"LastName": "B", "Company": "Acme", "Email": "kept@acme.example"},
            {"LastName": "C", "Company": "Acme", "Email": "done@acme.example", "IsConverted": True},
        ],
    )
    org.delete("Lead", gone)
    org.add_duplicate_rule("Lead", ["Email"])
    rows = [
        pend(1, Email="gone@acme.example"),
        pend(2, Email="done@acme.example"),
        pend(3, Email=None),
        pend(4, before={"Email": "kept@acme.example"}, record_id=kept, LastName="B2"),
        pend(5, before={"Email": "new@acme.example"}, record_id=kept, Email="kept@acme.example"),
        pend(6, Email="twice@acme.example"),
        pend(7, Email="twice@acme.example"),
    ]
    org.behaviour.check("Lead", rows, options)
    assert [row.index for row in rows if row.errors] == []


def test_an_update_is_compared_when_it_changes_what_is_compared(org, pend, options):
    known = org.insert("Lead", [{"LastName": "A", "Company": "Acme", "Email": "a@acme.example"}])[0]
    org.add_duplicate_rule("Lead", ["Email"])
    changed = pend(30, before={"Email": "b@acme.example"}, Email="a@acme.example")
    untouched = pend(31, before={"Email": "a@acme.example"}, LastName="B")
    org.behaviour.check("Lead", [changed, untouched], options)
    assert changed.errors[0].extra["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == known
    assert not untouched.errors


def test_the_first_assignment_rule_that_applies_decides_on_create_and_update(org, pend, options):
    anna, bert = org.add_user("Anna"), org.add_user("Bert")
    org.add_assignment_rule("Lead", "Country = 'DE'", anna)
    org.add_assignment_rule("Lead", "NumberOfEmployees > 100", bert[:15])
    both = pend(1, Country="de", NumberOfEmployees=500, OwnerId=org.admin_id)
    large = pend(2, before={"OwnerId": anna, "NumberOfEmployees": 500}, LastName="B")
    other = pend(3, Country="FR", OwnerId=org.admin_id)
    org.behaviour.assign("Lead", [both, large, other], options)
    assert [row.after["OwnerId"] for row in (both, large, other)] == [anna, bert, org.admin_id]


def test_assignment_rules_stay_silent_when_the_client_wants_it_or_the_record_is_refused(org, pend, options):
    anna = org.add_user("Anna")
    org.add_assignment_rule("Lead", None, anna)
    row, refused = pend(1, OwnerId=org.admin_id), pend(2, OwnerId=org.admin_id)
    org.add_validation_rule("Lead", "None_At_All", "OwnerId != null", "No.")
    org.behaviour.check("Lead", [refused], options)
    org.behaviour.assign("Lead", [row], replace(options, auto_assign=False))
    org.behaviour.assign("Lead", [refused], options)
    assert row.after["OwnerId"] == refused.after["OwnerId"] == org.admin_id


def test_a_record_type_offers_its_own_values_of_restricted_picklists(org, pend, options):
    org.add_field("Lead", "Tier__c", "picklist", picklist_values=("Gold", "Silver"))
    facts = org.catalog.facts("Lead")
    restricted = replace(facts.field("Tier__c"), flags=facts.field("Tier__c").flags + "r")
    org.catalog.put(replace(facts, fields=(*(f for f in facts.fields if f.name != "Tier__c"), restricted)))
    partner = org.add_record_type("Lead", "Partner_Lead", {"Tier__c": ["Gold"]}, default_for="everybody")
    rows = [
        pend(1, RecordTypeId=partner, Tier__c="Silver"),
        pend(2, RecordTypeId=partner, Tier__c="Gold"),
        pend(3, RecordTypeId=None, Tier__c="Silver"),
        pend(4, before={"RecordTypeId": partner, "Tier__c": "Silver"}, LastName="X"),
    ]
    org.behaviour.check("Lead", rows, options)
    (error,) = rows[0].errors
    assert error.message == "Tier: bad value for restricted picklist field: Silver"
    assert error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert [row.index for row in rows if row.errors] == [1]


def test_record_types_can_be_the_default_of_everybody_or_of_one(org):
    jones = org.add_user("Jones")
    first = org.add_record_type("Lead", "First_Kind", default_for="everybody")
    second = org.add_record_type("Lead", "Second_Kind", default_for=jones)
    behaviour = org.behaviour
    assert behaviour.default_record_type(org.admin_id, "Lead") == first
    assert behaviour.default_record_type(jones, "Lead") == second
    assert behaviour.default_record_type(jones, "Account") is None
    assert org.record("RecordType", second)["Name"] == "Second Kind"
    infos = {
        info["developerName"]: info["defaultRecordTypeMapping"] for info in behaviour.record_type_infos("Lead", jones)
    }
    assert infos == {"First_Kind": False, "Second_Kind": True}


@pytest.mark.parametrize(
    "call",
    [
        lambda org: org.add_assignment_rule("Opportunity", None, org.admin_id),
        lambda org: org.add_assignment_rule("Lead", None, "nobody"),
        lambda org: org.add_duplicate_rule("Lead", []),
        lambda org: org.add_duplicate_rule("Lead", ["Company"], against=["Contact"]),
        lambda org: org.add_duplicate_rule("Lead", ["Email"], "warn"),
        lambda org: org.add_record_type("Lead", "Kind", {"Nothing__c": []}),
        lambda org: org.add_validation_rule("Lead", "Rule", "Email = null", "No.", "Nothing__c"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(org, call):
    with pytest.raises(UsageError):
        call(org)
