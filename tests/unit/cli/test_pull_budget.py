from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sfsync.cli import run
from sfsync.fake import FakeOrg


@pytest.fixture
def project(tmp_path: Path, logged_in: Callable[..., AbstractContextManager[None]]) -> Iterator[Path]:
    with FakeOrg.seeded(seed=5, leads=50) as fake, logged_in(fake):
        yield tmp_path


def settings(project: Path, text: str) -> None:
    (project / "sfsync.yml").write_text(f"version: 1\npull:\n  concurrency: 2\n  budget:\n{text}", "utf-8")


def test_a_budget_that_is_reached_exits_4_says_what_is_left_and_goes_on_the_next_time(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(project, "    calls_per_run: 9\n")
    assert run(["pull", "--project", str(project)]) == 4
    told = capsys.readouterr().err
    assert "API calls" in told
    assert "the budget leaves 9 API calls" in told
    assert "left for the next pull: " in told
    assert "Next: run it again" in told
    settings(project, "    reserve: 10%\n")
    assert run(["pull", "--project", str(project)]) == 0


def test_json_says_which_objects_were_postponed_and_how_to_go_on(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(project, "    calls_per_run: 9\n")
    assert run(["pull", "--project", str(project), "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == 4
    assert not told["result"]["complete"]
    assert told["result"]["hint"]
    assert {each["state"] for each in told["result"]["objects"]} == {"done", "postponed"}


def test_a_budget_that_does_not_last_for_the_first_question_exits_4_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(project, "    calls_per_run: 1\n")
    assert run(["pull", "--project", str(project)]) == 4
    assert "budget of 1 API calls is spent" in capsys.readouterr().err
