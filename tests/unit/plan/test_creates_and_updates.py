"""What a plan finds to create and to update, against a mirror made by hand."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from sfsync.errors import MappingError, MirrorUnfit, UsageError
from sfsync.store.names import table
from sfsync.sync.plan.stored import latest_plan, mark, open_plans, read_stored_plan

from .planning import Desk, an_id, lead_mapping

BASIC = "{Crm_Id__c: id, LastName: name, Company: company}"
ADA = {"Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme"}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def changed(desk, mapping):
    """What an update writes, of a plan that has nothing else; nothing when there is no change."""
    found = desk.changes(desk.plan(mapping))
    assert [each[0] for each in found] in ([], ["update"]), found
    assert all(each[4] is None for each in found), found
    return found[0][3] if found else {}


def refused(desk, mapping, **options):
    """Why the rows are refused, in the order of the plan."""
    return [each[4] for each in desk.changes(desk.plan(mapping, **options)) if each[4] is not None]


def test_rows_without_a_record_are_new_and_others_change_what_differs(desk):
    (ada,) = desk.mirrored("Lead", ADA)
    desk.local(
        "leads", [{"id": "c1", "name": "Ada", "company": "Globex"}, {"id": "c2", "name": "Bob", "company": "Initech"}]
    )
    plan = desk.plan(lead_mapping(BASIC))
    assert desk.changes(plan) == [
        (
            "create",
            "Lead",
            None,
            {"Crm_Id__c": (None, "c2"), "LastName": (None, "Bob"), "Company": (None, "Initech")},
            None,
        ),
        ("update", "Lead", ada, {"Company": ("Acme", "Globex")}, None),
    ]
    assert [(step.key_field, step.fields) for step in plan.steps] == [
        ("Crm_Id__c", ("Crm_Id__c", "LastName", "Company")),
        (None, ("Company",)),
    ]
    rows = desk.rows(plan)
    assert [(row["change_no"], row["source_row"], row["key"]) for row in rows] == [(1, 2, "c2"), (2, 1, "c1")]
    assert rows[1]["org_stamp"] == datetime(2026, 1, 30, 9)


def test_with_nothing_to_do_nothing_is_kept(desk):
    desk.mirrored("Lead", ADA)
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    plan = desk.plan(lead_mapping(BASIC))
    assert plan.is_empty
    assert plan.change_count == 0
    with desk.store.reading() as session:
        assert latest_plan(session) is None
        made = session.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'plan~_2%' ESCAPE '~'"
        )
        assert made.scalar() == 0


@pytest.mark.parametrize(
    ("field", "held", "given", "kind"),
    [
        ("Number__c", 5.0, "5.00", "VARCHAR"),
        ("Number__c", 1e21, "1e21", "VARCHAR"),
        ("Number__c", 0.1, 0.1, "DOUBLE"),
        ("Number__c", 7.0, 7, "INTEGER"),
        ("Number__c", 10.46, "10.456", "VARCHAR"),  # the org keeps two digits of it
        ("Number__c", 1.01, "1.005", "VARCHAR"),
        ("Number__c", -1.01, -1.005, "DOUBLE"),
        ("Number__c", 9999999999999999.0, "9999999999999999", "VARCHAR"),
        ("Company", "Acme", " Acme  ", "VARCHAR"),
        ("Company", "Acme", "Acme\u00a0", "VARCHAR"),
        ("Description", None, "", "VARCHAR"),
        ("Description", "a\nb", "a\r\nb", "VARCHAR"),
        ("Tags__c", "red;blue", "blue;red", "VARCHAR"),
        ("Seen__c", datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T04:04:05+01:00", "VARCHAR"),
        ("Seen__c", datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, 700_000), "TIMESTAMP"),
        ("Born__c", date(1980, 1, 2), "1980-01-02", "VARCHAR"),
        ("Flag__c", True, "true", "VARCHAR"),
        ("OwnerId", "005000000000001AAA", "005000000000001", "VARCHAR"),
    ],
)
def test_what_is_the_same_to_salesforce_is_no_change(desk, field, held, given, kind):
    desk.mirrored("Lead", {**ADA, field: held})
    desk.local("leads", [{"id": "c1", "x": given}], x=kind)
    assert changed(desk, lead_mapping(f"{{Crm_Id__c: id, {field}: {{local: x, null: clear}}}}")) == {}


@pytest.mark.parametrize(
    ("field", "held", "given", "written"),
    [
        ("Number__c", 5.0, "5.5", ("5", "5.5")),
        ("Number__c", 10.46, "10.466", ("10.46", "10.466")),
        ("Company", "Acme", "ACME", ("Acme", "ACME")),
        ("Tags__c", "red;blue", "red;green", ("red;blue", "red;green")),
        (
            "Seen__c",
            datetime(2026, 1, 2, 3, 4, 5),
            "2026-01-02T03:04:06Z",
            ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:06.000Z"),
        ),
        ("Born__c", None, "1980-01-02", (None, "1980-01-02")),
        ("Flag__c", True, "false", ("true", "false")),
        ("Description", "a\nb", "a\n\nb", ("a\nb", "a\n\nb")),
    ],
)
def test_a_change_is_written_as_the_api_writes_it(desk, field, held, given, written):
    desk.mirrored("Lead", {**ADA, field: held})
    desk.local("leads", [{"id": "c1", "x": given}])
    assert changed(desk, lead_mapping(f"{{Crm_Id__c: id, {field}: x}}")) == {field: written}


@pytest.mark.parametrize(
    ("policy", "held", "given", "written"),
    [
        ("{local: x}", "there", None, {}),
        ("{local: x}", "there", "", {}),
        ("{local: x, null: keep}", "there", None, {}),
        ("{local: x, null: clear}", "there", None, {"Description": ("there", None)}),
        ("{local: x, null: clear}", "there", "  ", {"Description": ("there", None)}),
        ("{local: x, null: clear}", None, None, {}),
        ("{local: x, write: if-empty}", None, "new", {"Description": (None, "new")}),
        ("{local: x, write: if-empty}", "there", "new", {}),
        ("{local: x, write: if-empty, null: clear}", "there", None, {}),
        ("{local: x, write: never}", None, "new", {}),
    ],
)
def test_blanks_wipe_nothing_unless_told_to(desk, policy, held, given, written):
    desk.mirrored("Lead", {**ADA, "Description": held})
    desk.local("leads", [{"id": "c1", "x": given}])
    assert changed(desk, lead_mapping(f"{{Crm_Id__c: id, Description: {policy}}}")) == written


def test_words_that_other_tools_take_for_nothing_are_values(desk):
    desk.mirrored("Lead", ADA)
    for word in ("NA", "null", "None", "nan"):
        desk.local("leads", [{"id": "c1", "x": word}])
        assert changed(desk, lead_mapping("{Crm_Id__c: id, Description: {local: x, null: clear}}")) == {
            "Description": (None, word)
        }
    desk.local("leads", [{"id": "c1", "x": "#N/A"}])
    assert "means" in refused(desk, lead_mapping("{Crm_Id__c: id, Description: x}"))[0]


def test_a_cleared_checkbox_is_false(desk):
    desk.mirrored("Lead", {**ADA, "Flag__c": True})
    desk.local("leads", [{"id": "c1", "x": None}])
    assert changed(desk, lead_mapping("{Crm_Id__c: id, Flag__c: {local: x, null: clear}}")) == {
        "Flag__c": ("true", "false")
    }
    assert changed(desk, lead_mapping("{Crm_Id__c: id, Flag__c: x}")) == {}


@pytest.mark.parametrize(
    ("field", "held", "given", "kind"),
    [
        ("Crm_Id__c", "Key-1", "KEY-1", "VARCHAR"),
        ("Crm_Id__c", "Key-1", " key-1 ", "VARCHAR"),
        ("Case_Id__c", "Key-1", "Key-1", "VARCHAR"),
        ("Number_Id__c", 7.0, "7", "VARCHAR"),
        ("Number_Id__c", 7.0, 7, "INTEGER"),
    ],
)
def test_keys_compare_as_salesforce_compares_them(desk, field, held, given, kind):
    (ada,) = desk.mirrored("Lead", {field: held, "LastName": "Ada", "Company": "Acme"})
    desk.local("leads", [{"k": given, "company": "Globex"}], k=kind)
    plan = desk.plan(lead_mapping(f"{{{field}: k, Company: company}}", key=field))
    assert desk.changes(plan) == [("update", "Lead", ada, {"Company": ("Acme", "Globex")}, None)]


def test_a_case_sensitive_key_of_another_case_is_another_key(desk):
    desk.mirrored("Lead", {"Case_Id__c": "Key-1", "LastName": "Ada", "Company": "Acme"})
    desk.local("leads", [{"k": "KEY-1", "name": "Ada", "company": "Acme"}])
    (change,) = desk.changes(
        desk.plan(lead_mapping("{Case_Id__c: k, LastName: name, Company: company}", key="Case_Id__c"))
    )
    assert change[0] == "create"


def test_two_rows_with_one_key_are_both_refused_and_both_named(desk):
    desk.mirrored("Lead", ADA)
    rows = [("c1", "Acme"), ("C1", "Globex"), ("c2", "X"), ("c2", "Y"), ("c2", "Z"), ("c3", "fine")]
    desk.local("leads", [{"id": k, "name": "N", "company": c} for k, c in rows])
    plan = desk.plan(lead_mapping(BASIC))
    told = {row["source_row"]: row["refused"] for row in desk.rows(plan)}
    assert told == {
        1: "Crm_Id__c `c1` is in rows 1 and 2 of the source",
        2: "Crm_Id__c `C1` is in rows 1 and 2 of the source",
        **dict.fromkeys((3, 4, 5), "Crm_Id__c `c2` is in rows 3 and 5 and 1 more of the source"),
        6: None,
    }
    assert (plan.change_count, plan.refused_count) == (1, 5)


def test_a_key_that_two_records_have_is_refused_and_never_the_first_taken(desk):
    ids = desk.mirrored("Lead", *({"Loose_Id__c": "k", "LastName": n, "Company": "Acme"} for n in "AB"))
    desk.local("leads", [{"k": "K", "company": "Globex"}])
    told = refused(desk, lead_mapping("{Loose_Id__c: k, Company: company}", key="Loose_Id__c"))
    assert told == [f"Loose_Id__c `K` belongs to 2 records: {ids[0]}, {ids[1]}"]


def test_a_row_without_its_key_is_refused_not_created(desk):
    desk.local("leads", [{"id": None, "name": "N", "company": "C"}, {"id": " ", "name": "N", "company": "C"}])
    assert refused(desk, lead_mapping(BASIC)) == ["the row has no Crm_Id__c, so its record cannot be told"] * 2


def test_deleted_records_are_no_match_for_a_key(desk):
    desk.mirrored("Lead", {**ADA, "IsDeleted": True})
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    (change,) = desk.changes(desk.plan(lead_mapping(BASIC)))
    assert change[0] == "create"


def test_records_are_found_by_id_in_either_form(desk):
    ids = desk.mirrored("Lead", ADA, {**ADA, "Crm_Id__c": "c2"}, {**ADA, "Crm_Id__c": "c3", "IsDeleted": True})
    gone = an_id("Lead", 99)
    rows = [ids[0], ids[1][:15], ids[2], gone, "nonsense"]
    desk.local("leads", [{"sf_id": each, "company": "Globex"} for each in rows])
    plan = desk.plan(lead_mapping("{Company: company}", key=None))
    told = {row["source_row"]: (row["record_id"], row["refused"]) for row in desk.rows(plan)}
    assert told[1] == (ids[0], None)
    assert told[2] == (ids[1], None)
    assert told[3] == (ids[2], f"Lead {ids[2]} was deleted in the org")
    assert told[4][1].startswith(f"there is no Lead {gone}")
    assert told[5][1].startswith("`nonsense` is no Id")


def test_one_id_in_two_rows_is_refused(desk):
    (ada,) = desk.mirrored("Lead", ADA)
    desk.local("leads", [{"sf_id": ada, "company": "X"}, {"sf_id": ada[:15], "company": "Y"}])
    told = refused(desk, lead_mapping("{Company: company}", key=None))
    assert told == [f"the Id {ada} is in rows 1 and 2 of the source"] * 2


def test_the_key_that_is_chosen_decides_and_an_id_that_contradicts_it_is_refused(desk):
    ada, bob = desk.mirrored("Lead", ADA, {**ADA, "Crm_Id__c": "c2"})
    rows = [
        {"sf_id": ada, "id": "c1", "company": "fits"},
        {"sf_id": ada, "id": "c2", "company": "contradicts"},
        {"sf_id": bob, "id": "c9", "company": "unknown key"},
    ]
    for row, expected in zip(
        rows,
        (None, f"Crm_Id__c `c2` is that of {bob}, not of {ada}", f"Crm_Id__c `c9` is not that of {bob}"),
        strict=True,
    ):
        desk.local("leads", [row])
        (change,) = desk.changes(desk.plan(lead_mapping("{Crm_Id__c: id, Company: company}")))
        assert change[4] == expected


def test_two_ways_to_one_record_are_refused(desk):
    (ada,) = desk.mirrored("Lead", ADA)
    desk.local("leads", [{"sf_id": ada, "id": None, "company": "X"}, {"sf_id": None, "id": "c1", "company": "Y"}])
    assert (
        refused(desk, lead_mapping("{Crm_Id__c: id, Company: company}"))[0] == f"{ada} is in rows 1 and 2 of the source"
    )


def test_an_upsert_done_twice_creates_nothing_twice(desk):
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    assert [each[0] for each in desk.changes(desk.plan(lead_mapping(BASIC)))] == ["create"]
    desk.mirrored("Lead", ADA)
    assert desk.plan(lead_mapping(BASIC)).is_empty


def test_without_a_key_rows_are_new_each_time_and_the_plan_says_so(desk):
    desk.local("leads", [{"name": "Ada", "company": "Acme"}])
    plan = desk.plan(lead_mapping("{LastName: name, Company: company}", key=None))
    assert [step.key_field for step in plan.steps] == [None]
    assert "new records each time" in plan.header["warnings"][0]


def test_what_will_fail_is_found_with_its_row(desk):
    desk.mirrored("Lead", ADA)
    rows = [
        {"id": "c1", "company": "X" * 256},
        {"id": "c2", "company": "Fine", "name": "N"},
        {"id": "c3", "company": "Fine"},
        {"id": "c4", "company": "Fine", "name": "N", "status": "Nope", "number": "1,5"},
    ]
    desk.local("leads", rows)
    plan = desk.plan(
        lead_mapping("{Crm_Id__c: id, LastName: name, Company: company, Status: status, Number__c: number}")
    )
    told = {row["source_row"]: row["refused"] for row in desk.rows(plan)}
    assert told[1] == "Company: the text has 256 characters, and Company takes 255"
    assert told[2] is None
    assert told[3] == "LastName: a new record needs it"
    assert "Status: `Nope` is not an active value of Status" in told[4]
    assert "Number__c: `1,5` is not a number" in told[4]


def test_a_value_the_org_has_already_is_no_problem(desk):
    desk.mirrored("Lead", {**ADA, "Status": "Retired"})
    desk.local("leads", [{"id": "c1", "status": "Retired"}])
    assert desk.plan(lead_mapping("{Crm_Id__c: id, Status: status}")).is_empty


def test_a_required_field_that_the_mapping_has_not_refuses_new_records_alone(desk):
    (ada,) = desk.mirrored("Lead", ADA)
    desk.local("leads", [{"id": "c1", "company": "Globex"}, {"id": "c2", "company": "Initech"}])
    plan = desk.plan(lead_mapping("{Crm_Id__c: id, Company: company}"))
    assert [(c[0], c[2], c[4]) for c in desk.changes(plan)] == [
        ("create", None, "LastName: a new record needs it"),
        ("update", ada, None),
    ]


def test_fields_that_this_user_may_not_write_are_refused_where_they_would_be_written(desk):
    desk.mirrored("Lead", {**ADA, "Made__c": "old"}, {**ADA, "Crm_Id__c": "c2", "Made__c": "same"})
    rows = [{"id": "c1", "made": "new"}, {"id": "c2", "made": "same"}]
    desk.local("leads", rows)
    assert refused(desk, lead_mapping("{Crm_Id__c: id, Made__c: made}")) == ["Made__c: cannot be changed by this user"]
    desk.local("leads", [{"id": "c9", "name": "N", "company": "C", "later": "x"}])
    fields = "{Crm_Id__c: id, LastName: name, Company: company, Later__c: later}"
    assert refused(desk, lead_mapping(fields)) == ["Later__c: cannot be set by this user when a record is made"]


def test_converted_leads_are_read_only(desk):
    desk.mirrored("Lead", {**ADA, "IsConverted": True})
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Globex"}])
    assert refused(desk, lead_mapping(BASIC)) == ["a converted lead is read-only"]
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    assert desk.plan(lead_mapping(BASIC)).is_empty


def test_a_record_outside_the_filter_is_left_alone(desk):
    desk.mirrored("Lead", {**ADA, "Status": "Closed"})
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Globex"}])
    told = refused(desk, lead_mapping(BASIC, more="filter: Status != 'Closed'\n"))
    assert told == ["the record is outside the filter of the mapping"]


def test_a_unique_value_that_is_another_records_is_refused(desk):
    ids = desk.mirrored("Lead", {**ADA, "Tax_Id__c": "T1"}, {**ADA, "Crm_Id__c": "c2"})
    rows = [{"id": "c1", "tax": "t1"}, {"id": "c2", "tax": "t1"}]
    desk.local("leads", rows)
    told = [row["refused"] for row in desk.rows(desk.plan(lead_mapping("{Crm_Id__c: id, Tax_Id__c: tax}")))]
    assert f"Tax_Id__c: `t1` is that of {ids[0]}" in told[1]
    desk.local("leads", [{"id": f"n{n}", "name": "N", "company": "C", "tax": "T9"} for n in range(2)])
    told = refused(desk, lead_mapping("{Crm_Id__c: id, LastName: name, Company: company, Tax_Id__c: tax}"))
    assert told == ["Tax_Id__c: `T9` is in rows 1 and 2 of the source"] * 2


def test_plans_are_kept_and_overtaken_by_newer_ones(desk):
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])
    first = desk.plan(lead_mapping(BASIC))
    second = desk.plan(lead_mapping(BASIC))
    with desk.store.writing() as session:
        assert [each.id for each in open_plans(session)] == [second.id]
        assert read_stored_plan(session, first.id).state == "stale"
        assert latest_plan(session) == second
        gone = session.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = ?", [first.steps[0].table_name]
        )
        assert gone.scalar() == 0
        mark(session, second.id, "applied")
        assert open_plans(session) == []
        with pytest.raises(UsageError, match="there is no plan nope"):
            read_stored_plan(session, "nope")


def test_a_plan_that_finds_nothing_to_do_overtakes_the_one_before(desk):
    desk.mirrored("Lead", {"Crm_Id__c": "c1", "LastName": "Ada", "Company": "Acme"})
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Edited"}])
    first = desk.plan(lead_mapping(BASIC))
    desk.local("leads", [{"id": "c1", "name": "Ada", "company": "Acme"}])  # the edit is taken back
    assert desk.plan(lead_mapping(BASIC)).is_empty
    with desk.store.reading() as session:
        assert read_stored_plan(session, first.id).state == "stale"
        assert open_plans(session) == []


def test_a_mapping_that_does_not_push_or_fit_is_refused_before_anything(desk):
    with pytest.raises(UsageError, match="only pulls"):
        desk.plan("object: Lead\ntable: crm.leads\nfields: {LastName: name}\n")
    with pytest.raises(UsageError, match="no mapping pushes"):
        desk.plan()
    with pytest.raises(MappingError, match=r"there is no table `crm\.leads`"):
        desk.plan(lead_mapping(BASIC))
    desk.local("leads", [{"id": "c1"}])
    with pytest.raises(MappingError, match="the source has no column `name`"):
        desk.plan(lead_mapping(BASIC))
    with pytest.raises(MirrorUnfit, match="Campaign"):
        desk.plan("object: Campaign\ntable: crm.c\ndirection: push\nfields: {Name: name}\n")
    with pytest.raises(MappingError, match="no field `Nmae`"):
        desk.plan(lead_mapping("{Nmae: name}"))


def test_a_failed_plan_leaves_nothing_behind(desk):
    desk.local("leads", [{"id": "c1"}])
    with pytest.raises(MappingError):
        desk.plan(lead_mapping(BASIC))
    with desk.store.reading() as session:
        assert latest_plan(session) is None


def test_hostile_names_and_values_stay_values(desk):
    evil = '\'); DROP TABLE sf_all."Lead"; --'
    desk.mirrored("Lead", ADA)
    desk.local(
        "leads", [{"id": "c1", "name": evil, "company": "`\x1b[31m"}, {"id": evil, "name": "=1+1", "company": "C"}]
    )
    plan = desk.plan(lead_mapping(BASIC))
    assert {c[0]: c[3]["LastName"] for c in desk.changes(plan)} == {"update": ("Ada", evil), "create": (None, "=1+1")}
    with desk.store.reading() as session:
        assert session.execute(f"SELECT count(*) FROM {table('sf_all', 'Lead')}").scalar() == 1
