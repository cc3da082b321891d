"""Edits of a two-way table on their way to the org and back: planned, written, and agreed on from then on."""

from __future__ import annotations

import pytest

from sfsync.sync.merge3 import settle
from sfsync.sync.plan.stored import mark

from .sides import DESCRIBES, FIELDS, lead_id, two_way
from .world import START, World


@pytest.fixture
def world(tmp_path):
    def make(top="", fields=FIELDS, lookups=""):
        world = World(tmp_path, two_way(top, fields, lookups), DESCRIBES)
        for name in ("Ada", "Bob", "Eve"):
            world.create(LastName=name, Email=f"{name.lower()}@example.com", Phone="1", AnnualRevenue=10.0)
        world.pull()
        return world

    return make


def changes(world, plan):
    """(action, record, {field: (before, after)}, refused) of every change."""
    found = []
    for step in plan.steps:
        for row in world.sql(f"SELECT * FROM {step.table} ORDER BY change_no"):
            columns = [name for (name,) in world.sql(f"SELECT column_name FROM (DESCRIBE {step.table})")]
            values = dict(zip(columns, row, strict=True))
            fields = {f: (values[f"{f}.before"], values[f]) for f in step.fields if values[f"{f}.set"]}
            found.append((step.action, values["record_id"], fields, values["refused"]))
    return found


A, B, C = (lead_id(number) for number in (1, 2, 3))


def test_a_table_that_nobody_edited_plans_nothing(world):
    assert world().plan().is_empty


def test_only_edited_fields_are_planned(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()
    assert changes(w, plan) == [("update", A, {"Email": ("ada@example.com", "mine@example.com")}, None)]


def test_what_was_written_is_agreed_on(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com', phone = NULL WHERE sf_id = ?", [A])
    w.apply(w.plan())
    assert w.plan().is_empty
    w.pull(until=START)  # a pull that ends before the write does not bring the old values back
    assert w.local()[A] == ("Ada", "mine@example.com", None, 10.0)
    w.pull()
    assert (
        w.local()[A]
        == ("Ada", "mine@example.com", None, 10.0)
        == w.live("LastName", "Email", "Phone", "AnnualRevenue")[A]
    )
    assert w.conflicts() == w.settled() == []


def test_a_new_row_gets_its_id_and_is_made_once(world):
    w = world()
    w.sql("INSERT INTO crm.leads (name, email) VALUES ('Zoe', 'zoe@example.com')")
    plan = w.plan()
    assert changes(w, plan) == [("create", None, {"LastName": (None, "Zoe"), "Email": (None, "zoe@example.com")}, None)]
    w.sql("UPDATE crm.leads SET phone = '7' WHERE name = 'Zoe'")  # after the plan was made
    w.apply(plan)
    new = lead_id(4)
    assert w.local()[new] == ("Zoe", "zoe@example.com", "7", None)
    w.pull(until=START)
    assert new in w.local()
    w.pull()
    assert changes(w, w.plan()) == [("update", new, {"Phone": (None, "7")}, None)]
    assert len(w.local()) == 4


def test_a_table_brought_back_from_an_older_copy_makes_nothing_twice(world):
    w = world()
    w.sql("INSERT INTO crm.leads (name) VALUES ('Zoe')")
    plan = w.plan()
    w.sql("CREATE TABLE crm.copy AS SELECT * FROM crm.leads")
    w.apply(plan)
    w.pull()
    w.sql("CREATE OR REPLACE TABLE crm.leads AS SELECT * FROM crm.copy")
    assert w.plan().is_empty
    assert set(w.local()) == set(w.org)


def test_an_edit_after_the_plan_stays_an_edit(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'first@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()
    w.sql("UPDATE crm.leads SET email = 'second@example.com' WHERE sf_id = ?", [A])
    w.apply(plan)
    w.pull()
    assert w.local()[A][1] == "second@example.com"
    assert changes(w, w.plan()) == [("update", A, {"Email": ("first@example.com", "second@example.com")}, None)]


def test_a_rejected_change_stays_an_edit(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com'")
    assert w.apply(w.plan(), fails=lambda change: change == 2) == 2
    w.pull()
    assert [record for _, record, _, _ in changes(w, w.plan())] == [B]


def test_settling_twice_settles_once(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()
    assert w.apply(plan) == 1
    w.pull()
    w.change(A, Email="theirs@example.com")
    w.pull()
    with w.store.writing() as session:
        assert settle(session, plan.id) == 0
    assert w.plan().is_empty
    assert w.local()[A][1] == "theirs@example.com"


def test_a_conflict_is_not_planned_until_it_is_settled(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com', name = 'Ada L' WHERE sf_id = ?", [A])
    w.change(A, Email="theirs@example.com")
    w.pull()
    plan = w.plan()
    assert changes(w, plan) == [("update", A, {"LastName": ("Ada", "Ada L")}, None)]
    assert any("1 conflicts wait" in note for note in plan.header["mappings"][0]["notes"])
    w.apply(plan)
    w.pull()
    assert len(w.conflicts()) == 1
    w.resolve("local")
    plan = w.plan()
    assert changes(w, plan) == [("update", A, {"Email": ("theirs@example.com", "mine@example.com")}, None)]
    assert [each.lost for each in w.settled(plan_id=plan.id)] == ["theirs@example.com"]


def test_a_conflict_waits_on_while_the_record_is_written_otherwise(world):
    w = world()
    w.sql("UPDATE crm.leads SET email = 'mine@example.com', name = 'Ada L' WHERE sf_id = ?", [A])
    w.change(A, Email="theirs@example.com")
    w.pull()
    w.apply(w.plan())
    assert w.plan().is_empty  # the mirror has not seen the write yet, and the conflict is not forgotten
    assert len(w.conflicts()) == 1


def test_deleted_rows_are_deleted_where_the_mapping_allows_it(world):
    w = world("deletes: soft\nmost_deleted: 50%\n")
    w.sql("DELETE FROM crm.leads WHERE sf_id = ?", [A])
    plan = w.plan()
    assert [(action, record) for action, record, _, _ in changes(w, plan)] == [("delete", A)]
    w.apply(plan)
    assert w.plan().is_empty
    w.pull(until=START)
    assert A not in w.local()
    w.pull()
    assert set(w.local()) == {B, C}
    assert w.plan().is_empty


def test_ids_that_are_unknown_or_stand_twice_are_refused_with_the_row(world):
    w = world()
    w.sql("INSERT INTO crm.leads (sf_id, name) VALUES ('00Q999999999999EAA', 'Nobody')")
    w.sql("INSERT INTO crm.leads SELECT * REPLACE ('Copy' AS name) FROM crm.leads WHERE sf_id = ?", [A])
    refused = [why for _, _, _, why in changes(w, w.plan())]
    assert len(refused) == 3
    assert all(refused)
    assert any("00Q999999999999EAA" in why for why in refused)
    assert sum(A in why for why in refused) == 2


def test_a_value_that_is_only_pushed_is_sent_when_it_changes(world):
    w = world(fields="{LastName: name, Email: {local: email, direction: push}, Status: {constant: Open}}")
    assert w.plan().is_empty
    w.sql("UPDATE crm.leads SET email = 'mine@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()
    assert changes(w, plan) == [("update", A, {"Email": ("ada@example.com", "mine@example.com")}, None)]
    w.apply(plan)
    w.pull()
    assert w.plan().is_empty


def test_a_lookup_goes_both_ways(world):
    w = world(fields="{LastName: name}", lookups="{OwnerId: {object: User, by: Email, local: owner}}")
    w.sql(
        'INSERT INTO sf_all."User" ("Id", "Email") VALUES (?, ?), (?, ?)',
        ["005000000000001AAA", "uma@example.com", "005000000000002AAA", "kim@example.com"],
    )
    w.change(A, OwnerId="005000000000001AAA")
    w.pull()
    assert w.local("owner")[A] == ("uma@example.com",)
    w.sql("UPDATE crm.leads SET owner = 'kim@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()
    assert changes(w, plan) == [("update", A, {"OwnerId": ("005000000000001AAA", "005000000000002AAA")}, None)]
    w.apply(plan)
    w.pull()
    assert w.local("owner")[A] == ("kim@example.com",)
    assert w.plan().is_empty


def test_the_rows_a_plan_was_made_of_are_kept_only_as_long_as_it_may_write(world):
    w = world()
    kept = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'two_way_2%'"
    w.sql("UPDATE crm.leads SET email = 'first@example.com' WHERE sf_id = ?", [A])
    w.plan()
    w.sql("UPDATE crm.leads SET email = 'second@example.com' WHERE sf_id = ?", [A])
    plan = w.plan()  # the first one is stale now
    w.pull()
    assert w.sql(kept) == [(1,)]
    w.apply(plan)
    with w.store.writing() as session:
        mark(session, plan.id, "applied")
    w.pull()
    assert w.sql(kept) == [(0,)]
    assert w.live("Email")[A] == ("second@example.com",)
