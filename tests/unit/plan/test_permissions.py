"""What this user may do with no record of an object is refused row by row, before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .planning import DESCRIBES, Desk, an_id, lead_mapping

FIELDS = "{Crm_Id__c: id, LastName: name, Company: company}"
ROWS = [{"id": "c1", "name": "Ada", "company": "New"}, {"id": "c2", "name": "Bob", "company": "Acme"}]


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.mirrored("Lead", {"Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme"})
    made.local("leads", ROWS)
    return made


def seen_by(*verbs, name="Lead"):
    """Every describe; this one as a user sees it who may do only that, with its fields like the org's own describe."""
    full = DESCRIBES[name]
    fields = tuple(
        replace(each, createable=each.createable and "create" in verbs, updateable=each.updateable and "edit" in verbs)
        for each in full.fields
    )
    flags = {"createable": "create" in verbs, "updateable": "edit" in verbs, "deletable": "delete" in verbs}
    return {**DESCRIBES, name: replace(full, fields=fields, **flags)}


def refusals(desk, plan):
    return [(action, refused) for action, _, _, _, refused in desk.changes(plan)]


def test_new_records_that_may_not_be_made_are_refused_and_changes_go_on(desk):
    plan = desk.plan(lead_mapping(FIELDS), describes=seen_by("edit"))
    assert refusals(desk, plan) == [("create", "this user may not create Lead records"), ("update", None)]


def test_changes_that_may_not_be_made_are_refused_and_new_records_go_on(desk):
    plan = desk.plan(lead_mapping(FIELDS), describes=seen_by("create"))
    assert refusals(desk, plan) == [("create", None), ("update", "this user may not change Lead records")]


def test_a_record_that_is_right_already_needs_no_permission(desk):
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    assert desk.plan(lead_mapping(FIELDS), describes=seen_by("create")).is_empty


def test_deletions_that_may_not_be_done_are_refused(desk):
    desk.local("leads", ROWS[1:])
    more = "deletes: soft\nmost_deleted: 100%\n"
    plan = desk.plan(lead_mapping(FIELDS, more=more), describes=seen_by("create", "edit"))
    assert refusals(desk, plan) == [("create", None), ("delete", "this user may not delete Lead records")]


def test_a_reference_for_later_needs_the_permission_to_change(desk):
    desk.local("accounts", [{"id": "a1", "name": "Child", "parent": "a2"}, {"id": "a2", "name": "Parent"}])
    accounts = (
        "object: Account\ntable: crm.accounts\ndirection: push\nexternal_id: Crm_Id__c\n"
        "fields: {Crm_Id__c: id, Name: name}\n"
        "lookups: {ParentId: {object: Account, by: Crm_Id__c, local: parent}}\n"
    )
    plan = desk.plan(accounts, describes=seen_by("create", name="Account"))
    assert refusals(desk, plan) == [
        ("create", None),
        ("create", None),
        ("update", "this user may not change Account records, so no reference can be set later"),
    ]


# --- keys -------------------------------------------------------------------------------------------------------------

USERS = (
    "object: User\ntable: crm.users\ndirection: push\nkey: Email\nfields: {Email: mail, IsActive: {local: active}}\n"
)


def test_two_records_with_the_key_of_a_row_are_told_and_neither_is_taken(desk):
    org = {
        **DESCRIBES,
        "User": replace(
            DESCRIBES["User"],
            fields=tuple(replace(each, id_lookup=each.name == "Email") for each in DESCRIBES["User"].fields),
        ),
    }
    desk.mirrored("User", {"Email": "ann@acme.org"}, {"Email": "ANN@acme.org"}, {"Email": "bob@acme.org"})
    rows = [{"mail": mail, "active": "true"} for mail in ("ann@acme.org", "bob@acme.org", "new@acme.org")]
    desk.local("users", rows)
    plan = desk.plan(USERS, describes=org)
    told = f"Email `ann@acme.org` belongs to 2 records: {an_id('User', 1)}, {an_id('User', 2)}"
    assert [(action, record, refused) for action, _, record, _, refused in desk.changes(plan)] == [
        ("create", None, None),
        ("update", an_id("User", 1), told),
        ("update", an_id("User", 3), None),
    ]
    assert plan.steps[0].key_field == "Email"  # a repeated send finds what the first one made
