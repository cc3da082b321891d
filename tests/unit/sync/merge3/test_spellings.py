"""A value that is spelled in another way, and means the same to the org, is no edit."""

from __future__ import annotations

import pytest

from sfsync.store import ledger

from .sides import USER

FIELDS = """{
  LastName: name,
  AnnualRevenue: {local: revenue, transform: {number: de}},
  Status: {local: stage, values: {Open: [new, fresh], Working: busy}, otherwise: keep},
  Interests__c: {local: likes, null: clear, transform: {multi: ", "}},
  Phone: {local: phone, direction: push, transform: {phone: DE}}
}"""
OWNER = "{OwnerId: {object: User, by: Email, local: owner}}"
COLUMNS = "revenue, stage, likes"


@pytest.fixture
def spelled(bench):
    def make(top="conflicts: local\n", lookups=""):
        made = bench(top, FIELDS, lookups)
        made.org(1, AnnualRevenue=1234.5, Status="Open", Interests__c="a;b")
        made.merge()
        assert made.row(1, COLUMNS) == ("1234,5", "new", "a, b")
        return made

    return make


def test_what_a_spreadsheet_has_spelled_anew_gives_way_to_the_org(spelled):
    b = spelled()
    b.edit(1, revenue="1.234,50", stage="fresh", likes="b, a")
    (merged,) = b.merge()
    assert b.row(1, COLUMNS) == ("1234,5", "new", "a, b")
    b.edit(1, revenue="1.234,50", stage="fresh", likes="b, a")
    b.org(1, AnnualRevenue=99.0, Status="Working", Interests__c="a")
    (merged,) = b.merge()
    assert (merged.incoming, merged.settled, merged.open) == (1, 0, 0)
    assert b.row(1, COLUMNS) == ("99", "busy", "a")


def test_the_same_edit_on_both_sides_is_agreed_however_it_is_spelled(spelled):
    b = spelled("conflicts: fail\n")
    b.edit(1, revenue="2.000,00", likes=" b")
    b.org(1, AnnualRevenue=2000.0, Interests__c="b")
    (merged,) = b.merge()
    assert (merged.settled, merged.open) == (0, 0)
    assert b.row(1, COLUMNS) == ("2000", "new", "b")
    assert b.base(1, COLUMNS) == ("2000", "new", "b")


def test_a_row_that_is_only_spelled_anew_goes_with_its_record(spelled):
    b = spelled("conflicts: fail\n")
    b.edit(1, revenue="1.234,50")
    b.org(1, IsDeleted=True)
    (merged,) = b.merge()
    assert merged.open == 0
    assert b.row(1, "name") is None


def test_an_edit_beside_a_new_spelling_stays_one(spelled):
    b = spelled("conflicts: fail\n")
    b.edit(1, revenue="1.234,50", stage="busy")
    b.org(1, AnnualRevenue=99.0, Status="Closed")
    b.merge()
    (conflict,) = b.conflicts()
    assert (conflict.column, conflict.local, conflict.org) == ("stage", "busy", "Closed")
    assert b.row(1, COLUMNS) == ("99", "busy", "a, b")


def test_a_value_that_cannot_be_read_stays_an_edit(spelled):
    b = spelled("conflicts: fail\n")
    b.edit(1, revenue="much", likes=None)
    (merged,) = b.merge()
    assert merged.open == 0
    assert b.row(1, COLUMNS) == ("much", "new", None)
    b.org(1, AnnualRevenue=99.0, Interests__c="a")
    b.merge()
    assert {(each.column, each.local) for each in b.conflicts()} == {("revenue", "much"), ("likes", None)}


def test_a_column_that_only_goes_out_keeps_your_spelling(spelled):
    b = spelled()
    b.sql("UPDATE sfsync_base.\"crm.leads\" SET phone = '030 1234567'")  # as a plan wrote it
    b.edit(1, phone="+49 (30) 123 45 67")
    b.edit(2, phone="030 7654321")
    b.merge()
    assert b.row(1, "phone") == ("+49 (30) 123 45 67",)
    assert b.base(1, "phone") == ("+49 (30) 123 45 67",)
    assert b.base(2, "phone") == ("030 1234567",)


def test_a_parent_is_the_same_in_any_case(spelled):
    b = spelled("conflicts: fail\n", OWNER)
    with b.store.writing() as session:
        ledger.save_describe(session, USER, b.now)
    b.sql('INSERT INTO sf_all."User" ("Id", "Email") VALUES (\'005000000000001AAA\', \'jo@x.test\')')
    b.sql('INSERT INTO sf_all."User" ("Id", "Email") VALUES (\'005000000000002AAA\', \'al@x.test\')')
    b.org(1, OwnerId="005000000000001AAA")
    b.merge()
    b.edit(1, owner="JO@x.test")
    b.org(1, OwnerId="005000000000002AAA")
    (merged,) = b.merge()
    assert (merged.open, b.row(1, "owner")) == (0, ("al@x.test",))
