"""What rules propose, on its way to the org and back, by the command line and over TLS."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert, convert_leads
from sfsync.fake.dml import WriteOptions


@pytest.fixture
def fake(logged_in, monkeypatch, tmp_path):
    with FakeOrg.empty() as org:
        leads = org.insert(
            "Lead",
            [{"LastName": name, "Company": f"{name} Inc.", "LeadSource": "Web"} for name in ("Ada", "Bob", "Eve")],
        )
        wanted = [LeadConvert(lead, "Closed - Converted") for lead in leads]
        assert all(one.success for one in convert_leads(org, wanted, WriteOptions(user_id=org.admin_id)))
        for each in opportunities(org)[:2]:
            org.update("Opportunity", each, {"LeadSource": None})
        org.clock.advance(timedelta(days=3))
        with logged_in(org):
            (tmp_path / "sfsync.yml").write_text(
                f'version: 1\nwaivers:\n  - {{rule: OP013, record: "{opportunities(org)[1]}", reason: as agreed, by: ana, expires: 2099-01-01}}\n'
            )
            monkeypatch.chdir(tmp_path)
            yield org


def opportunities(org):
    with org.database.reading() as cursor:
        return [each for (each,) in cursor.execute('SELECT "Id" FROM "Opportunity" ORDER BY 1').fetchall()]


def sources(org):
    with org.database.reading() as cursor:
        return [each for (each,) in cursor.execute('SELECT "LeadSource" FROM "Opportunity" ORDER BY "Id"').fetchall()]


def test_a_fix_is_planned_applied_and_taken_back_and_what_is_waived_is_left(run, fake, tmp_path):
    assert run("pull").code == 0
    planned = run("audit", "--select", "OP013", "--fix", "-o", "plan.json", "--json")
    assert planned.code == 0, planned.err
    result = json.loads(planned.out)["result"]
    assert result["left_out"] == []
    ((step,),) = [result["plan"]["steps"]]
    assert (step["object"], step["action"], step["changes"]) == ("Opportunity", "update", 1)
    (change,) = json.loads((tmp_path / "plan.json").read_text())["changes"]
    assert change["id"] == opportunities(fake)[0]
    assert change["fields"] == {"LeadSource": {"before": None, "after": "Web"}}
    assert "OP013: the source of the lead" in change["note"]
    assert sources(fake) == [None, None, "Web"]
    done = run("apply", "plan.json", "--json")
    assert done.code == 0, done.err
    assert sources(fake) == ["Web", None, "Web"]
    fake.clock.advance(timedelta(minutes=10))
    assert run("pull").code == 0
    again = run("audit", "--select", "OP013", "--fix")
    assert again.code == 0
    assert "the rules propose no change" in again.err
    undo = run("undo", done.json["result"]["run_id"])
    assert undo.code == 0, undo.err
    assert run("apply", undo.err.split("`sfsync apply ")[1].split("`")[0]).code == 0
    assert sources(fake) == [None, None, "Web"]


def test_the_file_of_a_plan_needs_a_plan(run, fake):
    refused = run("audit", "-o", "plan.json")
    assert refused.code == 2
    assert "--fix" in refused.err
