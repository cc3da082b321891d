"""Bad input: one clear message on stderr with a hint, the right exit code, no traceback, and nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

COUNT = "SELECT count(*) AS n FROM sf.Lead"


@pytest.fixture(scope="module")
def served(serve_fake_org: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serve_fake_org("--seed", "3", "--leads", "60", "--ca-file", tmp_path_factory.mktemp("ca") / "ca.pem") as org:
        yield org


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, served: Any, sfsync: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("pulled")
    assert sfsync("pull", "--project", folder, env=served.env).code == 0
    return folder


@pytest.fixture
def project(pulled: Path, tmp_path: Path) -> Path:
    """A project with a good mirror, which nothing below may harm."""
    return shutil.copytree(pulled, tmp_path / "project")


def told(outcome: Any, code: int, *words: str) -> None:
    assert outcome.code == code, outcome.err
    assert "Traceback" not in outcome.err
    assert "hint:" in outcome.err
    errors = [line for line in outcome.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, outcome.err
    for word in words:
        assert word in outcome.err


def unharmed(project: Path, run: Callable[..., Any]) -> None:
    answer = run("query", "--project", project, "--json", COUNT)  # in this process: how it starts is not the question
    assert answer.code == 0, answer.err
    assert answer.json["result"]["records"][0]["n"] > 50


def together(sfsync: Callable[..., Any], commands: Sequence[Sequence[Any]], **options: Any) -> list[Any]:
    """How commands end that are given at the same time, in their order: each waits for itself."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda command: sfsync(*command, **options), commands))


def write_mapping(project: Path, text: str) -> None:
    (project / "mappings").mkdir(exist_ok=True)
    (project / "mappings" / "lead.yml").write_text(text)


@pytest.mark.parametrize(
    ("text", "place", "suggestion"),
    [
        ("version: 1\nobject: Leed\ntable: crm.leads\nfields:\n  Email: email\n", "lead.yml:2:9", "Lead"),
        ("version: 1\nobject: Lead\ntable: crm.leads\nfields:\n  Emial: email\n", "lead.yml:5:3", "Email"),
        ("version: 1\nobject: Lead\ntabel: crm.leads\nfields:\n  Email: email\n", "lead.yml:3:1", "table"),
        ("version: 1\nobject: Lead\n  table: crm.leads\n", "lead.yml:3", ""),
        (
            "version: 1\nobject: Lead\ntable: crm.leads\nfilter: Emial = 'x'\nfields:\n  Email: email\n",
            "lead.yml:4",
            "Email",
        ),
    ],
    ids=["unknown object", "unknown field", "unknown key", "wrong YAML", "unknown field in the filter"],
)
def test_a_faulty_mapping_is_told_with_its_place(
    project: Path,
    served: Any,
    sfsync: Callable[..., Any],
    run: Callable[..., Any],
    text: str,
    place: str,
    suggestion: str,
) -> None:
    write_mapping(project, text)
    told(sfsync("pull", "--project", project, env=served.env), 2, place, suggestion)
    unharmed(project, run)


def test_wrong_yaml_in_the_settings_is_told_with_its_place(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    (project / "sfsync.yml").write_text("version: 1\npull: {lagg: 5m}\n")
    told(sfsync("pull", "--project", project, env=served.env), 2, "sfsync.yml:2:8", "lag")
    (project / "sfsync.yml").unlink()
    unharmed(project, run)


def test_a_wrong_password_is_told(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    login = {
        "SF_USERNAME": "admin@example.com",
        "SF_PASSWORD": "secret-but-wrong",
        "SF_SECURITY_TOKEN": "t0k3n-of-nobody",
        "SF_LOGIN_URL": served.url,
        "REQUESTS_CA_BUNDLE": served.ca_file,
    }
    refused = sfsync("pull", "--project", project, env=login)
    told(refused, 3, "INVALID_LOGIN")
    assert "secret-but-wrong" not in refused.err + refused.out
    assert "t0k3n-of-nobody" not in refused.err + refused.out
    unharmed(project, run)


def test_a_wrong_token_is_told(project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]) -> None:
    refused = sfsync("pull", "--project", project, env=served.env | {"SF_ACCESS_TOKEN": "00D000000000001!wrong.token"})
    told(refused, 3)
    assert "wrong.token" not in refused.err
    unharmed(project, run)


def test_an_unreachable_org_is_told(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    env = served.env | {"SF_ORG_INSTANCE_URL": "https://localhost:9"}
    told(sfsync("pull", "--project", project, env=env), 3, "localhost:9")
    unharmed(project, run)


def test_an_org_whose_certificate_nobody_vouches_for_is_told(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    env = {name: value for name, value in served.env.items() if name != "REQUESTS_CA_BUNDLE"}
    told(sfsync("pull", "--project", project, env=env), 3, "certificate", "REQUESTS_CA_BUNDLE")
    unharmed(project, run)


def test_no_login_at_all_is_told(project: Path, sfsync: Callable[..., Any], run: Callable[..., Any]) -> None:
    told(sfsync("pull", "--project", project), 2, "SF_ACCESS_TOKEN")
    unharmed(project, run)


def test_a_damaged_mirror_is_told_and_left_as_it_is(project: Path, served: Any, sfsync: Callable[..., Any]) -> None:
    mirror = project / ".sfsync" / "mirror.duckdb"
    mirror.write_bytes(b"\0garbage" * 4096)
    before = mirror.read_bytes()
    for command in (("status",), ("query", COUNT), ("audit",), ("pull",)):
        told(sfsync(command[0], "--project", project, *command[1:], env=served.env), 3, "mirror.duckdb")
    assert mirror.read_bytes() == before


def test_a_mirror_locked_by_another_process_is_told_with_its_number(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    mirror = str(project / ".sfsync" / "mirror.duckdb")
    with subprocess.Popen(
        [sys.executable, "-c", hold, mirror], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        commands = [(name, "--project", project) for name in ("status", "audit", "pull")]
        for outcome in together(sfsync, [*commands, ("query", "--project", project, COUNT)], env=served.env):
            told(outcome, 75, f"process {other.pid}")
        other.communicate("")
    unharmed(project, run)


def test_a_project_that_was_never_pulled_is_told(tmp_path: Path, sfsync: Callable[..., Any]) -> None:
    for command in (("status",), ("query", COUNT), ("audit",)):
        told(sfsync(command[0], "--project", tmp_path, *command[1:]), 3, "sfsync pull")


def test_faulty_sql_is_told(project: Path, sfsync: Callable[..., Any], run: Callable[..., Any]) -> None:
    told(sfsync("query", "--project", project, "SELEC 1"), 3, "SELEC")
    told(sfsync("query", "--project", project, "DELETE FROM sf_all.Lead"), 3)
    unharmed(project, run)


def test_an_unknown_object_is_told_with_a_suggestion(project: Path, served: Any, sfsync: Callable[..., Any]) -> None:
    told(sfsync("pull", "--project", project, "Oportunity", env=served.env), 2, "Opportunity")


def test_a_failure_is_told_in_json_too(project: Path, served: Any, sfsync: Callable[..., Any]) -> None:
    refused = sfsync("pull", "--project", project, "--json", "Oportunity", env=served.env)
    assert refused.json["status"] == 2
    assert refused.json["name"] == "UsageError"
    assert refused.json["actions"]


def test_another_org_is_not_pulled_into_the_mirror_of_this_one(
    project: Path, served: Any, sfsync: Callable[..., Any], run: Callable[..., Any]
) -> None:
    mirror = str(project / ".sfsync" / "mirror.duckdb")
    rename = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute(\"UPDATE sfsync.facts SET value = '00D000000000099EAA' WHERE name = 'org_id'\")"
    )
    subprocess.run([sys.executable, "-c", rename, mirror], check=True)
    told(sfsync("pull", "--project", project, env=served.env), 2, "00D000000000099EAA")
    unharmed(project, run)
