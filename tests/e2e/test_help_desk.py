"""What became of the rows that failed, and of conflicts: what an admin does the morning after."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pytest

from sfsync.fake import FakeOrg

KEYLESS = """
object: Lead
direction: push
source: leads.csv
fields: {LastName: name, Company: company, Title: title}
"""
OWNED = """
object: Lead
table: crm.leads
direction: both
conflicts: fail
fields: {LastName: name, Company: company}
lookups: {OwnerId: {object: User, by: Email, local: owner}}
"""


@pytest.fixture
def fake(logged_in):
    with FakeOrg.empty() as org, logged_in(org):
        org.add_validation_rule("Lead", "No_Evil", "Title = 'evil'", "No evil, please.", "Title")
        yield org


@pytest.fixture
def project(tmp_path, fake, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {lag: 0s}\n")
    (tmp_path / "mappings").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rows_without_a_key_are_mended_in_a_file_of_their_own(run, project, fake):
    (project / "mappings" / "lead.yml").write_text(KEYLESS)
    (project / "leads.csv").write_text("name,company,title,memo\nAda,Acme,ok,first\nBob,Acme,evil,second\n")
    applied = run("apply", "--yes")
    assert applied.code == 4
    assert "mend the rejected rows in a file that has no others" in applied.err
    assert "1 rows without a key are records now" in applied.err
    fake.clock.advance(timedelta(minutes=1))
    assert "1 records were made so before" in run("plan").out
    (project / "mended.csv").write_text("name,company,title,memo\nBob,Acme,good,second\n")
    planned = run("plan", "lead", "--source", "mended.csv", "--json")
    mended = run("apply", planned.json["result"]["plan"], "--yes", "--results", "out", "--json")
    assert (mended.code, mended.json["result"]["notes"]) == (0, [])
    assert "second" in (project / "out" / "done.csv").read_text()
    assert fake.count("Lead") == 2


def test_what_is_left_out_of_the_result_files_is_told(run, project, fake):
    (project / "mappings" / "lead.yml").write_text(KEYLESS)
    (project / "leads.csv").write_text("name,company,title,memo\nAda,Acme,ok,first\n")
    plan = run("plan", "--json").json["result"]["plan"]
    (project / "leads.csv").write_text("name,company,title,memo\nEve,Acme,ok,other\n")
    applied = run("apply", plan, "--yes")
    assert applied.code == 0
    assert "leads.csv has changed since the plan: its columns are left out of the result files" in applied.err


def test_a_decision_is_for_one_side_and_owners_addresses_are_shown_when_asked_for(run, project, fake):
    owners = [fake.add_user(name, Email=f"{name}@corp.example") for name in ("Ann", "Ben", "Cat")]
    (lead,) = fake.insert("Lead", [{"LastName": "Ada", "Company": "Acme", "OwnerId": owners[0]}])
    (project / "mappings" / "lead.yml").write_text(OWNED)
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    with duckdb.connect(str(project / ".sfsync" / "mirror.duckdb")) as connection:
        connection.execute("UPDATE crm.leads SET owner = 'Ben@corp.example'")
    fake.update("Lead", lead, {"OwnerId": owners[2]})
    fake.clock.advance(timedelta(minutes=1))
    assert run("plan").code == 0
    hidden = run("resolve")
    assert lead in hidden.out
    assert "@corp.example" not in hidden.out + run("plan", "--conflicts", "--no-pull", "--json").out
    (shown,) = json.loads(run("resolve", "--show-values", "--json").out)["result"]["conflicts"]
    assert (shown["local"], shown["org"]) == ("Ben@corp.example", "Cat@corp.example")
    both = run("resolve", "--org", "--local", "--all")
    assert both.code == 2
    assert "only one side can be right" in both.err
    assert "1 settled, 0 left" in run("resolve", "--org", "--all").err
