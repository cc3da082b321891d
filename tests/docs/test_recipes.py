"""The recipes do what they say: their code runs against the fake org, with stand-ins for the schedulers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sfsync.cli.exit_codes import ExitCode
from sfsync.fake import FakeOrg
from sfsync.fake.weather import Refused
from sfsync.store import open_store

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """What stands below a heading."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def blocks(title: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(section(title)) if kind == language]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_org: FakeOrg) -> Iterator[Path]:
    """A folder to work in, on a machine where Salesforce is the fake org."""
    for name in list(os.environ):
        if name.startswith(("SF_", "SFSYNC_", "SFDX_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SF_ACCESS_TOKEN", fake_org.token)
    monkeypatch.setenv("SF_ORG_INSTANCE_URL", fake_org.instance_url)
    monkeypatch.chdir(tmp_path)
    with fake_org.responses():
        yield tmp_path


@pytest.fixture
def project(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and the function that every scheduler calls."""
    (place / "sfsync.yml").write_text("version: 1\npull:\n  objects: [Lead, LeadStatus]\n")
    module = ModuleType("mirror_task")
    (code,) = blocks("One function for every scheduler", "python")
    exec(compile(code, "mirror_task.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "mirror_task", module)
    return place


def run(code: str, project: Path, name: str = "recipe") -> dict[str, Any]:
    """Run a recipe as a module of this name, on this project."""
    assert "/srv/myorg" in code
    names: dict[str, Any] = {"__name__": name}
    exec(compile(code.replace("/srv/myorg", str(project)), "recipe", "exec"), names)
    return names


def mirrored(project: Path) -> int:
    count: int = open_store(project / ".sfsync" / "mirror.duckdb").query("SELECT count(*) FROM sf.Lead").rows().scalar()
    return count


def test_the_notebook_pulls_and_asks(place: Path, fake_org: FakeOrg) -> None:
    first, second = blocks("Notebook", "python")
    cells: dict[str, Any] = {}
    exec(first, cells)
    exec(second, cells)
    assert cells["result"].complete
    assert "<table>" in cells["result"]._repr_html_()
    assert cells["leads"]["leads"].sum() == fake_org.count("Lead")
    assert cells["table"].column_names == ["Id", "Email", "CreatedDate"]
    exec(first, cells)  # run again: up to date
    assert cells["result"].complete


def test_the_function_pulls_what_the_project_says(project: Path, fake_org: FakeOrg) -> None:
    told = sys.modules["mirror_task"].pull_project(str(project))
    assert mirrored(project) == fake_org.count("Lead")
    assert json.dumps(told)  # schedulers keep it


def test_the_function_fails_where_not_everything_is_up_to_date(project: Path, fake_org: FakeOrg) -> None:
    refusal = b'[{"errorCode":"MALFORMED_QUERY","message":"something went wrong"}]'
    fake_org.weather.add(Refused(400, refusal), path="/queryAll", times=None)
    with pytest.raises(RuntimeError, match="Lead: "):
        sys.modules["mirror_task"].pull_project(str(project))


def decorator(calls: list[dict[str, Any]]) -> Callable[..., Any]:
    """A stand-in for a scheduler's decorator: remembers how it was configured, and leaves the function as it is."""

    def configured(*functions: Any, **settings: Any) -> Any:
        calls.append(settings)
        return functions[0] if functions else lambda function: function

    return configured


def test_the_airflow_task_pulls(project: Path, fake_org: FakeOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    dags: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    sdk = SimpleNamespace(dag=decorator(dags), task=decorator(tasks))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)  # type: ignore[arg-type]
    (code,) = blocks("Airflow", "python")
    run(code, project)
    assert mirrored(project) == fake_org.count("Lead")
    assert dags[0]["max_active_runs"] == 1
    assert tasks[0]["retries"] > 0


def test_the_dagster_asset_pulls(project: Path, fake_org: FakeOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    assets: list[dict[str, Any]] = []

    def keep(*args: Any, **settings: Any) -> SimpleNamespace:
        return SimpleNamespace(args=args, **settings)

    names = ("Definitions", "MaterializeResult", "RetryPolicy", "ScheduleDefinition", "define_asset_job")
    dagster = SimpleNamespace(asset=decorator(assets), **dict.fromkeys(names, keep))
    monkeypatch.setitem(sys.modules, "dagster", dagster)  # type: ignore[arg-type]
    (code,) = blocks("Dagster", "python")
    names_there = run(code, project)
    result = names_there["salesforce_mirror"]()
    assert mirrored(project) == fake_org.count("Lead")
    assert set(result.metadata) == {"run", "as_of", "api_calls"}
    assert names_there["defs"].schedules[0].cron_schedule == "17 3 * * *"
    assert assets[0]["retry_policy"].max_retries > 0


def test_the_prefect_flow_pulls(project: Path, fake_org: FakeOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    flows: list[dict[str, Any]] = []
    tasks: list[dict[str, Any]] = []
    prefect = SimpleNamespace(flow=decorator(flows), task=decorator(tasks))
    monkeypatch.setitem(sys.modules, "prefect", prefect)  # type: ignore[arg-type]
    (code,) = blocks("Prefect", "python")
    assert run(code, project)["salesforce_mirror"]()["api_calls"] > 0
    assert mirrored(project) == fake_org.count("Lead")
    assert tasks[0]["retries"] > 0


def test_the_cron_script_pulls_and_verifies(serve_fake_org: Callable[..., Any], tmp_path: Path) -> None:
    script, *_ = blocks("cron", "sh")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "sfsync"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sfsync "$@"\n')
    command.chmod(0o755)
    (tmp_path / "sfsync.yml").write_text("version: 1\npull:\n  objects: [Lead, LeadStatus]\n")
    with serve_fake_org("--seed", "3", "--leads", "60", "--ca-file", tmp_path / "ca.pem") as served:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SF_", "SFSYNC_", "SFDX_"))}
        env = clean | served.env | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", script.replace("/srv/myorg", str(tmp_path))], env=env, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "pull.json").read_text())["result"]["complete"]
    assert json.loads((tmp_path / "verify.json").read_text())["status"] == 0


def test_the_systemd_units_are_readable_and_know_the_exit_codes() -> None:
    units = blocks("systemd", "ini")
    service, timer = (ConfigParser(interpolation=None) for _ in units)
    service.optionxform = timer.optionxform = str  # type: ignore[assignment, method-assign]
    service.read_string(units[0])
    timer.read_string(units[1])
    again = {ExitCode.PARTIAL, ExitCode.TRY_LATER}
    for_ever = {int(word) for word in service["Service"]["RestartPreventExitStatus"].split()}
    assert for_ever | {0} == {int(code) for code in ExitCode} - {int(code) for code in again}
    assert timer["Timer"]["Persistent"] == "true"
