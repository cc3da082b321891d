from __future__ import annotations

import json
import os
import shutil

import pytest

from sfsync import cli
from sfsync.audit import load
from sfsync.store.duckdb import DuckDBStore


@pytest.fixture
def project(seeded, tmp_path, monkeypatch):
    """A project folder with a mirror in it, the current folder elsewhere."""
    root = tmp_path / "northwind"
    (root / ".sfsync").mkdir(parents=True)
    shutil.copy(seeded.store.path, root / ".sfsync" / "mirror.duckdb")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return root


@pytest.fixture
def few_rules(tmp_path, monkeypatch):
    """A few of the packaged rules: what the command does with its file is the same with all of them."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for file in load.PACKAGED.glob("OP00*.yml"):
        shutil.copy(file, folder)
    monkeypatch.setattr(load, "PACKAGED", folder)
    load._packaged_rules.cache_clear()
    yield
    load._packaged_rules.cache_clear()


def test_report_writes_one_file_into_the_project_and_names_it_on_stdout(project, capsys):
    assert cli.run(["report", "--project", str(project)]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(project / "report.html")
    assert "findings by" in err
    assert "Next: open the file" in err
    assert "<h1><bdi>northwind</bdi></h1>" in (project / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("few_rules")
def test_report_goes_where_it_is_told_to(project, tmp_path):
    assert cli.run(["report", "--project", str(project), "--output", "leads.html"]) == 0
    assert (tmp_path / "elsewhere" / "leads.html").exists()
    assert not (project / "report.html").exists()


@pytest.mark.usefixtures("few_rules")
def test_report_shows_values_only_when_asked_for(project):
    cli.run(["report", "--project", str(project)])
    assert "Contains values" not in (project / "report.html").read_text(encoding="utf-8")
    cli.run(["report", "--project", str(project), "--include-values"])
    assert "Contains values" in (project / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("few_rules")
def test_report_speaks_json(project, capsys):
    assert cli.run(["report", "--project", str(project), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == 0
    assert "could not be evaluated" in answer["warnings"][0]
    assert answer["result"]["report"] == str(project / "report.html")
    assert answer["result"]["bytes"] == (project / "report.html").stat().st_size
    assert set(answer["result"]["rules"]) == {"pass", "finding", "not_evaluable"}


def test_report_without_a_mirror_says_what_to_do_and_leaves_nothing(tmp_path, capsys):
    assert cli.run(["report", "--project", str(tmp_path)]) == 3
    assert "sfsync pull" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("place", ["file/x.html", "file/deep/er/x.html"])
def test_a_place_that_cannot_be_written_is_one_clear_message_before_anything_is_audited(
    project, tmp_path, capsys, monkeypatch, place
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(DuckDBStore, "judging", lambda _self: pytest.fail("an audit was made"))
    assert cli.run(["report", "--project", str(project), "--output", str(tmp_path / place)]) == 3
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told_before_anything_is_audited(project, tmp_path, capsys):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert cli.run(["report", "--project", str(project), "--output", str(tmp_path / "closed" / "x.html")]) == 3
    assert "cannot be written" in capsys.readouterr().err
