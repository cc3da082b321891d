"""One run of a project at a time: two pulls at once would each move the cursor past what the other has read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfsync.errors import RunLocked, SfsyncError


@contextmanager
def run_lock(workspace: Path) -> Iterator[None]:
    """Hold the project's run lock; the operating system frees it when the process ends, however it ends.

    Raises:
        RunLocked: Another process holds it; the message names that process.
    """
    path = workspace / "run.lock"
    try:
        workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SfsyncError(
            f"the run lock {path} cannot be made: {error.strerror}",
            hint="check the folder's permissions and free space",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            raise RunLocked(
                f"another run of this project is under way (process {holder})",
                hint="wait for it to finish, then run this again",
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)
