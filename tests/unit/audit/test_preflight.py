"""Two audits in one store: what a change causes, solves, leaves as it was, and hides."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime

import pytest

from sfsync.audit.preflight import ChangeToCome, as_told, preflight
from sfsync.audit.stored import finding_batches, read_audit
from sfsync.config.settings import Settings
from sfsync.errors import UsageError
from sfsync.store.beside import original, put_in_place, store_beside

from .conftest import RULE, lead

NEW = "00QPLAN00000001YDA"


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules").mkdir()
    text = RULE.replace('message: "Status is {status}"', 'message: "{record_id}: {status}"')
    (tmp_path / "rules" / "OWN001-odd-status.yml").write_text(text)
    return tmp_path / "rules"


def change(**given):
    usual = {
        "plan": "p1",
        "kind": "push",
        "made_at": datetime(2026, 1, 31),
        "source": "plan.json",
        "changes": [{"object": "Lead", "action": "update", "changes": 3, "refused": 0}],
        "limits": (),
        "unknown": {},
        "new_records": "main.new_records",
        "pattern": "[0-9A-Za-z]{3}PLAN[0-9]{8}[0-9A-Z]{3}",
    }
    return ChangeToCome(**{**usual, **given})


@contextmanager
def judged(store, rules, tmp_path, replaced, *, everything=False, **given):
    """The preflight of leads as `replaced` (the columns of a SELECT * REPLACE) makes them."""
    with store_beside(store, tmp_path / "work") as beside:

        def lay_over():
            with beside.writing() as session:
                session.execute("CREATE TABLE main.new_records (record_id VARCHAR, object VARCHAR, shown_as VARCHAR)")
                session.execute("INSERT INTO main.new_records VALUES (?, 'Lead', 'row 7 of leads.csv')", [NEW])
                put_in_place(session, "Lead", f"SELECT * REPLACE ({replaced}) FROM {original('Lead')}")
                for name in given.get("unknown", {}).get("Lead", ()):
                    session.execute("UPDATE sfsync.cursors SET field_names = replace(field_names, ?, '')", [name])
            return change(**given)

        found = preflight(beside, Settings(), lay_over, objects={"Lead"}, select=["OWN001"], rules_dir=rules)
        with beside.writing() as session:
            told = as_told(session, read_audit(session, found.after.audit_id), found, everything=everything)
            findings = [each for batch in finding_batches(session, told) for each in batch]
        yield told, findings


STATUS = """CASE WHEN "Id" LIKE '%1AAA' THEN 'Fine' WHEN "Id" LIKE '%3AAA' THEN 'Odd' ELSE "Status" END AS "Status" """


@pytest.fixture
def leads(mirror):
    """One that will be mended, one that stays odd, one that will be odd."""
    return mirror(Lead=[lead(1, Status="Odd"), lead(2, Status="Odd"), lead(3)])


def test_findings_are_caused_or_solved_or_there_anyway(leads, rules, tmp_path):
    with judged(leads, rules, tmp_path, STATUS) as (told, findings):
        (rule,) = told.rules
        assert rule.details["preflight"] == {"caused": 1, "solved": 1, "anyway": 1}
        assert [(each.record_id[-4:], each.state) for each in findings] == [("3AAA", "new")]
        assert (rule.state, rule.count, rule.stored, rule.severities) == ("finding", 1, 1, {"warning": 1})
        assert told.details["preflight"]["plan"] == "p1"
    with leads.reading() as session:
        assert not session.execute("SELECT 1 FROM information_schema.tables WHERE table_name = 'findings'").rows


def test_what_was_there_anyway_is_listed_when_asked_for(leads, rules, tmp_path):
    with judged(leads, rules, tmp_path, STATUS, everything=True) as (told, findings):
        assert [(each.record_id[-4:], each.state) for each in findings] == [("2AAA", "persisting"), ("3AAA", "new")]
        assert told.rules[0].count == 2


def test_a_rule_that_finds_nothing_new_passes(leads, rules, tmp_path):
    with judged(leads, rules, tmp_path, '"Status" AS "Status"') as (told, findings):
        assert (told.rules[0].state, told.rules[0].count, findings) == ("pass", 0, [])
        assert told.rules[0].details["preflight"]["anyway"] == 2


def test_a_new_record_is_named_by_its_row_also_in_texts(leads, rules, tmp_path):
    replaced = f"""{STATUS}, CASE WHEN "Id" LIKE '%3AAA' THEN '{NEW}' ELSE "Id" END AS "Id" """
    with judged(leads, rules, tmp_path, replaced) as (told, findings):
        assert [(each.record_id, each.message) for each in findings] == [
            ("row 7 of leads.csv", "row 7 of leads.csv: Odd")
        ]
        assert told.link("Lead", findings[0].record_id) is None


def test_a_rule_that_needs_what_nobody_knows_is_not_evaluable_and_says_so(leads, rules, tmp_path):
    with judged(leads, rules, tmp_path, STATUS, unknown={"Lead": ("Status",)}) as (told, findings):
        (rule,) = told.rules
        assert (rule.state, findings) == ("not_evaluable", [])
        assert rule.reason == "nobody knows what Lead.Status will hold before the plan is applied"
        assert "apply the plan" in rule.enable
        assert rule.details["preflight"] == {"caused": 0, "solved": 0, "anyway": 0}


def test_a_rule_that_reads_a_history_says_what_it_has_not_seen(mirror, leads, rules, tmp_path):
    file = rules / "OWN001-odd-status.yml"
    needs = "  Lead: {Id: text, Status: text, CreatedDate: datetime}\n"
    file.write_text(file.read_text().replace(needs, f"{needs}  LeadHistory: {{LeadId: text}}\n"))
    mirror(LeadHistory=[{"Id": "017000000000001AAA", "LeadId": "00Q000000000001AAA"}])
    with judged(leads, rules, tmp_path, STATUS) as (told, _):
        assert told.rules[0].reason == "without the traces that the plan will leave in LeadHistory"


def test_rules_on_the_mirror_alone_have_nothing_to_say_of_a_plan(leads, tmp_path):
    with (
        store_beside(leads, tmp_path / "work") as beside,
        pytest.raises(UsageError, match="judge the mirror itself"),
    ):
        preflight(beside, Settings(), change, objects={"Lead"}, select=["SY"])
