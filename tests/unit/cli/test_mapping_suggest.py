"""`sfsync mapping suggest` and `sfsync mapping import`, as a user runs them."""

from __future__ import annotations

import json
from datetime import datetime

import duckdb
import pytest

from sfsync.project import find_project
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id", createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("LastName", "string", "Last Name", length=80, nillable=False),
        FieldDescribe("Email", "email", "Email", length=80),
        FieldDescribe("Birthday__c", "date", "Birthday", custom=True),
    ),
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose mirror knows leads."""
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    (tmp_path / "mappings").mkdir()
    monkeypatch.chdir(tmp_path)
    store = DuckDBStore(find_project(tmp_path).store_path)
    with store.writing() as session:
        prepare_mirror(session)
        shape_table(session, LEAD, find_drift(session, LEAD))
        ledger.save_describe(session, LEAD, datetime(2026, 1, 31))
        ledger.save_cursor(session, LEAD, datetime(2026, 1, 31), "run")
        session.execute("CREATE SCHEMA crm")
        session.execute("CREATE TABLE crm.people AS SELECT 'King' AS last_name, 'a@example.com' AS email")
    (tmp_path / "leads.csv").write_text("Last Name;E-Mail;Birthday\nKing;a@example.com;31.1.1990\n")
    return tmp_path


def test_a_draft_from_a_file_passes_the_check(project, run):
    told = run("mapping", "suggest", "lead", "--source", "leads.csv", "-o", "mappings/new.yml")
    assert told.code == 0, told.err
    assert "delimiter: `;` (detected: the header has 3 columns by it)" in told.err
    assert "Next: read mappings/new.yml, then `sfsync mapping check`" in told.err
    text = (project / "mappings" / "new.yml").read_text()
    assert "source: leads.csv\n" in text
    assert "Birthday__c: {local: Birthday, transform: {date: dmy}}" in text
    checked = run("mapping", "check")
    assert checked.code == 0, checked.err


def test_a_draft_is_printed_or_given_as_json(project, run):
    told = run("mapping", "suggest", "Lead", "--source", str(project / "leads.csv"))
    assert told.out.startswith("# Drafted by `sfsync mapping suggest Lead` from leads.csv.")
    told = run("mapping", "suggest", "Lead", "--source", "leads.csv", "--json").json
    assert told["result"]["fields"] == {"LastName": "Last Name", "Email": "E-Mail", "Birthday__c": "Birthday"}


def test_a_draft_from_a_local_table_reads_that_table(project, run):
    told = run("mapping", "suggest", "Lead", "--table", "people", "-o", "mappings/people.yml")
    assert told.code == 0, told.err
    assert "table: crm.people\n" in (project / "mappings" / "people.yml").read_text()
    assert run("mapping", "check").code == 0


def test_nothing_is_written_over_a_file_that_is_there(project, run):
    (project / "mappings" / "new.yml").write_text("mine")
    told = run("mapping", "suggest", "Lead", "--source", "leads.csv", "-o", "mappings/new.yml")
    assert (told.code, (project / "mappings" / "new.yml").read_text()) == (2, "mine")
    assert "mappings/new.yml exists already" in told.err


def test_what_cannot_be_told_is_asked_for_and_may_be_declared(project, run):
    (project / "leads.csv").write_bytes("Last Name,E-Mail\nM\xfcller,a@example.com\n".encode("latin-1"))
    told = run("mapping", "suggest", "Lead", "--source", "leads.csv")
    assert told.code == 2
    assert "error: leads.csv:2: the byte FC is not utf-8" in told.err
    told = run("mapping", "suggest", "Lead", "--source", "leads.csv", "--encoding", "windows-1252")
    assert told.code == 0
    assert 'source: {file: leads.csv, encoding: "windows-1252"}' in told.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Lead",), "name one thing to draft from"),
        (("Lead", "--source", "leads.csv", "--table", "x"), "name one thing to draft from"),
        (("Leed", "--source", "leads.csv"), "the mirror has no object `Leed`"),
        (("Lead", "--source", "no.csv"), "no.csv: there is no such file"),
        (("Lead", "--table", "nope"), "crm.nope: the table cannot be read"),
        (("Lead", "--source", "leads.csv", "--delimiter", "ab"), "the source is not declared rightly: delimiter"),
        (("Lead", "--source", "leads.csv", "--sheet", "x"), "`sheet` is declared, which is for excel files"),
    ],
)
def test_what_makes_no_sense_is_refused(project, run, arguments, message):
    told = run("mapping", "suggest", *arguments)
    assert told.code == 2
    assert message in told.err
    assert "Traceback" not in told.err


def test_check_holds_the_rows_of_a_file_against_the_org(project, run):
    mapping = "object: Lead\ndirection: push\nsource: in.csv\nfields:\n  LastName: name\n  Birthday__c: born\n"
    (project / "mappings" / "lead.yml").write_text(mapping)
    assert "in.csv: there is no such file" in run("mapping", "check").err
    (project / "in.csv").write_text(f"name,born\n{'x' * 81},31.1.1990\ny,soon\n")
    told = run("mapping", "check")
    assert told.code == 0
    assert "mappings/lead.yml:5:3: 1 rows: LastName:" in told.err
    assert "mappings/lead.yml:6:3: 1 rows: Birthday__c: `soon` is no day in the order day, month, year" in told.err
    (project / "in.csv").write_text("name,born\nx,1.2.1990\n")
    told = run("mapping", "check")
    assert told.code == 2
    assert "mappings/lead.yml:6:16: the days of `born`, like `1.2.1990` in row 1, may be day, month, year" in told.err


def test_check_reads_a_duckdb_file_and_says_that_it_asks_no_server(project, run):
    with duckdb.connect(str(project / "crm.duckdb")) as other:
        other.execute("CREATE TABLE people AS SELECT repeat('x', 81) AS name")
    head = "object: Lead\ndirection: push\nsource:\n  database: "
    rest = "\n  query: SELECT name FROM people\nfields:\n  LastName: name\n"
    (project / "mappings" / "lead.yml").write_text(f"{head}crm.duckdb{rest}")
    told = run("mapping", "check")
    assert (told.code, "mappings/lead.yml:7:3: 1 rows: LastName: the text has 81 characters" in told.err) == (0, True)
    (project / "mappings" / "lead.yml").write_text(f"{head}postgresql://db.example.com/crm{rest}")
    told = run("mapping", "check")
    assert told.code == 0
    assert "its rows were not checked: they are on a server, and a check asks none" in told.err
    assert "`sfsync plan` reads them, and writes nothing" in told.err


def test_a_data_loader_map_is_imported_with_what_is_lost_told(project, run):
    (project / "leads.csv").write_text("LASTNAME\nKing\n")
    (project / "leadMap.sdl").write_text('LASTNAME=LASTNAME\n"x"=Nonsense__c\n')
    told = run(
        "mapping", "import", "leadMap.sdl", "--object", "lead", "--source", "leads.csv", "-o", "mappings/lead.yml"
    )
    assert told.code == 0, told.err
    assert "line 2: Nonsense__c: Lead has no field `Nonsense__c`" in told.err
    assert "  LastName: LASTNAME  # line 1\n" in (project / "mappings" / "lead.yml").read_text()
    assert run("mapping", "check").code == 0


def test_a_cumulusci_mapping_becomes_a_file_a_step(project, run):
    (project / "cci.yml").write_text(
        "Leads:\n  sf_object: Lead\n  fields: [LastName]\nMore:\n  sf_object: Lead\n  table: more\n  fields: [LastName]\n"
    )
    told = run("mapping", "import", "cci.yml", "-o", "mappings")
    assert told.code == 0, told.err
    assert sorted(path.name for path in (project / "mappings").iterdir()) == ["leads.yml", "more.yml"]
    assert run("mapping", "check").code == 0
    assert run("mapping", "import", "cci.yml", "-o", "one.yml").code == 2
    assert (
        "# leads.yml\n# From the step Leads of CumulusCI's cci.yml, line 1." in run("mapping", "import", "cci.yml").out
    )


def test_import_works_outside_a_project_and_says_what_was_not_checked(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.sdl").write_text("NAME=Name\n")
    told = run("mapping", "import", "a.sdl", "--object", "Account")
    assert told.code == 0
    assert "only the mapping language was checked" in told.err
    told = run("mapping", "import", "a.sdl", "--json")
    assert (told.code, json.loads(told.out)["name"]) == (2, "UsageError")
