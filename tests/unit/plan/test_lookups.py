"""Parents of records: found in the mirror, made by the same plan, missing, or one too many."""

from __future__ import annotations

import pytest

from sfsync.errors import MirrorUnfit

from .planning import Desk, an_id, lead_mapping

ACCOUNTS = """
object: Account
table: crm.accounts
direction: push
external_id: Crm_Id__c
fields: {Crm_Id__c: id, Name: name}
"""
PARENTS = "lookups: {ParentId: {object: Account, by: Crm_Id__c, local: parent}}\n"
CONTACTS = """
object: Contact
table: crm.contacts
direction: push
external_id: Crm_Id__c
fields: {Crm_Id__c: id, LastName: name}
lookups: {AccountId: {object: Account, by: Crm_Id__c, local: account%s}}
"""
LEADS = "{Crm_Id__c: id, LastName: name, Company: company}"
OWNER = "{OwnerId: {object: User, by: Email, local: owner%s}}"


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.mirrored("User", {"Email": "Ann@acme.org", "IsActive": True}, {"Email": "old@acme.org", "IsActive": False})
    made.mirrored("Group", {"DeveloperName": "Sales_Queue", "Type": "Queue"})
    return made


def leads(desk, *rows, lookups=OWNER % "", fields=LEADS):
    desk.local("leads", [{"id": f"c{n}", "name": "N", "company": "C", **row} for n, row in enumerate(rows, 1)])
    plan = desk.plan(lead_mapping(fields, lookups=lookups))
    return [
        (row.get("OwnerId"), row["refused"], row["note"])
        for row in sorted(desk.rows(plan), key=lambda r: r["source_row"])
    ]


def by_row(desk, plan):
    """Of each change: (step, action, source row, Id, its references, refusal)."""
    found = []
    with desk.store.reading() as session:
        for step in plan.steps:
            for row in session.execute(f"SELECT * FROM {step.table} ORDER BY change_no").dicts():
                references = {name: row[name] for name in ("AccountId", "ParentId", "Main_Contact__c") if row.get(name)}
                found.append(
                    (
                        step.step,
                        step.action,
                        step.pass_,
                        row["source_row"],
                        row["record_id"],
                        references,
                        row["refused"],
                    )
                )
    return found


def test_a_parent_is_found_whatever_the_case_and_blanks(desk):
    ann = an_id("User", 1)
    assert leads(desk, {"owner": "ann@ACME.org"}, {"owner": " ann@acme.org "}, {"owner": None}) == [
        (ann, None, None),
        (ann, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", (None, "OwnerId: no User has the Email `x@y.org`", None)),
        (", on_missing: 'null'", (None, None, "OwnerId: no User has the Email `x@y.org`, left empty")),
        (", on_missing: defer", (None, None, "OwnerId: no User has the Email `x@y.org`, left for a later plan")),
    ],
)
def test_a_parent_that_is_missing(desk, policy, expected):
    assert leads(desk, {"owner": "x@y.org"}, lookups=OWNER % policy) == [expected]


def test_an_id_where_another_field_is_looked_up_is_told_as_one(desk):
    ((_, refused, note),) = leads(desk, {"owner": an_id("User", 7)}, lookups=OWNER % ", on_missing: 'null'")
    assert refused is None
    assert note == (
        f"OwnerId: no User has the Email `{an_id('User', 7)}`, which looks like an Id: one of another org finds nothing"
        " here, left empty"
    )


@pytest.mark.parametrize(
    ("policy", "emptied"), [("'null', null: clear", True), ("defer, null: clear", False), ("'null'", False)]
)
def test_a_missing_parent_empties_a_reference_only_when_both_policies_say_so(desk, policy, emptied):
    (acme,) = desk.mirrored("Account", {"Crm_Id__c": "a1", "Name": "Acme"})
    desk.mirrored("Contact", {"Crm_Id__c": "p1", "LastName": "Ada", "AccountId": acme})
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "nowhere"}])
    found = desk.changes(desk.plan(CONTACTS % f", on_missing: {policy}"))
    assert found == ([("update", "Contact", an_id("Contact", 1), {"AccountId": (acme, None)}, None)] if emptied else [])


def test_two_parents_are_refused_and_never_the_first_taken(desk):
    second = desk.mirrored("User", {"Email": "ANN@acme.org", "IsActive": True})[0]
    ((_, refused, _),) = leads(desk, {"owner": "ann@acme.org"})
    assert refused == f"OwnerId: `ann@acme.org` is that of 2 records: {an_id('User', 1)} and {second}"


def test_deleted_parents_are_none(desk):
    desk.mirrored("User", {"Email": "gone@acme.org", "IsDeleted": True})
    ((_, refused, _),) = leads(desk, {"owner": "gone@acme.org"})
    assert refused == "OwnerId: no User has the Email `gone@acme.org`"


def test_an_inactive_user_gets_nothing_new_and_keeps_what_it_has(desk):
    ((_, refused, _),) = leads(desk, {"owner": "old@acme.org"})
    assert refused == "OwnerId: `old@acme.org` is that of an inactive User"
    desk.mirrored("Lead", {"Crm_Id__c": "c1", "LastName": "N", "Company": "C", "OwnerId": an_id("User", 2)})
    assert leads(desk, {"owner": "old@acme.org"}) == []


def test_an_owner_is_a_user_or_a_queue(desk):
    lookups = "{OwnerId: {object: [User, Group], by: {User: Email, Group: DeveloperName}, local: owner}}"
    found = leads(desk, {"owner": "sales_queue"}, {"owner": "ann@acme.org"}, {"owner": "nobody"}, lookups=lookups)
    assert [each[0] for each in found] == [an_id("Group", 1), an_id("User", 1), None]
    assert found[2][1] == "OwnerId: no User has the Email or Queue has the DeveloperName `nobody`"


def test_of_groups_only_a_queue_can_be_the_owner(desk):
    """A public group may have the name of a queue, and own nothing."""
    desk.mirrored(
        "Group", {"DeveloperName": "Sales_Queue", "Type": "Regular"}, {"DeveloperName": "Everyone", "Type": "Regular"}
    )
    lookups = "{OwnerId: {object: Group, by: DeveloperName, local: owner}}"
    named, barred = leads(desk, {"owner": "Sales_Queue"}, {"owner": "Everyone"}, lookups=lookups)
    assert named[:2] == (an_id("Group", 1), None)
    assert barred[:2] == (None, "OwnerId: no Queue has the DeveloperName `Everyone`")


EITHER = "{OwnerId: {object: [User, Group], by: {User: Email, Group: DeveloperName}, local: owner}}"


def test_a_value_that_records_of_two_objects_have_is_refused_and_never_the_first_object_taken(desk):
    (queue,) = desk.mirrored("Group", {"DeveloperName": "ann@acme.org", "Type": "Queue"})
    ((owner, refused, _),) = leads(desk, {"owner": "ann@acme.org"}, lookups=EITHER)
    assert owner is None
    both = " and ".join(sorted((an_id("User", 1), queue)))
    assert refused == f"OwnerId: `ann@acme.org` is that of 2 records: {both}"


def test_a_record_of_another_object_does_not_stand_in_for_one_that_is_barred(desk):
    desk.mirrored("Group", {"DeveloperName": "old@acme.org", "Type": "Queue"})
    ((owner, refused, _),) = leads(desk, {"owner": "old@acme.org"}, lookups=EITHER)
    assert owner is None
    assert "`old@acme.org` is that of 2 records" in refused


TASKS = """
object: Task
table: crm.tasks
direction: push
fields: {Subject: subject}
lookups: {WhoId: {object: [Lead, Contact], by: Email, local: who}}
"""


def test_a_converted_lead_leaves_its_place_to_its_contact(desk):
    desk.mirrored("Lead", {"LastName": "A", "Company": "C", "Email": "a@x.org", "IsConverted": True})
    (contact,) = desk.mirrored("Contact", {"LastName": "A", "Email": "a@x.org"})
    desk.mirrored("Lead", {"LastName": "B", "Company": "C", "Email": "b@x.org", "IsConverted": True})
    desk.local("tasks", [{"subject": "Call", "who": "a@x.org"}, {"subject": "Call", "who": "b@x.org"}])
    found = [(row["WhoId"], row["refused"]) for row in desk.rows(desk.plan(TASKS))]
    assert found == [(contact, None), (None, "WhoId: no Lead has the Email or Contact has the Email `b@x.org`")]


def test_a_record_type_is_that_of_the_object_and_in_use(desk):
    types = [("Lead", "Web", True), ("Account", "Web", True), ("Lead", "Old", False)]
    desk.mirrored("RecordType", *({"SobjectType": o, "DeveloperName": d, "IsActive": a} for o, d, a in types))
    desk.local(
        "leads", [{"id": f"c{n}", "name": "N", "company": "C", "type": t} for n, t in enumerate(("web", "Old", "Nope"))]
    )
    lookups = "{RecordTypeId: {object: RecordType, by: DeveloperName, local: type}}"
    rows = desk.rows(desk.plan(lead_mapping(LEADS, lookups=lookups)))
    assert [(row["RecordTypeId"], row["refused"]) for row in rows] == [
        (an_id("RecordType", 1), None),
        (an_id("RecordType", 3), "RecordTypeId: `Old` is that of an inactive RecordType"),
        (None, "RecordTypeId: no RecordType has the DeveloperName `Nope`"),
    ]


def test_a_reference_that_is_right_already_is_no_change(desk):
    (acme,) = desk.mirrored("Account", {"Crm_Id__c": "a1", "Name": "Acme"})
    desk.mirrored("Contact", {"Crm_Id__c": "p1", "LastName": "Ada", "AccountId": acme})
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "A1"}])
    assert desk.plan(CONTACTS % "").is_empty
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": None}])
    assert desk.plan(CONTACTS % "").is_empty


def test_children_name_parents_that_the_same_plan_makes(desk):
    (there,) = desk.mirrored("Account", {"Crm_Id__c": "a0", "Name": "There"})
    desk.local("accounts", [{"id": "a0", "name": "There"}, {"id": "a1", "name": "New"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a0"}, {"id": "p2", "name": "Bob", "account": "A1"}])
    plan = desk.plan(CONTACTS % "", ACCOUNTS)
    assert by_row(desk, plan) == [
        (1, "create", 1, 2, None, {}, None),
        (2, "create", 1, 1, None, {"AccountId": there}, None),
        (2, "create", 1, 2, None, {"AccountId": "=change:1"}, None),
    ]


def test_children_of_a_refused_parent_are_refused(desk):
    desk.local("accounts", [{"id": "a1", "name": None}, {"id": "a2", "name": "X"}, {"id": "a2", "name": "Y"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}, {"id": "p2", "name": "Bob", "account": "a2"}])
    plan = desk.plan(ACCOUNTS, CONTACTS % "")
    told = [each[6] for each in by_row(desk, plan)]
    assert told[0] == "Name: a new record needs it"
    assert told[3] == "AccountId: `a1` is that of a new Account which is refused: row 1 of crm.accounts"
    assert "is that of a new Account which is refused" in told[4]
    assert plan.change_count == 0


def test_a_new_parent_beside_one_of_the_org_makes_two(desk):
    (acme,) = desk.mirrored("Account", {"Crm_Id__c": "a1", "Name": "Acme"})
    desk.local("accounts", [{"id": "a2", "name": "ACME"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "acme"}])
    by_name = (CONTACTS % "").replace("by: Crm_Id__c", "by: Name")
    told = by_row(desk, desk.plan(ACCOUNTS, by_name))[-1][6]
    assert told == f"AccountId: `acme` is that of 2 records: {acme} and the new one of this plan, change 1"


def test_a_parent_is_found_by_a_value_that_the_plan_gives_it(desk):
    (acme,) = desk.mirrored("Account", {"Name": "Acme"})
    desk.local("accounts", [{"id": "a1", "sf_id": acme}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}])
    backfill = "object: Account\ntable: crm.accounts\ndirection: push\nfields: {Crm_Id__c: id}\n"
    plan = desk.plan(backfill, CONTACTS % "")
    assert by_row(desk, plan)[-1] == (2, "create", 1, 1, None, {"AccountId": acme}, None)


def test_self_references_are_set_in_a_second_pass(desk):
    (root,) = desk.mirrored("Account", {"Crm_Id__c": "root", "Name": "Root"})
    rows = [("root", "Root", "new"), ("child", "Child", "new"), ("new", "New", "root")]
    desk.local("accounts", [{"id": k, "name": n, "parent": p} for k, n, p in rows])
    assert by_row(desk, desk.plan(ACCOUNTS + PARENTS)) == [
        (1, "create", 1, 2, None, {}, None),
        (1, "create", 1, 3, None, {"ParentId": root}, None),
        (2, "update", 1, 1, root, {"ParentId": "=change:2"}, None),
        (3, "update", 2, 2, "=change:1", {"ParentId": "=change:2"}, None),
    ]


def test_a_record_may_be_its_own_ancestor_in_the_source(desk):
    desk.local("accounts", [{"id": "a", "name": "A", "parent": "b"}, {"id": "b", "name": "B", "parent": "a"}])
    found = by_row(desk, desk.plan(ACCOUNTS + PARENTS))
    assert [each[:6] for each in found[2:]] == [
        (2, "update", 2, 1, "=change:1", {"ParentId": "=change:2"}),
        (2, "update", 2, 2, "=change:2", {"ParentId": "=change:1"}),
    ]


def test_a_second_pass_leaves_out_what_the_first_refused(desk):
    rows = [{"id": "a", "name": "A", "parent": "b"}, {"id": "b", "name": None, "parent": "a"}]
    desk.local("accounts", rows)
    plan = desk.plan(ACCOUNTS + PARENTS)
    assert [(each[0], each[3], each[6]) for each in by_row(desk, plan)] == [
        (1, 1, None),
        (1, 2, "Name: a new record needs it"),
        (2, 1, "ParentId: its parent, row 2 of crm.accounts, is refused"),
    ]


def test_cycles_between_objects_are_set_in_a_second_pass(desk):
    desk.local("accounts", [{"id": "a1", "name": "A", "main": "p1"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}])
    main = "lookups: {Main_Contact__c: {object: Contact, by: Crm_Id__c, local: main}}\n"
    found = by_row(desk, desk.plan(ACCOUNTS + main, CONTACTS % ""))
    assert found == [
        (1, "create", 1, 1, None, {}, None),
        (2, "create", 1, 1, None, {"AccountId": "=change:1"}, None),
        (3, "update", 2, 1, "=change:1", {"Main_Contact__c": "=change:2"}, None),
    ]


def test_a_deferred_parent_of_the_same_plan_is_set_not_left(desk):
    desk.local("accounts", [{"id": "a1", "name": "A", "main": "p1"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}])
    main = "lookups: {Main_Contact__c: {object: Contact, by: Crm_Id__c, local: main, on_missing: defer}}\n"
    plan = desk.plan(ACCOUNTS + main, CONTACTS % ", on_missing: defer")
    assert by_row(desk, plan)[-1][5] == {"Main_Contact__c": "=change:2"}
    assert all(row["note"] is None for row in desk.rows(plan))


def test_lookups_are_there_on_the_second_run_too(desk):
    """A plan over what an earlier one has done finds the parents in the mirror."""
    (acme,) = desk.mirrored("Account", {"Crm_Id__c": "a1", "Name": "New"})
    desk.local("accounts", [{"id": "a1", "name": "New"}])
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}])
    assert by_row(desk, desk.plan(ACCOUNTS, CONTACTS % "")) == [(1, "create", 1, 1, None, {"AccountId": acme}, None)]


def test_an_object_that_is_looked_up_must_be_mirrored_with_its_field(desk):
    desk.execute('DROP VIEW sf."Account"')
    desk.execute('ALTER TABLE sf_all."Account" DROP COLUMN "Crm_Id__c"')
    desk.local("contacts", [{"id": "p1", "name": "Ada", "account": "a1"}])
    with pytest.raises(MirrorUnfit, match=r"does not hold Account\.Crm_Id__c"):
        desk.plan(CONTACTS % "")


MASKED_ACCOUNTS = """
object: Account
table: crm.accounts
direction: push
external_id: Crm_Id__c
fields: {Crm_Id__c: id, Name: {local: name, mask: %s}}
"""
CONTACTS_BY_NAME = """
object: Contact
table: crm.contacts
direction: push
external_id: Crm_Id__c
fields: {Crm_Id__c: id, LastName: name}
lookups: {AccountId: {object: Account, by: Name, local: account%s}}
"""


@pytest.mark.parametrize("missing", ["", ", on_missing: null"])
def test_where_anything_is_masked_no_text_names_what_a_parent_was_looked_for_by(desk, missing):
    desk.local("accounts", [{"id": "a1", "name": "Secret Holdings"}])
    desk.local("contacts", [{"id": "c1", "name": "N", "account": "Secret Holdings"}])
    plan = desk.plan(MASKED_ACCOUNTS % "hash", CONTACTS_BY_NAME % missing)
    (contact,) = (row for row in desk.rows(plan) if row["key"] == "c1")
    told = "AccountId: no Account has the Name a value"
    assert (contact["refused"] or contact["note"]).removesuffix(", left empty") == told
    assert "Secret" not in repr(desk.rows(plan))


def test_keys_of_parents_are_told_though_others_are_masked(desk):
    desk.local("accounts", [{"id": "a1", "name": "Secret Holdings"}])
    desk.local("contacts", [{"id": "c1", "name": "N", "account": "a2"}])
    plan = desk.plan(MASKED_ACCOUNTS % "hash", CONTACTS % "")
    (contact,) = (row for row in desk.rows(plan) if row["key"] == "c1")
    assert contact["refused"] == "AccountId: no Account has the Crm_Id__c `a2`"
