"""Every format, with values as hostile as an org can hold them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook

from sfsync.audit import formats
from sfsync.audit.formats import FORMATS, Shown, excel, format_of, github, junit, sarif, write, write_file
from sfsync.audit.formats import csv as csv_format
from sfsync.audit.stored import BATCH, read_audit
from sfsync.errors import SfsyncError, UsageError
from sfsync.record_ids import long_id
from sfsync.records import Severity
from sfsync.store.ledger import set_fact
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import AS_OF, GATE, Project, lead, odd

HOSTILE = (
    "<script>alert(1)</script>",
    "]]></failure><x>",
    '=HYPERLINK("https://evil.example")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "a\r\n=1+1",
    "\x1b[31mred\x07",
    "\x00nul\x0b\x0c\x1f",
    "\u202egnp.exe\u2028x",
    "\ufffe\uffff\U0001f600",
    "| a | b |\n|---|---|",
    "[x](javascript:alert(1)) `code` **bold** @everyone",
    "<!-- --> <details> </details>",
    "x\n::error::injected\n::set-output name=a::b",
    "##[error]injected",
    "%0A::error::injected",
    '"quoted", and, commas',
    "#N/A",
    "_x0041_",
    "x" * 5000,
    "",
)

#: Finds every lead and says what its source is.
SAYS = (
    RULE.replace("OWN001", "OWN002")
    .replace(
        "SELECT l.Id AS record_id, l.Status AS status\n",
        "SELECT l.Id AS record_id, l.LeadSource AS status, l.LeadSource AS breakdown\n",
    )
    .replace("Status: text, CreatedDate: datetime", "Status: text, LeadSource: text")
    .replace('message: "Status is {status}"', 'message: "{status}"')
    .replace("severity: warning", "severity: error")
)


@pytest.fixture
def hostile(project_with: Project) -> Project:
    project_with.rule("OWN002", SAYS)
    project_with.fill(*(odd(n, LeadSource=value) for n, value in enumerate(HOSTILE)))
    with project_with.store.writing() as session:
        set_fact(session, "org_id", "00D000000000001EAA")
        set_fact(session, "instance_url", "https://acme.my.salesforce.com")
    project_with.audit(select=["OWN002"])
    return project_with


@pytest.fixture
def shown(hostile: Project) -> Iterator[Shown]:
    with hostile.store.reading() as session:
        yield Shown(read_audit(session), session)


def told(shown: Shown, name: str) -> str:
    out = io.StringIO(newline="")
    write(shown, name, out)
    return out.getvalue()


def workbook(shown: Shown) -> Any:
    out = io.BytesIO()
    write(shown, "excel", out)
    out.seek(0)
    return load_workbook(out)


# ── every format ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "excel"])
def test_no_control_or_direction_character_reaches_a_reader(shown: Shown, name: str) -> None:
    text = told(shown, name)
    decoded = json.dumps(json.loads(text), ensure_ascii=True) if name in {"json", "sarif"} else text
    if name not in {"json", "jsonl"}:  # machines get the value itself, escaped as JSON has it
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202e\u2028\ufffe\uffff]", decoded)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


@pytest.mark.parametrize("name", FORMATS)
def test_an_unfit_mirror_is_stamped_in_every_format(project_with: Project, name: str, tmp_path: Path) -> None:
    project_with.rule("SY901", GATE)
    project_with.audit(odd(1), lead(2, Status="Broken"), even_if_unfit=True)
    with project_with.store.reading() as session:
        path = tmp_path / "out"
        write_file(Shown(read_audit(session), session), name, path)
    if name == "excel":
        sheets = load_workbook(io.BytesIO(path.read_bytes()))
        assert "UNFIT" in str([[cell.value for cell in row] for row in sheets["Summary"]])
        assert {row[-1].value for row in list(sheets["Findings"])[1:]} == {"unfit"}
    else:
        assert "unfit" in path.read_text(encoding="utf-8").casefold()


@pytest.mark.parametrize("name", FORMATS)
def test_an_audit_without_findings_is_written_too(project_with: Project, name: str, tmp_path: Path) -> None:
    project_with.audit(lead(1))
    with project_with.store.reading() as session:
        write_file(Shown(read_audit(session), session), name, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize("name", ["jsonl", "csv"])
def test_all_findings_are_written_however_many_batches_they_are(project_with: Project, name: str) -> None:
    project_with.fill(lead(0))
    with project_with.store.writing() as session:
        session.execute(
            "INSERT INTO sf_all.\"Lead\" (Id, Status, IsDeleted) SELECT '00Q' || lpad(CAST(range AS VARCHAR), 12, '0')"
            f" || 'AAA', 'Odd', FALSE FROM range(1, {2 * BATCH + 2})"
        )
    project_with.audit()
    with project_with.store.reading() as session:
        shown = Shown(read_audit(session), session)
        lines = told(shown, name).splitlines()
        assert len([line for line in lines if "Status is Odd" in line]) == 2 * BATCH + 1
        ids = re.findall("00Q[0-9]{12}AAA", "\n".join(lines))
        assert ids == sorted(ids)
        few = told(replace(shown, max_findings=BATCH + 5), name).splitlines()
        assert len([line for line in few if "Status is Odd" in line]) == BATCH + 5


def test_a_file_is_whole_or_as_it_was(hostile: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with hostile.store.reading() as session:
        shown = Shown(read_audit(session), session)
        monkeypatch.setattr(Shown, "findings", fail)
        with pytest.raises(SfsyncError, match="No space left"):
            write_file(shown, "json", path)
        assert path.read_text() == "old"
        assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".out")] == []
        monkeypatch.undo()
        write_file(shown, "json", path)
    assert json.loads(path.read_text())["findings_total"] == len(HOSTILE)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.json", "json"),
        ("A.JSONL", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.csv", "csv"),
        ("a.xlsx", "excel"),
        ("junit.xml", "junit"),
        ("a.sarif", "sarif"),
        ("a.sarif.json", "sarif"),
        ("a.md", "markdown"),
        ("a.txt", "human"),
    ],
)
def test_the_name_of_a_file_says_its_format(name: str, format_name: str) -> None:
    assert format_of(Path(name)) == format_name


def test_a_name_that_says_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="does not say which format"):
        format_of(Path("audit.pdf"))


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_holds_the_values_as_they_are(shown: Shown) -> None:
    body = json.loads(told(shown, "json"))
    assert (body["format"], body["format_version"]) == ("sfsync-audit", 1)
    messages = {finding["record_id"]: finding["message"] for finding in body["findings"]}
    assert len(messages) == len(HOSTILE)
    assert HOSTILE[0] in messages.values()
    assert body["findings"][0]["url"].startswith("https://acme.my.salesforce.com/lightning/r/Lead/00Q")
    assert body["summary"] == {"new": len(HOSTILE), "persisting": 0, "fixed": 0, "waived": 0, "not_evaluable": 0}
    assert body["mirror"] == {"fit": True, "unfit_because": None, "not_judged": []}
    (rule,) = body["rules"]
    assert (rule["failing"], rule["findings"]["new"]) == (len(HOSTILE), len(HOSTILE))


def test_json_lines_say_of_each_line_what_it_is(shown: Shown) -> None:
    lines = [json.loads(line) for line in told(shown, "jsonl").split("\n") if line]
    assert [line["type"] for line in lines[:2]] == ["audit", "rule"]
    assert sum(line["type"] == "finding" for line in lines) == len(HOSTILE)


def test_what_is_gone_is_listed(project_with: Project) -> None:
    project_with.audit(odd(1), odd(2))
    project_with.audit(lead(1), odd(2), as_of=AS_OF + timedelta(days=1))
    with project_with.store.reading() as session:
        shown = Shown(read_audit(session), session)
        body = json.loads(told(shown, "json"))
        assert [each["record_id"] for each in body["fixed"]] == [odd(1)["Id"]]
        assert '"type":"fixed"' in told(shown, "jsonl")


# ── sheets ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_cell_of_a_csv_file_is_a_formula(shown: Shown) -> None:
    text = told(shown, "csv")
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == csv_format.COLUMNS
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert len(row) == len(header)
        assert not [cell for cell in row if re.match(r"\s*[=+@-]", cell)]
    assert {row[header.index("url")][:8] for row in rows} == {"https://"}


def test_no_cell_of_an_excel_file_is_a_formula(shown: Shown) -> None:
    book = workbook(shown)
    assert book.sheetnames == ["Summary", "Rules", "Findings", "Metrics", "Waivers"]
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert "f" not in kinds
    assert "e" not in kinds
    values = {str(row[5].value) for row in book["Findings"]}
    assert '=HYPERLINK("https://evil.example")' in values
    assert book["Findings"].max_row == len(HOSTILE) + 1


def test_an_excel_file_says_when_findings_have_no_room(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MOST_ROWS", 6)
    book = workbook(shown)
    assert book["Findings"].max_row == 6
    told_of = [str(row[1].value) for row in book["Summary"]]
    assert any(f"{len(HOSTILE) - 5} more findings have no room" in text for text in told_of)


# ── JUnit ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_junit_is_xml_that_says_what_failed(shown: Shown) -> None:
    root = ET.fromstring(told(shown, "junit").encode())
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")
    (case,) = root.findall("testsuite[@name='own']/testcase")
    (failure,) = case
    assert failure.tag == "failure"
    assert "<script>alert(1)</script>" in (failure.text or "")
    assert {child.tag for child in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "skipped", "properties", "property"),
        "system-out",
    }


def test_junit_skips_what_could_not_be_judged_and_lists_so_many_findings(
    hostile: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.rule("OWN003", RULE.replace("OWN001", "OWN003").replace("Status: text,", "Status: text, Gone__c: text,"))
    hostile.audit(select=["OWN002", "OWN003"])
    monkeypatch.setattr(junit, "LISTED", 3)
    with hostile.store.reading() as session:
        root = ET.fromstring(told(Shown(read_audit(session), session), "junit").encode())
    (skipped,) = root.iter("skipped")
    assert "Gone__c" in (skipped.get("message") or "")
    assert f"… and {len(HOSTILE) - 3} more" in (next(root.iter("failure")).text or "")


@pytest.mark.parametrize(
    ("fail_on", "only_new", "failures"), [("error", False, "0"), ("info", False, "1"), (None, False, "0")]
)
def test_junit_fails_by_what_fails_the_run(
    project_with: Project, fail_on: str | None, only_new: bool, failures: str
) -> None:
    project_with.audit(odd(1))
    with project_with.store.reading() as session:
        shown = Shown(read_audit(session), session, fail_on and Severity(fail_on), only_new)
        root = ET.fromstring(told(shown, "junit").encode())
    assert root.get("failures") == failures
    assert len(list(root.iter("system-out"))) == (failures == "0")


# ── SARIF ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sarif_has_what_code_scanning_asks_for(shown: Shown) -> None:
    body = json.loads(told(shown, "sarif"))
    assert body["version"] == "2.1.0"
    (run,) = body["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(HOSTILE)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "error"
        assert result["message"]["text"]
        assert len(result["message"]["text"]) <= sarif.LONGEST
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["sfsyncFinding/v1"])
        assert result["baselineState"] == "new"
        (place,) = result["locations"]
        assert re.fullmatch(r"salesforce/Lead/00Q\w{15}", place["physicalLocation"]["artifactLocation"]["uri"])
        assert result["hostedViewerUri"].startswith("https://acme.my.salesforce.com/")
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_says_when_it_is_cut_and_keeps_what_matters_most(
    hostile: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", len(HOSTILE) + 1)
    monkeypatch.setattr(sarif, "SHOWN_RESULTS", 5)
    hostile.audit(select=["OWN001", "OWN002"])
    with hostile.store.reading() as session:
        (run,) = json.loads(told(Shown(read_audit(session), session), "sarif"))["runs"]
    levels = [result["level"] for result in run["results"]]
    assert levels == ["error"] * len(HOSTILE) + ["warning"]
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert any(
        f"{len(HOSTILE) + 1} of {2 * len(HOSTILE)} findings are listed, the worst first" in note for note in notes
    )
    assert any("GitHub shows 5 results" in note for note in notes)


def test_sarif_tells_waived_findings_with_their_reason(project_with: Project) -> None:
    record = long_id(odd(1)["Id"])
    project_with.settings(
        f"waivers:\n  - {{rule: OWN001, record: {record}, reason: court case, expires: 2027-01-01}}\n"
    )
    project_with.audit(odd(1), odd(2))
    with project_with.store.reading() as session:
        (run,) = json.loads(told(Shown(read_audit(session), session), "sarif"))["runs"]
    told_of = {result["properties"]["state"]: result.get("suppressions") for result in run["results"]}
    assert told_of == {
        "waived": [{"kind": "external", "status": "accepted", "justification": "court case"}],
        "new": None,
    }


# ── Markdown and GitHub ─────────────────────────────────────────────────────────────────────────────────────────


def test_markdown_says_nothing_but_itself(hostile: Project) -> None:
    text = SAYS.replace("title: The status is odd", 'title: "<b>|x|</b> [a](javascript:b) @all"')
    hostile.rule("OWN002", text)
    hostile.audit(select=["OWN002"])
    with hostile.store.reading() as session:
        page = told(Shown(read_audit(session), session), "markdown")
    (row,) = [line for line in page.splitlines() if line.startswith("| **OWN002**")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert "<b>" not in row
    assert "@" not in row
    assert not re.search(r"(?<!\\)\]\(javascript", row)
    assert "alert" not in page


def test_github_gets_one_command_a_line_and_no_more_than_it_shows(hostile: Project) -> None:
    for n in range(10, 25):
        title = "title: 'The status, is odd: 100% ::error::x'"
        hostile.rule(f"OWN0{n}", SAYS.replace("OWN002", f"OWN0{n}").replace("title: The status is odd", title))
    hostile.audit(select=["OWN"])
    with hostile.store.reading() as session:
        lines = told(Shown(read_audit(session), session), "github").splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == github.MOST
    assert "7 more rules" in errors[-1]
    assert all(re.match(r"::(error|warning|notice) title=[^,:]*::", line) for line in lines)
    assert "100%25" in errors[1]
    assert all("##[" not in line for line in lines)


def test_the_human_table_says_less_of_many_rules(project_with: Project) -> None:
    for n in range(10, 50):
        project_with.rule(f"OWN0{n}", RULE.replace("OWN001", f"OWN0{n}").replace("default: Odd", "default: Never"))
    project_with.audit(odd(1), select=["OWN"])
    with project_with.store.reading() as session:
        out = told(Shown(read_audit(session), session), "human")
    assert len([line for line in out.splitlines() if line.startswith("OWN")]) == 1
    assert "40 rules looked and found nothing: OWN010" in out


def test_formats_are_all_named() -> None:
    folder = Path(formats.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "escaping", "sentences", "told"} == set(FORMATS)
