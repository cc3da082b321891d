"""`sfsync metric`: the figures one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.audit.conftest import MakeMirror, converted, lead

Run = Callable[..., Any]

DEAL = {"Id": "006000000000001AAA", "IsClosed": False, "IsWon": False, "StageName": "Prospecting", "Amount": 50.0}
DEAL |= {"CreatedDate": "2025-01-01T00:00:00", "CloseDate": "2026-02-01", "OwnerId": "005000000000001AAA"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "sfsync.yml").write_text("version: 1\nstore: mirror.duckdb\n")
    return tmp_path


def test_the_list_names_all_twenty_and_needs_no_mirror(run: Run) -> None:
    done = run("metric", "list")
    assert done.code == 0
    assert sum(line.startswith("M") and line[1:3].isdigit() for line in done.out.splitlines()) == 20
    told = run("metric", "list", "--json").json["result"]
    assert [each["id"] for each in told] == [f"M{number:02d}" for number in range(1, 21)]
    assert {"name", "definition", "population", "denominator", "why", "needs", "has_period"} <= set(told[0])
    assert "90 days" in told[0]["definition"]


def test_one_metric_is_shown_with_all_that_it_rests_on(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1, CreatedDate=datetime(2025, 1, 1)), converted(2)])
    done = run("metric", "show", "m01", "--project", project)
    assert done.code == 0
    assert done.out.startswith("M01  Lead conversion: ")
    for words in ("definition", "population", "interval", "left out", "time zone", "as of", "why so"):
        assert f"\n  {words}" in done.out
    assert "Converted within" in done.out
    assert "--sql" in done.err


def test_json_has_the_context_and_the_sql(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1), converted(2)])
    told = run("metric", "show", "lead-conversion", "--project", project, "--json").json["result"]
    assert told["id"] == "M01"
    assert told["context"]["definition_id"] == "M01 v1"
    assert any("count(*)" in statement.lower() for statement in told["sql"])


def test_the_sql_can_be_asked_as_it_is_printed(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1), converted(2)])
    told = run("metric", "show", "M20", "--project", project, "--json").json["result"]
    for statement in told["sql"]:
        assert run("query", "--project", project, statement).code == 0
    assert run("metric", "show", "M20", "--project", project, "--sql").out.count("SELECT") >= len(told["sql"])


def test_what_cannot_be_told_says_why_and_how_to_enable_it(run: Run, mirror: MakeMirror, project: Path) -> None:
    mirror(Lead=[lead(1)])
    done = run("metric", "show", "M07", "--project", project)
    assert done.code == 0
    assert "M07  Time in a stage: none" in done.out
    assert "not evaluable: the mirror holds no OpportunityHistory" in done.out
    assert "to enable it: let the user who pulls read OpportunityHistory" in done.out


def test_a_waterfall_between_two_days(run: Run, mirror: MakeMirror, project: Path) -> None:
    (project / "sfsync.yml").write_text("version: 1\nstore: mirror.duckdb\ntimezone: Europe/Berlin\n")
    history = {"Id": "008000000000001AAA", "OpportunityId": DEAL["Id"], "StageName": "Prospecting"}
    history |= {"CreatedDate": "2025-01-01T00:00:00", "Amount": 50.0, "CloseDate": "2026-02-01"}
    mirror(Lead=[lead(1)], Opportunity=[DEAL], OpportunityHistory=[history])
    told = run(
        *("metric", "show", "M11", "--project", project, "--from", "2026-01-01", "--to", "2026-01-10", "--json"),
        *("--closing", "2026-01-01..2026-03-31", "--owner", DEAL["OwnerId"]),
    ).json["result"]
    assert (told["context"]["from"], told["context"]["to"]) == ("2025-12-31T23:00:00Z", "2026-01-10T23:00:00Z")
    assert (
        told["context"]["scope"] == "open opportunities, closing 2026-01-01 to 2026-03-31, owned by 005000000000001AAA"
    )
    (waterfall,) = told["context"]["waterfalls"]
    assert (waterfall["start"], waterfall["end"], waterfall["residual"]) == (50.0, 50.0, 0.0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("M99",), "there is no metric 'M99'"),
        (("M01", "--from", "2026-01-01"), "M01 has no period"),
        (("M05", "--closing", "2026-01-01..2026-02-01"), "takes no --closing"),
        (("M11", "--closing", "2026-02-01..2026-01-01"), "is no span of days"),
        (("M11", "--closing", "soon"), "is no span of days"),
        (("M11", "--from", "2026-02-01", "--to", "2026-01-01"), "ends before it begins"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_computed(run: Run, args: tuple[str, ...], words: str) -> None:
    done = run("metric", "show", *args)
    assert done.code == 2
    assert words in done.err


def test_without_a_mirror_it_says_what_to_do(run: Run, project: Path) -> None:
    done = run("metric", "show", "M01", "--project", project)
    assert done.code != 0
    assert "sfsync pull" in done.err
