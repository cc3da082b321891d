"""Preflights by the command line, over TLS: what is told before anything is written is what is there afterwards."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert, convert_leads
from sfsync.fake.dml import WriteOptions

ACCOUNT = """
object: Account
direction: push
source: accounts.csv
external_id: Crm_Id__c
fields: {Crm_Id__c: id, Name: name}
lookups: {OwnerId: {object: User, by: Email, local: owner}}
"""
LEAD = """
object: Lead
direction: push
source: leads.csv
external_id: Crm_Id__c
fields: {Crm_Id__c: id, FirstName: first, LastName: name, Company: company, Email: email, Phone: phone, LeadSource: source}
lookups: {OwnerId: {object: User, by: Email, local: owner}}
"""
OPPORTUNITY = """
object: Opportunity
direction: push
source: deals.csv
external_id: Crm_Id__c
fields: {Crm_Id__c: id, Name: name, StageName: stage, CloseDate: close, Amount: amount}
lookups:
  AccountId: {object: Account, by: Crm_Id__c, local: account, on_missing: "null"}
  OwnerId: {object: User, by: Email, local: owner}
"""


@pytest.fixture
def fake(logged_in):
    with FakeOrg.empty() as org:
        for name in ("Lead", "Account", "Opportunity"):
            org.add_field(name, "Crm_Id__c", "string", external_id=True, unique=True, length=32)
        org.clock.advance(timedelta(minutes=1))
        with logged_in(org):
            yield org


@pytest.fixture
def project(tmp_path, fake, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {lag: 0s}\n")
    (tmp_path / "mappings").mkdir()
    for name, text in (("account", ACCOUNT), ("lead", LEAD), ("opportunity", OPPORTUNITY)):
        (tmp_path / "mappings" / f"{name}.yml").write_text(text)
    with fake.database.reading() as cursor:
        owner = cursor.execute('SELECT "Email" FROM "User" WHERE "IsActive" LIMIT 1').fetchone()[0]
    (tmp_path / "accounts.csv").write_text(f"id,name,owner\na1,Acme,{owner}\na2,Globex,{owner}\n")
    leads = [
        "c1,Ann,Ada,Acme,ann@example.org,+49 30 123456,Web",
        "c2,Ann,Ada,Acme,ann@example.org,+49 30 123456,Web",  # the same person again
        "c3,,test,test,,,",  # a test record without an address
        "c4,O'Brien,\"<script>alert('x')</script>\",\"Robert'); DROP TABLE Lead;--\",x@example.org,,Web",
    ]
    (tmp_path / "leads.csv").write_text(
        "id,first,name,company,email,phone,source,owner\n" + "".join(f"{lead},{owner}\n" for lead in leads)
    )
    deals = [
        "d1,Big,Prospecting,2020-01-01,1000,a1",  # overdue
        "d2,Won,Closed Won,2099-01-01,,a1",  # won in the future, without an amount
        "d3,Alone,Prospecting,2099-01-01,5,",  # of no account
    ]
    (tmp_path / "deals.csv").write_text(
        "id,name,stage,close,amount,account,owner\n" + "".join(f"{deal},{owner}\n" for deal in deals)
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digest(folder):
    return hashlib.sha256((folder / ".sfsync" / "mirror.duckdb").read_bytes()).hexdigest()


def keys(fake):
    """Id → key, of every record that the mappings are about."""
    found = {}
    with fake.database.reading() as cursor:
        for name in ("Lead", "Account", "Opportunity"):
            found |= dict(cursor.execute(f'SELECT "Id", "Crm_Id__c" FROM "{name}"').fetchall())
    return found


def judged(outcome):
    """Rules that could look, of the JSON of an audit or a preflight."""
    return {rule["id"] for rule in json.loads(outcome.out)["rules"] if rule["state"] != "not_evaluable"}


def findings(outcome, rules, named):
    """What these rules found, each with the key of its record."""
    return sorted(
        (each["rule"], each["object"], named(each), each["discriminator"], each["severity"])
        for each in json.loads(outcome.out)["findings"]
        if each["rule"] in rules
    )


def test_a_migration_into_an_empty_org_shows_before_what_an_audit_finds_afterwards(run, project, fake):
    assert run("pull").code == 0
    assert run("plan", "-o", "plan.json").code == 0
    was, calls = digest(project), len(fake.requests)
    before = run("audit", "--plan", "plan.json", "--format", "json")
    assert before.code == 1, before.err
    assert (digest(project), len(fake.requests)) == (was, calls)
    assert list((project / ".sfsync" / "preflight").iterdir()) == []
    assert run("apply", "plan.json", "--yes").code == 0
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    after = run("audit", "--format", "json")
    ids = keys(fake)
    # Nothing that an audit can see hangs on anything but the records, where the histories of deals play no part.
    both = judged(before) & judged(after)
    assert len(both) > 75
    told = findings(before, both, lambda each: re.sub(r"^row .*\((.*)\)$", r"\1", each["record_id"]))
    there = findings(after, both, lambda each: ids.get(each["record_id"], each["record_id"]))
    assert told == there
    assert {rule for rule, *_ in told} >= {"OP001", "OP008", "DU001", "LI005"}
    assert json.loads(before.out)["preflight"]["caused"] == len(json.loads(before.out)["findings"])
    assert all(
        each["url"] is None for each in json.loads(before.out)["findings"] if each["record_id"].startswith("row")
    )
    assert "PLAN0" not in json.dumps([each | {"fingerprint": ""} for each in json.loads(before.out)["findings"]])


@pytest.fixture
def filled(run, project):
    """The project after its migration."""
    assert run("pull", "Lead", "Account", "Opportunity", "User", "OpportunityStage").code == 0
    assert run("plan", "-o", "first.json", "--no-pull").code == 0
    assert run("apply", "first.json", "--yes").code == 0
    return project


def test_what_a_plan_causes_is_told_from_what_it_solves_and_what_was_there_anyway(run, filled, fake):
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    deals = (filled / "deals.csv").read_text()
    # d1 is overdue no more, d2 stays won in the future, and d3 is overdue from now on.
    deals = deals.replace("d1,Big,Prospecting,2020-01-01", "d1,Big,Prospecting,2099-01-01")
    (filled / "deals.csv").write_text(
        deals.replace("d3,Alone,Prospecting,2099-01-01", "d3,Alone,Prospecting,2020-01-01")
    )
    assert run("plan", "opportunity", "-o", "second.json", "--no-pull").code == 0
    rules = ("--select", "OP007,OP008", "--fail-on", "info")
    told = run("audit", "--plan", "second.json", *rules, "--format", "json")
    assert told.code == 1, told.err
    result = json.loads(told.out)
    assert {each["id"]: each["preflight"] for each in result["rules"]} == {
        "OP007": {"caused": 1, "solved": 1, "anyway": 0},
        "OP008": {"caused": 1, "solved": 1, "anyway": 0},
    }
    ids = keys(fake)
    assert [(each["rule"], each["state"], ids[each["record_id"]]) for each in result["findings"]] == [
        ("OP007", "new", "d3"),
        ("OP008", "new", "d1"),
    ]
    assert sorted((each["rule"], ids[each["record_id"]]) for each in result["fixed"]) == [
        ("OP007", "d1"),
        ("OP008", "d3"),
    ]
    human = run("audit", "--plan", "second.json", *rules)
    assert human.code == 1
    assert f"Preflight of plan {result['preflight']['plan']} (push, second.json): nothing is written yet" in human.out
    assert "2 caused by the plan · 2 solved by it · 0 there anyway" in human.out
    assert "update 2 Opportunity" in human.out
    assert "not shown: what the org does by itself" in human.out


def test_what_was_there_anyway_fails_nothing_and_is_shown_when_asked_for(run, filled, fake):
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    (filled / "deals.csv").write_text((filled / "deals.csv").read_text().replace("d1,Big,", "d1,Bigger,"))
    assert run("plan", "opportunity", "-o", "second.json", "--no-pull").code == 0
    rules = ("--select", "OP007", "--fail-on", "info")
    assert run("plan", "lead", "-o", "none.json", "--no-pull").code == 0
    nothing = run("audit", "--plan", "none.json", *rules)
    assert (nothing.code, "would write nothing" in nothing.err) == (0, True), nothing.err
    quiet = run("audit", "--plan", "second.json", *rules, "--format", "json")
    assert quiet.code == 0, quiet.err
    assert json.loads(quiet.out)["findings"] == []
    assert json.loads(quiet.out)["rules"][0]["preflight"] == {"caused": 0, "solved": 0, "anyway": 1}
    loud = run("audit", "--plan", "second.json", *rules, "--format", "json", "--show-all")
    assert loud.code == 0
    assert [each["state"] for each in json.loads(loud.out)["findings"]] == ["persisting"]
    assert run("audit", *rules).code == 1
    for name in ("human", "jsonl", "csv", "junit", "sarif", "markdown", "github"):
        assert run("audit", "--plan", "second.json", *rules, "--format", name).code == 0, name


def test_the_rows_of_a_file_are_judged_by_a_mapping_and_nothing_is_left_behind(run, filled, fake):
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    was, calls = digest(filled), len(fake.requests)
    owner = (filled / "deals.csv").read_text().splitlines()[1].rsplit(",", 1)[1]
    row = f"d9,'; DROP TABLE x;--<b>,Prospecting,2020-01-01,7,a1,{owner}\n"
    (filled / "more.csv").write_text("id,name,stage,close,amount,account,owner\n" + row)
    found = run("audit", "--mapping", "opportunity", "--source", "more.csv", "--select", "OP007")
    assert found.code == 1, found.err
    assert "1 caused by the plan · 0 solved by it · 1 there anyway" in found.out
    assert re.search(r"OP007 error Opportunity row 1 of \S*more\.csv.* \(d9\): ", found.out)
    assert (digest(filled), len(fake.requests)) == (was, calls)
    assert list((filled / ".sfsync" / "preflight").iterdir()) == []
    assert "nothing to apply" not in run("plan", "--no-pull", "opportunity", "--source", "more.csv").err


def test_a_plan_that_apply_would_refuse_is_refused(run, filled, fake):
    unknown = run("audit", "--plan", "20200101T000000Z-0000")
    assert (unknown.code, "there is no plan" in unknown.err) == (2, True)
    over = run("audit", "--plan", "first.json")
    assert (over.code, "is applied already" in over.err) == (3, True)
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    (filled / "deals.csv").write_text((filled / "deals.csv").read_text().replace("d1,Big,", "d1,Bigger,"))
    assert run("plan", "opportunity", "-o", "second.json", "--no-pull").code == 0
    (filled / "edited.json").write_text((filled / "second.json").read_text().replace("Bigger", "Smaller"))
    edited = run("audit", "--plan", "edited.json")
    assert (edited.code, "not as sfsync wrote it" in edited.err) == (2, True)
    fake.update("Opportunity", next(i for i, key in keys(fake).items() if key == "d1"), {"Name": "Other"})
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    stale = run("audit", "--plan", "second.json", "--select", "OP007")
    assert (stale.code, "out of date" in stale.err) == (3, True)
    assert list((filled / ".sfsync" / "preflight").iterdir()) == []


def test_options_that_do_not_go_together_are_refused(run, project):
    for options, told in (
        (("--plan", "p.json", "--mapping", "lead"), "cannot go together"),
        (("--source", "leads.csv"), "one mapping"),
        (("--show-all",), "about a preflight"),
        (("--plan", "p.json", "--fix"), "--fix is about the mirror as it is"),
        (("--mapping", "lead", "--write-baseline", "b.csv"), "--write-baseline is about"),
    ):
        refused = run("audit", *options)
        assert (refused.code, told in refused.err) == (2, True), refused.err
    missing = run("audit", "--mapping", "lead")
    assert (missing.code, "sfsync pull" in missing.err) == (3, True)


def test_a_plan_of_fixes_is_shown_to_solve_what_it_is_about(run, project, fake):
    (lead,) = fake.insert("Lead", [{"LastName": "Ada", "Company": "Acme", "LeadSource": "Web"}])
    assert convert_leads(fake, [LeadConvert(lead, "Closed - Converted")], WriteOptions(user_id=fake.admin_id))[
        0
    ].success
    with fake.database.reading() as cursor:
        ((deal,),) = cursor.execute('SELECT "Id" FROM "Opportunity"').fetchall()
    fake.update("Opportunity", deal, {"LeadSource": None})
    fake.clock.advance(timedelta(days=3))
    assert run("pull").code == 0
    assert run("audit", "--select", "OP013", "--fix", "-o", "fixes.json").code == 0
    was = digest(project)
    told = run("audit", "--plan", "fixes.json", "--select", "OP013", "--format", "json")
    assert told.code == 0, told.err
    (rule,) = json.loads(told.out)["rules"]
    assert rule["preflight"] == {"caused": 0, "solved": 1, "anyway": 0}
    assert [each["record_id"] for each in json.loads(told.out)["fixed"]] == [deal]
    assert digest(project) == was
