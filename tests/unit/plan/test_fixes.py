"""A plan out of proposals, against a mirror made by hand."""

from __future__ import annotations

import pytest

from sfsync.sync.plan.fixes import LeftOut, make_fix_plan
from sfsync.sync.plan.options import PlanOptions

from .planning import Desk, an_id

ADA = {"Id": an_id("Lead", 1), "Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme", "Number__c": 5.0}
BOB = {"Id": an_id("Lead", 2), "Crm_Id__c": "c2", "LastName": "Bob", "Company": "Acme", "IsConverted": True}


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.mirrored("Lead", ADA, BOB)
    return desk


def fixed(desk, *proposals):
    """The changes of the plan that these proposals (record, field, value, rule, reason) make, and what it leaves out."""
    rows = ", ".join("(" + ", ".join("'" + cell.replace("'", "''") + "'" for cell in row) + ")" for row in proposals)
    made = make_fix_plan(
        desk.store,
        "SELECT 'Lead' AS object, record_id, field, value, rule_id, reason"
        f" FROM (VALUES {rows}) AS p(record_id, field, value, rule_id, reason)",
        shown_as="fixes",
        options=PlanOptions(),
    )
    assert made.plan is None or made.plan.kind == "fix"
    return (desk.changes(made.plan) if made.plan else []), made.left_out


def test_each_record_is_changed_once_with_the_old_value_the_new_one_and_the_reason(desk):
    changes, left_out = fixed(
        desk,
        (ADA["Id"], "Company", "Acme, Inc.", "LI005", "the name of its account"),
        (ADA["Id"], "Number__c", "6", "LQ001", "=1+1'\n"),
    )
    assert left_out == ()
    ((action, _object, record_id, fields, refused),) = changes
    assert (action, record_id, refused) == ("update", ADA["Id"], None)
    assert fields == {"Company": ("Acme", "Acme, Inc."), "Number__c": ("5", "6")}


def test_what_the_record_holds_already_is_no_change(desk):
    assert fixed(desk, (ADA["Id"], "Company", "Acme", "LI005", "as it is")) == ([], ())


def test_a_converted_lead_is_refused_with_the_reason(desk):
    ((*_rest, refused),) = fixed(desk, (BOB["Id"], "Company", "Other", "LI005", "x"))[0]
    assert "converted lead is read-only" in refused


def test_rules_that_contradict_each_other_are_left_to_people(desk):
    changes, left_out = fixed(
        desk,
        (ADA["Id"], "Company", "One", "LI005", "x"),
        (ADA["Id"], "Company", "Two", "FM001", "y"),
        (ADA["Id"], "LastName", "Lovelace", "CV020", "z"),
    )
    assert left_out == (LeftOut("Lead", "Company", 1, "FM001 and LI005 propose different values"),)
    assert [each[3] for each in changes] == [{"LastName": ("Ada", "Lovelace")}]


def test_a_field_that_may_not_be_written_is_told_and_stops_nothing(desk):
    changes, left_out = fixed(
        desk, (ADA["Id"], "IsDeleted", "true", "SY001", "x"), (ADA["Id"], "Company", "Other", "LI005", "y")
    )
    assert left_out == (LeftOut("Lead", "IsDeleted", 1, "the user who pulls may not write it"),)
    assert [each[3] for each in changes] == [{"Company": ("Acme", "Other")}]


def test_the_reason_stands_beside_the_change(desk):
    proposals = (
        f"SELECT 'Lead' AS object, '{ADA['Id']}' AS record_id, 'Company' AS field, 'Other' AS value,"
        " 'LI005' AS rule_id, 'the name of its account' AS reason"
    )
    made = make_fix_plan(desk.store, proposals, shown_as="fixes", options=PlanOptions())
    assert [row["note"] for row in desk.rows(made.plan)] == ["LI005: the name of its account"]
