"""Sending rejected changes again: only those that may succeed, and locked ones parent by parent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfsync.errors import UsageError
from sfsync.fake import weather as bad
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.retry import plan_of, retry


def again(world, run_id):
    world.fake.weather.clear()
    return retry(world.org, world.store, run_id, workspace=world.workspace, on_event=world.events.append)


@pytest.mark.parametrize("bulk_from", [0, 2000])
def test_locked_rows_are_sent_again_and_others_are_told(world, make_step, leads, bulk_from):
    rows = leads(20)
    rows[3]["Company"] = None
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    world.fake.weather.add(bad.LockedRows(share=0.4), times=1)
    first = world.apply(plan, bulk_from=bulk_from)
    assert first.retryable == first.codes["UNABLE_TO_LOCK_ROW"] > 0
    second = again(world, first.run_id)
    assert second.again == first.retryable
    assert second.hopeless == {"REQUIRED_FIELD_MISSING": 1}
    assert (second.result.counts["done"], second.result.counts["rejected"]) == (19, 1)
    attempts = world.store.query("SELECT DISTINCT attempt FROM sfsync.outcomes WHERE state = 'done' ORDER BY 1").rows()
    assert attempts.rows == [(1,), (2,)]


def test_the_records_of_one_parent_are_sent_together(world, make_step):
    accounts = world.fake.insert("Account", [{"Name": f"A{n}"} for n in range(2)])
    world.pull()
    contacts = [{"LastName": f"C{n}", "Crm_Id__c": f"k{n}", "AccountId": accounts[n % 2]} for n in range(8)]
    plan = world.plan(make_step("Contact", "create", contacts, key_field="Crm_Id__c"))
    world.fake.weather.add(bad.LockedRows(), times=1)
    first = world.apply(plan)
    assert first.retryable == 8
    second = retry(
        world.org, world.store, plan, workspace=world.workspace, options=replace(ApplyOptions(), batch_rows=4)
    )
    assert second.result.complete
    batches = world.store.query(
        'SELECT b.batch_no, count(DISTINCT s."AccountId"), count(*) FROM sfsync.batch_rows b'
        f" JOIN {world.table(plan, 1)} s USING (change_no) WHERE b.batch_no > 1 GROUP BY 1 ORDER BY 1"
    ).rows()
    assert batches.rows == [(2, 1, 4), (3, 1, 4)]


def test_the_children_of_a_locked_parent_follow_it(world, make_step):
    plan = world.plan(
        make_step("Account", "create", [{"Name": "A", "Crm_Id__c": "a"}], key_field="Crm_Id__c"),
        make_step(
            "Contact", "create", [{"LastName": "C", "Crm_Id__c": "c", "AccountId": "=change:1"}], key_field="Crm_Id__c"
        ),
    )
    world.fake.weather.add(bad.LockedRows(), times=1)
    first = world.apply(plan)
    assert first.codes == {"PARENT_NOT_WRITTEN": 1, "UNABLE_TO_LOCK_ROW": 1}
    assert again(world, first.run_id).result.complete


def test_a_run_whose_changes_a_later_one_has_settled_anew_is_still_known(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2), key_field="Crm_Id__c"))
    world.fake.weather.add(bad.LockedRows(), times=1)
    first = world.apply(plan)
    second = again(world, first.run_id)
    assert second.result.complete
    with world.store.reading() as session:
        assert plan_of(session, first.run_id) == plan_of(session, second.result.run_id) == plan


def test_a_retry_of_nothing_says_so(world):
    with pytest.raises(UsageError, match="no run"):
        again(world, "20200101T000000Z-0000")
