"""Plans against the fake org, by Collections and by Bulk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.errors import PlanStale, UsageError

BOTH = pytest.mark.parametrize("api", [{"bulk_from": 2000}, {"bulk_from": 0}], ids=["collections", "bulk"])


@BOTH
def test_new_records_are_made_once_and_told_with_their_ids(world, make_step, leads, api):
    plan = world.plan(make_step("Lead", "create", leads(450), key_field="Crm_Id__c"))
    result = world.apply(plan, **api)
    assert result.complete
    assert result.counts["done"] == 450
    records = world.records("Lead", "LastName", "Crm_Id__c")
    assert sorted(each["Crm_Id__c"] for each in records) == sorted(f"c{n}" for n in range(450))
    found = world.store.query(
        f'SELECT o.record_id, s."Crm_Id__c" FROM sfsync.outcomes o JOIN {world.table(plan, 1)} s USING (change_no) WHERE o.created'
    ).rows()
    assert {key: record_id for record_id, key in found} == {each["Crm_Id__c"]: each["Id"] for each in records}


def test_an_applied_plan_is_refused_and_writes_nothing(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(3), key_field="Crm_Id__c"))
    world.apply(plan)
    writes = world.writes()
    with pytest.raises(PlanStale, match="applied already"):
        world.apply(plan)
    assert world.writes() == writes


@BOTH
def test_values_are_set_cleared_and_left_alone_whatever_they_are(world, make_step, api):
    hostile = ['"quoted", and\nnew line', "=1+1", "#N/A", "'; DROP TABLE Lead; --", "a\u2028 sep", "=change:1"]
    ids = world.fake.insert(
        "Lead", [{"LastName": f"L{n}", "Company": "Old", "Title": "T", "AnnualRevenue": 5} for n in range(8)]
    )
    world.pull()
    held = {"Company": "Old", "Title": "T", "AnnualRevenue": "5"}
    changes = [{"record_id": i, "Company": text, "before": held} for i, text in zip(ids, hostile, strict=False)]
    changes.append({"record_id": ids[6], "Title": None, "AnnualRevenue": "12", "before": held})
    changes.append({"record_id": ids[7], "Title": "", "AnnualRevenue": None, "before": held})
    plan = world.plan(make_step("Lead", "update", changes))
    result = world.apply(plan, **api)
    assert result.complete, world.messages(plan)
    found = {each["Id"]: each for each in world.records("Lead", "Company", "Title", "AnnualRevenue")}
    for record_id, text in zip(ids, hostile, strict=False):
        assert found[record_id] == {"Id": record_id, "Company": text, "Title": "T", "AnnualRevenue": 5.0}
    assert found[ids[6]]["Title"] is None
    assert found[ids[6]]["AnnualRevenue"] == 12
    assert (found[ids[7]]["Title"], found[ids[7]]["AnnualRevenue"]) == (None, None)


@BOTH
def test_a_rejected_row_is_told_and_leaves_the_others_alone(world, make_step, leads, api):
    rows = leads(5)
    rows[2]["Company"] = None
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    result = world.apply(plan, **api)
    assert not result.complete
    assert result.codes == {"REQUIRED_FIELD_MISSING": 1}
    assert world.outcomes(plan)[3] == ("rejected", "REQUIRED_FIELD_MISSING")
    assert len(world.records("Lead", "Company")) == 4


@BOTH
def test_refused_changes_are_never_sent(world, make_step, leads, api):
    rows = leads(3)
    rows[1]["refused"] = "Company is too long"
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    result = world.apply(plan, **api)
    assert (result.counts["done"], result.counts["refused"]) == (2, 1)
    assert world.messages(plan) == ["Company is too long"]


@BOTH
def test_a_child_finds_the_record_that_was_made_for_its_parent(world, make_step, api):
    accounts = [{"Name": f"A{n}", "Crm_Id__c": f"a{n}"} for n in range(3)]
    contacts = [{"LastName": f"C{n}", "Crm_Id__c": f"k{n}", "AccountId": f"=change:{n % 3 + 1}"} for n in range(9)]
    plan = world.plan(
        make_step("Account", "create", accounts, key_field="Crm_Id__c"),
        make_step("Contact", "create", contacts, key_field="Crm_Id__c"),
        make_step("Account", "update", [{"record_id": "=change:1", "ParentId": "=change:2"}]),
    )
    assert world.apply(plan, **api).complete, world.messages(plan)
    names = {each["Id"]: each for each in world.records("Account", "Name", "ParentId")}
    assert all(
        names[each["AccountId"]]["Name"][1:] == str(int(each["LastName"][1:]) % 3)
        for each in world.records("Contact", "LastName", "AccountId")
    )
    parent = next(each["ParentId"] for each in names.values() if each["Name"] == "A0")
    assert names[parent]["Name"] == "A1"


@BOTH
def test_the_children_of_a_rejected_parent_are_rejected_with_its_row(world, make_step, api):
    accounts = [{"Name": "Good", "Crm_Id__c": "g"}, {"Name": None, "Crm_Id__c": "b", "source_row": 17}]
    contacts = [{"LastName": "C", "Crm_Id__c": f"k{n}", "AccountId": f"=change:{n + 1}"} for n in range(2)]
    plan = world.plan(
        make_step("Account", "create", accounts, key_field="Crm_Id__c"),
        make_step("Contact", "create", contacts, key_field="Crm_Id__c"),
    )
    world.apply(plan, **api)
    assert world.outcomes(plan)[4] == ("rejected", "PARENT_NOT_WRITTEN")
    assert "change 2, row 17 of its source" in world.messages(plan)[-1]
    assert [each["LastName"] for each in world.records("Contact", "LastName")] == ["C"]


@BOTH
def test_a_record_that_moved_since_the_plan_is_not_written_over(world, make_step, api):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old", "Title": "T"} for n in range(4)])
    world.pull()
    plan = world.plan(
        make_step("Lead", "update", [{"record_id": i, "Company": "New", "before": {"Company": "Old"}} for i in ids])
    )
    world.fake.update("Lead", ids[0], {"Company": "Theirs"})
    world.fake.update("Lead", ids[1], {"Title": "Another field"})
    world.fake.delete("Lead", ids[2])
    result = world.apply(plan, **api)
    assert [state for state, _code in world.outcomes(plan).values()] == ["rejected", "done", "rejected", "done"]
    assert result.codes == {"CHANGED_SINCE_PLAN": 2}
    assert "Company was changed" in world.messages(plan)[0]
    assert {each["Company"] for each in world.records("Lead", "Company")} == {"Theirs", "New"}


@BOTH
def test_a_record_that_exists_by_now_is_not_made_and_not_written_over(world, make_step, leads, api):
    plan = world.plan(make_step("Lead", "create", leads(3), key_field="Crm_Id__c"))
    world.fake.insert("Lead", [{"LastName": "Theirs", "Company": "X", "Crm_Id__c": "C1"}])
    result = world.apply(plan, **api)
    assert result.codes == {"EXISTS_SINCE_PLAN": 1}
    assert sorted(each["LastName"] for each in world.records("Lead", "LastName")) == ["Lead 0", "Lead 2", "Theirs"]


@BOTH
def test_deleted_records_lie_in_the_bin(world, make_step, api):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old"} for n in range(3)])
    world.pull()
    stamps = dict(world.store.query('SELECT "Id", "SystemModstamp" FROM sf."Lead"').rows().rows)
    plan = world.plan(
        make_step("Lead", "delete", [{"record_id": i, "org_stamp": stamps[i].isoformat(sep=" ")} for i in ids])
    )
    world.fake.clock.advance(timedelta(minutes=1))
    world.fake.update("Lead", ids[2], {"Title": "Wanted"})
    result = world.apply(plan, **api)
    assert (result.counts["done"], result.counts["rejected"]) == (2, 1)
    assert [each["Id"] for each in world.records("Lead", "LastName")] == [ids[2]]


def test_keyless_records_are_made_by_collections_however_many(world, make_step):
    rows = [{"LastName": f"L{n % 7}", "Company": "C"} for n in range(450)]
    plan = world.plan(make_step("Lead", "create", rows))
    assert world.apply(plan, bulk_from=0).complete
    assert len(world.records("Lead", "LastName")) == 450
    assert not any("/jobs/ingest" in call.path for call in world.fake.requests)


def test_a_plan_that_a_later_pull_has_overtaken_is_refused_with_the_records(world, make_step):
    (lead,) = world.fake.insert("Lead", [{"LastName": "L", "Company": "Old"}])
    world.pull()
    plan = world.plan(make_step("Lead", "update", [{"record_id": lead, "Company": "N", "before": {"Company": "Old"}}]))
    world.fake.update("Lead", lead, {"Company": "Theirs"})
    world.pull()
    with pytest.raises(PlanStale, match=f"{lead}: Company was changed"):
        world.apply(plan)
    with pytest.raises(PlanStale):
        world.apply(plan)


def test_a_plan_whose_table_was_changed_is_refused(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(2), key_field="Crm_Id__c"))
    with world.store.writing() as session:
        session.execute(f"UPDATE {world.table(plan, 1)} SET \"Company\" = 'Evil'")
    with pytest.raises(PlanStale, match="was changed"):
        world.apply(plan)


def test_a_plan_of_another_org_is_refused(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(1), key_field="Crm_Id__c"))
    with world.store.writing() as session:
        session.execute("UPDATE sfsync.plans SET org_id = '00D000000000099AAA'")
    with pytest.raises(UsageError, match="00D000000000099AAA"):
        world.apply(plan)


def test_assignment_rules_stay_off_unless_the_step_says_so(world, make_step, leads):
    rep = world.fake.add_user("rep@example.com")
    world.fake.add_assignment_rule("Lead", "LastName != null", rep)
    plan = world.plan(
        make_step("Lead", "create", leads(1), key_field="Crm_Id__c"),
        make_step("Lead", "create", [{"LastName": "R", "Company": "C"}], options={"assignment_rules": True}),
    )
    assert world.apply(plan, bulk_from=0).complete
    assert {e["LastName"]: e["OwnerId"] for e in world.records("Lead", "LastName", "OwnerId")} == {
        "Lead 0": world.fake.admin_id,
        "R": rep,
    }


def test_a_large_step_is_split_by_rows_and_by_bytes(world, make_step, leads):
    plan = world.plan(make_step("Lead", "create", leads(250), key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_rows=100).bulk_jobs == 3
    more = [{**each, "Crm_Id__c": f"x{n}", "Title": '"' * 50} for n, each in enumerate(leads(100))]
    plan = world.plan(make_step("Lead", "create", more, key_field="Crm_Id__c"))
    result = world.apply(plan, bulk_from=0, most_bytes=6000)
    assert result.complete
    assert result.bulk_jobs > 2
    assert len(world.records("Lead", "LastName")) == 350


def test_quotes_count_twice_and_a_file_that_fits_is_not_split(world, make_step, leads):
    def quoted(letter):
        return [{**each, "Crm_Id__c": f"{letter}{n}", "Title": '"' * 50} for n, each in enumerate(leads(40))]

    # 40 rows of some 160 bytes each: at most twice that if all of it were quotes.
    plan = world.plan(make_step("Lead", "create", quoted("a"), key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_bytes=7000).bulk_jobs == 1
    plan = world.plan(make_step("Lead", "create", quoted("b"), key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_bytes=4000).bulk_jobs == 2
    assert len(world.records("Lead", "LastName")) == 80
