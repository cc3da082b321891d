"""`sfsync pull` with a selection in `sfsync.yml`: what is told, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg

SETTINGS = """\
timezone: Europe/Berlin
pull:
  objects:
    - LeadStatus
    - Lead:
        filter: LeadSource = 'Web'
        since: 2020-01-01
        exclude: [Description]
  formulas: {every: never}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "sfsync.yml").write_text(SETTINGS)
    with FakeOrg.seeded(seed=5, leads=60) as fake, fake.responses():
        monkeypatch.setenv("SF_ACCESS_TOKEN", fake.token)
        monkeypatch.setenv("SF_ORG_INSTANCE_URL", fake.instance_url)
        yield tmp_path


def test_pull_and_status_tell_what_is_left_out(project: Path, run: Callable[..., Any]) -> None:
    told = run("pull", "--project", project, "--json").json["result"]
    assert {each["object"] for each in told["objects"]} == {"LeadStatus", "Lead"}
    words = "only records created since 2020-01-01 (Europe/Berlin), where LeadSource = 'Web'"
    assert {each["object"]: each["selection"] for each in told["objects"]} == {"LeadStatus": "", "Lead": words}
    chosen = {
        "filter": "LeadSource = 'Web'",
        "since": "2020-01-01",
        "timezone": "Europe/Berlin",
        "fields": None,
        "exclude": ["Description"],
    }
    assert told["selections"] == {"Lead": chosen}
    assert words in run("pull", "--project", project).err
    listed = run("status", "--project", project, "--json").json["result"]["objects"]
    assert {each["name"]: each["selection"] for each in listed} == {"Lead": chosen, "LeadStatus": None}
    shown = run("status", "--project", project).out
    assert f"Lead: {words}" in shown
    assert "Lead: all fields but Description" in shown


def test_objects_of_the_command_line_keep_their_selection(project: Path, run: Callable[..., Any]) -> None:
    (told,) = run("pull", "lead", "--project", project, "--json").json["result"]["objects"]
    assert "LeadSource = 'Web'" in told["selection"]


def test_full_reads_everything_again(project: Path, run: Callable[..., Any]) -> None:
    run("pull", "--project", project)
    (again,) = run("pull", "Lead", "--full", "--project", project, "--json").json["result"]["objects"]
    assert again["read"] == again["total"] > 0


@pytest.mark.parametrize(
    ("written", "instead", "place"),
    [
        ("LeadSource = 'Web'", "LeadSorce = 'Web'", "sfsync.yml:6:17: Lead has no field `LeadSorce`"),
        ("LeadSource = 'Web'", "LeadSource == 'Web'", "sfsync.yml:6:29: the filter cannot be read"),
        ("[Description]", "[Descripton]", "sfsync.yml:8:19: Lead has no field `Descripton`"),
        ("- LeadStatus", "- LeadStats", "sfsync.yml:4:7: object `LeadStats`"),
    ],
)
def test_a_slip_is_told_at_its_place_before_anything_is_read(
    project: Path, run: Callable[..., Any], written: str, instead: str, place: str
) -> None:
    (project / "sfsync.yml").write_text(SETTINGS.replace(written, instead))
    outcome = run("pull", "--project", project)
    assert outcome.code == 2
    assert place in outcome.err
    assert run("query", "SELECT count(*) FROM sf.Lead", "--project", project).code != 0
