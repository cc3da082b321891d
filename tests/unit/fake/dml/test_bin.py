from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sfsync.fake import dml
from sfsync.fake.ids import make_id, to_15

NOON = datetime(2026, 3, 1, 12, 0, 0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def codes(outcomes):
    return [[error.code for error in one.errors] for one in outcomes]


def states(writer, *ids):
    return [dml.status_of(writer.org, one) for one in ids]


@pytest.fixture
def family(writer):
    """An account with everything that hangs on one."""
    account = writer.made("Account", Name="A")
    contact = writer.made("Contact", LastName="C", AccountId=account)
    deal = writer.deal(AccountId=account)
    role = writer.made("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    task = writer.made("Task", WhatId=deal)
    return account, contact, deal, role, task


def test_a_deleted_record_lies_in_the_bin(writer):
    lead = writer.lead()
    writer.org.clock.advance(HOUR)
    [outcome] = writer.delete(to_15(lead))
    assert (outcome.id, outcome.success) == (lead, True)
    record = writer.record("Lead", lead)
    assert record["IsDeleted"] is True
    assert record["SystemModstamp"] == NOON + HOUR
    assert states(writer, lead) == ["deleted"]


def test_what_belongs_to_it_goes_along_and_comes_back(writer, family):
    writer.delete(family[0])
    assert states(writer, *family) == ["deleted"] * 5
    assert writer.rows('SELECT count(*) FROM "OpportunityHistory" WHERE NOT "IsDeleted"') == [(0,)]
    [outcome] = writer.undelete(family[0])
    assert outcome.success
    assert states(writer, *family) == ["live"] * 5
    assert writer.rows('SELECT count(*) FROM "OpportunityHistory" WHERE "IsDeleted"') == [(0,)]


def test_what_was_deleted_before_does_not_come_back_along(writer, family):
    writer.delete(family[1])
    writer.delete(family[0])
    writer.undelete(family[0])
    assert states(writer, *family) == ["live", "deleted", "live", "deleted", "live"]
    writer.undelete(family[1])
    assert states(writer, *family) == ["live"] * 5


def test_what_came_back_alone_is_not_taken_for_deleted(writer, family):
    account, contact, *_ = family
    writer.delete(account)
    writer.undelete(contact)
    writer.delete(contact)
    writer.undelete(account)
    assert states(writer, account, contact) == ["live", "deleted"]


def test_lookups_to_it_are_emptied_and_filled_again(writer):
    parent = writer.made("Account", Name="P")
    child, moved = (writer.made("Account", Name="C", ParentId=parent) for _ in range(2))
    other = writer.made("Account", Name="O")
    writer.org.clock.advance(HOUR)
    writer.delete(parent)
    record = writer.record("Account", child)
    assert (record["ParentId"], record["LastModifiedDate"], record["SystemModstamp"]) == (None, NOON, NOON + HOUR)
    writer.changed("Account", moved, ParentId=other)
    writer.undelete(parent)
    assert writer.record("Account", child)["ParentId"] == parent
    assert writer.record("Account", moved)["ParentId"] == other


def test_what_a_lead_became_is_not_forgotten(writer):
    account = writer.made("Account", Name="A")
    [lead] = writer.org.insert(
        "Lead", [{"LastName": "A", "Company": "B", "IsConverted": True, "ConvertedAccountId": account}]
    )
    writer.delete(account)
    assert writer.record("Lead", lead)["ConvertedAccountId"] == account


def test_an_activity_that_has_another_side_stays(writer):
    lead, contact, deal = writer.lead(), writer.made("Contact", LastName="C"), writer.deal()
    alone, kept = writer.made("Task", WhoId=lead), writer.made("Task", WhoId=contact, WhatId=deal)
    writer.delete(lead, contact)
    assert states(writer, alone, kept) == ["deleted", "live"]
    assert writer.record("Task", kept)["WhoId"] is None


def test_an_account_that_something_was_sold_to_stays(writer):
    account = writer.made("Account", Name="A")
    deal = writer.deal(AccountId=account, StageName="Closed Won", Name="Big one")
    [outcome] = writer.delete(account)
    assert codes([outcome]) == [["DELETE_FAILED"]]
    assert "Big one" in outcome.errors[0].message
    writer.delete(deal)
    assert writer.delete(account)[0].success


def test_each_record_stands_for_itself(writer):
    lead, account = writer.lead(), writer.made("Account", Name="A")
    outcomes = writer.delete(lead, "nonsense", make_id("00Q", 77), lead, account, "zzz000000000000")
    assert codes(outcomes) == [
        [],
        ["MALFORMED_ID"],
        ["INVALID_CROSS_REFERENCE_KEY"],
        ["ENTITY_IS_DELETED"],
        [],
        ["MALFORMED_ID"],
    ]
    assert codes(writer.delete(lead)) == [["ENTITY_IS_DELETED"]]
    outcomes = writer.undelete(account, account, lead, writer.org.admin_id)
    assert codes(outcomes) == [[], ["UNDELETE_FAILED"], [], ["UNDELETE_FAILED"]]


def test_all_or_none(writer):
    lead, account = writer.lead(), writer.made("Account", Name="A")
    outcomes = writer.delete(lead, account, make_id("00Q", 77), all_or_none=True)
    assert codes(outcomes) == [["ALL_OR_NONE_OPERATION_ROLLED_BACK"]] * 2 + [["INVALID_CROSS_REFERENCE_KEY"]]
    assert states(writer, lead, account) == ["live", "live"]


@pytest.mark.parametrize("hard", [True, False])
def test_some_records_cannot_be_deleted(writer, hard):
    [outcome] = writer.delete(writer.org.admin_id, hard=hard)
    [error] = outcome.errors
    assert (error.code, error.message) == ("INVALID_TYPE_FOR_OPERATION", "entity type User does not support delete")


def test_a_hard_delete_leaves_nothing(writer, family):
    account, *rest = family
    child = writer.made("Account", Name="C", ParentId=account)
    assert writer.delete(account, hard=True)[0].success
    assert states(writer, account, *rest) == ["absent"] * 5
    assert writer.record("Account", child)["ParentId"] is None
    assert codes(writer.undelete(account)) == [["UNDELETE_FAILED"]]


def test_what_lies_in_the_bin_can_be_deleted_hard(writer, family):
    writer.delete(family[0])
    assert writer.delete(family[0], hard=True)[0].success
    assert states(writer, *family) == ["absent"] * 5


def test_the_bin_is_emptied_after_fifteen_days(writer, family):
    writer.delete(family[0])
    writer.org.clock.advance(10 * DAY)
    later = writer.lead()
    writer.delete(later)
    writer.org.clock.advance(5 * DAY - HOUR)
    dml.purge(writer.org)
    assert states(writer, *family, later) == ["deleted"] * 6
    writer.org.clock.advance(HOUR)
    dml.purge(writer.org)
    assert states(writer, *family, later) == ["absent"] * 5 + ["deleted"]
    assert writer.rows('SELECT count(*) FROM "OpportunityHistory"') == [(0,)]
    assert codes(writer.undelete(family[0])) == [["UNDELETE_FAILED"]]
    writer.org.clock.advance(10 * DAY)
    assert codes(writer.undelete(later)) == [["UNDELETE_FAILED"]]


def test_what_a_seed_put_into_the_bin_stays_there_for_its_time(writer):
    [lead] = writer.org.insert(
        "Lead", [{"LastName": "A", "Company": "B", "IsDeleted": True, "SystemModstamp": NOON - 90 * DAY}]
    )
    writer.org.clock.advance(14 * DAY)
    assert writer.org.record("Lead", lead) is not None
    writer.org.clock.advance(DAY)
    assert writer.org.record("Lead", lead) is None


def test_hundreds_of_records_go_and_come_back_together(writer):
    accounts = [one.id for one in writer.create("Account", *({"Name": f"{number}"} for number in range(300)))]
    contacts = writer.create("Contact", *({"LastName": "C", "AccountId": account} for account in accounts))
    assert all(one.success for one in writer.delete(*accounts))
    assert (writer.org.count("Account"), writer.org.count("Contact")) == (0, 0)
    assert all(one.success for one in writer.undelete(*accounts[:100]))
    assert (writer.org.count("Account"), writer.org.count("Contact")) == (100, 100)
    assert states(writer, contacts[99].id, contacts[100].id) == ["live", "deleted"]


def test_the_org_takes_records_back(writer):
    lead = writer.lead()
    writer.org.delete("Lead", lead)
    writer.org.undelete("Lead", lead)
    assert writer.org.count("Lead") == 1
