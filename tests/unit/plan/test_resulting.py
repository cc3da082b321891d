"""The mirror as it would be after a plan: what is written, filled in, deleted, and what nobody knows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from sfsync.errors import PlanStale, UsageError
from sfsync.mapping.load import parse_mapping
from sfsync.record_ids import long_id
from sfsync.records import FieldDescribe
from sfsync.store import ledger
from sfsync.store.beside import store_beside
from sfsync.store.mirror import find_drift, read_state, shape_table
from sfsync.sync.plan.plan_file import write_plan
from sfsync.sync.plan.resulting import NEW_RECORDS, lay_over, refuse_unfit_plan, take_plan

from .planning import AS_OF, LEAD, STAMP, Desk, an_id, lead_mapping

FIELDS = {"Crm_Id__c": "id", "LastName": "name", "Company": "company"}
ADA = {"LastName": "Ada", "Company": "Acme", "Crm_Id__c": "c1", "Status": "Open", "IsConverted": False}
ME = an_id("User", 1)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@contextmanager
def after(desk, plan):
    """A session of the state after a plan, and what is known of it."""
    with store_beside(desk.store, desk.store.path.parent / "work") as beside, beside.writing() as session:
        refuse_unfit_plan(session, take_plan(session, plan.id), ())
        yield session, lay_over(session, plan)


def leads(session, *fields, table="sf"):
    columns = ", ".join(f'"{field}"' for field in fields)
    return session.execute(f'SELECT {columns} FROM {table}."Lead" ORDER BY "Crm_Id__c" NULLS LAST').rows


def test_changes_are_laid_over_the_records_and_others_stay_as_they_are(desk):
    (changed, other) = desk.mirrored("Lead", ADA, {**ADA, "Crm_Id__c": "c2"})
    desk.local("leads", [{"id": "c1", "name": "'; DROP TABLE x; --", "company": "<b>"}])
    plan = desk.plan(lead_mapping(FIELDS))
    with after(desk, plan) as (session, resulting):
        assert leads(session, "Id", "LastName", "Company", "Status", "SystemModstamp") == [
            (changed, "'; DROP TABLE x; --", "<b>", "Open", AS_OF),
            (other, "Ada", "Acme", "Open", STAMP),
        ]
        assert resulting.makes == frozenset()
    assert desk.store.query('SELECT "LastName" FROM sf."Lead"').rows().rows == [("Ada",), ("Ada",)]


def test_new_records_have_ids_of_the_right_form_that_no_record_has(desk):
    desk.mirrored("Lead", ADA)
    desk.local("leads", [{"id": "c2", "name": "Bob", "company": "Initech"}])
    with after(desk, desk.plan(lead_mapping(FIELDS))) as (session, resulting):
        ((made, deleted, converted, flag),) = leads(session, "Id", "IsDeleted", "IsConverted", "Flag__c")[1:]
        assert made[3:7] == "PLAN"
        assert len(made) == 18
        assert made == long_id(made)
        assert (deleted, converted, flag) == (False, False, False)
        assert read_state(session).objects["Lead"].rows == 2
        assert resulting.makes == {"Lead"}
        assert session.execute(f"SELECT * FROM {NEW_RECORDS}").rows == [(made, "Lead", "row 1 of crm.leads (c2)")]


def test_parents_made_by_the_same_plan_and_circles_among_them_lead_to_these_ids(desk):
    desk.local("accounts", [{"id": "a1", "name": "One", "parent": "a2"}, {"id": "a2", "name": "Two", "parent": "a1"}])
    desk.local("contacts", [{"id": "p1", "name": "Eve", "account": "a2"}])
    accounts = (
        "object: Account\ntable: crm.accounts\ndirection: push\nexternal_id: Crm_Id__c\n"
        "fields: {Crm_Id__c: id, Name: name}\nlookups: {ParentId: {object: Account, by: Crm_Id__c, local: parent}}\n"
    )
    contacts = (
        "object: Contact\ntable: crm.contacts\ndirection: push\nexternal_id: Crm_Id__c\n"
        "fields: {Crm_Id__c: id, LastName: name}\n"
        "lookups: {AccountId: {object: Account, by: Crm_Id__c, local: account}}\n"
    )
    with after(desk, desk.plan(accounts, contacts)) as (session, _):
        found = session.execute(
            'SELECT c."LastName", a."Name", p."Name" FROM sf."Contact" AS c JOIN sf."Account" AS a '
            'ON a."Id" = c."AccountId" JOIN sf."Account" AS p ON p."Id" = a."ParentId"'
        )
        assert found.rows == [("Eve", "Two", "One")]


def test_a_text_that_looks_like_a_reference_is_data(desk):
    desk.local("leads", [{"id": "c1", "name": "=change:1", "company": "x"}])
    with after(desk, desk.plan(lead_mapping(FIELDS))) as (session, _):
        assert leads(session, "LastName") == [("=change:1",)]


def test_refused_rows_are_not_part_of_it(desk):
    desk.local("leads", [{"id": "c1", "name": "Bob", "company": "x"}, {"id": "c2", "name": "", "company": "y"}])
    with after(desk, desk.plan(lead_mapping(FIELDS))) as (session, resulting):
        assert leads(session, "LastName") == [("Bob",)]
        assert "1 refused changes, which are never sent" in resulting.limits


@pytest.mark.parametrize(("how", "left"), [("soft", [("c1", False), ("c2", True)]), ("hard", [("c1", False)])])
def test_deleted_records_are_gone(desk, how, left):
    desk.mirrored("Lead", ADA, {**ADA, "Crm_Id__c": "c2"})
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    plan = desk.plan(lead_mapping(FIELDS, more=f"deletes: {how}\nmost_deleted: 0.9\n"))
    with after(desk, plan) as (session, resulting):
        assert leads(session, "Crm_Id__c") == [("c1",)]
        assert leads(session, "Crm_Id__c", "IsDeleted", table="sf_all") == left
        assert any("deletes along with" in each for each in resulting.limits)


def test_what_several_steps_write_to_one_record_is_all_there(desk):
    (lead,) = desk.mirrored("Lead", ADA)
    desk.local("names", [{"sf_id": lead, "name": "Eve"}])
    desk.local("companies", [{"sf_id": lead, "company": "Initech"}])
    plan = desk.plan(
        "object: Lead\ntable: crm.names\ndirection: push\nfields: {LastName: name}\n",
        "object: Lead\ntable: crm.companies\ndirection: push\nfields: {Company: company}\n",
    )
    with after(desk, plan) as (session, _):
        assert leads(session, "LastName", "Company") == [("Eve", "Initech")]


def test_an_owner_that_nobody_names_is_who_applies_it_where_that_is_known_and_else_not_there(desk):
    desk.local("leads", [{"id": "c1", "name": "Bob", "company": "x"}])
    plan = desk.plan(lead_mapping(FIELDS))
    with after(desk, plan) as (session, resulting):
        assert "OwnerId" in resulting.unknown["Lead"]
        assert "OwnerId" not in read_state(session).objects["Lead"].fields
    with desk.store.writing() as session:
        ledger.set_fact(session, "user_id", ME)
    with after(desk, plan) as (session, resulting):
        assert leads(session, "OwnerId") == [(ME,)]
        assert "OwnerId" not in resulting.unknown["Lead"]


def test_owners_that_assignment_rules_give_are_not_known(desk):
    with desk.store.writing() as session:
        ledger.set_fact(session, "user_id", ME)
    desk.local("leads", [{"id": "c1", "name": "Bob", "company": "x"}])
    with after(desk, desk.plan(lead_mapping(FIELDS, more="assignment_rules: true\n"))) as (_, resulting):
        assert "OwnerId" in resulting.unknown["Lead"]


@pytest.mark.parametrize(
    ("moved", "error", "told"),
    [
        (
            "UPDATE sfsync.facts SET value = '00D000000000009AAA' WHERE name = 'org_id'",
            UsageError,
            "the mirror is of org",
        ),
        ('UPDATE sf_all."Lead" SET "LastName" = \'Max\'', PlanStale, "out of date"),
        ("UPDATE sfsync.plans SET state = 'partial'", PlanStale, "was begun"),
        ("UPDATE sfsync.plans SET state = 'stale'", PlanStale, "out of date"),
    ],
)
def test_what_apply_would_refuse_is_refused(desk, tmp_path, moved, error, told):
    desk.mirrored("Lead", ADA)
    desk.local("leads", [{"id": "c1", "name": "Eve", "company": "Acme"}])
    plan = desk.plan(lead_mapping(FIELDS))
    desk.execute(moved)
    beside = store_beside(desk.store, tmp_path / "work")
    with beside as store, store.writing() as session, pytest.raises(error, match=told):
        refuse_unfit_plan(session, take_plan(session, plan.id), ())


def test_a_plan_of_a_mapping_that_says_something_else_by_now_is_refused(desk, tmp_path):
    desk.local("leads", [{"id": "c1", "name": "Eve", "company": "Acme"}])
    plan = desk.plan(lead_mapping(FIELDS))
    now = parse_mapping(lead_mapping({**FIELDS, "Company": "other"}), "m1.yml")
    beside = store_beside(desk.store, tmp_path / "work")
    with beside as store, store.writing() as session, pytest.raises(PlanStale, match=r"m1\.yml changed"):
        refuse_unfit_plan(session, plan, [now])


def test_a_plan_of_a_file_is_not_kept_in_the_mirror(desk, tmp_path):
    desk.local("leads", [{"id": "c1", "name": "Eve", "company": "Acme"}])
    plan = desk.plan(lead_mapping(FIELDS))
    with desk.store.reading() as session:
        write_plan(session, plan, tmp_path / "plan.json")
    desk.execute("DELETE FROM sfsync.plans")
    for step in plan.steps:
        desk.execute(f"DROP TABLE {step.table}")
    with store_beside(desk.store, tmp_path / "work") as beside, beside.writing() as session:
        taken = take_plan(session, str(tmp_path / "plan.json"))
        refuse_unfit_plan(session, taken, ())
        lay_over(session, taken)
        assert leads(session, "LastName") == [("Eve",)]
    assert desk.execute("SELECT count(*) FROM sfsync.plans").scalar() == 0


def test_formulas_of_what_is_written_are_not_there(desk):
    described = replace(LEAD, fields=(*LEAD.fields, FieldDescribe("Score__c", "double", calculated=True)))
    with desk.store.writing() as session:
        shape_table(session, described, find_drift(session, described))
        ledger.save_describe(session, described, AS_OF)
        ledger.save_cursor(session, described, AS_OF, "run")
    desk.mirrored("Lead", {**ADA, "Score__c": 5.0})
    desk.local("leads", [{"id": "c1", "name": "Eve", "company": "Acme"}])
    with after(desk, desk.plan(lead_mapping(FIELDS))) as (session, resulting):
        assert "Score__c" in resulting.unknown["Lead"]
        assert "Score__c" not in read_state(session).objects["Lead"].fields
        assert any("Score__c of Lead" in each for each in resulting.limits)
