"""`sfsync rule new`, `rule test`, `rule explain` and `config show`: rules of one's own, and what is in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.audit.conftest import MakeMirror, converted, lead
from tests.unit.audit.results import MakeProject, odd

Run = Callable[..., Any]


@pytest.fixture
def here(project_with: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project_with.root)
    return project_with.root


@pytest.mark.parametrize(
    "options", [[], ["--object", "Opportunity", "--name", "no-next-step"], ["--object", "Deal__c"]]
)
def test_a_new_rule_works_as_it_is(run: Run, here: Path, options: list[str]) -> None:
    made = run("rule", "new", "ACME001", *options, "--json").json["result"]
    assert Path(made["file"]).parent == here / "rules"
    tried = run("rule", "test", "ACME001", "--json").json["result"]
    assert tried == {"rules": 1, "examples": 3, "failed": []}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["acme"], "cannot be the id of a rule"),
        (["OWN001"], "there is a rule OWN001 already"),
        (["ACME001", "--name", "Not This"], "cannot be the name of a rule"),
        (["ACME001", "--object", "1 Lead"], "is not the API name of an object"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(run: Run, here: Path, arguments: list[str], told: str) -> None:
    done = run("rule", "new", *arguments)
    assert done.code == 2
    assert told in done.err
    assert [file.name for file in (here / "rules").iterdir()] == ["OWN001.yml"]


def test_a_new_rule_is_never_written_over_another_file(run: Run, here: Path) -> None:
    file = here / "rules" / "ACME001-no-description.yml"
    file.write_text("mine")
    assert run("rule", "new", "ACME001").code == 2
    assert file.read_text() == "mine"


def test_rules_are_tried_by_their_ids(run: Run, here: Path) -> None:
    run("rule", "new", "ACME001")
    assert run("rule", "test", "OWN", "--json").json["result"]["rules"] == 1
    assert run("rule", "test", "--json").json["result"]["rules"] == 2
    assert run("rule", "test", "rules", "--json").json["result"]["rules"] == 2
    done = run("rule", "test", "ACME002")
    assert done.code == 2
    assert "did you mean `ACME001`?" in done.err


def test_a_rule_that_breaks_its_promise_is_told_with_what_it_says(run: Run, here: Path) -> None:
    run("rule", "new", "ACME001")
    file = here / "rules" / "ACME001-no-description.yml"
    file.write_text(file.read_text().replace("eligible: 2", "eligible: 3"))
    done = run("rule", "test", "ACME001")
    assert done.code == 2
    assert "2 eligible, not 3" in done.out


SETTINGS = """\
target_org: prod
orgs: {prod: {auth: password, username: ana, password: "${SF_PASSWORD}", rules: {OWN001: {params: {odd: Org}}}}}
pull: {lag: 90s}
profiles: {weekly: {rules: {OWN001: {severity: info}}}}
rules:
  OWN001: {owner: ana, where: Status <> 'New', warn: {percent: 5}, by: {LeadSource: {Web: {odd: Web}}}}
"""


def shown(run: Run, *arguments: str) -> dict[str, tuple[str, str]]:
    listed = run("config", "show", *arguments, "--json").json["result"]
    return {each["path"]: (each["value"], each["origin"]) for each in listed}


def test_every_setting_is_shown_with_where_it_comes_from(run: Run, project_with: MakeProject, here: Path) -> None:
    project_with.settings(SETTINGS)
    values = shown(run)
    assert values["pull.lag"] == ("1m30s", "sfsync.yml:5")
    assert values["pull.overlap"] == ("10m", "default")
    assert values["orgs.prod.password"] == ("${SF_PASSWORD}", "sfsync.yml:4")
    assert values["rules.OWN001.params.odd"] == ("Org", "org, sfsync.yml:4")
    assert values["rules.OWN001.where"] == ("Status <> 'New'", "rule, sfsync.yml:8")
    assert values["rules.OWN001.by.LeadSource.Web.odd"] == ("Web", "segment, sfsync.yml:8")
    assert "rules.OWN001.params.words" not in values  # as its file has it
    assert "requires_sfsync" not in values  # not set, and without a default


def test_a_part_of_the_settings_is_shown_whole(run: Run, project_with: MakeProject, here: Path) -> None:
    project_with.settings(SETTINGS)
    values = shown(run, "rules.OWN001", "--profile", "weekly")
    assert values["rules.OWN001.severity"] == ("info", "profile, sfsync.yml:6")
    assert values["rules.OWN001.params.words"] == ("[]", "default")
    assert all(path.startswith("rules.OWN001.") for path in values)
    done = run("config", "show", "--origin")
    assert "sfsync.yml:5" in done.out
    assert "sfsync.yml:5" not in run("config", "show").out


def test_a_setting_that_does_not_exist_is_refused(run: Run, here: Path) -> None:
    done = run("config", "show", "tymezone")
    assert done.code == 2
    assert "did you mean `timezone`?" in done.err


def test_a_rule_is_explained_with_what_the_project_sets(run: Run, project_with: MakeProject, here: Path) -> None:
    project_with.settings(SETTINGS)
    project_with.fill(odd(1), lead(2))
    page = run("rule", "explain", "OWN001")
    for words in (
        "odd = Org [sfsync.yml:4]",
        "looked after by ana [sfsync.yml:8]",
        "only where Status <> 'New'",
        "warning from 5 %",
        "where LeadSource = Web: odd = Web [sfsync.yml:8]",
        "SQL of the findings where LeadSource = Web",
        "waivers: [{rule: OWN001, record: ID, reason: why it may stay, expires: YYYY-MM-DD}]",
    ):
        assert words in page.out
    told = run("rule", "explain", "OWN001", "--json").json["result"]
    assert told["params"]["odd"]["origin"] == "org, sfsync.yml:4"
    assert told["segments"][0]["params"]["odd"] == "Web"
    assert told["limits"] == {"warn": {"percent": 5.0, "min_eligible": 1}}
    assert project_with.store.query(told["segments"][0]["sql"]).rows().rows == []


def test_numbers_from_the_data_are_explained_with_how_many_records_they_rest_on(
    run: Run, mirror: MakeMirror, tmp_path: Path
) -> None:
    (tmp_path / "sfsync.yml").write_text("version: 1\nstore: mirror.duckdb\n")
    known = [
        converted(i, LeadSource="Web", CreatedDate=datetime(2026, 1, 1), ConvertedDate=date(2026, 1, 11))
        for i in range(1, 61)
    ]
    mirror(Lead=[*known, converted(90, LeadSource="Fair"), lead(99)])
    page = run("rule", "explain", "LA004", "--project", tmp_path).out
    assert "days for Web: 10 days (n=60, auto)" in page
    assert "days for Fair: 90 days (n=1, fallback)" in page
