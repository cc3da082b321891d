"""Planning again before the mirror shows what was just written does nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.errors import UsageError
from sfsync.sync.apply.tables import prepare

from .planning import AS_OF, STAMP, Desk, an_id, lead_mapping

FIELDS = "{Crm_Id__c: id, LastName: name, Company: company}"
ACCOUNTS = "object: Account\ntable: crm.accounts\ndirection: push\nexternal_id: Crm_Id__c\nfields: {Crm_Id__c: id, Name: name}\n"
CONTACTS = "object: Contact\ntable: crm.contacts\ndirection: push\nexternal_id: Crm_Id__c\nfields: {Crm_Id__c: id, LastName: name}\nlookups: {AccountId: {object: Account, by: Crm_Id__c, local: account}}\n"


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def applied(desk, plan, **made):
    """Write down that every change was done; `made`: change number → Id of a new record."""
    with desk.store.writing() as session:
        prepare(session)
        for step in plan.steps:
            for row in session.execute(f"SELECT change_no, record_id FROM {step.table}").rows:
                session.execute(
                    "INSERT INTO sfsync.outcomes VALUES ('run', ?, ?, ?, ?, ?, 'done', ?, FALSE, NULL, NULL, 1, ?)",
                    [
                        plan.id,
                        row[0],
                        step.step,
                        step.object,
                        step.action,
                        row[1] or made[f"_{row[0]}"],
                        AS_OF + timedelta(hours=1),
                    ],
                )
        session.execute("UPDATE sfsync.plans SET state = 'applied' WHERE id = ?", [plan.id])


def test_what_was_made_and_changed_a_moment_ago_is_left_out_until_the_mirror_shows_it(desk):
    (ada,) = desk.mirrored("Lead", {"Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme"})
    desk.local(
        "leads", [{"id": "c1", "name": "Ada", "company": "Globex"}, {"id": "c2", "name": "Bob", "company": "Initech"}]
    )
    plan = desk.plan(lead_mapping(FIELDS))
    applied(desk, plan, _1=an_id("Lead", 2))
    again = desk.plan(lead_mapping(FIELDS))
    assert again.is_empty
    assert again.header["warnings"][0].startswith(
        "2 rows of crm.leads are left out: their records were written a moment ago"
    )
    desk.mirrored("Lead", {"Crm_Id__c": "c2", "LastName": "Bob", "Company": "Initech"})
    desk.execute(
        """UPDATE sf_all."Lead" SET "Company" = 'Globex', "SystemModstamp" = ? WHERE "Id" = ?""",
        [STAMP + timedelta(days=1), ada],
    )
    assert desk.plan(lead_mapping(FIELDS)).header["warnings"] == []
    desk.local("leads", [{"id": "c2", "name": "Bob", "company": "Hooli"}])
    assert [change[3] for change in desk.changes(desk.plan(lead_mapping(FIELDS)))] == [
        {"Company": ("Initech", "Hooli")}
    ]


def test_children_find_parents_that_were_made_a_moment_ago(desk):
    desk.local("accounts", [{"id": "a1", "name": "Acme"}])
    applied(desk, desk.plan(ACCOUNTS), _1=an_id("Account", 1))
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "A1"}])
    plan = desk.plan(ACCOUNTS, CONTACTS)
    assert [change[3].get("AccountId") for change in desk.changes(plan)] == [(None, an_id("Account", 1))]


def test_what_was_deleted_a_moment_ago_is_not_deleted_again(desk):
    desk.mirrored("Lead", *({"Crm_Id__c": f"c{n}", "LastName": "N", "Company": "C"} for n in range(4)))
    desk.local("leads", [{"id": f"c{n}", "name": "N", "company": "C"} for n in range(3)])
    deleting = lead_mapping(FIELDS, more="deletes: soft\nmost_deleted: 50%\n")
    plan = desk.plan(deleting)
    assert plan.change_count == 1
    applied(desk, plan)
    assert desk.plan(deleting).is_empty


def test_a_record_that_never_comes_into_the_mirror_is_not_waited_for_for_ever(desk):
    desk.local("leads", [{"id": "c2", "name": "Bob", "company": "Initech"}])
    applied(desk, desk.plan(lead_mapping(FIELDS)), _1=an_id("Lead", 2))
    assert desk.plan(lead_mapping(FIELDS)).is_empty
    desk.execute("UPDATE sfsync.cursors SET upper_bound = ?", [AS_OF + timedelta(days=3)])
    assert desk.plan(lead_mapping(FIELDS)).change_count == 1


def test_nothing_is_planned_while_an_apply_that_was_stopped_may_have_made_the_same_records(desk):
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    plan = desk.plan(lead_mapping(FIELDS))
    desk.execute("UPDATE sfsync.plans SET state = 'applying' WHERE id = ?", [plan.id])
    with pytest.raises(UsageError, match=plan.id) as refused:
        desk.plan(lead_mapping(FIELDS))
    assert "--resume" in refused.value.hint
    desk.execute("UPDATE sfsync.plans SET state = 'applied' WHERE id = ?", [plan.id])
    assert not desk.plan(lead_mapping(FIELDS)).is_empty
