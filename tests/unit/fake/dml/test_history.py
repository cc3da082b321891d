from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

NOON = datetime(2026, 3, 1, 12, 0, 0)
HOUR = timedelta(hours=1)


def stage_history(writer):
    return writer.rows(
        'SELECT "StageName", "Amount", "Probability", "CloseDate", "PrevAmount", "PrevCloseDate", "CreatedDate"'
        ' FROM "OpportunityHistory" ORDER BY "Id"'
    )


def field_history(writer, name):
    return writer.rows(
        f'SELECT "Field", "DataType", "OldValue", "NewValue" FROM "{name}" WHERE "Field" <> \'created\' ORDER BY "Id"'
    )


def test_the_way_of_an_opportunity_is_written_down(writer):
    deal = writer.deal(Amount=100)
    writer.org.clock.advance(HOUR)
    writer.changed("Opportunity", deal, StageName="Qualification", NextStep="call")
    writer.org.clock.advance(HOUR)
    record = writer.changed("Opportunity", deal, Amount=200, CloseDate="2026-06-01")
    writer.changed("Opportunity", deal, NextStep="wait")
    writer.changed("Opportunity", deal, Amount=200)
    day, later = date(2026, 5, 6), date(2026, 6, 1)
    assert stage_history(writer) == [
        ("Prospecting", 100.0, 10.0, day, None, None, NOON),
        ("Qualification", 100.0, 10.0, day, 100.0, day, NOON + HOUR),
        ("Qualification", 200.0, 10.0, later, 100.0, day, NOON + 2 * HOUR),
    ]
    last = writer.rows('SELECT max("Id") FROM "OpportunityHistory"')[0][0]
    assert record["LastAmountChangedHistoryId"] == record["LastCloseDateChangedHistoryId"] == last


def test_nobody_writes_history_but_the_org(writer):
    writer.deal()
    [(entry,)] = writer.rows('SELECT "Id" FROM "OpportunityHistory"')
    [outcome] = writer.update("OpportunityHistory", {"Id": entry})
    assert [error.code for error in outcome.errors] == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]
    [outcome] = writer.delete(entry)
    assert [error.code for error in outcome.errors] == ["INVALID_TYPE_FOR_OPERATION"]


def test_history_is_written_where_the_user_may_not_see_it(writer):
    writer.org.hide("OpportunityHistory")
    writer.org.hide("LeadHistory")
    writer.deal()
    writer.lead()
    assert len(stage_history(writer)) == 1


def test_changes_of_tracked_fields_are_written_down(writer):
    lead = writer.lead()
    writer.changed("Lead", lead, Status="Working - Contacted", Phone="1")
    assert field_history(writer, "LeadHistory") == [("Status", "Text", "Open - Not Contacted", "Working - Contacted")]
    [(made,)] = writer.rows('SELECT count(*) FROM "LeadHistory" WHERE "Field" = \'created\'')
    assert made == 1


def test_a_new_owner_is_written_down_by_name_and_by_id(writer):
    profile = writer.record("User", writer.org.admin_id)["ProfileId"]
    [user] = writer.org.insert(
        "User", [{"Username": "x@y.example", "LastName": "Babbage", "Alias": "x", "ProfileId": profile}]
    )
    writer.changed("Lead", writer.lead(), OwnerId=user)
    assert field_history(writer, "LeadHistory") == [
        ("Owner", "Text", "Ada Admin", "Babbage"),
        ("Owner", "EntityId", writer.org.admin_id, user),
    ]


def test_values_are_written_down_by_type(writer):
    writer.changed("Opportunity", writer.deal(Amount=1.5), Amount=None, CloseDate="2026-07-08", StageName="Closed Won")
    assert field_history(writer, "OpportunityFieldHistory") == [
        ("StageName", "Text", "Prospecting", "Closed Won"),
        ("Amount", "Currency", "1.5", None),
        ("Probability", "Percent", "10.0", "100.0"),
        ("CloseDate", "DateOnly", "2026-05-06", "2026-07-08"),
    ]


def test_the_org_chooses_what_is_tracked(writer):
    writer.org.add_field("Lead", "Notes__c", "textarea", length=5000)
    writer.org.track("Lead", "Phone", "notes__c")
    writer.changed("Lead", writer.lead(), Status="Working - Contacted", Phone="1", Notes__c="long story")
    assert field_history(writer, "LeadHistory") == [
        ("Phone", "PhoneNumber", None, "1"),
        ("Notes__c", "TextArea", None, None),
    ]
    writer.org.track("Lead")
    writer.changed("Lead", writer.lead(), Phone="2")
    assert len(field_history(writer, "LeadHistory")) == 2


def test_only_fields_that_are_there_can_be_tracked(writer):
    from sfsync.errors import UsageError  # noqa: PLC0415

    with pytest.raises(UsageError):
        writer.org.track("Lead", "Nope__c")
    with pytest.raises(UsageError):
        writer.org.track("Task", "Subject")
