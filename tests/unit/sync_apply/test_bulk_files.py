"""A step that takes several Bulk jobs: which change goes into which file, and that none is left out or sent twice."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.salesforce.bulk_ingest import BulkIngest


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are uploaded, whole."""
    files: list[str] = []
    upload = BulkIngest.upload

    def noted(job: BulkIngest, file: Path) -> None:
        files.append(file.read_text(encoding="utf-8"))
        upload(job, file)

    monkeypatch.setattr(BulkIngest, "upload", noted)
    return files


def keys(file: str) -> list[str]:
    """The keys in a file, which is what each line begins with."""
    return sorted(line.split(",")[0].strip('"') for line in file.splitlines()[1:])


def test_each_file_has_the_next_changes_in_order(world, make_step, leads, sent):
    plan = world.plan(make_step("Lead", "create", leads(10), key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_rows=4).complete
    every = [each["Crm_Id__c"] for each in leads(10)]
    assert [keys(file) for file in sent] == [sorted(part) for part in (every[:4], every[4:8], every[8:])]


def test_files_keep_to_their_bytes_though_records_differ_in_length(world, make_step, leads, sent):
    rows = [{**each, "Title": '"' * (n % 50)} for n, each in enumerate(leads(60))]
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_bytes=2000).complete
    assert len(sent) > 2
    assert max(len(file.encode()) for file in sent) <= 2000
    assert sorted(key for file in sent for key in keys(file)) == sorted(each["Crm_Id__c"] for each in rows)


def test_a_record_that_alone_is_longer_than_a_file_may_be_is_sent_alone(world, make_step, leads, sent):
    rows = leads(5)
    rows[2]["Description"] = "x" * 3000
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_bytes=1500).complete
    assert [rows[2]["Crm_Id__c"]] in [keys(file) for file in sent]
    assert sorted(key for file in sent for key in keys(file)) == sorted(each["Crm_Id__c"] for each in rows)


def test_of_changes_with_one_key_each_goes_into_a_file_of_its_own_in_their_order(world, make_step, leads, sent):
    rows = leads(6)
    for at in (1, 2, 5):
        rows[at]["Crm_Id__c"] = "twin"
        rows[at]["Company"] = f"Company {at}"
    plan = world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_rows=3).complete
    assert [keys(file).count("twin") for file in sent if "twin" in file] == [1, 1, 1]
    (twin,) = [each for each in world.records("Lead", "Crm_Id__c", "Company") if each["Crm_Id__c"] == "twin"]
    assert twin["Company"] == "Company 5"


def test_what_refers_to_a_record_of_a_later_file_waits_for_it(world, make_step, sent):
    accounts = [{"Name": f"A{n}", "Crm_Id__c": f"a{n}"} for n in range(8)]
    accounts[0]["ParentId"] = "=change:8"
    accounts[7]["ParentId"] = "=change:3"
    plan = world.plan(make_step("Account", "create", accounts, key_field="Crm_Id__c"))
    assert world.apply(plan, bulk_from=0, most_rows=3).complete, world.messages(plan)
    assert [keys(file) for file in sent] == [["a1", "a2", "a3"], ["a4", "a5", "a6"], ["a7"], ["a0"]]
    found = {each["Name"]: each for each in world.records("Account", "Name", "ParentId")}
    assert (found["A0"]["ParentId"], found["A7"]["ParentId"]) == (found["A7"]["Id"], found["A2"]["Id"])


def test_a_record_that_moved_is_found_whichever_file_it_would_be_in(world, make_step, sent):
    ids = world.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "Old"} for n in range(6)])
    world.pull()
    changes = [{"record_id": i, "Company": "New", "before": {"Company": "Old"}} for i in ids]
    plan = world.plan(make_step("Lead", "update", changes))
    world.fake.update("Lead", ids[5], {"Company": "Moved"})  # after the pull, before the run
    result = world.apply(plan, bulk_from=0, most_rows=2)
    assert result.codes == {"CHANGED_SINCE_PLAN": 1}
    assert [keys(file) for file in sent] == [sorted(ids[:2]), sorted(ids[2:4]), [ids[4]]]


def test_every_change_is_sent_once_and_no_file_is_too_large(shared_world, make_step, leads, sent):
    numbers = count()

    @settings(max_examples=15)
    @given(
        most_rows=st.integers(1, 12),
        most_bytes=st.integers(400, 4000),
        titles=st.lists(st.text(st.sampled_from('ab"é,\n '), max_size=60), min_size=1, max_size=12),
        twins=st.sets(st.integers(0, 11)),
        refused=st.sets(st.integers(0, 11)),
    )
    def whatever_they_are(most_rows, most_bytes, titles, twins, refused):
        sent.clear()
        name = f"p{next(numbers)}-"
        rows = [{**each, "Title": title.strip() or "t"} for each, title in zip(leads(len(titles)), titles, strict=True)]
        for at, row in enumerate(rows):
            row["Crm_Id__c"] = f"{name}{'twin' if at in twins else at}"
            row.update({"refused": "no"} if at in refused else {})
        plan = shared_world.plan(make_step("Lead", "create", rows, key_field="Crm_Id__c"))
        result = shared_world.apply(plan, bulk_from=0, most_rows=most_rows, most_bytes=most_bytes)
        told = sum(1 for row in rows if "refused" in row)
        assert (result.counts["done"], result.counts["refused"]) == (len(rows) - told, told)
        counts = [file.count(name) for file in sent]
        assert sum(counts) == len(rows) - told
        assert all(found <= most_rows for found in counts)
        assert all(len(file.encode()) <= most_bytes or found == 1 for file, found in zip(sent, counts, strict=True))

    whatever_they_are()
