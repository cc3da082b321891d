from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.errors import RunLocked, SfsyncError
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.lock import mirror_lock, run_lock

HOLD = """
import sys, pathlib
from sfsync.sync.lock import run_lock
with run_lock(pathlib.Path(sys.argv[1]), "verify"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_told_who_holds_the_lock_and_a_kill_frees_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunLocked) as caught, run_lock(tmp_path, "pull"):
            pass
        message = caught.value.message
        assert f"`verify` in process {other.pid} on {platform.node()}, since 20" in message
        assert message.endswith("UTC")
        assert caught.value.exit_code == 75
        assert caught.value.context["holder"]["process"] == other.pid
        os.kill(other.pid, signal.SIGKILL)
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["process"] == os.getpid()


@pytest.mark.parametrize("note", ["", "4711", "{}", '"?"', "\xff\xfe"])
def test_a_note_of_the_holder_that_cannot_be_read_does_not_hide_that_the_lock_is_held(
    tmp_path: Path, note: str
) -> None:
    with run_lock(tmp_path):
        (tmp_path / "run.lock").write_text(note)
        with pytest.raises(RunLocked, match="an unknown process"), run_lock(tmp_path):
            pass


def test_two_workspaces_of_one_mirror_still_have_one_writer(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "shared.duckdb")
    with mirror_lock(tmp_path / "project" / ".sfsync", store, "pull") as folder:
        assert folder == tmp_path / "project" / ".sfsync"
        for workspace in (None, tmp_path / "elsewhere"):
            with pytest.raises(RunLocked, match="`pull`"), mirror_lock(workspace, store, "verify"):
                pass


def test_two_mirrors_in_one_folder_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    stores = [DuckDBStore(tmp_path / name) for name in ("a.duckdb", "b.duckdb")]
    with mirror_lock(None, stores[0], "pull") as one, mirror_lock(None, stores[1], "pull") as other:
        assert one != other


def test_the_workspace_of_a_project_is_the_folder_of_its_mirror(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / ".sfsync" / "mirror.duckdb")
    with mirror_lock(None, store, "pull") as folder:
        assert folder == tmp_path / ".sfsync"


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), run_lock(tmp_path):
        raise RuntimeError
    with run_lock(tmp_path):
        pass


def test_a_workspace_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SfsyncError, match="run lock"), run_lock(tmp_path / "file" / "below"):
        pass
