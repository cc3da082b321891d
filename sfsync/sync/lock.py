"""One run of a project at a time: two pulls at once would each move the cursor past what the other has read."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sfsync.errors import RunLocked, SfsyncError
from sfsync.store import Store

#: Longest note of a holder that is read.
_NOTE = 1000


@contextmanager
def run_lock(workspace: Path, verb: str = "run") -> Iterator[None]:
    """Hold the project's run lock; the operating system frees it when the process ends, however it ends.

    Args:
        workspace: The folder whose lock it is.
        verb: What the run does, for those who find the lock held.

    Raises:
        RunLocked: Another run holds it; the message says which.
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
            raise _held(descriptor, path) from error
        _sign(descriptor, verb)
        yield
    finally:
        os.close(descriptor)


def workspace_of(store: Store) -> Path:
    """The folder for a store's run lock and spool where none is named: `.sfsync`, or one beside the store's file."""
    path = Path(store.location).absolute()
    return path.parent if path.parent.name == ".sfsync" else path.with_name(f"{path.name}.work")


@contextmanager
def mirror_lock(workspace: Path | None, store: Store, verb: str) -> Iterator[Path]:
    """Hold the run lock of a workspace, and that of the store where it has another: a mirror has one writer.

    Args:
        workspace: The folder, or None for the store's own.
        store: The mirror.
        verb: What the run does.

    Returns:
        The workspace.
    """
    own = workspace_of(store)
    folder = own if workspace is None else workspace
    with run_lock(folder, verb):
        if folder.absolute() == own:
            yield folder
            return
        with run_lock(own, verb):
            yield folder


def _sign(descriptor: int, verb: str) -> None:
    """Leave a note for those who find the lock held; a disk that is full does not keep the run from starting."""
    holder = {
        "process": os.getpid(),
        "verb": verb,
        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "host": platform.node(),
    }
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    except OSError:
        return


def _held(descriptor: int, path: Path) -> RunLocked:
    try:
        holder = json.loads(os.pread(descriptor, _NOTE, 0))
        who = f"`{holder['verb']}` in process {holder['process']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, TypeError, KeyError):
        holder, who = {}, "an unknown process"
    return RunLocked(
        f"another run of this project is under way: {who}",
        hint="wait for it to finish, then run this again",
        context={"lock": str(path), "holder": holder},
    )
