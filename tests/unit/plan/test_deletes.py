"""Deletions: only where a mapping allows them, only of what is surely gone, never too many."""

from __future__ import annotations

import pytest

from sfsync.errors import GuardRefused
from sfsync.sync.plan.explain import explain

from .planning import Desk, lead_mapping

FIELDS = "{Crm_Id__c: id, LastName: name, Company: company}"


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    rows = [{"Crm_Id__c": f"c{n}", "LastName": f"N{n}", "Company": "Acme"} for n in range(10)]
    made.mirrored("Lead", *rows, {"LastName": "of another source", "Company": "Acme"})
    return made


def keep(desk, count, *more):
    """The source has the first `count` leads."""
    desk.local("leads", [{"id": f"c{n}", "name": f"N{n}", "company": "Acme"} for n in range(count)] + list(more))


def mapping(deletes="soft", most="50%", more=""):
    return lead_mapping(FIELDS, more=f"deletes: {deletes}\nmost_deleted: {most}\n{more}")


def told(desk, plan):
    with desk.store.reading() as session:
        return explain(session, plan)


def test_nothing_is_deleted_unless_the_mapping_allows_it(desk):
    keep(desk, 1)
    assert desk.plan(lead_mapping(FIELDS)).is_empty


@pytest.mark.parametrize(("deletes", "hard"), [("soft", False), ("hard", True)])
def test_records_that_the_source_has_no_more_are_deleted_and_others_keys_are_not_touched(desk, deletes, hard):
    keep(desk, 8, {"id": "new", "name": "New", "company": "Acme"})
    plan = desk.plan(mapping(deletes))
    assert [(step.action, step.row_count) for step in plan.steps] == [("create", 1), ("delete", 2)]
    assert plan.steps[1].options == {"hard": hard}
    rows = [row for row in desk.rows(plan) if row["record_id"]]
    assert [(row["key"], row["LastName.before"], row["LastName"], row["LastName.set"]) for row in rows] == [
        ("c8", "N8", None, False),
        ("c9", "N9", None, False),
    ]
    assert rows[0]["org_stamp"] is not None


def test_deletions_are_shown_first_and_done_last(desk):
    keep(desk, 9, {"id": "new", "name": "New", "company": "Acme"})
    plan = desk.plan(mapping())
    assert [step["action"] for step in told(desk, plan)["steps"]] == ["delete", "create"]
    assert plan.steps[-1].action == "delete"


def test_too_large_a_share_is_refused(desk):
    keep(desk, 4)
    with pytest.raises(GuardRefused, match=r"m1\.yml would delete 6 of 10 Lead records, which is more than 50 %"):
        desk.plan(mapping())
    assert desk.plan(mapping(most="60%")).change_count == 6


@pytest.mark.parametrize(("share", "deleted"), [("29%", 29), ("33.3%", 333), ("7%", 7), ("57%", 57)])
def test_exactly_the_share_is_not_too_much_and_one_more_is(desk, share, deleted):
    total = 1000 if "." in share else 100
    more = ({"Crm_Id__c": f"c{n}", "LastName": f"N{n}", "Company": "Acme"} for n in range(10, total))
    desk.mirrored("Lead", *more)
    keep(desk, total - deleted)
    assert desk.plan(mapping(most=share)).change_count == deleted
    keep(desk, total - deleted - 1)
    with pytest.raises(GuardRefused, match=f"more than {share[:-1]} %"):
        desk.plan(mapping(most=share))


def test_an_empty_source_never_deletes(desk):
    desk.local("leads", [], **dict.fromkeys(("id", "name", "company"), "VARCHAR"))
    with pytest.raises(GuardRefused, match="has no rows"):
        desk.plan(mapping(most="100%"))


def test_nothing_is_deleted_while_a_row_has_no_clear_record(desk):
    keep(desk, 8, {"id": None, "name": "?", "company": "Acme"})
    plan = desk.plan(mapping())
    assert [step.action for step in plan.steps] == ["create"]
    assert plan.change_count == 0
    notes = plan.header["mappings"][0]["notes"]
    assert any("nothing is deleted: 1 rows of the source have no clear record" in note for note in notes)


def test_only_records_within_the_filter_are_deleted(desk):
    desk.execute("""UPDATE sf_all."Lead" SET "Status" = 'Closed' WHERE "Crm_Id__c" = 'c9'""")
    keep(desk, 8)
    plan = desk.plan(mapping(more="filter: Status != 'Closed'\n"))
    assert [row["key"] for row in desk.rows(plan)] == ["c8"]


def test_children_are_deleted_before_their_parents(desk):
    desk.mirrored("Account", *({"Crm_Id__c": f"a{n}", "Name": "A"} for n in range(2)))
    desk.mirrored("Contact", *({"Crm_Id__c": f"p{n}", "LastName": "P"} for n in range(2)))
    desk.local("accounts", [{"id": "a0", "name": "A"}])
    desk.local("contacts", [{"id": "p0", "name": "P", "account": None}])
    rest = "direction: push\nexternal_id: Crm_Id__c\ndeletes: soft\nmost_deleted: 50%\n"
    accounts = f"object: Account\ntable: crm.accounts\n{rest}fields: {{Crm_Id__c: id, Name: name}}\n"
    contacts = f"object: Contact\ntable: crm.contacts\n{rest}fields: {{Crm_Id__c: id, LastName: name}}\n"
    contacts += "lookups: {AccountId: {object: Account, by: Crm_Id__c, local: account}}\n"
    plan = desk.plan(accounts, contacts)
    assert [(step.object, step.action) for step in plan.steps] == [("Contact", "delete"), ("Account", "delete")]


def test_deleted_records_are_not_deleted_again(desk):
    desk.execute("""UPDATE sf_all."Lead" SET "IsDeleted" = TRUE WHERE "Crm_Id__c" = 'c9'""")
    keep(desk, 9)
    assert desk.plan(mapping()).is_empty
