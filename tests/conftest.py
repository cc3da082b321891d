"""Fixtures that many tests share: the command line in this process, servers in another, and real data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from sfsync.cli import run as run_cli

if TYPE_CHECKING:
    from sfsync.fake import FakeOrg

ROOT = Path(__file__).parents[1]

# A property is no faster on a machine that has other work to do.
hypothesis.settings.register_profile("sfsync", deadline=None)
hypothesis.settings.load_profile("sfsync")


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line in this process."""

    def invoke(*args: str | Path) -> Outcome:
        capsys.readouterr()
        code = run_cli([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return invoke


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeOrg], AbstractContextManager[None]]:
    """Serve a fake org over TLS for the time of a block, the environment logging the command line in there."""

    @contextmanager
    def serve(org: FakeOrg) -> Iterator[None]:
        with org.serve() as server:
            monkeypatch.setenv("SF_ACCESS_TOKEN", server.token)
            monkeypatch.setenv("SF_ORG_INSTANCE_URL", server.url)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
            yield

    return serve


@pytest.fixture(scope="session")
def sfsync() -> Callable[..., Outcome]:
    """Run the command line in a process of its own, in a clean environment, as a user would."""
    return _sfsync


def _sfsync(*args: str | Path, env: dict[str, str] | None = None) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "sfsync", *map(str, args)],
        env=clean_environment() | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def start_sfsync() -> Callable[..., subprocess.Popen[str]]:
    """Begin the command line in a process of its own, to be killed or watched."""

    def start(*args: str | Path, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sfsync", *map(str, args)],
            env=clean_environment() | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SF_", "SFSYNC_", "SFDX_")) and name not in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    }


@dataclass(frozen=True)
class Served:
    """A fake org in another process."""

    url: str
    token: str
    ca_file: str
    pid: int

    @property
    def env(self) -> dict[str, str]:
        """What a user would set to reach it, and nothing else."""
        return {
            "SF_ACCESS_TOKEN": self.token,
            "SF_ORG_INSTANCE_URL": self.url,
            "REQUESTS_CA_BUNDLE": self.ca_file,
        }


@pytest.fixture(scope="session")
def serve_fake_org() -> Callable[..., AbstractContextManager[Served]]:
    """`sfsync fake serve` in another process, for the time of a `with` block."""
    return _fake_org_process


@contextmanager
def _fake_org_process(*args: str | Path) -> Iterator[Served]:
    with subprocess.Popen(
        [sys.executable, "-m", "sfsync", "fake", "serve", "--port", "0", "--json", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, err = process.communicate(timeout=30)
            pytest.fail(f"the fake org did not start: {err}")
        try:
            yield Served(**json.loads(line))
        finally:
            process.terminate()
            _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A folder of the published data sets, or a skip that says why."""
    return _real_data


def _real_data(folder: str) -> Path:
    home = Path(os.environ.get("SFSYNC_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = home / folder
    if not path.is_dir():
        pytest.skip(f"the data set {folder} is not here; SFSYNC_TEST_DATA names the folder that holds it")
    return path


@pytest.fixture(scope="session")
def olist_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The Olist marketing funnel as an org, served over TLS by another process."""
    ca_file = tmp_path_factory.mktemp("olist") / "ca.pem"
    with _fake_org_process("--data", _real_data("olist_org"), "--ca-file", ca_file) as served:
        yield served
