"""What the run itself has written, or the org's automation along with it, is not taken for somebody else's change."""

from __future__ import annotations

from urllib.parse import unquote_plus

import pytest

from sfsync.fake import weather as bad
from sfsync.sync.apply.events import BatchDone

BEFORE = {"Company": "Old", "Title": "T"}


@pytest.fixture
def other(world):
    return world.fake.add_user("Other")


def made(world, count):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old", "Title": "T"} for n in range(count)])
    world.pull()
    return ids


def updates(make_step, ids, **more):
    return make_step(
        "Lead", "update", [{"record_id": each, "Company": "new", "before": BEFORE} for each in ids], **more
    )


def lose_the_answer(world, *, after_work):
    """The answer to the next write is lost, and so is every look at what became of it in this run."""
    world.fake.weather.add(bad.Silence(after_work=after_work), path="/composite/sobjects", times=1)
    world.fake.weather.add(bad.LimitExceeded(), path="/query", method="GET", nth=2, times=9)


# --- an answer that was lost ------------------------------------------------------------------------------------------


def test_a_value_that_a_trigger_altered_in_the_lost_call_is_done_with_a_note(world, make_step):
    ids = made(world, 3)
    plan = world.plan(updates(make_step, ids))
    lose_the_answer(world, after_work=True)
    assert world.apply(plan).counts["unknown"] == 3
    world.fake.update("Lead", ids[0], {"Company": "NEW", "LastModifiedById": world.org.user_id})
    result = world.apply(plan)
    assert result.complete, world.messages(plan)
    assert world.messages(plan) == ["the org changed what was sent for Company"]
    assert world.writes() == 1
    assert [each["Company"] for each in world.records("Lead", "Company")] == ["NEW", "new", "new"]


def test_an_owner_whom_an_assignment_rule_has_put_in_is_done_with_a_note_at_once(world, make_step, other):
    (lead,) = made(world, 1)
    mine, wanted = world.org.user_id, world.fake.add_user("Wanted")
    world.fake.add_assignment_rule("Lead", None, other)
    changes = [{"record_id": lead, "OwnerId": wanted, "before": {"OwnerId": mine}}]
    plan = world.plan(make_step("Lead", "update", changes, options={"assignment_rules": True}))
    world.fake.weather.add(bad.Silence(after_work=True), path="/composite/sobjects", times=1)
    assert world.apply(plan).complete, world.messages(plan)
    assert world.messages(plan) == ["the org changed what was sent for OwnerId"]
    assert [each["OwnerId"] for each in world.records("Lead", "OwnerId")] == [other]


def test_a_value_that_somebody_else_has_put_in_is_left_to_them(world, make_step, other):
    ids = made(world, 2)
    plan = world.plan(updates(make_step, ids))
    lose_the_answer(world, after_work=False)
    assert world.apply(plan).counts["unknown"] == 2
    world.fake.weather.clear()
    world.fake.update("Lead", ids[0], {"Company": "Theirs", "LastModifiedById": other})
    world.apply(plan)
    assert world.outcomes(plan) == {1: ("rejected", "CHANGED_SINCE_PLAN"), 2: ("done", None)}
    assert world.messages(plan) == [
        f"Company was changed in the org since the plan was made, by {other}, after this change was sent: whether it had"
        " been written by then is not known"
    ]
    assert [each["Company"] for each in world.records("Lead", "Company")] == ["Theirs", "new"]


def test_a_call_that_did_nothing_is_repeated_although_our_user_changed_another_field(world, make_step):
    ids = made(world, 2)
    plan = world.plan(updates(make_step, ids))
    lose_the_answer(world, after_work=False)
    world.apply(plan)
    world.fake.weather.clear()
    world.fake.update("Lead", ids[0], {"Title": "Elsewhere", "LastModifiedById": world.org.user_id})
    assert world.apply(plan).complete
    assert world.messages(plan) == []
    assert {each["Company"] for each in world.records("Lead", "Company")} == {"new"}


def test_what_another_step_of_the_plan_has_written_is_no_proof_of_the_lost_call(world, make_step):
    (lead,) = made(world, 1)
    title = make_step("Lead", "update", [{"record_id": lead, "Title": "New", "before": {"Title": "T"}}])
    plan = world.plan(title, updates(make_step, [lead]))
    world.fake.weather.add(bad.Silence(), path="/composite/sobjects", nth=2, times=1)
    assert world.apply(plan).complete
    assert world.records("Lead", "Company", "Title") == [{"Id": lead, "Company": "new", "Title": "New"}]


# --- several jobs of one step -----------------------------------------------------------------------------------------


def after_the_first_job(world, do):
    """Do something in the org once the first job has ended."""
    waiting = [do]

    def listen(event):
        if isinstance(event, BatchDone) and waiting:
            waiting.pop()()

    append = world.events.append
    world.events = type("Listening", (list,), {"append": lambda self, event: (append(event), listen(event))})()


def looks(world):
    """What the checks before each job asked for."""
    asked = [unquote_plus(call.query) for call in world.fake.requests if call.path.endswith(("/query", "/queryAll"))]
    return [soql for soql in asked if "FROM Lead" in soql]


def test_between_the_jobs_of_a_step_only_changes_of_others_are_read(world, make_step, other):
    ids = made(world, 6)
    plan = world.plan(updates(make_step, ids))

    def meanwhile():
        world.fake.update("Lead", ids[2], {"Company": "By our trigger", "LastModifiedById": world.org.user_id})
        world.fake.update("Lead", ids[3], {"Company": "Theirs", "LastModifiedById": other})

    after_the_first_job(world, meanwhile)
    before = len(looks(world))
    result = world.apply(plan, bulk_from=0, most_rows=2)
    first, *later = looks(world)[before:]
    assert "LastModifiedById !=" not in first
    assert len(later) == 2
    assert all(f"LastModifiedById != '{world.org.user_id}'" in soql for soql in later)
    assert world.outcomes(plan)[4] == ("rejected", "CHANGED_SINCE_PLAN")
    assert result.counts == {"done": 5, "rejected": 1, "unprocessed": 0, "unknown": 0, "refused": 0}
    held = [each["Company"] for each in world.records("Lead", "Company")]
    assert held == ["new", "new", "new", "Theirs", "new", "new"]


def test_what_others_changed_before_the_first_job_is_settled_by_the_first_look(world, make_step, other):
    ids = made(world, 4)
    plan = world.plan(updates(make_step, ids))
    world.fake.update("Lead", ids[3], {"Company": "Theirs", "LastModifiedById": world.org.user_id})
    world.apply(plan, bulk_from=0, most_rows=2)
    assert world.outcomes(plan)[4] == ("rejected", "CHANGED_SINCE_PLAN")
    assert [each["Company"] for each in world.records("Lead", "Company")] == ["new", "new", "new", "Theirs"]


def test_a_key_that_somebody_else_gave_away_between_two_jobs_is_found(world, make_step, leads, other):
    plan = world.plan(make_step("Lead", "create", leads(4), key_field="Crm_Id__c"))

    def meanwhile():
        row = {"LastName": "Theirs", "Company": "X", "Crm_Id__c": "c3", "CreatedById": other, "LastModifiedById": other}
        world.fake.insert("Lead", [row])

    after_the_first_job(world, meanwhile)
    world.apply(plan, bulk_from=0, most_rows=2)
    assert world.outcomes(plan)[4] == ("rejected", "EXISTS_SINCE_PLAN")
    assert sorted(each["LastName"] for each in world.records("Lead", "LastName")) == [
        "Lead 0",
        "Lead 1",
        "Lead 2",
        "Theirs",
    ]


def test_records_that_a_pull_has_brought_before_the_resume_are_found_and_not_made_again(world, make_step):
    changes = [{"LastName": f"L{n}", "Company": "Acme"} for n in range(3)]
    plan = world.plan(make_step("Lead", "create", changes))
    assert world.apply(plan).counts["done"] == 3
    with world.store.writing() as session:  # as a run leaves it that is killed before the answer comes
        session.execute("DELETE FROM sfsync.outcomes")
        session.execute("UPDATE sfsync.batches SET state = 'sending'")
        session.execute("UPDATE sfsync.plans SET state = 'applying'")
    world.pull()
    assert world.apply(plan).counts["done"] == 3
    assert world.fake.count("Lead") == 3
