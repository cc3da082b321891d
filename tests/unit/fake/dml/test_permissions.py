"""Writes of a user from whom something was taken away, and the org's own rules on the way of a record."""

from __future__ import annotations

import pytest

from sfsync.fake import faults


def test_a_hidden_field_is_not_there(writer):
    lead = writer.lead()
    writer.org.hide("Lead", "Rating")
    assert writer.refused("Lead", LastName="A", Company="B", Rating="Hot").message == (
        "No such column 'Rating' on sobject of type Lead"
    )
    [outcome] = writer.update("Lead", {"Id": lead, "Rating": "Hot"})
    assert [error.code for error in outcome.errors] == ["INVALID_FIELD"]


def test_a_hidden_object_is_not_found(writer):
    writer.org.hide("Lead")
    with pytest.raises(faults.RestFault):
        writer.create("Lead", {})


def test_an_update_keeps_what_the_user_does_not_see(writer):
    lead = writer.lead(Rating="Hot")
    writer.org.hide("Lead", "Rating")
    assert writer.changed("Lead", lead, Phone="1")["Rating"] == "Hot"


@pytest.mark.parametrize(
    ("verbs", "code"),
    [("create", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), ("edit", "INSUFFICIENT_ACCESS_OR_READONLY"),
     ("delete", "INSUFFICIENT_ACCESS_OR_READONLY")],
)  # fmt: skip
def test_a_user_does_what_he_may(writer, verbs, code):
    lead = writer.lead()
    allowed = {"create", "read", "edit", "delete"} - {verbs}
    writer.org.behaviour.permissions.set(writer.org.admin_id, "Lead", allowed)
    outcomes = {
        "create": lambda: writer.create("Lead", {"LastName": "A", "Company": "B"}),
        "edit": lambda: writer.update("Lead", {"Id": lead, "LastName": "A"}),
        "delete": lambda: writer.delete(lead),
    }[verbs]()
    assert [error.code for one in outcomes for error in one.errors] == [code]


def test_validation_rules_see_the_record_as_it_would_be(writer):
    writer.org.add_validation_rule("Opportunity", "Unlikely", "Probability < 20 AND Amount > 100", "Not worth it")
    [outcome] = writer.create(
        "Opportunity", {"Name": "A", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": "101"}
    )
    assert [(error.code, error.message) for error in outcome.errors] == [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Not worth it")
    ]
    deal = writer.deal(Amount=50)
    assert not writer.update("Opportunity", {"Id": deal, "Amount": 500})[0].success
    assert writer.update("Opportunity", {"Id": deal, "Amount": 500, "StageName": "Closed Won"})[0].success


def test_calculated_fields_follow_a_write_without_a_stamp(writer):
    account = writer.made("Account", Name="A")
    other = writer.made("Account", Name="B")
    writer.org.add_roll_up("Account", "Worth__c", "Opportunity", "SUM", "Amount")
    deal = writer.deal(AccountId=account, Amount=5)
    assert writer.record("Account", account)["Worth__c"] == 5.0
    writer.changed("Opportunity", deal, AccountId=other)
    assert [writer.record("Account", one)["Worth__c"] for one in (account, other)] == [0.0, 5.0]
    writer.delete(deal)
    assert writer.record("Account", other)["Worth__c"] == 0.0
    writer.undelete(deal)
    assert writer.record("Account", other)["Worth__c"] == 5.0
    writer.delete(deal, hard=True)
    assert writer.record("Account", other)["Worth__c"] == 0.0
