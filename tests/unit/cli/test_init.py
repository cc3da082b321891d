"""`sfsync init`."""

from __future__ import annotations

import json

import pytest

from sfsync.cli import run
from sfsync.mapping.load import load_mappings
from sfsync.project import find_project


def test_init_makes_a_project_and_says_what_to_do_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "myorg", "--target-org", "prod"]) == 0
    out, err = capsys.readouterr()
    assert "myorg/sfsync.yml" in out
    assert "cd myorg && sfsync pull" in err
    found = find_project(tmp_path / "myorg")
    assert found.settings.target_org == "prod"
    assert len(load_mappings(found.mappings_dir)) == 5


def test_init_tells_a_program_what_it_wrote(tmp_path, capsys):
    (tmp_path / ".gitignore").write_text("mine")
    assert run(["init", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == 0
    assert answer["result"]["project"] == str(tmp_path)
    assert "sfsync.yml" in answer["result"]["written"]
    assert answer["result"]["kept"] == [".gitignore"]
    assert len(answer["warnings"]) == 1


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_init_refuses_to_write_over_a_project(tmp_path, capsys, arguments):
    (tmp_path / "sfsync.yml").write_text("timezone: Europe/Berlin\n")
    assert run(["init", str(tmp_path), *arguments]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "sfsync.yml").read_text() == "timezone: Europe/Berlin\n"
    assert not (tmp_path / "mappings").exists()
