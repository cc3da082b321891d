from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.audit.baseline import HEADER, write_baseline
from sfsync.errors import ConfigError, UsageError
from sfsync.record_ids import long_id
from sfsync.records import Severity
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import Project, lead, odd


def written(project: Project, *leads: dict, **options: object) -> Path:
    result = project.audit(*leads, **options)
    path = project.root / "baseline.csv"
    keep = path if path.exists() else None
    write_baseline(project.store, result.audit_id, path, judged=result.judged, keep=keep)
    project.settings("baseline: baseline.csv\n")
    return path


def test_what_a_baseline_lists_fails_nothing_and_is_still_counted(project_with: Project) -> None:
    written(project_with, odd(1), odd(2))
    result = project_with.audit(odd(1), odd(2), odd(3))
    assert project_with.states(result) == {"1": "baselined", "2": "baselined", "3": "new"}
    assert (result.rules[0].count, result.at_least(Severity.INFO)) == (3, 1)
    assert (result.strip.persisting, result.strip.new) == (2, 1)


def test_a_baseline_is_sorted_stable_and_holds_no_values(project_with: Project) -> None:
    project_with.rule("OWN002", RULE.replace("OWN001", "OWN002"))
    path = written(project_with, odd(2, LeadSource="secret"), odd(1), select=["OWN"])
    first = path.read_text()
    lines = first.splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 5
    assert lines[1:] == sorted(lines[1:])
    assert "00Q" not in first
    written(project_with, odd(1, LeadSource="other"), odd(2), select=["OWN"])
    assert path.read_text() == first


def test_entries_that_are_no_longer_found_are_told(project_with: Project) -> None:
    written(project_with, odd(1), odd(2))
    use = project_with.audit(odd(1), lead(2)).baseline
    assert use is not None
    assert (use.entries, use.gone) == (2, {"OWN001": 1})


def test_entries_of_rules_that_did_not_run_are_neither_gone_nor_dropped(project_with: Project) -> None:
    project_with.rule("OWN002", RULE.replace("OWN001", "OWN002"))
    path = written(project_with, odd(1), select=["OWN"])
    use = project_with.audit(lead(1), select=["OWN001"]).baseline
    assert use is not None
    assert use.gone == {"OWN001": 1}
    written(project_with, lead(1), select=["OWN001"])
    assert [line.split(",")[0] for line in path.read_text().splitlines()[1:]] == ["OWN002"]


def test_waived_findings_stay_out_of_a_baseline(project_with: Project) -> None:
    project_with.settings(
        f"waivers:\n  - {{rule: OWN001, record: {long_id(odd(1)['Id'])}, reason: agreed, expires: 2027-01-01}}\n"
    )
    assert len(written(project_with, odd(1), odd(2)).read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: it is no baseline"),
        ("rule,fingerprint\n", "1: it is no baseline"),
        ("sfsync_baseline_v2,fingerprint\n", "1: it is of version 2, and this sfsync reads version 1"),
        (f"{HEADER}\n<<<<<<< HEAD\n", "2: the line is not"),
        (f"{HEADER}\nOWN001,0123\n", "2: the line is not"),
        (f"{HEADER}\nOWN001,{'a' * 32}\nOWN001,{'x' * 32}\n", "3: the line is not"),
        (f"{HEADER}\nOWN001,{'a' * 32},more\n", "2: the line is not"),
        (f"{HEADER}\nOWN001\n", "2: the line is not"),
        (f'{HEADER}\n"OWN001,\n', "2: the line is not"),
        ("\x00\x01\x02", "1: it is no baseline"),
    ],
)
def test_a_damaged_or_foreign_baseline_is_an_error_at_its_line(project_with: Project, text: str, message: str) -> None:
    (project_with.root / "baseline.csv").write_text(text)
    project_with.settings("baseline: baseline.csv\n")
    with pytest.raises(ConfigError, match=r"baseline\.csv:" + message.replace(",", ",")):
        project_with.audit(odd(1))


def test_a_baseline_that_is_not_there_is_an_error(project_with: Project) -> None:
    project_with.settings("baseline: baseline.csv\n")
    with pytest.raises(UsageError, match="cannot be read"):
        project_with.audit(odd(1))


def test_lines_may_end_as_windows_has_it(project_with: Project) -> None:
    path = written(project_with, odd(1))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert project_with.states(project_with.audit()) == {"1": "baselined"}
