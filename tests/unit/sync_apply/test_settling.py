"""What was sent and not answered for, and accounts that do not balance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.errors import LedgerUnbalanced, MirrorUnfit
from sfsync.fake import weather as bad


def test_a_job_that_the_org_has_forgotten_is_settled_by_looking_for_its_records(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(5), key_field="Crm_Id__c"))
    world.fake.weather.add(bad.JobStuck())
    assert world.apply(plan, bulk_from=0, patience=0.1).counts["unknown"] == 5
    world.fake.insert("Lead", [{"LastName": "Lead 1", "Company": "Acme", "Crm_Id__c": "c1"}])
    world.fake.clock.advance(timedelta(days=8))
    world.fake.weather.clear()
    result = world.apply(plan, bulk_from=0)
    assert result.complete, world.messages(plan)
    assert len(world.records("Lead", "LastName")) == 5


def test_results_that_name_a_record_that_was_not_sent_fail_the_run(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2), key_field="Crm_Id__c"))
    strange = "sf__Id,sf__Created,Crm_Id__c\n00Q000000000001AAA,true,strange\n"
    world.fake.weather.add(bad.Refused(200, strange, "text/csv"), path="successfulResults", times=1)
    with pytest.raises(LedgerUnbalanced, match="1 records not sent"):
        world.apply(plan, bulk_from=0)
    run = world.store.query("SELECT state FROM sfsync.runs WHERE verb = 'apply'").rows().scalar()
    assert run == "failed"
    assert world.apply(plan, bulk_from=0).complete
    assert len(world.records("Lead", "LastName")) == 2


def test_records_that_the_results_leave_out_are_looked_for(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(3), key_field="Crm_Id__c"))
    world.fake.weather.add(
        bad.Refused(200, "sf__Id,sf__Created,Crm_Id__c\n", "text/csv"), path="successfulResults", times=1
    )
    assert world.apply(plan, bulk_from=0).complete
    found = world.store.query("SELECT DISTINCT created, attempt FROM sfsync.outcomes").rows().rows
    assert found == [(True, 1)]


def test_an_upsert_whose_answer_is_lost_is_found_even_where_automation_changed_a_value(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2), key_field="Crm_Id__c"))
    world.fake.weather.add(bad.Silence(after_work=True), path="/composite/sobjects", times=1)
    world.fake.weather.add(bad.LimitExceeded(), path="/query", method="GET", nth=2, times=9)
    stopped = world.apply(plan)
    assert stopped.counts["unknown"] == 2
    world.fake.weather.clear()
    (found, *_rest) = world.records("Lead", "Company")
    world.fake.update("Lead", found["Id"], {"Company": "By a trigger"})
    result = world.apply(plan)
    assert result.complete
    assert world.messages(plan) == ["the org changed some of the values that were sent"]
    assert world.writes() == 1


def test_a_field_that_only_the_plan_file_knows_becomes_no_query(world, make_step, leads):
    plan = world.plan(
        make_step("Lead", "create", leads(1, **{"Id FROM User WHERE Id != null --": "x"}), key_field="Crm_Id__c")
    )
    with pytest.raises(MirrorUnfit, match="which the mirror does not know"):
        world.apply(plan)
    assert world.writes() == 0
