"""Several mappings of one plan about the same record: contradictions are refused by name, the rest is in order."""

from __future__ import annotations

import pytest

from sfsync.sync.plan.plan_file import read_plan, write_plan

from .planning import Desk, an_id

HEAD = "object: Lead\ntable: crm.%s\ndirection: push\nexternal_id: Crm_Id__c\n%s"
CONTACTS = "object: Contact\ntable: crm.contacts\ndirection: push\nexternal_id: Crm_Id__c\nfields: {Crm_Id__c: id, LastName: name}\nlookups: {AccountId: {object: Account, by: Crm_Id__c, local: account}}\n"
ACCOUNTS = (
    "object: Account\ntable: crm.%s\ndirection: push\nexternal_id: Crm_Id__c\nfields: {Crm_Id__c: id, Name: name}\n"
)


def leads(table, fields, more=""):
    return HEAD % (table, more) + f"fields: {{Crm_Id__c: id, {fields}}}\n"


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.mirrored(
        "Lead",
        {"Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme", "Email": "a@x.org"},
        {"Crm_Id__c": "c2", "LastName": "Bob", "Company": "Acme"},
    )
    return made


def plan_of(desk, first, second, fields=("Company: company", "Company: company"), **more):
    desk.local("one", first)
    desk.local("two", second)
    return desk.plan(leads("one", fields[0], more.get("one", "")), leads("two", fields[1], more.get("two", "")))


def test_one_field_with_two_values_is_refused_and_both_mappings_are_named(desk):
    plan = plan_of(
        desk,
        [{"id": "c1", "company": "Globex"}, {"id": "c2", "company": "Globex"}],
        [{"id": "c1", "company": "Initech"}],
    )
    told = f"Company: m1.yml (row `1`) and m2.yml (row `1`) give `{an_id('Lead', 1)}` different values"
    assert desk.changes(plan) == [
        ("update", "Lead", an_id("Lead", 1), {"Company": ("Acme", "Globex")}, told),
        ("update", "Lead", an_id("Lead", 2), {"Company": ("Acme", "Globex")}, None),
        ("update", "Lead", an_id("Lead", 1), {"Company": ("Acme", "Initech")}, told),
    ]
    assert [(step.row_count, step.refused_count) for step in plan.steps] == [(2, 1), (1, 1)]


def test_to_empty_a_field_and_to_fill_it_is_a_contradiction_too(desk):
    fields = ("Email: {local: mail, null: clear}", "Email: mail")
    plan = plan_of(desk, [{"id": "c1", "mail": None}], [{"id": "c1", "mail": "b@x.org"}], fields)
    assert [refused is not None for *_, refused in desk.changes(plan)] == [True, True]


def test_the_same_value_is_written_once_by_the_first(desk):
    plan = plan_of(
        desk,
        [{"id": "c1", "company": "Globex"}],
        [{"id": "c1", "company": " Globex ", "mail": "b@x.org"}],
        ("Company: company", "Company: company, Email: mail"),
    )
    assert desk.changes(plan) == [
        ("update", "Lead", an_id("Lead", 1), {"Company": ("Acme", "Globex")}, None),
        ("update", "Lead", an_id("Lead", 1), {"Email": ("a@x.org", "b@x.org")}, None),
    ]
    assert plan.steps[1].fields == ("Email",)
    plan = plan_of(desk, [{"id": "c1", "company": "Globex"}], [{"id": "c1", "company": "Globex"}])
    assert desk.changes(plan) == [("update", "Lead", an_id("Lead", 1), {"Company": ("Acme", "Globex")}, None)]
    assert len(plan.steps) == 1


def test_a_value_of_a_refused_row_is_still_written_by_the_other(desk):
    plan = plan_of(
        desk,
        [{"id": "c1", "company": "Globex", "made": "x"}],
        [{"id": "c1", "company": "Globex"}],
        ("Company: company, Made__c: made", "Company: company"),
    )
    assert [(fields, refused) for _, _, _, fields, refused in desk.changes(plan)][1] == (
        {"Company": ("Acme", "Globex")},
        None,
    )


def test_different_fields_of_one_record_are_written_in_the_order_of_the_plan(desk, tmp_path):
    plan = plan_of(
        desk,
        [{"id": "c1", "company": "Globex"}],
        [{"id": "c1", "mail": "b@x.org"}],
        ("Company: company", "Email: mail"),
    )
    assert [(step.step, step.mapping, step.fields) for step in plan.steps] == [
        (1, "m1.yml", ("Company",)),
        (2, "m2.yml", ("Email",)),
    ]
    assert not plan.refused_count
    with desk.store.reading() as session:
        write_plan(session, plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


def test_two_mappings_do_not_make_one_record_each(desk):
    rows = [{"id": "N1", "company": "C", "name": "N"}, {"id": "n2", "company": "C", "name": "N"}]
    fields = "LastName: name, Company: company"
    plan = plan_of(desk, rows, [{**rows[0], "id": "n1"}], (fields, fields))
    told = "is that of a new record in m1.yml (row `1`) and m2.yml (row `1`)"
    assert [refused for *_, refused in desk.changes(plan)] == [
        f"Crm_Id__c `N1` {told}",
        None,
        f"Crm_Id__c `n1` {told}",
    ]


def test_children_of_a_record_that_two_mappings_would_make_are_refused(desk):
    desk.local("accounts", [{"id": "a1", "name": "A"}])
    desk.local("more", [{"id": "a1", "name": "B"}])
    desk.local("contacts", [{"id": "p1", "name": "P", "account": "a1"}])
    plan = desk.plan(ACCOUNTS % "accounts", ACCOUNTS % "more", CONTACTS)
    (child,) = [each for each in desk.changes(plan) if each[1] == "Contact"]
    assert "is that of a new Account which is refused" in child[4]


def test_a_unique_value_that_two_mappings_give_to_two_records_is_refused(desk):
    plan = plan_of(
        desk,
        [{"id": "c1", "tax": "T-1"}],
        [{"id": "c2", "tax": "t-1"}, {"id": "c1", "tax": None}],
        ("Tax_Id__c: tax", "Tax_Id__c: tax"),
    )
    told = "is given to several records by m1.yml (row `1`) and m2.yml (row `1`)"
    assert [refused for *_, refused in desk.changes(plan)] == [f"Tax_Id__c: `T-1` {told}", f"Tax_Id__c: `t-1` {told}"]


def test_children_of_a_new_record_that_is_refused_in_the_end_are_refused_before_any_call(desk):
    desk.local("accounts", [{"id": "a1", "name": "A"}])
    desk.local("contacts", [{"id": "p1", "name": "P", "account": "a1"}])
    desk.mirrored("Account", {"Name": "Old", "Crm_Id__c": "x"})
    desk.local("more", [{"sf_id": an_id("Account", 1), "other": "a1"}])
    second = "object: Account\ntable: crm.more\ndirection: push\nkey: Id\nfields: {Id: sf_id, Crm_Id__c: other}\n"
    plan = desk.plan(ACCOUNTS % "accounts", second, CONTACTS)
    told = {(action, name): refused for action, name, _, _, refused in desk.changes(plan)}
    assert "is given to several records by" in told["create", "Account"]
    assert "is given to several records by" in told["update", "Account"]
    assert told["create", "Contact"] is not None


def test_a_record_that_another_mapping_has_is_not_deleted(desk):
    plan = plan_of(
        desk,
        [{"id": "c2", "company": "Acme"}],
        [{"id": "c1", "company": "Acme"}],
        one="deletes: soft\nmost_deleted: 100%\n",
    )
    assert [(action, record, refused) for action, _, record, _, refused in desk.changes(plan)] == [
        ("delete", an_id("Lead", 1), "m2.yml is about this record, too: row `1`")
    ]


def test_a_record_that_two_mappings_would_delete_is_deleted_once(desk):
    desk.mirrored("Lead", {"Crm_Id__c": "c3", "LastName": "Cem", "Company": "Acme"})
    deletes = "deletes: soft\nmost_deleted: 100%\n"
    plan = plan_of(desk, [{"id": "c2", "company": "Acme"}], [{"id": "c2", "company": "Acme"}], one=deletes, two=deletes)
    deleted = [record for action, _, record, _, refused in desk.changes(plan) if action == "delete" and not refused]
    assert sorted(deleted) == [an_id("Lead", 1), an_id("Lead", 3)]


def test_mappings_of_other_objects_are_left_alone(desk):
    desk.local("one", [{"id": "c1", "company": "Globex"}])
    desk.local("accounts", [{"id": "c1", "name": "Globex"}])
    plan = desk.plan(leads("one", "Company: company"), ACCOUNTS % "accounts")
    assert (plan.change_count, plan.refused_count) == (2, 0)
