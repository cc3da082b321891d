"""Plans that cannot or should not go on end where they are, and no row is kept from being planned anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfsync.errors import PlanStale
from sfsync.fake import weather as bad
from sfsync.store import ledger
from sfsync.sync.apply.give_up import give_up
from sfsync.sync.apply.retry import retry
from sfsync.sync.plan.stored import half_applied
from sfsync.sync.undo import make_undo


@pytest.fixture
def nameless_makers(world):
    """The org does not say who made a lead, as of shares and members of groups."""
    with world.store.writing() as session:
        describe = ledger.read_describes(session)["Lead"]
        fields = tuple(each for each in describe.fields if each.name != "CreatedById")
        ledger.save_describe(session, replace(describe, fields=fields), world.org.server_time().replace(tzinfo=None))
    return world


def waiting(world):
    with world.store.reading() as session:
        return [plan.id for plan in half_applied(session)]


def test_what_can_never_be_found_out_keeps_rows_from_being_planned_until_the_plan_is_given_up(
    nameless_makers, make_step
):
    world = nameless_makers
    plan = world.plan(make_step("Lead", "create", [{"LastName": "Perhaps", "Company": "C"}]))
    world.fake.weather.add(bad.Silence(), path="/composite/sobjects", times=1)
    assert world.apply(plan).counts["unknown"] == 1
    assert world.apply(plan).counts["unknown"] == 1
    assert waiting(world) == [plan]
    assert give_up(world.store, plan, workspace=world.workspace).counts["unknown"] == 1
    assert waiting(world) == []


def test_what_was_written_before_a_plan_was_given_up_can_be_taken_back(world, make_step, leads):
    changes = [*leads(3), {"LastName": "No", "refused": "because"}]
    plan = world.plan(make_step("Lead", "create", changes, key_field="Crm_Id__c"))
    world.apply(plan)
    with world.store.writing() as session:  # as where it was killed after the first
        session.execute("DELETE FROM sfsync.outcomes WHERE change_no > 1")
        session.execute("UPDATE sfsync.batches SET state = 'sent'")
        session.execute("DELETE FROM sfsync.batch_rows WHERE change_no = 3")
        session.execute("UPDATE sfsync.plans SET state = 'applying'")
    counts = give_up(world.store, plan, workspace=world.workspace).counts
    assert counts == {"done": 1, "rejected": 0, "unprocessed": 1, "unknown": 1, "refused": 1}
    assert world.outcomes(plan)[2] == ("unknown", "GIVEN_UP")
    world.pull()
    undo = make_undo(world.store, plan)
    assert (undo.plan.change_count, undo.unknown) == (1, 1)


def test_nothing_more_of_a_plan_that_was_given_up_is_sent(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2), key_field="Crm_Id__c"))
    world.fake.weather.add(bad.LockedRows(), path="/composite", times=1)
    assert world.apply(plan).counts["rejected"] == 2
    give_up(world.store, plan, workspace=world.workspace)
    writes = world.writes()
    with pytest.raises(PlanStale):
        world.apply(plan)
    with pytest.raises(PlanStale):
        retry(world.org, world.store, plan, workspace=world.workspace)
    with pytest.raises(PlanStale):
        give_up(world.store, plan, workspace=world.workspace)
    assert world.writes() == writes
