"""`kill -9` in the middle of a pull costs the time to pull again, and nothing else."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfsync.store import open_store

MIRROR = "SELECT * FROM sf_all.{} ORDER BY Id"
OBJECTS = ("Lead", "Account", "Contact", "Opportunity", "User", "LeadStatus", "OpportunityStage")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, olist_org: Any, sfsync: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert sfsync("pull", "--project", folder, env=olist_org.env).code == 0
    return folder


def contents(folder: Path) -> dict[str, Any]:
    store = open_store(folder / ".sfsync" / "mirror.duckdb")
    return {name: store.query(MIRROR.format(name)).to_arrow() for name in OBJECTS}


@pytest.mark.parametrize(
    "moment", [f"after {share:.2f} of an undisturbed pull" for share in (0.3, 0.5, 0.7, 0.85, 0.95)]
)
def test_a_pull_killed_at_any_moment_and_run_again_gives_the_undisturbed_mirror(
    moment: str,
    undisturbed: Path,
    olist_org: Any,
    sfsync: Callable[..., Any],
    start_sfsync: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    started = time.monotonic()
    assert sfsync("pull", "--project", tmp_path_for(tmp_path, "timing"), env=olist_org.env).code == 0
    whole = time.monotonic() - started

    folder = tmp_path_for(tmp_path, "killed")
    share = float(moment.split()[1])
    with start_sfsync("pull", "--project", folder, env=olist_org.env) as pulling:
        time.sleep(whole * share * random.Random(moment).uniform(0.9, 1.1))
        pulling.send_signal(signal.SIGKILL)
        pulling.communicate()
    again = sfsync("pull", "--project", folder, env=olist_org.env)
    assert again.code == 0, again.err
    assert contents(folder) == contents(undisturbed)
    assert not list((folder / ".sfsync" / "spool").glob("*/*"))


def tmp_path_for(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
