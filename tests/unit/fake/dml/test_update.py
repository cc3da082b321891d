from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sfsync.fake import faults
from sfsync.fake.ids import make_id, to_15

NOON = datetime(2026, 3, 1, 12, 0, 0)
HOUR = timedelta(hours=1)


def test_an_update_changes_what_is_given_and_the_stamps(writer):
    lead = writer.lead(FirstName="Ada", Rating="Hot")
    writer.org.clock.advance(HOUR)
    record = writer.changed("Lead", to_15(lead), firstname="Augusta", Email=None)
    assert (record["Name"], record["Rating"]) == ("Augusta Lovelace", "Hot")
    assert record["CreatedDate"] == NOON
    assert record["LastModifiedDate"] == record["SystemModstamp"] == NOON + HOUR


def test_an_update_that_changes_nothing_moves_the_stamps_too(writer):
    lead = writer.lead()
    writer.org.clock.advance(HOUR)
    assert writer.changed("Lead", lead, LastName="Lovelace")["SystemModstamp"] == NOON + HOUR


def test_what_follows_from_other_fields_follows(writer):
    deal = writer.deal(Amount=100)
    writer.org.clock.advance(HOUR)
    record = writer.changed("Opportunity", deal, StageName="Closed Won")
    assert (record["IsClosed"], record["IsWon"], record["Probability"]) == (True, True, 100.0)
    assert (record["ExpectedRevenue"], record["LastStageChangeDate"]) == (100.0, NOON + HOUR)
    record = writer.changed("Opportunity", deal, Probability=50)
    assert (record["Probability"], record["ExpectedRevenue"]) == (50.0, 50.0)
    record = writer.changed("Opportunity", deal, Amount=None, CloseDate="2027-12-24")
    assert (record["ExpectedRevenue"], record["Fiscal"]) == (None, "2027 4")
    record = writer.changed("Opportunity", deal, ForecastCategoryName="Pipeline")
    assert record["ForecastCategory"] == "Pipeline"


@pytest.mark.parametrize("record_id", [None, ""])
def test_an_update_names_its_record(writer, record_id):
    [outcome] = writer.update("Lead", {"Id": record_id, "LastName": "A"})
    assert [error.code for error in outcome.errors] == ["MISSING_ARGUMENT"]
    [outcome] = writer.update("Lead", {"LastName": "A"})
    assert [error.message for error in outcome.errors] == ["Id not specified in an update call"]


@pytest.mark.parametrize("record_id", ["nonsense", 5, make_id("001", 0)])
def test_an_update_names_its_record_by_its_id(writer, record_id):
    writer.made("Account", Name="A")
    [outcome] = writer.update("Lead", {"Id": record_id, "LastName": "A"})
    assert [error.code for error in outcome.errors] == ["MALFORMED_ID"]
    assert outcome.errors[0].message.startswith("Lead ID: id value of incorrect type: ")


def test_what_is_not_there_cannot_be_changed(writer):
    [outcome] = writer.update("Lead", {"Id": make_id("00Q", 9), "LastName": "A"})
    assert [error.code for error in outcome.errors] == ["INVALID_CROSS_REFERENCE_KEY"]


def test_what_is_deleted_cannot_be_changed(writer):
    lead = writer.lead()
    writer.delete(lead)
    [outcome] = writer.update("Lead", {"Id": lead, "LastName": "A"})
    assert [(error.code, error.message) for error in outcome.errors] == [("ENTITY_IS_DELETED", "entity is deleted")]
    assert outcome.id == lead


def test_a_converted_lead_stays_as_it_is(writer):
    [lead] = writer.org.insert("Lead", [{"LastName": "A", "Company": "B", "IsConverted": True}])
    [outcome] = writer.update("Lead", {"Id": lead, "LastName": "C"})
    [error] = outcome.errors
    assert (error.code, error.message) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    assert writer.refused("Task", WhoId=lead).code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_required_fields_cannot_be_cleared(writer):
    lead = writer.lead()
    [outcome] = writer.update("Lead", {"Id": lead, "LastName": None, "Status": ""})
    [error] = outcome.errors
    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ("LastName", "Status"))
    [outcome] = writer.update("Lead", {"Id": lead, "OwnerId": None})
    assert [error.message for error in outcome.errors] == ["Owner ID: owner cannot be blank"]


def test_a_cleared_checkbox_is_not_ticked(writer):
    lead = writer.lead(IsUnreadByOwner=True)
    assert writer.changed("Lead", lead, IsUnreadByOwner=None)["IsUnreadByOwner"] is False


@pytest.mark.parametrize("field", ["CreatedDate", "Name", "IsConverted", "ConvertedAccountId"])
def test_fields_that_cannot_be_changed(writer, field):
    lead = writer.lead()
    [outcome] = writer.update("Lead", {"Id": lead, field: None})
    [error] = outcome.errors
    assert (error.code, error.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", (field,))


def test_some_fields_can_only_be_set_on_new_records(writer):
    first, second = writer.deal(), writer.deal()
    contact = writer.made("Contact", LastName="A")
    role = writer.made("OpportunityContactRole", OpportunityId=first, ContactId=contact)
    [outcome] = writer.update("OpportunityContactRole", {"Id": role, "OpportunityId": second})
    assert [error.code for error in outcome.errors] == ["INVALID_FIELD_FOR_INSERT_UPDATE"]


def test_the_same_record_can_be_changed_twice_in_a_call(writer):
    account = writer.made("Account", Name="A")
    outcomes = writer.update("Account", {"Id": account, "Name": "B"}, {"Id": account, "Phone": "1"})
    assert all(one.success for one in outcomes)
    record = writer.record("Account", account)
    assert (record["Name"], record["Phone"]) == ("B", "1")


def test_all_or_none_undoes_what_came_before(writer):
    account = writer.made("Account", Name="A")
    outcomes = writer.update("Account", {"Id": account, "Name": "B"}, {"Id": account, "Name": None}, all_or_none=True)
    assert [one.errors[0].code for one in outcomes] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert writer.record("Account", account)["Name"] == "A"


def test_a_unique_value_can_be_kept_and_not_taken(writer):
    writer.org.add_field("Lead", "Key__c", "string", unique=True)
    first, second = writer.lead(Key__c="a"), writer.lead(Key__c="b")
    writer.changed("Lead", first, Key__c="A")
    [outcome] = writer.update("Lead", {"Id": second, "Key__c": "a"})
    assert [error.code for error in outcome.errors] == ["DUPLICATE_VALUE"]


def test_a_lookup_that_does_not_change_is_not_looked_at(writer):
    account = writer.made("Account", Name="A")
    contact = writer.made("Contact", LastName="B", AccountId=account)
    writer.org.update("Contact", contact, {"AccountId": make_id("001", 77)})  # as in an org that lost the account
    writer.changed("Contact", contact, LastName="C", AccountId=make_id("001", 77))


def test_a_record_that_was_touched_since_is_not_changed(writer):
    lead = writer.lead()
    [outcome] = writer.update("Lead", {"Id": lead, "Company": "X"}, unmodified_since=NOON.replace(tzinfo=UTC))
    assert outcome.success
    with pytest.raises(faults.RestFault) as caught:
        writer.update("Lead", {"Id": lead, "Company": "Y"}, unmodified_since=NOON - HOUR)
    assert caught.value.status == 412
    assert writer.record("Lead", lead)["Company"] == "X"


def test_records_with_different_fields_are_changed_in_one_call(writer):
    leads = [writer.lead() for _ in range(8)]
    rows = [{"Id": lead, ("City" if place % 2 else "State"): f"{place}"} for place, lead in enumerate(leads)]
    assert all(one.success for one in writer.update("Lead", *rows))
    for place, lead in enumerate(leads):
        record = writer.record("Lead", lead)
        assert (record["City"], record["State"]) == ((f"{place}", None) if place % 2 else (None, f"{place}"))


def test_the_org_itself_may_set_everything(writer):
    lead = writer.lead()
    early = NOON - timedelta(days=9)
    writer.org.update("Lead", lead, {"IsConverted": True, "LastModifiedDate": early, "Name": "As it was"})
    record = writer.record("Lead", lead)
    assert (record["IsConverted"], record["SystemModstamp"], record["Name"]) == (True, early, "As it was")
