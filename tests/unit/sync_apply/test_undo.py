"""Taking back what an apply has done, as far as the org still holds it."""

from __future__ import annotations

import pytest

from sfsync.errors import UsageError
from sfsync.store.mirror import read_state
from sfsync.sync.plan.stored import read_stored_plan
from sfsync.sync.undo import make_undo, objects_to_pull

BOTH = pytest.mark.parametrize("api", [{"bulk_from": 2000}, {"bulk_from": 0}], ids=["collections", "bulk"])


@BOTH
def test_an_undo_leaves_the_org_as_it_was_before(world, make_step, leads, api):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old", "Title": "T"} for n in range(3)])
    world.pull()
    before = world.records("Lead", "LastName", "Company", "Title")
    held = {"Company": "Old", "Title": "T"}
    plan = world.plan(
        make_step("Lead", "create", leads(4), key_field="Crm_Id__c"),
        make_step("Lead", "update", [{"record_id": i, "Company": "New", "Title": None, "before": held} for i in ids]),
        make_step("Lead", "update", [{"record_id": "=change:1", "Title": "Second pass"}]),
    )
    done = world.apply(plan, **api)
    world.pull()
    undo = make_undo(world.store, done.run_id)
    assert (undo.irreversible, undo.others) == ((), ())
    assert [(step.action, step.row_count, step.refused_count) for step in undo.plan.steps] == [
        ("update", 3, 0),
        ("delete", 4, 0),
    ]
    assert world.apply(undo.plan.id, **api).counts["done"] == 7
    assert world.records("Lead", "LastName", "Company", "Title") == before


def test_a_field_that_someone_changed_since_is_left_alone_and_named(world, make_step):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old", "Title": "T"} for n in range(3)])
    world.pull()
    held = {"Company": "Old", "Title": "T"}
    plan = world.plan(
        make_step("Lead", "update", [{"record_id": i, "Company": "New", "Title": "New", "before": held} for i in ids])
    )
    world.apply(plan)
    world.fake.update("Lead", ids[0], {"Title": "Theirs"})
    world.fake.update("Lead", ids[1], {"Title": "Theirs", "Company": "Theirs"})
    world.pull()
    undo = make_undo(world.store, plan)
    (step,) = undo.plan.steps
    told = world.store.query(f"SELECT note, refused FROM {step.table} ORDER BY change_no").rows().rows
    assert told[0] == ("Title was changed in the org since, and is left alone", None)
    assert told[1][1] == "Company, Title was changed in the org since"
    world.apply(undo.plan.id)
    assert [(each["Company"], each["Title"]) for each in world.records("Lead", "Company", "Title")] == [
        ("Old", "Theirs"),
        ("Theirs", "Theirs"),
        ("Old", "T"),
    ]


@BOTH
def test_two_steps_about_one_record_are_both_applied_and_both_taken_back(world, make_step, api):
    (lead,) = world.fake.insert("Lead", [{"LastName": "L", "Company": "Old", "Title": "T"}])
    world.pull()
    plan = world.plan(
        make_step("Lead", "update", [{"record_id": lead, "Company": "New", "before": {"Company": "Old"}}]),
        make_step("Lead", "update", [{"record_id": lead, "Title": "New", "before": {"Title": "T"}}]),
    )
    assert world.apply(plan, **api).counts["done"] == 2
    world.pull()
    undo = make_undo(world.store, plan)
    assert [(step.fields, step.sent_count) for step in undo.plan.steps] == [(("Title",), 1), (("Company",), 1)]
    assert world.apply(undo.plan.id, **api).counts["done"] == 2
    assert [(each["Company"], each["Title"]) for each in world.records("Lead", "Company", "Title")] == [("Old", "T")]


def test_what_this_user_may_not_take_back_is_refused_before_any_call(world, make_step, leads):
    (lead,) = world.fake.insert("Lead", [{"LastName": "L", "Company": "Old"}])
    world.pull()
    plan = world.plan(
        make_step("Lead", "create", leads(1), key_field="Crm_Id__c"),
        make_step("Lead", "update", [{"record_id": lead, "Company": "New", "before": {"Company": "Old"}}]),
    )
    world.apply(plan)
    world.fake.set_permissions("Lead", ("read", "create"))
    world.pull()
    undo = make_undo(world.store, plan)
    told = [world.store.query(f"SELECT refused FROM {step.table}").rows().scalar() for step in undo.plan.steps]
    assert told == ["this user may not change Lead records", "this user may not delete Lead records"]


def test_a_deletion_cannot_be_undone_and_says_where_the_records_are(world, make_step):
    ids = world.fake.insert("Lead", [{"LastName": "L", "Company": "Old"}])
    world.pull()
    plan = world.plan(make_step("Lead", "delete", [{"record_id": ids[0]}]))
    done = world.apply(plan)
    world.pull()
    undo = make_undo(world.store, done.run_id)
    assert undo.plan.is_empty
    with world.store.reading() as session:
        bound = read_state(session).objects["Lead"].upper_bound
    assert undo.plan.header["as_of"] == f"{bound.isoformat()}Z"
    (told,) = undo.irreversible
    assert (told.count, told.ids) == (1, (ids[0],))
    assert "Recycle Bin" in told.reason


def test_an_unknown_run_is_refused(world):
    with pytest.raises(UsageError, match="no run nothing"):
        make_undo(world.store, "nothing")


def refusals(world, undo):
    """What an undo refuses to delete, and why."""
    told = {}
    for step in undo.plan.steps:
        if step.action == "delete":
            rows = world.store.query(f"SELECT record_id, refused FROM {step.table} WHERE refused IS NOT NULL").rows()
            told |= dict(rows.rows)
            assert step.refused_count == len(rows.rows)
    return told


def test_a_new_record_that_others_hang_on_by_now_is_not_deleted(world, make_step):
    plan = world.plan(make_step("Account", "create", [{"Name": "Acme"}, {"Name": "Beta"}, {"Name": "Gone"}]))
    world.apply(plan)
    acme, _, gone = [each["Id"] for each in world.records("Account", "Name")]
    (kid,) = world.fake.insert("Contact", [{"LastName": "Theirs", "AccountId": acme}])
    (deleted,) = world.fake.insert("Contact", [{"LastName": "Deleted", "AccountId": gone}])
    world.fake.delete("Contact", deleted)
    world.pull()
    undo = make_undo(world.store, plan)
    reason = f"Contact {kid} refers to it by AccountId, and would lose it, or be deleted with it"
    assert refusals(world, undo) == {acme: reason}
    world.apply(undo.plan.id)
    assert [each["Name"] for each in world.records("Account", "Name")] == ["Acme"]
    assert world.fake.count("Contact") == 1


def test_the_contact_that_a_person_account_is_does_not_keep_the_account(world, make_step):
    plan = world.plan(make_step("Account", "create", [{"Name": "Ada King"}, {"Name": "Acme"}]))
    world.apply(plan)
    accounts = {each["Name"]: each["Id"] for each in world.records("Account", "Name")}
    kids = {
        name: world.fake.insert("Contact", [{"LastName": name, "AccountId": accounts[name]}])[0] for name in accounts
    }
    world.pull()
    with world.store.writing() as session:  # as in an org with person accounts
        session.execute('ALTER TABLE sf_all."Account" ADD COLUMN "PersonContactId" VARCHAR')
        session.execute(
            'UPDATE sf_all."Account" SET "PersonContactId" = ? WHERE "Id" = ?', [kids["Ada King"], accounts["Ada King"]]
        )
    assert list(refusals(world, make_undo(world.store, plan))) == [accounts["Acme"]]


def test_parents_and_children_of_one_run_are_both_taken_back(world, make_step):
    (other,) = world.fake.insert("Account", [{"Name": "Other"}])
    (moved,) = world.fake.insert("Contact", [{"LastName": "Moved", "AccountId": other}])
    world.pull()
    plan = world.plan(
        make_step("Account", "create", [{"Name": "Acme"}]),
        make_step("Contact", "create", [{"LastName": "Kid", "AccountId": "=change:1"}]),
        make_step(
            "Contact", "update", [{"record_id": moved, "AccountId": "=change:1", "before": {"AccountId": other}}]
        ),
    )
    assert world.apply(plan).counts["done"] == 3
    world.pull()
    undo = make_undo(world.store, plan)
    assert refusals(world, undo) == {}
    assert world.apply(undo.plan.id).counts["done"] == 3
    assert [each["Name"] for each in world.records("Account", "Name")] == ["Other"]
    assert [each["AccountId"] for each in world.records("Contact", "AccountId")] == [other]


def test_a_child_that_is_kept_keeps_its_parent(world, make_step):
    plan = world.plan(
        make_step("Account", "create", [{"Name": "Acme"}]),
        make_step("Contact", "create", [{"LastName": "Kid", "AccountId": "=change:1"}]),
    )
    world.apply(plan)
    ((kid,), (acme,)) = [[each["Id"] for each in world.records(name, "CreatedById")] for name in ("Contact", "Account")]
    world.fake.update("Contact", kid, {"LastName": "Theirs"})
    world.pull()
    told = refusals(world, make_undo(world.store, plan))
    assert told[kid] == "LastName was changed in the org since"
    assert told[acme].startswith(f"Contact {kid} refers to it by AccountId")


def test_changes_that_may_be_under_way_are_counted_and_not_taken_back(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2)))
    world.apply(plan)
    with world.store.writing() as session:
        session.execute("UPDATE sfsync.outcomes SET state = 'unknown', record_id = NULL WHERE change_no = 2")
    world.pull()
    undo = make_undo(world.store, plan)
    assert (undo.unknown, undo.plan.change_count) == (1, 1)
    with world.store.writing() as session:
        session.execute("DELETE FROM sfsync.outcomes WHERE change_no = 2")
        session.execute("UPDATE sfsync.batches SET state = 'sent'")
    assert make_undo(world.store, plan).unknown == 1


def test_only_what_may_refer_to_records_that_can_be_deleted_is_pulled_for_an_undo(world, make_step):
    accounts = world.plan(make_step("Account", "create", [{"Name": "Acme"}]))
    users = world.plan(make_step("User", "create", [{"LastName": "Uma"}]))
    with world.store.reading() as session:
        own, referring = objects_to_pull(session, read_stored_plan(session, accounts))
        assert (own, set(referring)) == (["Account"], {"Contact", "Lead", "Opportunity", "User"})
        # Every object refers to users, whom nobody can delete.
        assert objects_to_pull(session, read_stored_plan(session, users)) == (["User"], [])
