"""`sfsync mapping`."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from sfsync.cli import run
from sfsync.project import find_project
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table

LEADS = "object: Lead\ntable: leads\nfields:\n  Email: email\n  Status: {local: stage, values: {Open: new}}\n"
DESCRIBE = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("SystemModstamp", "datetime"),
        FieldDescribe("Email", "email"),
        FieldDescribe("Status", "picklist", picklist_values=("Open", "Working")),
    ),
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "lead.yml").write_text(LEADS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mirror(project):
    store = DuckDBStore(find_project(project).store_path)
    with store.writing() as session:
        prepare_mirror(session)
        shape_table(session, DESCRIBE, find_drift(session, DESCRIBE))
        session.execute("""INSERT INTO sf_all."Lead" ("Id", "Status") VALUES ('1', 'Open'), ('2', 'Parked')""")
        ledger.save_describe(session, DESCRIBE, datetime(2026, 1, 31))
        ledger.save_cursor(session, DESCRIBE, datetime(2026, 1, 31), "run")
    return store


def answer(capsys):
    return json.loads(capsys.readouterr().out)


def test_check_without_a_mirror_checks_the_language_and_says_that_it_was_all(project, capsys):
    assert run(["mapping", "check", "--json"]) == 0
    told = answer(capsys)
    assert told["result"]["checked_against"] is None
    assert "there is no mirror yet" in told["warnings"][0]
    assert told["result"]["mappings"][0]["columns"] == {"email": "Email", "stage": "Status"}


def test_check_tells_every_problem_at_its_place_with_exit_code_2(project, capsys):
    (project / "mappings" / "lead.yml").write_text(LEADS.replace("fields", "feilds"))
    (project / "mappings" / "user.yml").write_text("object: User\ntable: leads\n")
    assert run(["mapping", "check"]) == 2
    error = capsys.readouterr().err
    assert "mappings/lead.yml:3:1: unknown key `feilds`\n  hint: did you mean `fields`?" in error
    assert "mappings/user.yml:1:1: `fields` is missing" in error
    assert "Traceback" not in error


def test_check_holds_mappings_against_the_mirrored_org(project, mirror, capsys):
    assert run(["mapping", "check", "--json"]) == 0
    told = answer(capsys)
    assert told["result"]["checked_against"] == "2026-01-31T00:00:00Z"
    assert told["warnings"] == [
        "mappings/lead.yml:5:26: 1 records have a Status that `values` does not name: `Parked` "
        "(add them, or say what becomes of them: `otherwise: keep`)"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("Email:", "Emial:"), "mappings/lead.yml:4:3: Lead has no field `Emial`, or this user may not read it"),
        (("object: Lead", "object: Leed"), "mappings/lead.yml:1:9: the mirror has no object `Leed`"),
        (("fields:", "filter: Nope = 1\nfields:"), "mappings/lead.yml:3:9: Lead has no field `Nope`"),
    ],
)
def test_check_finds_what_the_org_does_not_have(project, mirror, capsys, change, problem):
    (project / "mappings" / "lead.yml").write_text(LEADS.replace(*change))
    assert run(["mapping", "check", "--json"]) == 2
    told = answer(capsys)
    assert told["name"] == "MappingError"
    assert told["message"].startswith(problem)
    assert told["context"]["problems"][0]["file"] == "mappings/lead.yml"


def test_check_prints_a_table_for_people(project, mirror, capsys):
    assert run(["mapping", "check"]) == 0
    out, err = capsys.readouterr()
    assert "crm.leads" in out
    assert "1 mappings are in order" in err


def test_check_of_a_project_without_mappings_is_fine(tmp_path, capsys):
    assert run(["mapping", "check", "--project", str(tmp_path)]) == 0
    assert "0 mappings" in capsys.readouterr().err


def test_check_outside_a_project_names_the_way_to_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["mapping", "check"]) == 2
    assert "sfsync init" in capsys.readouterr().err


def test_list_shows_what_the_files_say(project, capsys):
    assert run(["mapping", "list", "--json"]) == 0
    (only,) = answer(capsys)["result"]
    assert (only["file"], only["object"], only["table"]) == ("mappings/lead.yml", "Lead", "crm.leads")
    assert run(["mapping", "list"]) == 0
    assert "mappings/lead.yml" in capsys.readouterr().out


def test_schema_prints_plain_json_schema(capsys):
    assert run(["mapping", "schema"]) == 0
    assert answer(capsys)["title"] == "sfsync mapping"
    assert run(["mapping", "schema", "--json"]) == 0
    assert answer(capsys)["result"]["title"] == "sfsync mapping"
