"""`sfsync verify`: what it forecasts, finds, mends, and how it exits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.store import open_store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> Iterator[Path]:
    (tmp_path / "sfsync.yml").write_text("pull:\n  objects: [Lead, LeadStatus]\n  formulas: {every: never}\n")
    with FakeOrg.seeded(seed=5, leads=60) as fake, fake.responses():
        monkeypatch.setenv("SF_ACCESS_TOKEN", fake.token)
        monkeypatch.setenv("SF_ORG_INSTANCE_URL", fake.instance_url)
        assert run("pull", "--project", tmp_path).code == 0
        yield tmp_path


def lose_one(project: Path) -> str:
    store = open_store(project / ".sfsync" / "mirror.duckdb")
    lost = str(store.query("SELECT min(Id) FROM sf.Lead").rows().scalar())
    with store.writing() as session:
        session.execute("DELETE FROM sf_all.Lead WHERE Id = ?", [lost])
    return lost


def test_an_equal_mirror_ends_well_and_the_cost_is_told_first(project: Path, run: Callable[..., Any]) -> None:
    done = run("verify", "--project", project)
    assert done.code == 0
    assert "verifying 2 objects" in done.err
    assert "API calls" in done.err.splitlines()[0]
    assert done.out.count("equal") == 2


def test_a_difference_ends_with_1_and_repair_mends_it(project: Path, run: Callable[..., Any]) -> None:
    lost = lose_one(project)
    found = run("verify", "--project", project, "--json")
    assert found.code == 1
    lead = next(each for each in found.json["result"]["objects"] if each["object"] == "Lead")
    assert [(d["kind"], d["ids"]) for d in lead["differences"]] == [("missing", [lost])]
    assert lead["as_of"].endswith("Z")
    assert "mended" in run("verify", "Lead", "--repair", "--project", project).out
    assert run("verify", "--values", "--project", project).code == 0


def test_a_sample_says_so(project: Path, run: Callable[..., Any]) -> None:
    done = run("verify", "Lead", "--sample", "5", "--project", project, "--json")
    assert done.code == 0
    assert done.json["result"]["objects"][0]["method"] == "sample of 5"


def test_deletes_are_taken_over_alone(project: Path, run: Callable[..., Any]) -> None:
    lose_one(project)
    assert run("verify", "--deletes", "--project", project).code == 1
    assert run("verify", "--project", project).code == 1


def test_every_object_says_up_to_when_it_is_mirrored(project: Path, run: Callable[..., Any]) -> None:
    told = run("pull", "--project", project)
    assert told.err.count(" as of 20") >= 2


def test_the_counts_are_told_before_the_proof_and_each_proof_says_as_of_when(
    project: Path, run: Callable[..., Any]
) -> None:
    done = run("verify", "Lead", "--project", project)
    assert "live records in the org now" in done.err
    assert "as of (UTC)" in done.out
    told = run("verify", "Lead", "--project", project, "--json").json["result"]
    assert told["counts"][0]["org"] == told["counts"][0]["mirror"]


def test_the_budget_of_the_project_holds_for_verify_too(project: Path, run: Callable[..., Any]) -> None:
    with (project / "sfsync.yml").open("a") as settings:
        settings.write("  budget: {calls_per_run: 3}\n")
    done = run("verify", "--project", project)
    assert done.code == 4
    assert "budget of 3 API calls" in done.out
