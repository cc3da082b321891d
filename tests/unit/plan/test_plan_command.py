"""`sfsync plan` from the command line, against a fake org."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pytest

from sfsync.fake import FakeOrg
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.plan.plan_file import read_plan

LEAD = """
object: Lead
direction: push
source: leads.csv
external_id: Crm_Id__c
fields: {Crm_Id__c: id, LastName: name, Company: company, Email: email}
lookups: {OwnerId: {object: User, by: Email, local: owner}}
"""
SHOWN = "object: Account\ntable: crm.accounts\nfields: {Name: name}\n"


@pytest.fixture
def fake(logged_in):
    with FakeOrg.empty() as org:
        org.add_field("Lead", "Crm_Id__c", "string", external_id=True, unique=True, length=32)
        org.insert("Lead", [{"LastName": "Ada", "Company": "Acme", "Crm_Id__c": "c1"}])
        org.clock.advance(timedelta(minutes=1))
        with logged_in(org):
            yield org


@pytest.fixture
def project(tmp_path, fake, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {lag: 0s}\n")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "lead.yml").write_text(LEAD)
    (tmp_path / "mappings" / "account.yml").write_text(SHOWN)
    write(tmp_path, "c1,Ada,Acme,", "c2,Bob,Initech,bob@example.org")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, *rows, name="leads.csv"):
    (folder / name).write_text("id,name,company,email,owner\n" + "".join(f"{row},\n" for row in rows))


def test_a_plan_is_shown_and_kept_and_nothing_is_written(run, project, fake):
    done = run("plan")
    assert done.code == 0, done.err
    assert "Lead: 1 to create" in done.out
    assert "bob@example.org" not in done.out
    assert "Company=Initech" in done.out
    assert not [each for each in fake.requests if each.method in {"PATCH", "DELETE"} or "ingest" in each.path]
    assert fake.count("Lead") == 1
    assert "bob@example.org" in run("plan", "--no-pull", "--show-values").out


def test_a_plan_file_and_a_page_are_written(run, project):
    assert run("plan", "lead", "-o", "plan.json").code == 0
    assert read_plan(project / "plan.json").change_count == 1
    assert run("plan", "--no-pull", "-o", "plan.html").code == 0
    assert (project / "plan.html").read_text().startswith("<!doctype html>")


def test_every_shape_on_stdout(run, project):
    found = json.loads(run("plan", "--format", "json").out)
    assert (found["sfsync_explain"], found["changes"]) == (1, 1)
    assert run("plan", "--no-pull", "--format", "html").out.startswith("<!doctype html>")
    assert run("plan", "--no-pull", "--json").json["result"]["changes"] == 1


def test_the_exit_code_tells_of_changes_only_when_asked(run, project):
    assert run("plan", "--exit-code").code == 1
    write(project, "c1,Ada,Acme,")
    assert run("plan", "--no-pull", "--exit-code").code == 0


def test_with_nothing_to_do_it_costs_no_more_than_the_pull(run, project, fake):
    write(project, "c1,Ada,Acme,")
    run("pull", "Lead", "User")
    asked = len(fake.requests)
    run("pull", "Lead", "User")
    pull_alone = len(fake.requests) - asked
    asked = len(fake.requests)
    done = run("plan")
    assert "Nothing to do" in done.out
    assert len(fake.requests) - asked == pull_alone
    asked = len(fake.requests)
    assert run("plan", "--no-pull").code == 0
    assert len(fake.requests) == asked


def test_only_the_objects_that_the_mappings_need_are_pulled(run, project):
    run("plan")
    found = (
        DuckDBStore(project / ".sfsync" / "mirror.duckdb").query("SELECT object FROM sfsync.cursors ORDER BY 1").rows()
    )
    assert [name for (name,) in found] == ["Lead", "User"]


def test_the_rows_of_another_file_for_this_once(run, project):
    write(project, "c7,Eve,Hooli,", "c8,Mal,Hooli,", name="other.csv")
    done = run("plan", "lead", "--source", "other.csv")
    assert "Lead: 2 to create" in done.out, done.err
    assert "Next: " in done.out


def test_a_mapping_that_is_not_there_or_only_pulls(run, project):
    assert "did you mean `lead`?" in run("plan", "laed").err
    assert run("plan", "laed").code == 2
    run("pull", "Account", "Lead", "User")
    assert "only pulls" in run("plan", "account", "--no-pull").err
    (project / "mappings" / "contact.yml").write_text(LEAD.replace("Lead", "Contact"))
    assert "--source gives the rows of one mapping" in run("plan", "--source", "leads.csv").err


TWO_WAY = "version: 1\nobject: Lead\ntable: crm.people\ndirection: both\nfields: {Title: title, Email: email}\n"


@pytest.fixture
def in_conflict(run, project, fake):
    """A two-way table in which one edit waits for a decision; the Id of its record."""
    (project / "mappings" / "lead.yml").write_text(TWO_WAY)
    (lead,) = fake.insert("Lead", [{"LastName": "Ada", "Company": "Acme", "Title": "T"}])
    fake.clock.advance(timedelta(minutes=10))
    assert run("pull").code == 0
    with duckdb.connect(str(project / ".sfsync" / "mirror.duckdb")) as connection:
        connection.execute("UPDATE crm.people SET title = 'here' WHERE sf_id = ?", [lead])
    fake.update("Lead", lead, {"Title": "there"})
    fake.clock.advance(timedelta(minutes=10))
    return lead


def test_conflicts_that_wait_are_not_nothing_to_do(run, project, in_conflict):
    planned = run("plan", "--exit-code")
    assert planned.code == 1, planned.err
    assert "Nothing to write: 1 conflicts wait for a decision." in planned.out
    assert "Nothing to do" not in planned.out
    page = run("plan", "--no-pull", "--format", "html").out
    assert "1 conflicts wait" in page
    assert json.loads(run("plan", "--no-pull", "--format", "json").out)["conflicts_waiting"] == 1
    assert run("plan", "--conflicts", "--no-pull").code == 0
    assert run("plan", "--conflicts", "--no-pull", "--exit-code").code == 1
    assert run("plan", "--conflicts", "-o", project / "plan.json").code == 2
    assert run("resolve", "--org", "--record", in_conflict[:15]).code == 0
    assert run("plan", "--conflicts", "--no-pull", "--exit-code").code == 0


def test_a_record_that_is_named_wrongly_is_told(run, in_conflict):
    refused = run("resolve", "--org", "--record", "ada")
    assert refused.code == 2
    assert "`ada` is no record Id" in refused.err
