"""What a plan tells: counted, grouped, sensitive values hidden, nothing obeyed by a terminal or a browser."""

from __future__ import annotations

import json
import re

import pytest

from sfsync.sync.plan.explain import explain
from sfsync.sync.plan.explain_html import explain_html
from sfsync.sync.plan.explain_text import explain_text
from sfsync.sync.plan.forecast import Forecast, api_of, cost_of
from sfsync.sync.plan.stored import PlanStep

from .planning import Desk, an_id, lead_mapping

FIELDS = "{Crm_Id__c: id, LastName: name, Company: company, Status: status, Email: email, Tax_Id__c: tax}"
LOOKUPS = "{OwnerId: {object: User, by: Email, local: owner, on_missing: defer}}"


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.mirrored("User", {"Email": "ann@acme.org", "IsActive": True})
    made.mirrored("Group", {"DeveloperName": "Queue", "Type": "Queue"})
    leads = [
        {"Crm_Id__c": f"c{n}", "LastName": "Ada", "Company": "Acme", "Status": "Working", "OwnerId": an_id("Group", 1)}
        for n in range(3)
    ]
    made.mirrored("Lead", *leads)
    rows = [{"id": f"c{n}", "status": "Open", "email": f"secret{n}@example.org"} for n in range(3)]
    rows += [{"id": "new", "name": "Zoë", "company": "Initech", "email": "new@example.org", "owner": "ann@acme.org"}]
    rows += [
        {"id": f"bad{n}", "name": "Bad", "company": "C", "email": f"no-address-{n}" * 20, "status": f"Nope{n}"}
        for n in range(2)
    ]
    rows += [{"id": "c0x", "name": "N", "company": "C", "owner": "nobody@acme.org"}]
    made.local("leads", rows, tax="VARCHAR")
    return made


def told(desk, plan=None, *, more="", **options):
    plan = plan or desk.plan(lead_mapping(FIELDS, lookups=LOOKUPS, more=more))
    with desk.store.reading() as session:
        return explain(session, plan, **options)


def test_changes_are_counted_by_field_and_by_what_they_are(desk):
    found = told(desk)
    create, update = found["steps"]
    assert (create["changes"], create["refused"], update["changes"]) == (2, 2, 3)
    assert {each["field"]: each["records"] for each in update["fields"]} == {"Status": 3, "Email": 3}
    status = next(each for each in update["fields"] if each["field"] == "Status")
    assert status["kinds"] == [{"before": "Working", "after": "Open", "records": 3}]
    text = explain_text(found)
    assert "Lead: 3 to update" in text
    assert "Status on 3 records\n    Working → Open on 3" in text
    assert "(PRODUCTION)" in text
    assert "m1.yml: 7 rows of crm.leads → Lead" in text
    assert f"Next: `sfsync apply {found['plan']}` writes these 5 changes" in text


def test_sensitive_values_are_hidden_unless_asked_for(desk):
    for values in (explain_text(told(desk)), explain_html(told(desk)), json.dumps(told(desk))):
        for secret in ("secret0@example.org", "new@example.org", "no-address", "Zo"):
            assert secret not in values
        assert "Initech" in values
    shown = explain_text(told(desk, show_values=True))
    assert "secret0@example.org" in shown
    assert "Zoë" in shown


def test_a_mapping_names_what_else_is_sensitive(desk):
    assert "Initech" not in explain_text(told(desk, more="sensitive: [Company]\n"))


def test_what_one_mapping_hides_no_other_of_the_same_object_shows(desk):
    desk.local("other", [{"id": "c1", "city": "Park"}])
    other = "object: Lead\ntable: crm.other\ndirection: push\nkey: Crm_Id__c\nfields: {Crm_Id__c: id, Made__c: city}\n"
    plan = desk.plan(lead_mapping(FIELDS, lookups=LOOKUPS, more="sensitive: [Company, Status]\n"), other)
    assert plan.header["sensitive"]["Lead"] == sorted(
        {*desk.plan(lead_mapping(FIELDS, lookups=LOOKUPS)).header["sensitive"]["Lead"], "Company", "Status"}
    )
    text = explain_text(told(desk, desk.plan(lead_mapping(FIELDS, more="sensitive: [Company, Status]\n"), other)))
    assert "Initech" not in text
    assert "Working → Open" not in text


def test_refusals_are_grouped_by_reason_with_their_rows(desk):
    create = told(desk)["steps"][0]
    (reason,) = create["refusals"]
    assert reason["records"] == 2
    assert reason["rows"] == [5, 6]
    assert "Status: `…` is not an active value of Status" in reason["text"]
    assert "REFUSED 2: " in explain_text(told(desk))
    (note,) = create["notes"]
    assert note["text"] == "OwnerId: no User has the Email `…`, left for a later plan"


def test_owners_are_named_where_the_mirror_knows_them(desk):
    desk.local(
        "leads",
        [{"id": "c0", "owner": "ann@acme.org"}],
        **dict.fromkeys(("name", "company", "status", "email", "tax"), "VARCHAR"),
    )
    (update,) = told(desk)["steps"]
    (owner,) = update["fields"]
    assert owner["kinds"] == [{"before": f"Queue ({an_id('Group', 1)})", "after": an_id("User", 1), "records": 1}]


def test_assignment_rules_are_told_of(desk):
    assert "assignment rules run" in explain_text(told(desk, more="assignment_rules: true\n"))


def test_hostile_values_are_shown_and_never_obeyed(desk):
    evil = "</td><script>alert(1)</script>\x1b[31m\u202e\r\nx"
    desk.local(
        "leads",
        [{"id": "c0", "company": evil, "status": "Open"}],
        **dict.fromkeys(("name", "email", "tax", "owner"), "VARCHAR"),
    )
    found = told(desk)
    text, page = explain_text(found), explain_html(found)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text + page)
    assert "\\u001b[31m" in text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "default-src 'none'" in page


def test_with_nothing_to_do_it_says_so(desk):
    desk.local(
        "leads", [{"id": "c0"}], **dict.fromkeys(("name", "company", "status", "email", "tax", "owner"), "VARCHAR")
    )
    found = told(desk)
    assert found["steps"] == []
    assert "Nothing to do: the org has what the sources say." in explain_text(found)
    assert "Nothing to do" in explain_html(found)


def test_a_budget_that_is_too_small_is_told(desk):
    found = told(desk, more="budget: {daily_api_calls: 1}\n")
    assert "API calls are more than the 1 of m1.yml" in found["warnings"][0]


def step(rows, action="update", key_field=None, pass_=1):
    return PlanStep(1, "Lead", action, "m.yml", pass_, (), key_field, "t", rows, 0)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (step(0), Forecast()),
        (step(1), Forecast(2)),
        (step(201), Forecast(3)),
        (step(2000), Forecast(11)),
        (step(2001), Forecast(12, 1)),
        (step(2000, "create"), Forecast(10)),
        (step(2000, "create", "Crm_Id__c"), Forecast(11)),
        (step(1_000_000), Forecast(80, 8)),
    ],
)
def test_what_applying_will_cost(made, expected):
    assert cost_of(made) == expected
    assert api_of(2000) == "collections"
    assert api_of(2001) == "bulk"


def test_a_refused_change_of_a_record_names_the_record(desk):
    desk.mirrored("Lead", {"Crm_Id__c": "x1", "LastName": "Ada", "Company": "Acme"})
    desk.local("leads", [{"id": "x1", "name": "Ada", "company": "C" * 300}])
    plan = desk.plan(lead_mapping("{Crm_Id__c: id, LastName: name, Company: company}"))
    found = told(desk, plan)
    (record,) = [row["record_id"] for row in desk.rows(plan)]
    assert f"({record}, row 1)" in explain_text(found)
    assert f"({record}, row 1)" in explain_html(found)
