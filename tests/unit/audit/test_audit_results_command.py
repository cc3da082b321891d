"""`sfsync audit` and what belongs to it: outputs, exit codes, baseline, earlier audits, trend."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sfsync.record_ids import long_id
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import AS_OF, GATE, Project, lead, odd

Run = Callable[..., Any]
ERROR = RULE.replace("severity: warning", "severity: error")


@pytest.fixture
def sure(project_with: Project) -> Project:
    """A project whose rule finds errors."""
    project_with.rule("OWN001", ERROR)
    return project_with


def audit(run: Run, project: Project, *args: str | Path) -> Any:
    return run("audit", *args, "--project", project.root)


def test_several_files_are_written_at_once_each_in_its_format(run: Run, sure: Project, tmp_path: Path) -> None:
    sure.fill(odd(1))
    out = tmp_path / "out"
    names = ("a.json", "a.jsonl", "a.csv", "a.xlsx", "a.xml", "a.sarif", "a.md", "a.txt")
    files = [part for name in names for part in ("--output", out / name)]
    done = audit(run, sure, *files)
    assert done.code == 1
    assert {path.name for path in out.iterdir()} == set(names)
    assert "OWN001" in done.out
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in out.iterdir())


def test_one_file_is_written_in_the_format_asked_for_whatever_its_name(run: Run, sure: Project, tmp_path: Path) -> None:
    sure.fill(odd(1))
    audit(run, sure, "--format", "sarif", "--output", tmp_path / "results.json")
    assert json.loads((tmp_path / "results.json").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--output", "audit.pdf"), "does not say which format"),
        (("--format", "excel"), "cannot go to a terminal"),
        (("--format", "csv", "--json"), "cannot go together"),
        (("--profile", "nightli"), "did you mean `nightly`"),
        (("--select", "OWN001", "trend"), "takes its options after its name"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_judged(
    run: Run, sure: Project, args: tuple[str, ...], message: str
) -> None:
    sure.fill(odd(1))
    done = run("audit", "--project", sure.root, *args)
    assert done.code == 2
    assert message in done.err
    assert run("audit", "show", "--project", sure.root).code == 3


def test_stdout_holds_the_format_and_nothing_else(run: Run, sure: Project) -> None:
    sure.fill(odd(1))
    assert audit(run, sure, "--format", "csv").out.startswith("rule,severity,state")
    assert json.loads(audit(run, sure, "--format", "json").out)["format"] == "sfsync-audit"
    envelope = audit(run, sure, "--json").json
    assert (envelope["status"], envelope["result"]["failing"]) == (1, 1)


def test_a_file_that_cannot_be_written_makes_the_run_partial(run: Run, sure: Project, tmp_path: Path) -> None:
    sure.fill(lead(1))
    (tmp_path / "file").write_text("")
    done = audit(run, sure, "--output", tmp_path / "file" / "a.csv", "--output", tmp_path / "b.csv")
    assert done.code == 4
    assert "cannot be written" in done.err
    assert (tmp_path / "b.csv").exists()


def test_a_rule_that_could_not_look_makes_the_run_partial_when_all_must(run: Run, sure: Project) -> None:
    sure.rule("OWN002", RULE.replace("OWN001", "OWN002").replace("Status: text,", "Status: text, Gone__c: text,"))
    sure.fill(lead(1))
    assert audit(run, sure).code == 0
    assert audit(run, sure, "--all-evaluable").code == 4


def test_a_run_is_not_green_when_the_database_refused_a_rules_sql(run: Run, sure: Project) -> None:
    sure.rule("OWN002", RULE.replace("OWN001", "OWN002").replace("l.Status = $odd", "CAST(l.Status AS INTEGER) = 1"))
    sure.fill(lead(1))
    path = sure.root / "junit.xml"
    done = audit(run, sure, "--format", "junit", "--output", path)
    assert done.code == 4
    assert "the SQL of rule OWN002 failed" in done.err
    (error,) = ET.parse(path).iter("error")
    assert "OWN002" in (error.get("message") or "")


def test_waived_and_baselined_findings_fail_nothing(run: Run, sure: Project) -> None:
    sure.fill(odd(1), odd(2))
    assert audit(run, sure).code == 1
    sure.settings(
        f"waivers:\n  - {{rule: OWN001, record: {long_id(odd(1)['Id'])}, reason: agreed, expires: 2027-01-01}}\n"
    )
    assert audit(run, sure).code == 1
    path = sure.root / "known.csv"
    done = audit(run, sure, "--write-baseline", path)
    assert done.code == 0
    assert "baseline of 1 findings" in done.err
    assert audit(run, sure, "--baseline", path).code == 0
    sure.fill(odd(1), odd(2), odd(3))
    assert audit(run, sure, "--baseline", path).code == 1


def test_a_baseline_named_in_the_settings_is_found_from_anywhere(
    run: Run, sure: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    sure.settings("baseline: known.csv\n")
    sure.fill(odd(1))
    assert audit(run, sure).code == 2
    assert audit(run, sure, "--write-baseline", sure.root / "known.csv").code == 0
    assert audit(run, sure).code == 0
    sure.fill(lead(1))
    done = audit(run, sure)
    assert "1 of the 1 entries of the baseline are no longer found (OWN001 1)" in done.out


def test_only_new_findings_fail_when_asked(run: Run, sure: Project) -> None:
    sure.fill(odd(1))
    assert audit(run, sure, "--fail-on-new").code == 1
    assert audit(run, sure, "--fail-on-new").code == 0
    sure.fill(odd(1), odd(2), odd(3), as_of=AS_OF + timedelta(days=1))
    assert audit(run, sure, "--max-new", "2").code == 0
    sure.fill(odd(1), *(odd(n) for n in range(2, 9)), as_of=AS_OF + timedelta(days=2))
    assert audit(run, sure, "--max-new", "2").code == 1
    assert audit(run, sure).code == 1


def test_a_profile_says_what_fails_a_run(run: Run, sure: Project) -> None:
    sure.settings("profiles:\n  calm: {select: [OWN], fail_on: never}\n  new: {select: [OWN], max_new: 1}\n")
    sure.fill(odd(1))
    assert audit(run, sure, "--profile", "calm").code == 0
    assert audit(run, sure, "--profile", "calm", "--fail-on", "error").code == 1
    assert audit(run, sure, "--profile", "new").code == 0


def test_an_unfit_mirror_never_gives_a_green_run(run: Run, sure: Project) -> None:
    sure.rule("SY901", GATE)
    sure.fill(lead(1, Status="Broken"), odd(2))
    done = audit(run, sure, "--fail-on", "never")
    assert done.code == 3
    assert "UNFIT" in done.out
    assert "UNFIT" in done.err
    assert "OWN001" not in done.out
    assert "--even-if-unfit" in done.err
    judged = audit(run, sure, "--even-if-unfit", "--fail-on", "never", "--format", "json")
    assert judged.code == 3
    body = json.loads(judged.out)
    assert {finding["mirror"] for finding in body["findings"]} == {"unfit"}
    assert {finding["rule"] for finding in body["findings"]} == {"SY901", "OWN001"}
    refused = audit(run, sure, "--even-if-unfit", "--write-baseline", sure.root / "known.csv")
    assert refused.code == 3
    assert not (sure.root / "known.csv").exists()


def test_waivers_that_need_a_look_are_told_with_their_line(run: Run, sure: Project) -> None:
    sure.settings(
        "waivers:\n"
        "  - {rule: OWN001, expires: 2027-01-01}\n"
        "  - {rule: OWN001, reason: old, expires: 2025-01-01}\n"
        "  - {rule: OWN001, reason: soon, expires: 2026-02-10}\n"
    )
    sure.fill(lead(1))
    done = audit(run, sure)
    assert "sfsync.yml:4:5: the waiver does not apply: `reason` is missing" in done.out
    assert "sfsync.yml:5:5: the waiver of OWN001 does not apply: it expired on 2025-01-01" in done.out
    assert "sfsync.yml:6:5: the waiver of OWN001 expires on 2026-02-10" in done.out
    assert "sfsync.yml:6:5: the waiver of OWN001 covers nothing any more" in done.out
    assert "sfsync.yml:4:5" in audit(run, sure, "--format", "csv").err


def test_github_gets_its_summary_too(run: Run, sure: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    sure.fill(odd(1))
    done = audit(run, sure, "--format", "github", "--output", tmp_path / "a.csv")
    assert done.out.startswith("::error title=OWN001 odd-status::")
    assert page.read_text().startswith("before\n## sfsync audit")
    assert (tmp_path / "a.csv").read_text().startswith("rule,")


def test_an_earlier_audit_is_shown_as_it_was(run: Run, sure: Project) -> None:
    sure.fill(odd(1))
    first = audit(run, sure, "--json").json["result"]["audit_id"]
    sure.fill(lead(1), as_of=AS_OF + timedelta(days=1))
    audit(run, sure)
    newest = run("audit", "show", "--format", "json", "--project", sure.root)
    assert (newest.code, json.loads(newest.out)["findings_total"]) == (0, 0)
    before = run("audit", "show", first[:22], "--format", "json", "--project", sure.root)
    assert [finding["record_id"] for finding in json.loads(before.out)["findings"]] == [odd(1)["Id"]]
    assert run("audit", "show", first, "--fail-on", "error", "--project", sure.root).code == 1
    assert run("audit", "show", "1999", "--project", sure.root).code == 2


def test_the_trend_shows_every_audit_and_every_rule(run: Run, sure: Project) -> None:
    assert run("audit", "trend", "--project", sure.root).code == 3
    for day, bad in enumerate((3, 2, 4)):
        leads = [odd(n) if n < bad else lead(n) for n in range(5)]
        sure.fill(*leads, as_of=AS_OF + timedelta(days=day))
        audit(run, sure)
    body = run("audit", "trend", "--json", "--project", sure.root).json["result"]
    assert [(each["found"], each["new"], each["fixed"]) for each in body["audits"]] == [(3, 3, 0), (2, 0, 1), (4, 2, 0)]
    assert body["rules"] == [
        {"id": "OWN001", "severity": "error", "counts": [3, 2, 4], "change": 1, "first_seen": "2026-01-31T12:00:00Z"}
    ]
    done = run("audit", "trend", "own001", "--last", "2", "--project", sure.root)
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if line.startswith("OWN001")]
    assert line.split() == ["OWN001", "error", "▅█", "4", "+2", "2026-01-31"]
    assert run("audit", "trend", "OWN009", "--project", sure.root).code == 2


def test_the_sql_is_printed_for_another_database_and_nothing_is_judged(run: Run, sure: Project) -> None:
    sure.fill(odd(1))
    done = audit(run, sure, "--sql", "--dialect", "snowflake", "--select", "OWN001")
    assert done.code == 0
    assert done.out.startswith("-- OWN001 odd-status")
    assert "'Odd'" in done.out
    assert run("audit", "show", "--project", sure.root).code == 3
    assert audit(run, sure, "--dialect", "snowflake").code == 2
    assert "did you mean `snowflake`?" in audit(run, sure, "--sql", "--dialect", "snowflak").err


def test_help_begins_with_examples(run: Run) -> None:
    for command in (["audit"], ["audit", "show"], ["audit", "trend"]):
        done = run(*command, "--help")
        assert done.code == 0
        assert done.out.index("Examples:") < done.out.index("Options:")
