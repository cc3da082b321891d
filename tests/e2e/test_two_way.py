"""A two-way table from beginning to end: pulled, edited with SQL, planned, applied, and in conflict."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pytest

from sfsync.fake import FakeOrg
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.sync.apply.run import apply
from sfsync.sync.plan.stored import latest_plan

LEAD = """
object: Lead
table: crm.leads
direction: both
fields: {LastName: name, Company: company, Email: email}
"""


@pytest.fixture
def fake(logged_in):
    with FakeOrg.empty() as org:
        org.insert("Lead", [{"LastName": name, "Company": "Acme"} for name in ("Ada", "Bob")])
        org.clock.advance(timedelta(minutes=1))
        with logged_in(org):
            yield org


@pytest.fixture
def project(tmp_path, fake, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {lag: 0s}\n")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "lead.yml").write_text(LEAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sql(project, statement):
    with duckdb.connect(str(project / ".sfsync" / "mirror.duckdb")) as connection:
        return connection.execute(statement).fetchall()


def apply_latest(project):
    store = open_store(project / ".sfsync" / "mirror.duckdb")
    with store.reading() as session:
        plan = latest_plan(session)
    return apply(connect(), store, plan.id, workspace=project / ".sfsync")


def leads(fake):
    with fake.database.reading() as cursor:
        return cursor.execute('SELECT "LastName", "Email" FROM "Lead" ORDER BY 1').fetchall()


def test_edits_go_to_the_org_and_conflicts_wait_for_people(run, project, fake):
    assert run("pull").code == 0
    sql(project, "UPDATE crm.leads SET email = 'ada@example.com' WHERE name = 'Ada'")
    sql(project, "INSERT INTO crm.leads (name, company) VALUES ('Zoe', 'Initech')")
    planned = run("plan")
    assert planned.code == 0, planned.err
    assert apply_latest(project).counts["done"] == 2
    assert leads(fake) == [("Ada", "ada@example.com"), ("Bob", None), ("Zoe", None)]
    fake.clock.advance(timedelta(minutes=1))
    assert run("pull").code == 0
    assert sql(project, "SELECT count(*), count(DISTINCT sf_id) FROM crm.leads WHERE sf_id LIKE '00Q%'") == [(3, 3)]

    (ada,) = sql(project, "SELECT sf_id FROM crm.leads WHERE name = 'Ada'")
    sql(project, "UPDATE crm.leads SET email = 'here@example.com' WHERE name = 'Ada'")
    fake.update("Lead", ada[0], {"Email": "there@example.com"})
    fake.clock.advance(timedelta(minutes=1))
    listed = run("plan", "--conflicts", "--show-values", "--json")
    assert listed.code == 0, listed.err
    (conflict,) = json.loads(listed.out)["result"]["conflicts"]
    assert (conflict["local"], conflict["org"]) == ("here@example.com", "there@example.com")
    assert "here@example.com" in run("resolve", "--show-values").out
    hidden = run("resolve")
    assert "@example.com" not in hidden.out
    assert ada[0] in hidden.out
    assert "--show-values" in hidden.err
    assert run("resolve", "--local").code == 2
    settled = run("resolve", "crm.leads", "--local", "--record", ada[0])
    assert settled.code == 0, settled.err
    assert "1 settled, 0 left" in settled.err
    assert run("plan").code == 0
    assert apply_latest(project).counts["done"] == 1
    assert leads(fake)[0] == ("Ada", "here@example.com")
    assert "no conflicts" in run("resolve").err


def test_an_exported_file_comes_back(run, project, fake):
    run("pull")
    exported = run("query", "--csv", "SELECT * FROM crm.leads").out
    (project / "leads.csv").write_text(exported.replace("Bob", "Bobby"))
    taken = run("import", "crm.leads", "leads.csv")
    assert taken.code == 0, taken.err
    assert "1 rows edited, 0 added" in taken.err
    assert run("plan", "--exit-code").code == 1
    assert run("import", "crm.nothing", "leads.csv").code == 2


def test_rows_from_elsewhere_do_not_go_round_the_merge(run, project, fake):
    assert run("pull").code == 0
    (project / "old.csv").write_text("name,company,email\nAda,Acme,old@example.com\n")
    refused = run("plan", "lead", "--source", project / "old.csv")
    assert refused.code == 2
    assert "goes both ways" in refused.err
    assert "sfsync import" in refused.err


def test_a_file_is_not_taken_into_a_table_that_its_mapping_does_not_fit(run, project, fake):
    assert run("pull").code == 0
    (project / "leads.csv").write_text("sf_id,name\n,Zoe\n")
    (project / "mappings" / "lead.yml").write_text(LEAD.replace("Email: email", "Nope__c: email"))
    refused = run("import", "crm.leads", "leads.csv")
    assert refused.code == 2
    assert "Lead has no field `Nope__c`" in refused.err
    (project / "mappings" / "lead.yml").write_text(LEAD.replace("crm.leads", "crm.others"))
    missing = run("import", "crm.others", "leads.csv")
    assert missing.code == 2
    assert "there is no table `crm.others` yet" in missing.err
    (project / "mappings" / "lead.yml").write_text(LEAD.replace("Email: email", "Email: email, Phone: phone"))
    (project / "leads.csv").write_text("sf_id,name,phone\n,Zoe,1\n")
    assert run("import", "crm.leads", "leads.csv").code == 0  # the table takes the shape of its mapping first
    again = run("import", "crm.leads", "leads.csv")
    assert "1 rows without sf_id that an import has added already" in again.err
    assert "0 rows edited, 0 added" in again.err


def test_a_table_that_somebody_dropped_is_said_to_be_gone_until_a_pull_makes_it_again(run, project, fake):
    assert run("pull").code == 0
    sql(project, "DROP TABLE crm.leads")
    refused = run("plan", "--no-pull")
    assert refused.code == 2
    assert "the table `crm.leads` is not there any more" in refused.err
    assert "`sfsync pull` makes it again" in refused.err
    assert run("plan").code == 0
    assert sql(project, "SELECT count(*) FROM crm.leads") == [(2,)]


def test_what_was_written_is_not_taken_back_where_this_machines_clock_is_behind(run, project, fake):
    (project / "sfsync.yml").write_text("version: 1\npull: {lag: 5m}\n")
    fake.clock.advance(timedelta(hours=1))  # the org's clock is far ahead of the one of this machine
    assert run("pull").code == 0
    sql(project, "UPDATE crm.leads SET email = 'ada@example.com' WHERE name = 'Ada'")
    sql(project, "INSERT INTO crm.leads (name, company) VALUES ('Zoe', 'Initech')")
    assert run("plan").code == 0
    assert apply_latest(project).counts["done"] == 2
    assert run("pull").code == 0  # it stays behind the org's clock, and has not seen the write
    assert sql(project, "SELECT name, email FROM crm.leads WHERE name <> 'Bob' ORDER BY 1") == [
        ("Ada", "ada@example.com"),
        ("Zoe", None),
    ]
    fake.clock.advance(timedelta(minutes=6))
    fake.update(
        "Lead", sql(project, "SELECT sf_id FROM crm.leads WHERE name = 'Zoe'")[0][0], {"Email": "z@example.com"}
    )
    fake.clock.advance(timedelta(minutes=6))
    assert run("plan").code == 0
    assert sql(project, "SELECT email FROM crm.leads WHERE name = 'Zoe'") == [("z@example.com",)]


def test_an_edit_of_a_record_that_has_left_the_filter_is_sent_and_then_its_row_goes(run, project, fake):
    (project / "mappings" / "lead.yml").write_text(LEAD + "filter: Company != 'Gone'\n")
    assert run("pull").code == 0
    ids = dict(sql(project, "SELECT name, sf_id FROM crm.leads"))
    sql(project, "UPDATE crm.leads SET email = 'ada@example.com' WHERE name = 'Ada'")
    for record_id in ids.values():
        fake.update("Lead", record_id, {"Company": "Gone"})
    fake.clock.advance(timedelta(minutes=1))
    assert run("plan").code == 0
    assert sql(project, "SELECT name, company FROM crm.leads") == [("Ada", "Gone")]
    assert apply_latest(project).counts["done"] == 1
    assert leads(fake) == [("Ada", "ada@example.com"), ("Bob", None)]
    fake.clock.advance(timedelta(minutes=1))
    assert "Nothing to do" in run("plan").out
    assert sql(project, "SELECT count(*) FROM crm.leads") == [(0,)]
