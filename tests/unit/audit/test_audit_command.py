from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit import load_rules
from tests.unit.audit.conftest import RULE, MakeMirror, converted, lead

Run = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose mirror is the one that `mirror` fills."""
    (tmp_path / "sfsync.yml").write_text("version: 1\nstore: mirror.duckdb\n")
    return tmp_path


def test_findings_are_shown_with_what_was_judged(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1, LeadSource=None), converted(2, LeadSource=None), lead(3)])
    done = run("audit", "--project", project, "--select", "LI001")
    assert done.code == 0  # a warning does not fail a run by default
    (line,) = [line for line in done.out.splitlines() if line.startswith("LI001")]
    assert line.split()[:6] == ["LI001", "lead-source-missing", "warning", "finding", "2", "3"]
    assert "converted 1" in line
    assert "as of 2026-01-31 12:00:00 UTC" in done.out
    assert "Next: `sfsync rule explain LI001`" in done.err


@pytest.mark.parametrize(
    ("fail_on", "code"), [(None, 0), ("error", 0), ("warning", 1), ("info", 1), ("never", 0)], ids=str
)
def test_the_exit_code_follows_the_worst_finding(
    run: Run, mirror: MakeMirror, project: Path, fail_on: str | None, code: int
) -> None:
    mirror(Lead=[lead(1, LeadSource=None)])
    options = ["--fail-on", fail_on] if fail_on else []
    assert run("audit", "--project", project, "--select", "LI001", *options).code == code


def test_an_error_fails_a_run_unless_it_must_never_fail(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[converted(1, ConvertedAccountId=None)])
    assert run("audit", "--project", project, "--select", "CV001").code == 1
    assert run("audit", "--project", project, "--select", "CV001", "--fail-on", "never").code == 0


def test_json_is_one_envelope_with_everything(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[converted(1, ConvertedAccountId=None)])
    done = run("audit", "--project", project, "--select", "CV001,OP001", "--json")
    body = done.json
    assert set(body) == {"status", "result", "warnings"}
    assert (done.code, body["status"]) == (1, 1)
    assert body["warnings"][0] == "1 of 2 rules could not be evaluated: OP001"
    result = body["result"]
    assert result["as_of"] == "2026-01-31T12:00:00Z"
    found, blind = result["rules"]
    assert (found["id"], found["state"], found["count"], found["eligible"]) == ("CV001", "finding", 1, 1)
    assert (found["name"], found["severity"], found["confidence"]) == ("no-account", "error", "certain")
    assert (blind["state"], blind["count"], blind["eligible"]) == ("not_evaluable", 0, None)
    assert "Opportunity" in blind["reason"]
    assert "sfsync pull" in blind["enable"]
    (finding,) = result["findings"]
    assert {"rule", "severity", "state", "object", "record_id", "message", "fingerprint"} <= set(finding)
    assert finding["record_id"] == converted(1)["Id"]
    assert {"M01", "M03", "M05"} <= {metric["id"] for metric in result["metrics"]}
    assert {"id", "name", "value", "unit", "n", "definition", "context", "reason"} <= set(result["metrics"][0])


def test_findings_are_cut_only_when_asked_and_never_silently(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(n, LeadSource=None) for n in range(7)])
    everything = run("audit", "--project", project, "--select", "LI001", "--json").json
    assert len(everything["result"]["findings"]) == everything["result"]["findings_total"] == 7
    assert not [warning for warning in everything["warnings"] if "listed" in warning]
    some = run("audit", "--project", project, "--select", "LI001", "--json", "--max-findings", "2").json
    assert len(some["result"]["findings"]) == 2
    assert some["result"]["findings_total"] == 7
    assert [warning for warning in some["warnings"] if "2 of 7 findings are listed" in warning]


def test_what_could_not_be_judged_is_shown_with_its_remedy(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[converted(1)])
    done = run("audit", "--project", project, "--select", "CV001,LQ002")
    (line,) = [line for line in done.out.splitlines() if line.startswith("LQ002") and "not evaluable" in line]
    assert "framework" in line
    assert "To enable what could not be evaluated:" in done.out
    assert "say in sfsync.yml which fields are evidence" in done.out
    assert "warning: 1 of 2 rules could not be evaluated: LQ002" in done.err


def test_nothing_to_judge_does_not_read_like_a_pass(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1)])
    done = run("audit", "--project", project, "--select", "CV001")
    assert "nothing to judge" in done.out
    assert "no converted leads" in done.out
    assert " pass " not in done.out


def test_when_no_rule_can_judge_the_mirror_is_unfit(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1)])
    done = run("audit", "--project", project, "--select", "OP", "--json")
    assert (done.code, done.json["status"]) == (3, 3)
    assert "no rule could judge this mirror" in done.json["warnings"][0]


def test_a_mirror_that_was_never_pulled_is_unfit(run: Run, project: Path) -> None:
    done = run("audit", "--project", project)
    assert done.code == 3
    assert "hint: run `sfsync pull` first" in done.err
    assert "Traceback" not in done.err


def test_settings_that_name_what_does_not_exist_are_told_at_their_line(
    run: Run, mirror: MakeMirror, project: Path
) -> None:
    mirror(Lead=[lead(1, Status="Working")], LeadStatus=[{"ApiName": "Working", "MasterLabel": "Working"}])
    with (project / "sfsync.yml").open("a") as file:
        file.write("definitions:\n  lead_status:\n    qualified: [Workin]\n")
    done = run("audit", "--project", project)
    assert done.code == 2
    assert "sfsync.yml:5:17: the org has no lead status `Workin`" in done.err
    assert "did you mean `Working`?" in done.err
    with (project / "sfsync.yml").open("a") as file:
        file.write("rules:\n  LI001: {params: {grace: 3}}\n")
    done = run("audit", "--project", project)
    assert "sfsync.yml:7:20: LI001 has no parameter `grace`" in done.err
    assert "did you mean `grace_hours`?" in done.err


def test_a_rule_file_with_faults_is_told_at_its_line(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1)])
    (project / "rules").mkdir()
    (project / "rules" / "own.yml").write_text("version: 1\nid: OWN001\n")
    done = run("audit", "--project", project)
    assert done.code == 2
    assert "rules/own.yml" in done.err
    assert "`sql` is missing" in done.err


def test_numbers_the_data_decided_are_printed(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(0), *(converted(n) for n in range(1, 61))])
    done = run("audit", "--project", project, "--select", "LA004")
    assert "from the data: Web 5 (n=60)" in done.out
    body = run("audit", "--project", project, "--select", "LA004", "--json").json
    assert body["result"]["rules"][0]["thresholds"] == [
        {"param": "days", "segment": "Web", "value": 5.0, "n": 60, "origin": "auto"}
    ]


def test_terminal_escapes_in_values_are_shown_and_not_obeyed(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1, LeadSource="\x1b[31mred\u202e", CreatedDate=datetime(2020, 1, 1))])
    out = run("audit", "--project", project, "--select", "LA004").out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_rules_are_listed_with_what_the_project_changes(run: Run, project: Path) -> None:
    with (project / "sfsync.yml").open("a") as file:
        file.write("rules:\n  LI001: {severity: info}\n  OP001: {enabled: false}\n")
    done = run("rule", "list", "--project", project)
    lines = {line.split()[0]: line.split() for line in done.out.splitlines() if line[:1].isupper()}
    assert lines["LI001"][2] == "info"
    assert lines["OP001"][2] == "off"
    listed = run("rule", "list", "--project", project, "--json").json["result"]
    assert len(listed) == len(load_rules())
    off = {each["id"] for each in listed if not each["enabled"]}
    assert off == {"OP001"} | {rule.id for rule in load_rules() if not rule.enabled}


def test_a_rule_is_explained_with_its_exact_sql(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1)])
    done = run("rule", "explain", "LI001", "--project", project)
    assert done.code == 0
    assert "Why it matters" in done.out
    assert "CAST('2026-01-31 12:00:00' AS TIMESTAMP)" in done.out
    body = run("rule", "explain", "li001", "--project", project, "--json").json["result"]
    assert body["id"] == "LI001"
    assert body["sql"].startswith("WITH eligible AS (")


def test_a_rule_is_explained_outside_of_a_project(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("rule", "explain", "CV003")
    assert done.code == 0
    assert "SQL of the findings" in done.out


def test_an_unknown_rule_is_a_usage_error_with_a_suggestion(run: Run, project: Path) -> None:
    done = run("rule", "explain", "CV01", "--project", project)
    assert done.code == 2
    assert "did you mean `CV0" in done.err


def test_a_projects_own_rules_are_tried_on_their_examples(run: Run, project: Path) -> None:
    rules = project / "rules"
    rules.mkdir()
    (rules / "own.yml").write_text(RULE)
    done = run("rule", "test", rules)
    assert (done.code, done.out) == (0, "2 of 2 examples of 1 rules give what they say\n")
    (rules / "own.yml").write_text(RULE.replace("Status: Fine", "Status: Odd"))
    done = run("rule", "test", rules)
    assert done.code == 2
    assert "OWN001: clean" in done.out
    assert "also finds 00QFk0000000001MAA" in done.out
    failed = run("rule", "test", rules, "--json").json
    assert failed["status"] == 2
    assert failed["result"]["failed"][0]["rule"] == "OWN001"


def test_help_begins_with_examples(run: Run) -> None:
    for command in (["audit"], ["rule"], ["rule", "list"], ["rule", "explain"], ["rule", "test"]):
        done = run(*command, "--help")
        assert done.code == 0
        assert done.out.index("Examples:") < done.out.index("Options:")
