"""An export that lay around: what the org has changed meanwhile was not edited in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.fake import FakeOrg

LEAD = """
object: Lead
table: crm.leads
direction: both
conflicts: local
fields: {LastName: name, Company: company, Phone: {local: phone, null: clear}, Title: {local: title, null: clear}}
"""


@pytest.fixture
def fake(logged_in):
    with FakeOrg.empty() as org:
        org.insert("Lead", [{"LastName": name, "Company": "Acme", "Phone": "1"} for name in ("Ada", "Bob", "Eve")])
        org.clock.advance(timedelta(minutes=10))
        with logged_in(org):
            yield org


@pytest.fixture(params=["0s", "5m"])
def project(tmp_path, fake, monkeypatch, request):
    (tmp_path / "sfsync.yml").write_text(f"version: 1\npull: {{lag: {request.param}}}\n")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "lead.yml").write_text(LEAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def instant(fake):
    return f"{fake.clock.now():%Y-%m-%dT%H:%M:%S}"


def phones(run):
    return run("query", "--csv", "SELECT name, company, phone, title FROM crm.leads ORDER BY name").out.splitlines()[1:]


def test_an_old_file_brings_its_edits_and_takes_nothing_back(run, project, fake):
    assert run("pull", "Lead").code == 0
    fake.clock.advance(timedelta(minutes=1))
    exported, at = run("query", "--csv", "SELECT * FROM crm.leads ORDER BY name").out, instant(fake)
    bob = next(line for line in exported.splitlines() if ",Bob," in line)[:18]
    fake.clock.advance(timedelta(minutes=1))
    fake.update("Lead", bob, {"Phone": "2", "Title": "Dr."})
    fake.clock.advance(timedelta(minutes=10))
    assert run("pull", "Lead").code == 0
    (project / "leads.csv").write_text(exported.replace("Ada,Acme", "Ada,Engines").replace("Bob,Acme", "Bob,Motors"))
    refused = run("import", "crm.leads", "leads.csv")
    assert refused.code == 2
    assert "row 2: phone is what the org had before" in refused.err
    assert "--as-of" in refused.err
    assert phones(run) == ["Ada,Acme,1,", "Bob,Acme,2,Dr.", "Eve,Acme,1,"]
    taken = run("import", "crm.leads", "leads.csv", "--as-of", at)
    assert (taken.code, "2 rows edited, 0 added" in taken.err) == (0, True)
    assert phones(run) == ["Ada,Engines,1,", "Bob,Motors,2,Dr.", "Eve,Acme,1,"]


def test_a_value_that_is_edited_back_is_an_edit_where_the_file_is_new(run, project, fake):
    assert run("pull", "Lead").code == 0
    bob = run("query", "--csv", "SELECT sf_id FROM crm.leads WHERE name = 'Bob'").out.split()[1]
    fake.update("Lead", bob, {"Phone": "2"})
    fake.clock.advance(timedelta(minutes=10))
    assert run("pull", "Lead").code == 0
    fake.clock.advance(timedelta(minutes=1))
    exported, at = run("query", "--csv", "SELECT * FROM crm.leads ORDER BY name").out, instant(fake)
    (project / "leads.csv").write_text(exported.replace("Bob,Acme,2", "Bob,Acme,1"))
    assert run("import", "crm.leads", "leads.csv").code == 2
    assert "1 rows edited" in run("import", "crm.leads", "leads.csv", "--as-of", at).err
    assert phones(run)[1] == "Bob,Acme,1,"
