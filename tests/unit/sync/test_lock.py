from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.errors import RunLocked, SfsyncError
from sfsync.sync.lock import run_lock

HOLD = """
import sys, pathlib
from sfsync.sync.lock import run_lock
with run_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_told_who_holds_the_lock_and_a_kill_frees_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunLocked, match=f"process {other.pid}") as caught, run_lock(tmp_path):
            pass
        assert caught.value.exit_code == 75
        os.kill(other.pid, signal.SIGKILL)
    with run_lock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), run_lock(tmp_path):
        raise RuntimeError
    with run_lock(tmp_path):
        pass


def test_a_workspace_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SfsyncError, match="run lock"), run_lock(tmp_path / "file" / "below"):
        pass
