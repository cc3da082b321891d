from __future__ import annotations

import pytest

from sfsync.fake import dml
from sfsync.fake.ids import make_id


def merge(writer, name, master, *losers):
    return dml.merge(writer.org, name, master, losers, writer.options)


def test_losers_go_to_the_bin_and_point_to_the_master(writer):
    master, first, second = (writer.lead(LastName=name) for name in "ABC")
    outcome = merge(writer, "Lead", {"Id": master, "Phone": "1"}, first, second)
    assert (outcome.id, outcome.success, outcome.merged_ids) == (master, True, (first, second))
    assert writer.record("Lead", master)["Phone"] == "1"
    for loser in (first, second):
        record = writer.record("Lead", loser)
        assert (record["IsDeleted"], record["MasterRecordId"]) == (True, master)


def test_what_pointed_to_a_loser_points_to_the_master(writer):
    master, loser = writer.made("Account", Name="A"), writer.made("Account", Name="B")
    contact, deal = writer.made("Contact", LastName="C", AccountId=loser), writer.deal(AccountId=loser)
    child, task = writer.made("Account", Name="D", ParentId=loser), writer.made("Task", WhatId=loser)
    outcome = merge(writer, "Account", {"Id": master}, loser)
    assert set(outcome.updated_related_ids) == {contact, deal, child, task}
    assert writer.record("Contact", contact)["AccountId"] == master
    assert writer.record("Opportunity", deal)["AccountId"] == master
    assert writer.record("Account", child)["ParentId"] == master
    assert writer.record("Task", task)["WhatId"] == master
    assert {dml.status_of(writer.org, one) for one in (contact, deal, child, task)} == {"live"}


def test_nobody_is_twice_in_a_campaign(writer):
    campaign, other = writer.made("Campaign", Name="C"), writer.made("Campaign", Name="D")
    master, loser = writer.lead(), writer.lead()
    for lead in (master, loser):
        writer.made("CampaignMember", CampaignId=campaign, LeadId=lead)
    moved = writer.made("CampaignMember", CampaignId=other, LeadId=loser)
    outcome = merge(writer, "Lead", {"Id": master}, loser)
    assert outcome.updated_related_ids == (moved,)
    live = writer.rows('SELECT "CampaignId", "LeadId" FROM "CampaignMember" WHERE NOT "IsDeleted" ORDER BY 1')
    assert live == [(campaign, master), (other, master)]


def test_a_loser_can_be_taken_back(writer):
    master, loser = writer.lead(), writer.lead()
    merge(writer, "Lead", {"Id": master}, loser)
    writer.undelete(loser)
    record = writer.record("Lead", loser)
    assert (record["IsDeleted"], record["MasterRecordId"]) == (False, None)


def test_a_merge_that_cannot_be_changes_nothing(writer):
    master, loser = writer.lead(), writer.lead()
    outcome = merge(writer, "Lead", {"Id": master, "LastName": None}, loser)
    assert [error.code for error in outcome.errors] == ["REQUIRED_FIELD_MISSING"]
    assert dml.status_of(writer.org, loser) == "live"


@pytest.mark.parametrize(
    ("name", "master", "losers", "code"),
    [
        ("Lead", 0, (), "MALFORMED_ID"),
        ("Lead", None, (1,), "MISSING_ARGUMENT"),
        ("Lead", 0, (0,), "INVALID_CROSS_REFERENCE_KEY"),
        ("Lead", 0, (1, 1), "INVALID_CROSS_REFERENCE_KEY"),
        ("Lead", 0, (77,), "INVALID_CROSS_REFERENCE_KEY"),
        ("Lead", 0, (1, 2, 3), "EXCEEDED_ID_LIMIT"),
        ("Lead", 0, (3,), "ENTITY_IS_DELETED"),
        ("Lead", 4, (0,), "CANNOT_UPDATE_CONVERTED_LEAD"),
        ("Opportunity", 0, (1,), "INVALID_TYPE_FOR_OPERATION"),
        ("Contact", 0, (1,), "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_what_cannot_be_merged(writer, name, master, losers, code):
    for _ in range(4):
        writer.lead()
    writer.delete(make_id("00Q", 3))
    writer.org.insert("Lead", [{"LastName": "A", "Company": "B", "IsConverted": True}])
    given = {} if master is None else {"Id": make_id("00Q", master)}
    outcome = merge(writer, name, given, *(make_id("00Q", one) for one in losers))
    assert [error.code for error in outcome.errors] == [code]
    assert writer.org.count("Lead") == 4
