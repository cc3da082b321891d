"""A DuckDB file: how it is made and opened, why it will not open, and what each thread has open of it."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from sfsync.errors import StoreDamaged, StoreError, StoreLocked
from sfsync.store.duckdb_blocks import kept_beside
from sfsync.store.duckdb_instances import OpenFile, OpenInInstance
from sfsync.store.duckdb_session import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfsync.store.duckdb_session import DuckDBSession, Shapes

#: Seconds that a file is kept open for a thread's next session, at most: others wait for it.
LONGEST_AT_HAND = 0.5

#: Judging joins and sorts whole objects: a million leads with their history take up to this, and more spill to disk.
JUDGING_MEGABYTES = 3000

Answer = TypeVar("Answer")

_LOCK_HOLDER = re.compile(r"held in (?P<program>\S+) \(PID (?P<pid>\d+)\)")


class Opened(threading.local):
    """What this thread has open of one file; nested use joins it, and no other thread ever sees it.

    Attributes:
        session: Under way, or None.
        shapes: What its sessions know of tables and columns while it is kept open, which nobody else can change then.
        for_writing: It may change something.
        wanted: How many blocks under way want the file to stay open between sessions.
        columns: How many columns their sessions are to expect; 0 where they did not say.
        keeper: The opening that is kept, or None.
        held: The turn at the file that goes with it.
        since: When it was opened (monotonic clock).
        strange: Statements that are not sfsync's were run there: they may have changed what a file's closing leaves.
    """

    session: DuckDBSession | None = None
    shapes: Shapes | None = None
    for_writing: bool = False
    wanted: int = 0
    columns: int = 0
    keeper: OpenFile | None = None
    held: ExitStack | None = None
    since: float = 0.0
    strange: bool = False

    def keep(self, keeper: OpenFile, held: ExitStack) -> None:
        """Keep the file open after the session that begins now."""
        self.keeper, self.held, self.since, self.shapes = keeper, held, time.monotonic(), {}

    def let_go(self, *, clean: bool = True) -> None:
        """Close the file, if it is only kept open; a session under way goes on.

        Args:
            clean: Nothing went wrong; see `OpenFile.close`.
        """
        if self.keeper is None or self.held is None or self.session is not None:
            return
        try:
            self.keeper.close(clean=clean and not self.strange)
        finally:
            self.held.close()
            self.keeper, self.held, self.shapes, self.strange = None, None, None, False

    @property
    def overdue(self) -> bool:
        """Whether others have waited long enough."""
        return time.monotonic() - self.since > LONGEST_AT_HAND


_opened: dict[str, Opened] = {}
_finding = threading.Lock()


def opened_at(path: Path) -> Opened:
    """What this thread has open of a file: the same for every store of this program that is on it."""
    with _finding:
        return _opened.setdefault(os.path.realpath(path), Opened())


def patiently(path: Path, patience: float, opening: Callable[[], Answer]) -> Answer:
    """Open a file, waiting some seconds for another process that has it open.

    Args:
        path: The file.
        patience: How many seconds.
        opening: Opens it.

    Raises:
        StoreLocked: That process did not let go of it.
        StoreDamaged: It is no database.
        StoreError: It may not be opened.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return opening()
        except duckdb.Error as error:
            problem = _opening_problem(path, error)
            if not isinstance(problem, StoreLocked) or time.monotonic() > deadline:
                raise problem from error
        time.sleep(0.1)


def judging_memory() -> str:
    """What judging may take, in DuckDB's words: never more than two thirds of a small machine."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    except (AttributeError, OSError, ValueError):
        return f"{JUDGING_MEGABYTES}MB"  # not every system tells
    return f"{min(JUDGING_MEGABYTES, machine * 2 // 3)}MB"


def create(path: Path) -> None:
    """Make the file under another name first: a kill in between must not leave half a database behind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        OpenInInstance(draft, read_only=False, memory_limit=MEMORY_LIMIT).close()
        draft.chmod(0o600)  # it will hold people's data
        kept_beside(path).unlink(missing_ok=True)  # of a file that somebody has removed
        draft.rename(path)
    except (OSError, duckdb.Error) as error:
        raise StoreError(
            f"the mirror {path} cannot be made: {error}", hint="check the folder's permissions and free space"
        ) from error


def _opening_problem(path: Path, error: duckdb.Error) -> StoreError:
    """Why a file would not open, in words that say what to do."""
    text = str(error)
    if "lock" in text.lower() and "conflicting" in text.lower():
        holder = _LOCK_HOLDER.search(text)
        who = f"process {holder['pid']}" if holder else "another process"
        return StoreLocked(
            f"the mirror {path} is in use by {who}", hint="wait for it to finish (or stop it), then run this again"
        )
    if "different configuration" in text or "file handle conflict" in text:
        return StoreLocked(f"this program already has the mirror {path} open", hint="close the other session first")
    if "permission denied" in text.lower():
        return StoreError(f"the mirror {path} may not be opened: {text}", hint="check the file's owner and permissions")
    return StoreDamaged(
        f"the mirror {path} cannot be read as a DuckDB database: {text.splitlines()[0]}",
        hint="move the file away and run `sfsync pull` to build a new mirror; the org is not touched by this",
    )
