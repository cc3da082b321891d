"""`kill -9` in the middle of a pull costs the time to pull again, and nothing else."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfsync.store import open_store

MIRROR = "SELECT * FROM sf_all.{} ORDER BY Id"
OBJECTS = ("Lead", "Account", "Contact", "Opportunity", "User", "LeadStatus", "OpportunityStage")


@dataclass(frozen=True)
class Undisturbed:
    """A pull that nothing happened to: its project, and the seconds that it took."""

    folder: Path
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, olist_org: Any, sfsync: Callable[..., Any]) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    assert sfsync("pull", "--project", folder, env=olist_org.env).code == 0
    return Undisturbed(folder, time.monotonic() - started)


def contents(folder: Path) -> dict[str, Any]:
    store = open_store(folder / ".sfsync" / "mirror.duckdb")
    return {name: store.query(MIRROR.format(name)).to_arrow() for name in OBJECTS}


@pytest.mark.parametrize(
    "moment", [f"after {share:.2f} of an undisturbed pull" for share in (0.3, 0.5, 0.7, 0.85, 0.95)]
)
def test_a_pull_killed_at_any_moment_and_run_again_gives_the_undisturbed_mirror(
    moment: str,
    undisturbed: Undisturbed,
    olist_org: Any,
    sfsync: Callable[..., Any],
    start_sfsync: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    share = float(moment.split()[1])
    with start_sfsync("pull", "--project", folder, env=olist_org.env) as pulling:
        time.sleep(undisturbed.seconds * share * random.Random(moment).uniform(0.9, 1.1))
        pulling.send_signal(signal.SIGKILL)
        pulling.communicate()
    again = sfsync("pull", "--project", folder, env=olist_org.env)
    assert again.code == 0, again.err
    assert contents(folder) == contents(undisturbed.folder)
    assert not list((folder / ".sfsync" / "spool").glob("*/*"))


# --- fifty moments, in a process that does nothing but pull ----------------------------------------------------------

MOMENTS = 50
FEW = ("Lead", "Account")

#: Imports once, then makes a process for every line (folder, and after how many seconds to kill it); what that does is
#: `sfsync.pull`, and nothing else. It kills by itself: until it waits for the process, the number stays that process's.
PULLER = """
import os, signal, sys, time, pathlib
import duckdb, sfsync
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import pull

def work(folder):
    with connect() as org:
        done = pull(org, open_store(folder / "mirror.duckdb"), workspace=folder, objects=sys.argv[1:],
                    options=PullOptions(bulk_threshold=60))
    return 1 if done.failed else 0

for line in sys.stdin:
    folder, seconds = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work(pathlib.Path(folder))
        finally:
            sys.stderr.flush()
            os._exit(code)
    if seconds:
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Puller:
    """Pulls into folders, each time in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def pull(self, folder: Path, kill_after: float | None = None) -> int:
        """Pull; kill -9 after so many seconds. Returns the exit code, negative for a signal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder}\t{'' if kill_after is None else kill_after}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@dataclass(frozen=True)
class Stage:
    """An org that changed after a mirror of it was made.

    Attributes:
        puller: Pulls from it.
        before: A project whose mirror ends before the changes.
        old: What it holds.
        new: What a mirror of the org as it is now holds.
        first: Seconds that an undisturbed first pull takes, from the beginning of its process.
        next: Seconds that one takes which brings `before` up to date.
    """

    puller: Puller
    before: Path
    old: dict[str, list[Any]]
    new: dict[str, list[Any]]
    first: float
    next: float


def rows(folder: Path) -> dict[str, list[Any]]:
    """Object → its records, for each object that the mirror has."""
    file = folder / "mirror.duckdb"
    if not file.exists():
        return {}
    store = open_store(file)
    tables = store.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sf_all'").rows()
    return {name: store.query(f'SELECT * FROM sf_all."{name}" ORDER BY Id').rows().rows for (name,) in tables}


def timed(work: Callable[[], int]) -> float:
    """Seconds, the smaller of two."""
    taken = []
    for _ in range(2):
        begun = time.monotonic()
        assert work() == 0
        taken.append(time.monotonic() - begun)
    return min(taken)


def change(served: Any) -> None:
    """Let leads change, go and come, and time pass until that is settled."""

    def call(path: str, body: Any, method: str) -> Any:
        request = urllib.request.Request(served.url + path, json.dumps(body).encode(), method=method)
        request.add_header("Authorization", f"Bearer {served.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=served.ca_file)) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    root = "/services/data/v66.0"
    found = call(f"{root}/query?q=SELECT+Id+FROM+Lead+WHERE+IsConverted=false+ORDER+BY+Id+LIMIT+80", None, "GET")
    ids = [record["Id"] for record in found["records"]]
    call(
        f"{root}/composite/sobjects",
        {"records": [{"attributes": {"type": "Lead"}, "id": i, "Company": 'New "Co",\n'} for i in ids[:60]]},
        "PATCH",
    )
    call(f"{root}/composite/sobjects?ids={','.join(ids[60:])}", None, "DELETE")
    born = [{"attributes": {"type": "Lead"}, "LastName": f"Born {n}", "Company": "C"} for n in range(50)]
    call(f"{root}/composite/sobjects", {"records": born}, "POST")
    call("/_fake/clock", {"advance": 600}, "POST")


@pytest.fixture(scope="module")
def stage(
    serve_fake_org: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, clean_env: dict[str, str]
) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("fifty")
    command = [sys.executable, "-c", PULLER, *FEW]
    with serve_fake_org("--seed", "9", "--leads", "250", "--ca-file", home / "ca.pem") as served:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=clean_env | served.env, **pipes) as process:  # type: ignore[call-overload]
            puller = Puller(process)
            for name in ("before", "first1", "first2"):
                (home / name).mkdir()
            assert puller.pull(home / "before") == 0
            change(served)
            firsts = iter(("first1", "first2"))
            first = timed(lambda: puller.pull(home / next(firsts)))
            nexts = iter([shutil.copytree(home / "before", home / name) for name in ("next1", "next2")])
            further = timed(lambda: puller.pull(next(nexts)))
            new = rows(home / "first1")
            assert rows(home / "next1") == new
            yield Stage(puller, home / "before", rows(home / "before"), new, first, further)
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture(scope="module")
def clean_env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SF_", "SFSYNC_", "SFDX_"))}


@pytest.mark.parametrize("number", range(MOMENTS))
def test_kill_9_at_fifty_random_moments_leaves_the_last_finished_pull_and_costs_nothing_else(
    number: int, stage: Stage, tmp_path: Path
) -> None:
    chance = random.Random(f"moment {number}")
    is_first, folder = number % 2 == 0, tmp_path / "project"
    if is_first:
        folder.mkdir()
    else:
        shutil.copytree(stage.before, folder)
    # One in every twenty-fifth of the time that it takes, so that no part of a pull is spared.
    share = (number // 2 + chance.random()) / (MOMENTS / 2)
    stage.puller.pull(folder, kill_after=(stage.first if is_first else stage.next) * share)

    for name, held in rows(folder).items():
        assert held == stage.new[name] or (not is_first and held == stage.old[name]), (share, name)

    assert stage.puller.pull(folder) == 0
    assert rows(folder) == stage.new
    assert not list((folder / "spool").glob("*/*"))
