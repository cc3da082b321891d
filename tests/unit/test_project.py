"""Finding and starting a project."""

from __future__ import annotations

import os
import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from sfsync.config.settings import Settings
from sfsync.errors import ConfigError, UsageError
from sfsync.project import Project, create_project, find_project

ROOT_USER = hasattr(os, "getuid") and os.getuid() == 0


def test_the_nearest_settings_upward_make_the_project(tmp_path):
    (tmp_path / "sfsync.yml").write_text("timezone: Europe/Berlin\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = find_project(start=inner)
    assert found.root == tmp_path
    assert found.settings.timezone == "Europe/Berlin"
    (tmp_path / "a" / "sfsync.yml").write_text("version: 1\n")
    assert find_project(start=inner).root == tmp_path / "a"


def test_the_current_folder_is_where_the_search_begins(tmp_path, monkeypatch):
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    monkeypatch.chdir(tmp_path)
    assert find_project().root == tmp_path


def test_without_a_project_the_way_to_one_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no sfsync\.yml in") as caught:
        find_project(start=tmp_path)
    assert "sfsync init" in caught.value.hint
    assert find_project(start=tmp_path, must_exist=False) == Project(tmp_path)


def test_a_folder_that_is_named_works_even_when_it_is_empty(tmp_path):
    found = find_project(tmp_path)
    assert found.settings == Settings()
    assert found.document is None
    assert found.store_path == tmp_path / ".sfsync" / "mirror.duckdb"


def test_a_named_folder_must_be_there_and_be_a_folder(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        find_project(tmp_path / "gone")
    assert find_project(tmp_path / "gone", must_exist=False).root == tmp_path / "gone"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not a folder"):
        find_project(tmp_path / "file")


def test_the_settings_file_itself_may_be_named(tmp_path):
    (tmp_path / "sfsync.yml").write_text("timezone: Asia/Tokyo\n")
    assert find_project(tmp_path / "sfsync.yml").settings.timezone == "Asia/Tokyo"


def test_a_relative_name_counts_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "org").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_project(Path("org")).root == tmp_path / "org"


def test_problems_of_the_settings_name_the_file_as_the_user_knows_it(tmp_path):
    (tmp_path / "sfsync.yml").write_text("timezon: UTC\n")
    with pytest.raises(ConfigError, match=r"^sfsync\.yml:1:1: unknown key `timezon` \(did you mean `timezone`\?\)$"):
        find_project(tmp_path)


def test_a_project_for_another_version_is_refused(tmp_path):
    (tmp_path / "sfsync.yml").write_text("requires_sfsync: '>=99'\n")
    with pytest.raises(ConfigError, match="this project wants sfsync >=99"):
        find_project(tmp_path)


@pytest.mark.skipif(not ROOT_USER, reason="only root can give a file away")
def test_settings_of_another_user_are_not_taken_by_searching_upward(tmp_path):
    (tmp_path / "sfsync.yml").write_text("version: 1\n")
    os.chown(tmp_path / "sfsync.yml", 12345, 12345)
    (tmp_path / "inner").mkdir()
    with pytest.raises(UsageError, match="belongs to another user") as caught:
        find_project(start=tmp_path / "inner")
    assert "--project" in caught.value.hint
    assert find_project(start=tmp_path).root == tmp_path
    assert find_project(tmp_path).root == tmp_path


def test_the_state_folder_is_made_when_asked_for_and_is_for_its_owner_alone(tmp_path):
    project = Project(tmp_path)
    assert not (tmp_path / ".sfsync").exists()
    assert stat.S_IMODE(project.state_dir.stat().st_mode) == 0o700
    assert (project.state_dir / ".gitignore").read_text().endswith("*\n")


def test_a_state_folder_that_cannot_be_made_is_one_clear_message(tmp_path):
    (tmp_path / ".sfsync").write_text("a file is in the way")
    with pytest.raises(UsageError, match="cannot be made"):
        _ = Project(tmp_path).state_dir


def test_the_store_may_be_elsewhere(tmp_path):
    assert Project(tmp_path, Settings(store="data/m.duckdb")).store_path == tmp_path / "data" / "m.duckdb"
    assert Project(tmp_path, Settings(store="/var/m.duckdb")).store_path.as_posix() == "/var/m.duckdb"


def test_a_new_project_has_settings_mappings_and_a_gitignore(tmp_path):
    created = create_project(tmp_path / "new", {"lead.yml": "# lead"})
    assert created.written == ("mappings/lead.yml", ".gitignore", "sfsync.yml")
    assert created.kept == ()
    found = find_project(tmp_path / "new")
    assert found.settings == Settings()
    assert (found.mappings_dir / "lead.yml").read_text() == "# lead"
    assert ".sfsync/" in (tmp_path / "new" / ".gitignore").read_text().splitlines()


def test_the_examples_in_the_new_settings_are_right(tmp_path):
    create_project(tmp_path, {})
    path = tmp_path / "sfsync.yml"
    # Every commented line that is a key (or inside one) becomes live; prose stays a comment.
    path.write_text(re.sub(r"(?m)^# (?=( *)(\w+: *(\S.*)?|[A-Z]{2}\d{3}: .*)$)(?![A-Z][a-z]+ )", "", path.read_text()))
    read = find_project(tmp_path).settings
    assert read.target_org == "prod"
    assert read.orgs["prod"].auth == "jwt"
    assert read.pull.lag == timedelta(minutes=5)
    assert read.pull.objects is not None
    assert read.pull.bulk_threshold == Settings().pull.bulk_threshold
    assert read.store == Settings().store
    assert read.definitions.in_force is not None
    assert read.definitions.in_force.min == 3
    assert read.definitions.lead_status.qualified == ("Closed - Converted",)
    assert not read.rules["LI001"].enabled


@pytest.mark.parametrize("alias", ["prod", "it's", "a: b # c", "yes", "${X}", "1.0"])
def test_the_org_of_a_new_project_is_exactly_the_one_named(tmp_path, alias):
    create_project(tmp_path, {}, target_org=alias)
    assert find_project(tmp_path).settings.target_org == alias


def test_nothing_that_exists_is_overwritten(tmp_path):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "lead.yml").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    created = create_project(tmp_path, {"lead.yml": "# lead", "user.yml": "# user"})
    assert created.kept == ("mappings/lead.yml", ".gitignore")
    assert created.written == ("mappings/user.yml", "sfsync.yml")
    assert (tmp_path / "mappings" / "lead.yml").read_text() == "mine"
    with pytest.raises(UsageError, match="exists already"):
        create_project(tmp_path, {"new.yml": "# new"})
    assert not (tmp_path / "mappings" / "new.yml").exists()


def test_a_project_that_cannot_be_written_is_one_clear_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        create_project(tmp_path / "file" / "inner", {})
    (tmp_path / "mappings").write_text("a file is in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        create_project(tmp_path, {"lead.yml": ""})
    assert not (tmp_path / "sfsync.yml").exists()


def test_a_filter_that_is_no_soql_is_told_where_it_goes_wrong(tmp_path):
    (tmp_path / "sfsync.yml").write_text(
        "pull:\n  objects:\n    - User\n    - Lead:\n        filter: Email != null AND OR x\n"
        "    - Task: {filter: \"Subject LIKE 'a%' AND Status = 'x' OR IsClosed = true\"}\n"
        "    - Event: {filter: EndDate BETWEEN 1}\n"
    )
    with pytest.raises(ConfigError) as caught:
        find_project(tmp_path)
    first, second, third = (str(problem) for problem in caught.value.problems)
    assert first.startswith("sfsync.yml:5:34: the filter cannot be read: unexpected token: 'OR'")
    assert second.startswith("sfsync.yml:6:57: the filter cannot be read")
    assert "do not mix without them" in second
    assert third.startswith("sfsync.yml:7:30: ")
