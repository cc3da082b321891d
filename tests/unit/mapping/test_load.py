"""A folder of mappings: all of its problems at once."""

from __future__ import annotations

import os

import pytest

from sfsync.errors import MappingError
from sfsync.mapping.load import load_mappings, read_mapping

LEADS = "object: Lead\ntable: leads\nfields: {Email: email}\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "mappings"
    folder.mkdir()
    return folder


def test_a_folder_that_is_missing_or_empty_holds_no_mapping(tmp_path, folder):
    assert load_mappings(tmp_path / "nothing") == []
    assert load_mappings(folder) == []


def test_both_suffixes_are_read_in_order_and_nothing_else(folder):
    (folder / "b.yaml").write_text(LEADS.replace("leads", "b"))
    (folder / "a.yml").write_text(LEADS)
    (folder / "notes.txt").write_text("not a mapping")
    (folder / ".hidden.yml").write_text("not a mapping")
    (folder / "examples").mkdir()
    (folder / "examples" / "c.yml").write_text("not a mapping")
    mappings = load_mappings(folder)
    assert [mapping.file for mapping in mappings] == ["mappings/a.yml", "mappings/b.yaml"]


def test_the_problems_of_all_files_are_told_together(folder):
    (folder / "a.yml").write_text("object: Lead\ntabel: leads\nfields: {Email: email}\n")
    (folder / "b.yml").write_text("object: [\n")
    (folder / "c.yml").write_bytes(b"\xff")
    (folder / "d.yml").write_text("")
    (folder / "e.yml").write_text(LEADS)
    (folder / "f.yml").write_text(LEADS.replace("leads", "CRM.Leads"))
    with pytest.raises(MappingError) as caught:
        load_mappings(folder)
    assert [str(problem).split(" (")[0] for problem in caught.value.problems] == [
        "mappings/a.yml:2:1: unknown key `tabel`",
        "mappings/b.yml:1:10: the text ends before this value is complete",
        "mappings/c.yml:1:1: the byte 0xFF is not UTF-8",
        "mappings/d.yml:1:1: the file is empty",
        "mappings/f.yml:2:8: the local table `CRM.Leads` is already that of mappings/e.yml",
    ]
    assert caught.value.exit_code == 2


def test_a_folder_where_a_file_should_be_is_a_problem_not_a_crash(folder):
    (folder / "a.yml").mkdir()
    with pytest.raises(MappingError, match=r"mappings/a\.yml: the file cannot be read: Is a directory"):
        load_mappings(folder)
    with pytest.raises(MappingError, match="the folder cannot be read: Not a directory"):
        (folder / "file").write_text("")
        load_mappings(folder / "file")


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_link_to_nowhere_is_a_missing_file(folder):
    (folder / "a.yml").symlink_to("nowhere")
    with pytest.raises(MappingError, match="there is no such file"):
        load_mappings(folder)


def test_one_file_can_be_read_alone(folder):
    (folder / "a.yml").write_text(LEADS)
    assert read_mapping(folder / "a.yml", "a.yml").file == "a.yml"
    with pytest.raises(MappingError, match=r"gone\.yml: there is no such file"):
        read_mapping(folder / "gone.yml", "gone.yml")
