from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sfsync.errors import SfsyncError
from sfsync.sync import spool


def test_a_page_is_written_as_bulk_would_have_sent_it(tmp_path: Path) -> None:
    records = [
        {"attributes": {"type": "Lead"}, "Id": "1", "Name": 'a "b", c\r\nd', "IsConverted": True, "Score__c": 8.0e7},
        {"attributes": {"type": "Lead"}, "Id": "2", "Name": None, "IsConverted": False, "Score__c": None},
    ]
    rows = spool.write_page(tmp_path / "1.csv", ["Id", "Name", "IsConverted", "Score__c"], records)
    assert rows == 2
    with (tmp_path / "1.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["Id", "Name", "IsConverted", "Score__c"],
            ["1", 'a "b", c\r\nd', "true", "80000000.0"],
            ["2", "", "false", ""],
        ]


def test_what_a_killed_pull_left_in_the_spool_is_thrown_away(tmp_path: Path) -> None:
    folder = spool.fresh_folder(tmp_path, "Lead")
    (folder / "00001.csv").write_text("half a pa")
    assert list(spool.fresh_folder(tmp_path, "Lead").iterdir()) == []


def test_a_spool_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SfsyncError, match="spool"):
        spool.fresh_folder(tmp_path / "spool", "Lead")
