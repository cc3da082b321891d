"""Files as customers send them, through the command line: what is wrong with one is told, and what it says arrives."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg

MAPPING = "object: Lead\ndirection: push\nsource: SOURCE\nfields:\n  LastName: {constant: x}\n  Company: FIELD\n"


@pytest.fixture
def push(run: Callable[..., Any], logged_in: Callable[..., Any], tmp_path: Path) -> Any:
    """Plan and apply a mapping of one file into an empty org: the command's outcome, and the leads that are there."""
    fake = FakeOrg.empty()

    def done(source: str, field: str) -> tuple[Any, list[Any]]:
        (tmp_path / "sfsync.yml").write_text("version: 1\n")
        (tmp_path / "mappings").mkdir(exist_ok=True)
        text = MAPPING.replace("SOURCE", source).replace("FIELD", field)
        (tmp_path / "mappings" / "lead.yml").write_text(text, encoding="utf-8")
        with logged_in(fake):
            outcome = run("plan", "--project", tmp_path, "-o", tmp_path / "plan.json")
            if outcome.code == 0:
                outcome = run("apply", tmp_path / "plan.json", "--project", tmp_path, "--yes")
        ids = [
            row["Id"]
            for file in (tmp_path / ".sfsync").rglob("done.csv")
            for row in csv.DictReader(StringIO(file.read_text()))
        ]
        leads = [fake.record("Lead", each) or {} for each in ids]
        assert len(leads) == fake.count("Lead")
        return outcome, [each["Company"] for each in leads]

    return done


def sheet(path: Path, *rows: list[Any]) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_a_ragged_file_that_only_python_reads_is_told_with_its_line(push: Any, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_bytes("firma;ort\nMüller;Köln\nMeier;Bonn;Süd\n".encode("windows-1252"))
    outcome, companies = push("{file: leads.csv, encoding: windows-1252}", "firma")
    assert (outcome.code, companies) == (2, [])
    assert "error: leads.csv:3: 3 values, and the header has 2 columns" in outcome.err


def test_what_is_wrong_in_a_sheet_is_told_with_its_cell(push: Any, tmp_path: Path) -> None:
    sheet(tmp_path / "leads.xlsx", ["Leads of May"], ["Company", "City"], ["Acme", "Bonn"])
    outcome, companies = push("leads.xlsx", "Leads of May")
    assert (outcome.code, companies) == (2, [])
    assert "error: leads.xlsx: the cell B2 stands beside the columns" in outcome.err


@pytest.mark.parametrize(
    "header", ["Company\nName", "*Company  Name", "कंपनी का नाम", "Firm\u2019s name \u2013 legal", "# (Firm)"]
)
def test_a_column_of_any_name_is_pushed(push: Any, tmp_path: Path, header: str) -> None:
    sheet(tmp_path / "leads.xlsx", [header, "City"], ["Acme", "Bonn"])
    outcome, companies = push("leads.xlsx", f'"{" ".join(header.split())}"')
    assert (outcome.code, companies) == (0, ["Acme"]), outcome.err
