"""Edits on both sides of a two-way table: what comes in, what stays, what waits, and what is listed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.errors import MappingError, UsageError
from sfsync.sync.merge3 import Conflict, desired_from_two_way

from .sides import DESCRIBES, lead_id, two_way


def brief(settled):
    return [(each.column, each.base, each.local, each.org, each.winner, each.policy) for each in settled]


def test_a_two_way_table_begins_as_the_org_is(bench):
    b = bench()
    assert b.row(1) == ("Ada", "ada@example.com", "1", 10.0)
    assert b.base(1) == b.row(1)
    assert b.sql("SELECT table_type FROM information_schema.tables WHERE table_name = 'leads'") == [("BASE TABLE",)]


def test_what_the_org_changes_comes_in_where_nobody_edited(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, Phone="2")
    b.org(4, LastName="New")
    (merged,) = b.merge()
    assert b.row(1) == ("Ada", "mine@example.com", "2", 10.0)
    assert b.base(1) == ("Ada", "ada@example.com", "2", 10.0)
    assert b.row(4) == b.base(4) == ("New", None, None, None)
    assert (merged.incoming, merged.open, merged.settled) == (2, 0, 0)


def test_the_same_edit_on_both_sides_is_agreed(bench):
    b = bench()
    b.edit(1, email="same@example.com ")
    b.org(1, Email="same@example.com")
    b.merge()
    assert b.row(1)[1] == b.base(1)[1] == "same@example.com"
    assert b.conflicts() == b.settled() == []


def test_a_conflict_waits_and_nothing_is_overwritten(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, Email="theirs@example.com", Phone="2")
    for _ in range(3):
        b.merge()
    assert b.row(1) == ("Ada", "mine@example.com", "2", 10.0)
    assert b.base(1) == ("Ada", "ada@example.com", "2", 10.0)
    (conflict,) = b.conflicts()
    assert isinstance(conflict, Conflict)
    assert (conflict.table, conflict.record_id, conflict.column, conflict.field) == (
        "crm.leads",
        lead_id(1),
        "email",
        "Email",
    )
    assert (conflict.base, conflict.local, conflict.org) == (
        "ada@example.com",
        "mine@example.com",
        "theirs@example.com",
    )
    assert b.settled() == []


def test_a_conflict_ends_when_both_sides_come_to_agree(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, Email="theirs@example.com")
    b.merge()
    b.edit(1, email="theirs@example.com")
    b.merge()
    assert b.conflicts() == []
    assert b.base(1)[1] == "theirs@example.com"


@pytest.mark.parametrize("winner", ["org", "local"])
def test_a_policy_settles_and_lists_what_lost(bench, winner):
    b = bench(f"conflicts: {winner}\n")
    b.edit(1, email="mine@example.com")
    b.org(1, Email="theirs@example.com")
    for _ in range(2):
        b.merge()
    assert b.row(1)[1] == ("theirs@example.com" if winner == "org" else "mine@example.com")
    assert b.base(1)[1] == "theirs@example.com"
    assert brief(b.settled()) == [
        ("email", "ada@example.com", "mine@example.com", "theirs@example.com", winner, winner)
    ]
    assert b.settled()[0].lost == ("mine@example.com" if winner == "org" else "theirs@example.com")
    assert b.conflicts() == []


def test_the_newest_wins_by_the_modified_column(bench):
    b = bench("conflicts: newest\nmodified: changed_at\n")
    for number in (1, 2, 3):
        b.edit(number, email="mine@example.com")
    b.edit(1, changed_at=b.now + timedelta(hours=1))
    b.edit(2, changed_at=b.now - timedelta(hours=1))
    for number in (1, 2, 3):
        b.org(number, Email="theirs@example.com")
    b.merge()
    assert [b.row(number)[1] for number in (1, 2, 3)] == ["mine@example.com", "theirs@example.com", "mine@example.com"]
    assert sorted(each.winner for each in b.settled()) == ["local", "org"]
    (open_one,) = b.conflicts()
    assert open_one.record_id == lead_id(3)
    assert "does not say when" in open_one.reason


def test_a_field_may_have_a_policy_of_its_own(bench):
    b = bench("conflicts: org\n", "{LastName: name, Email: {local: email, conflicts: local}}")
    b.edit(1, name="Mine", email="mine@example.com")
    b.org(1, LastName="Theirs", Email="theirs@example.com")
    b.merge()
    assert b.row(1, "name, email") == ("Theirs", "mine@example.com")


def test_edits_that_can_never_be_written_are_taken_back_and_listed(bench):
    fields = (
        "{LastName: name, Email: email, Phone: {local: phone, write: never}, "
        "AnnualRevenue: {local: revenue, direction: pull}, Status: {local: stage, write: if-empty}}"
    )
    b = bench(fields=fields)
    b.org(1, Status="Open")
    b.merge()
    b.edit(1, email="", phone="2", revenue=11, stage="Working")
    b.edit(2, stage="Working")
    b.merge()
    assert b.row(1, "name, email, phone, revenue, stage") == ("Ada", "ada@example.com", "1", 10.0, "Open")
    assert b.row(2, "stage") == ("Working",)
    assert sorted((each.column, each.policy, each.local) for each in b.settled()) == [
        ("email", "null: keep", ""),
        ("phone", "write: never", "2"),
        ("revenue", "direction: pull", "11.0"),
        ("stage", "write: if-empty", "Working"),
    ]


@pytest.mark.parametrize("winner", ["org", "local"])
def test_people_settle_conflicts(bench, winner):
    b = bench()
    b.edit(1, email="mine@example.com", name="Mine")
    b.org(1, Email="theirs@example.com", LastName="Theirs")
    b.merge()
    assert b.resolve(winner, records=(lead_id(1),), columns=("EMAIL",)) == 1
    assert b.row(1)[1] == ("theirs@example.com" if winner == "org" else "mine@example.com")
    assert [each.column for each in b.conflicts()] == ["name"]
    assert brief(b.settled())[0][4:] == (winner, "resolve")
    with pytest.raises(UsageError, match="no such conflict"):
        b.resolve(winner, columns=("email",))


def test_a_decision_holds_for_the_values_it_was_made_on(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, Email="theirs@example.com")
    b.merge()
    b.org(1, Email="newer@example.com")  # after the list was read
    assert b.resolve("org") == 0
    assert b.row(1)[1] == "mine@example.com"
    assert [each.org for each in b.conflicts()] == ["newer@example.com"]


def test_a_record_deleted_in_the_org_goes_unless_it_was_edited(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, IsDeleted=True)
    b.org(2, IsDeleted=True)
    b.merge()
    assert b.row(2) is b.base(2) is None
    assert b.row(1)[1] == "mine@example.com"
    (conflict,) = b.conflicts()
    assert (conflict.kind, conflict.is_whole) == ("deleted in the org", True)
    b.resolve("org")
    assert b.row(1) is None
    assert [(each.kind, each.lost) for each in b.settled()] == [("deleted in the org", "mine@example.com")]


def test_an_edited_record_that_is_gone_may_be_made_anew(bench):
    b = bench()
    b.edit(1, email="mine@example.com")
    b.org(1, IsDeleted=True)
    b.merge()
    b.resolve("local")
    (row,) = b.sql("SELECT sf_id, name, email FROM crm.leads WHERE email = 'mine@example.com'")
    assert row[0].startswith("new:")
    assert row[1:] == ("Ada", "mine@example.com")
    assert b.base(1) is None


def test_a_row_deleted_here_comes_back_where_deletes_are_not_allowed(bench):
    b = bench()
    b.sql("ALTER TABLE crm.leads ADD COLUMN note VARCHAR")
    b.sql("DELETE FROM crm.leads WHERE sf_id = ?", [lead_id(1)])
    b.merge()
    assert b.row(1) == ("Ada", "ada@example.com", "1", 10.0)
    assert [(each.kind, each.policy, each.winner) for each in b.settled()] == [
        ("deleted here", "deletes: never", "org")
    ]


@pytest.mark.parametrize(("policy", "waits"), [("fail", True), ("org", False), ("local", False)])
def test_a_row_deleted_here_and_changed_there(bench, policy, waits):
    b = bench(f"deletes: soft\nconflicts: {policy}\n")
    b.sql("DELETE FROM crm.leads WHERE name IN ('Ada', 'Bob')")
    b.org(1, Phone="2")
    b.merge()
    assert b.row(2) is None
    assert b.base(2) is not None  # to be deleted by the next plan
    assert bool(b.conflicts()) is waits
    assert (b.row(1) is not None) is (policy == "org")
    if policy == "local":
        assert brief(b.settled()) == [("phone", "1", None, "2", "local", "local")]
    if waits:
        b.resolve("org")
        assert b.row(1)[2] == "2"


def test_rows_that_leave_the_filter_go_unless_they_were_edited(bench):
    b = bench("filter: LeadSource != 'Test'\n")
    b.edit(1, email="mine@example.com")
    b.org(1, LeadSource="Test")
    b.org(2, LeadSource="Test")
    b.merge()
    assert b.row(1)[1] == "mine@example.com"
    assert b.row(2) is b.base(2) is None
    b.org(2, LeadSource="Web")
    b.merge()
    assert b.row(2) == b.base(2)


def test_new_rows_get_a_name_and_keep_it(bench):
    b = bench()
    b.sql("INSERT INTO crm.leads (name) VALUES ('New'), ('New')")
    b.merge()
    names = b.sql("SELECT sf_id FROM crm.leads WHERE name = 'New' ORDER BY 1")
    b.merge()
    assert names == b.sql("SELECT sf_id FROM crm.leads WHERE name = 'New' ORDER BY 1")
    assert len({name for (name,) in names}) == 2
    assert all(name.startswith("new:") for (name,) in names)


def test_a_new_row_becomes_the_record_that_has_its_key(bench):
    b = bench("key: Crm_Id__c\n", "{LastName: name, Email: email, Phone: phone, Crm_Id__c: crm_id}")
    b.sql("INSERT INTO crm.leads (name, email, crm_id) VALUES ('Zoe', 'mine@example.com', 'X-1')")
    b.org(4, LastName="Zoe", Email="theirs@example.com", Phone="4", Crm_Id__c="x-1")
    b.merge()
    assert b.row(4, "name, email, phone") == ("Zoe", "mine@example.com", "4")
    assert [(each.column, each.local, each.org) for each in b.conflicts()] == [
        ("crm_id", "X-1", "x-1"),
        ("email", "mine@example.com", "theirs@example.com"),
    ]
    assert b.sql("SELECT count(*) FROM crm.leads") == [(4,)]


def test_merged_records_become_one_row_with_the_edits_of_both(bench):
    b = bench()
    b.edit(2, email="two@example.com", phone="22")
    b.edit(1, phone="11")
    b.org(2, IsDeleted=True, MasterRecordId=lead_id(1))
    b.sql("INSERT INTO sfsync.merged VALUES ('Lead', ?, ?, ?, NULL)", [lead_id(2), lead_id(1), lead_id(1)])
    b.merge()
    assert b.row(2) is b.base(2) is None
    assert b.row(1)[1:3] == ("two@example.com", "11")
    (lost,) = b.settled()
    assert (lost.record_id, lost.column, lost.lost, lost.policy) == (lead_id(1), "phone", "22", "merged")
    (conflict,) = b.conflicts()  # the org's master had another e-mail than the one that was edited
    assert (conflict.column, conflict.local, conflict.org) == ("email", "two@example.com", "ada@example.com")


def test_the_row_of_a_merged_record_goes_on_as_its_master(bench):
    b = bench("filter: LeadSource != 'Test'\n")
    b.org(4, LastName="Master", Email="bob@example.com", LeadSource="Test")
    b.edit(2, email="two@example.com")
    b.org(2, IsDeleted=True, MasterRecordId=lead_id(4))
    b.sql("INSERT INTO sfsync.merged VALUES ('Lead', ?, ?, ?, NULL)", [lead_id(2), lead_id(4), lead_id(4)])
    b.merge()
    assert b.row(4)[:2] == ("Master", "two@example.com")
    assert b.row(2) is None


def test_the_order_of_values_in_a_multi_select_is_no_edit(bench):
    b = bench(fields="{LastName: name, Interests__c: interests}")
    b.org(1, Interests__c="a;b")
    b.merge()
    b.edit(1, interests="b;a")
    b.org(1, Interests__c="a")
    b.merge()
    assert b.row(1, "interests") == ("a",)
    assert b.settled() == []


def test_a_replaced_table_is_the_same_table(bench):
    b = bench()
    b.sql(
        "CREATE OR REPLACE TABLE crm.leads AS SELECT upper(name) AS NAME, email, phone, CAST(revenue AS BIGINT) AS "
        "revenue, 'mine' AS note, sf_id FROM crm.leads"
    )
    b.org(1, AnnualRevenue=10.5)
    b.merge()
    assert b.row(1, "name, revenue, note") == ("ADA", 10.5, "mine")
    assert b.base(1)[0] == "Ada"


def test_a_column_that_is_missing_is_named(bench):
    b = bench()
    b.sql("ALTER TABLE crm.leads DROP COLUMN email")
    with pytest.raises(MappingError, match=r"`crm.leads` has no column `email` any more"):
        b.merge()


def test_a_value_that_is_not_of_its_columns_type_is_named(bench):
    b = bench()
    b.sql("CREATE OR REPLACE TABLE crm.leads AS SELECT sf_id, name, email, phone, 'much' AS revenue FROM crm.leads")
    with pytest.raises(MappingError, match=r"`crm.leads.revenue` is DOUBLE, and `much` \(00Q"):
        b.merge()


def test_an_id_that_stands_twice_is_left_alone(bench):
    b = bench()
    b.sql("INSERT INTO crm.leads SELECT * REPLACE ('Copy' AS name) FROM crm.leads WHERE name = 'Ada'")
    b.sql("INSERT INTO crm.leads (sf_id, name) VALUES ('00Q999999999999EAA', 'Unknown')")
    b.org(1, LastName="Theirs")
    b.merge()
    assert b.sql("SELECT name FROM crm.leads ORDER BY name") == [
        ("Ada",),
        ("Bob",),
        ("Copy",),
        ("Eve",),
        ("Unknown",),
    ]


def test_hostile_values_stay_what_they_are(bench):
    b = bench("conflicts: org\n")
    evil = '\'; DROP TABLE crm.leads; -- {x} %s "q"'
    b.edit(1, name=evil)
    b.org(1, LastName=evil + "!")
    b.merge()
    assert b.row(1)[0] == evil + "!"
    assert b.settled()[0].lost == evil


def test_a_second_row_of_a_record_is_never_taken_for_its_edit(bench):
    b = bench("external_id: Crm_Id__c\n", "{LastName: name, Crm_Id__c: key}")
    b.org(7, LastName="Theirs", Crm_Id__c="k1")
    b.merge()
    b.sql("INSERT INTO crm.leads (name, key) VALUES ('Old', 'K1')")
    b.sql("INSERT INTO crm.leads (sf_id, name) VALUES (?, 'Old')", [lead_id(1)[:15]])
    b.merge()
    rows = b.sql("SELECT sf_id, name FROM crm.leads WHERE name IN ('Old', 'Theirs', 'Ada') ORDER BY 1, 2")
    assert rows == [(lead_id(1), "Ada"), (lead_id(1), "Old"), (lead_id(7), "Old"), (lead_id(7), "Theirs")]
    with b.store.writing() as session:
        planned = desired_from_two_way(session, b.mapping, DESCRIBES)
        twins = session.execute(f"SELECT sf_id, count(*) FROM {planned.table} GROUP BY 1 ORDER BY 1").rows
    assert twins == [(lead_id(1), 2), (lead_id(7), 2)]  # a plan refuses an Id that stands in two rows


def test_a_record_that_is_restored_is_not_made_anew(bench):
    b = bench()
    b.edit(1, phone="9")
    b.org(1, IsDeleted=True)
    b.merge()
    b.resolve("local", records=(lead_id(1),))
    assert b.sql("SELECT count(*) FROM crm.leads WHERE sf_id LIKE 'new:%'") == [(1,)]
    b.org(1, IsDeleted=False)
    b.merge()
    assert b.sql("SELECT count(*) FROM crm.leads WHERE name = 'Ada'") == [(1,)]
    assert b.row(1)[2] == "9"
    assert [each.column for each in b.conflicts()] == ["phone"]


def test_resolving_counts_what_was_settled_and_not_what_came_up_meanwhile(bench):
    b = bench()
    b.edit(1, name="Here")
    b.org(1, LastName="There")
    b.merge()
    b.edit(2, name="Here", email="here@example.com")
    b.org(2, LastName="There", Email="there@example.com")
    assert b.resolve("org", records=(lead_id(1),)) == 1
    assert len(b.conflicts()) == 2


def test_a_mapping_that_does_not_fit_the_org_settles_nothing(bench):
    b = bench()
    b.edit(1, name="Here")
    b.org(1, LastName="There")
    b.merge()
    b.mapping = two_way("", "{LastName: name, Nope__c: nope}")
    with pytest.raises(MappingError, match="Nope__c"):
        b.resolve("org")
