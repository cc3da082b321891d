"""`sfsync apply`, `retry` and `undo` on the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb
import pytest

from sfsync.fake import FakeOrg
from sfsync.fake import weather as bad

MAPPING = """\
version: 1
object: Lead
direction: push
external_id: Crm_Id__c
source: leads.csv
fields: {LastName: name, Company: company, Crm_Id__c: key}
"""


@pytest.fixture
def served(tmp_path, monkeypatch, logged_in):
    """A project, and an org over TLS."""
    with FakeOrg.empty() as fake, logged_in(fake):
        fake.add_field("Lead", "Crm_Id__c", "string", external_id=True, unique=True, length=40)
        monkeypatch.setenv("SFSYNC_PROJECT", str(tmp_path))
        monkeypatch.delenv("SF_TARGET_ORG", raising=False)
        (tmp_path / "mappings").mkdir()
        (tmp_path / "sfsync.yml").write_text("version: 1\n")
        (tmp_path / "mappings" / "lead.yml").write_text(MAPPING)
        (tmp_path / "leads.csv").write_text("name,company,key\nAda,Engines,a\nBob,Bridges,b\n")
        yield fake


def leads(fake):
    with fake.database.reading() as cursor:
        return cursor.execute('SELECT "LastName" FROM "Lead" WHERE NOT "IsDeleted" ORDER BY 1').fetchall()


def test_a_plan_is_applied_once_told_and_taken_back(served, run, tmp_path):
    assert run("plan", "-o", tmp_path / "plan.json").code == 0
    done = run("apply", tmp_path / "plan.json", "--json")
    assert done.code == 0, done.err
    result = done.json["result"]
    assert result["counts"]["done"] == 2
    assert leads(served) == [("Ada",), ("Bob",)]
    assert (tmp_path / ".sfsync" / "results" / result["run_id"] / "done.csv").exists()
    again = run("apply", tmp_path / "plan.json")
    assert again.code == 3
    assert "applied already" in again.err
    undo = run("undo", result["run_id"])
    assert undo.code == 0, undo.err
    assert "sfsync apply" in undo.err
    plan_id = undo.err.split("`sfsync apply ")[1].split("`")[0]
    taken_back = run("apply", plan_id)
    assert taken_back.code == 0, taken_back.err
    assert leads(served) == []


def test_an_undo_is_never_followed_by_the_advice_to_plan_again_what_it_takes_back(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    done = run("apply", tmp_path / "plan.json", "--json").json["result"]
    undo = run("undo", done["run_id"])
    plan_id = undo.err.split("`sfsync apply ")[1].split("`")[0]
    with served.database.reading() as cursor:
        ((first,),) = cursor.execute('SELECT min("Id") FROM "Lead"').fetchall()
    served.clock.advance(timedelta(minutes=10))
    served.update("Lead", first, {"Company": "Wheels"})  # somebody works with it: it is not deleted
    partly = run("apply", plan_id)
    assert partly.code == 4, partly.err
    assert "what could not be taken back is in those files" in partly.err
    assert len(leads(served)) == 1
    run("pull")
    kept = run("undo", done["run_id"])
    assert "nothing of it can be taken back" in kept.err


def test_rejected_rows_are_exit_code_4_and_lead_to_retry(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    served.weather.add(bad.LockedRows(), path="/composite", times=1)
    done = run("apply", tmp_path / "plan.json")
    assert done.code == 4
    assert "2 UNABLE_TO_LOCK_ROW" in done.out
    run_id = done.err.split("`sfsync retry ")[1].split("`")[0]
    assert run("retry", run_id).code == 0
    assert leads(served) == [("Ada",), ("Bob",)]


def test_a_production_org_is_not_written_to_unless_somebody_says_so(served, run, tmp_path):
    with served.database.writing() as cursor:
        cursor.execute('UPDATE "Organization" SET "OrganizationType" = \'Enterprise Edition\'')
    run("plan", "-o", tmp_path / "plan.json")
    refused = run("apply", tmp_path / "plan.json")
    assert refused.code == 2
    assert "production" in refused.err
    assert leads(served) == []
    assert run("apply", tmp_path / "plan.json", "--yes").code == 0


def test_a_plan_made_now_is_shown_and_asked_for(served, run):
    refused = run("apply")
    assert refused.code == 2
    assert "nobody to ask" in refused.err
    assert "Lead" in refused.out
    done = run("apply", "--yes")
    assert done.code == 0, done.err
    assert len(leads(served)) == 2
    nothing = run("apply", "--yes")
    assert nothing.code == 0
    assert "nothing to apply" in nothing.err


def test_a_changed_mapping_makes_the_plan_stale(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    (tmp_path / "mappings" / "lead.yml").write_text(MAPPING.replace("Company: company", "Company: name"))
    refused = run("apply", tmp_path / "plan.json")
    assert refused.code == 3
    assert "lead.yml changed" in refused.err


def test_a_plan_file_that_was_edited_is_refused(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(text.replace("Bridges", "Brigands"))
    assert run("apply", tmp_path / "plan.json").code == 2
    assert leads(served) == []


def test_a_budget_that_is_spent_leaves_the_rest_for_resume(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {budget: {calls_per_run: 1}}\n")
    stopped = run("apply", tmp_path / "plan.json", "--json")
    assert stopped.code == 4, stopped.err
    result = json.loads(stopped.out)["result"]
    assert result["counts"]["unprocessed"] == 2
    assert "budget" in result["stopped"]
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    assert run("apply", "--resume").code == 0
    assert leads(served) == [("Ada",), ("Bob",)]


def test_resume_takes_up_what_was_stopped_and_not_what_was_rejected(served, run, tmp_path):
    run("plan", "-o", tmp_path / "stopped.json")
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {budget: {calls_per_run: 1}}\n")
    assert run("apply", tmp_path / "stopped.json").code == 4
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    (tmp_path / "mappings" / "other.yml").write_text(MAPPING.replace("leads.csv", "others.csv"))
    (tmp_path / "others.csv").write_text("name,company,key\nEve,Roads,e\n")
    run("plan", "other", "-o", tmp_path / "rejected.json")
    served.weather.add(bad.LockedRows(), path="/composite", times=1)
    assert run("apply", tmp_path / "rejected.json").code == 4
    resumed = run("apply", "--resume")
    assert resumed.code == 0, resumed.err
    assert leads(served) == [("Ada",), ("Bob",)]


def test_an_undo_of_a_mirror_that_cannot_be_brought_up_to_date_is_not_planned(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    done = run("apply", tmp_path / "plan.json", "--json").json["result"]
    served.weather.add(
        bad.Refused(400, b'[{"errorCode": "MALFORMED_QUERY", "message": "no"}]'), path="/query", times=None
    )
    refused = run("undo", done["run_id"])
    assert refused.code != 0
    assert "could not be brought up to date" in refused.err
    assert "changed in the org since" not in refused.out
    served.weather.clear()
    assert run("undo", done["run_id"]).code == 0


def test_an_undo_goes_on_where_an_object_that_may_refer_to_it_can_be_read_no_more(served, run, tmp_path):
    assert run("pull", "Lead", "Contact").code == 0
    (tmp_path / "mappings" / "lead.yml").write_text(
        "version: 1\nobject: Account\ndirection: push\nsource: leads.csv\nfields: {Name: company}\n"
    )
    assert run("pull", "Account").code == 0
    run("plan", "-o", tmp_path / "plan.json")
    done = run("apply", tmp_path / "plan.json", "--json").json["result"]
    assert run("undo", done["run_id"], "--json").json["result"]["plan"]["changes"] == 2
    served.set_permissions("Contact", ())
    undo = run("undo", done["run_id"])
    assert undo.code == 0, undo.err
    assert "may not read Contact any more" in undo.err


def test_an_undo_hides_what_its_plan_has_hidden(served, run, tmp_path):
    (tmp_path / "mappings" / "lead.yml").write_text(
        MAPPING.replace("external_id: Crm_Id__c", "key: Email").replace("Crm_Id__c: key", "Email: mail")
    )
    (tmp_path / "leads.csv").write_text("name,company,mail\nAda,Engines,ada@example.com\n")
    run("plan", "-o", tmp_path / "plan.json")
    done = run("apply", tmp_path / "plan.json", "--json").json["result"]
    undo = run("undo", done["run_id"], "--output", tmp_path / "undo.html")
    assert undo.code == 0, undo.err
    assert "TO DELETE" in undo.out
    assert "ada@example.com" not in undo.out + undo.err + (tmp_path / "undo.html").read_text()
    assert "ada@example.com" in run("undo", done["run_id"], "--no-pull", "--show-values").out


def test_a_retry_of_what_is_done_says_that_there_is_nothing_to_send(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    done = run("apply", tmp_path / "plan.json", "--json").json["result"]
    again = run("retry", done["run_id"])
    assert again.code == 0
    assert "nothing of it is left to be sent" in again.err
    plan_id = again.err.split("`sfsync undo ")[1].split("`")[0]
    assert plan_id == done["plan_id"]  # this run has written nothing that could be taken back
    assert run("undo", plan_id).code == 0


def test_rows_that_may_be_records_already_are_not_planned_as_new_ones(served, run, tmp_path):
    (tmp_path / "mappings" / "lead.yml").write_text(MAPPING.replace("external_id: Crm_Id__c\n", ""))
    run("plan", "-o", tmp_path / "plan.json")
    plan_id = run("apply", tmp_path / "plan.json", "--json").json["result"]["plan_id"]
    with duckdb.connect(str(tmp_path / ".sfsync" / "mirror.duckdb")) as connection:  # as where the answer was lost
        connection.execute("UPDATE sfsync.outcomes SET state = 'unknown', record_id = NULL")
        connection.execute("UPDATE sfsync.plans SET state = 'partial' WHERE id = ?", [plan_id])
    refused = run("plan")
    assert refused.code == 2
    assert f"`sfsync apply {plan_id} --resume`" in refused.err
    assert f"`sfsync apply {plan_id} --give-up`" in refused.err


def test_a_plan_that_cannot_go_on_is_given_up_and_its_rows_are_planned_anew(served, run, tmp_path):
    run("plan", "-o", tmp_path / "plan.json")
    (tmp_path / "sfsync.yml").write_text("version: 1\npull: {budget: {calls_per_run: 1}}\n")
    plan_id = run("apply", tmp_path / "plan.json", "--json").json["result"]["plan_id"]
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    with duckdb.connect(str(tmp_path / ".sfsync" / "mirror.duckdb")) as connection:  # as where it was killed
        connection.execute("UPDATE sfsync.plans SET state = 'applying'")
        connection.execute("DELETE FROM sfsync.outcomes")
        connection.execute("INSERT INTO sfsync.batch_rows VALUES (?, 1, 1)", [plan_id])
        connection.execute(
            "INSERT INTO sfsync.batches (plan_id, step, batch_no, api, state) VALUES (?, 1, 1, 'collections', 'sending')",
            [plan_id],
        )
    calls = len(served.requests)
    ended = run("apply", plan_id, "--give-up")
    assert ended.code == 0, ended.err
    assert "nobody knows what became of 1 changes" in ended.err
    assert "0 were written; 1 were not" in ended.err
    assert len(served.requests) == calls
    undo = run("undo", plan_id, "--no-pull")
    assert "--resume" not in undo.err
    assert run("apply", plan_id, "--resume").code == 3
    assert run("retry", plan_id).code == 3
    assert leads(served) == []
    assert run("plan").code == 0
    assert run("apply", "--yes").code == 0
    assert leads(served) == [("Ada",), ("Bob",)]


def test_only_a_plan_that_was_begun_can_be_given_up(served, run, tmp_path):
    plan_id = run("plan", "-o", tmp_path / "plan.json", "--json").json["result"]["plan"]
    assert "never begun" in run("apply", plan_id, "--give-up").err
    assert "takes the Id of a plan" in run("apply", "--give-up").err
    assert run("apply", plan_id).code == 0
    assert run("apply", plan_id, "--give-up").code == 3


def test_a_night_with_nothing_to_do_ends_well(served, run, tmp_path):
    with served.database.writing() as cursor:
        cursor.execute('UPDATE "Organization" SET "OrganizationType" = \'Enterprise Edition\'')
    (tmp_path / "leads.csv").write_text("name,company,key\n")
    assert run("plan", "-o", tmp_path / "plan.json").code == 0
    done = run("apply", tmp_path / "plan.json", "--results", tmp_path / "out")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "done.csv").read_text().startswith("object,action,mapping,")
    assert len((tmp_path / "out" / "rejected.csv").read_text().splitlines()) == 1
