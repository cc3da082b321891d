"""Shows a pull while it runs: a live display on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sfsync.cli.console import Console
from sfsync.sync.events import Event, JobStateSeen, ObjectResult, ObjectStarted, PageRead, PullStarted

#: Seconds between two lines where there is no terminal (logs of nightly jobs).
LINE_EVERY = 10.0


@contextmanager
def pull_progress(console: Console) -> Iterator[Callable[[Event], None]]:
    """A listener for a pull's events, showing them on stderr until the block ends."""
    if sys.stderr.isatty() and not console.json:
        with _live() as listener:
            yield listener
    else:
        yield _Lines(console)


class _Lines:
    """One line an object, and one every ten seconds while a long one is read."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.rows = 0
        self.last = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, ObjectStarted):
            self.rows = 0
        elif isinstance(event, PageRead):
            self.rows += event.rows
        if isinstance(event, ObjectResult):
            self._say(describe_result(event))
        elif isinstance(event, PageRead | JobStateSeen) and time.monotonic() - self.last > LINE_EVERY:
            doing = f"{event.state}, {event.processed:,} records" if isinstance(event, JobStateSeen) else "reading"
            self._say(f"{event.object}: {doing}, {self.rows:,} received")

    def _say(self, text: str) -> None:
        self.last = time.monotonic()
        self.console.note(text)


def describe_result(result: ObjectResult) -> str:
    """One line that says what became of an object."""
    if result.state != "done":
        return f"{result.object}: {result.state}: {result.reason}"
    changes = [(result.inserted, "new"), (result.updated, "changed"), (result.deleted, "deleted")]
    told = ", ".join(f"{count:,} {what}" for count, what in changes if count) or "nothing new"
    return f"{result.object}: {told}; {result.total:,} records ({result.api})"


@contextmanager
def _live() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console as RichConsole
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f} records"),
        TextColumn("{task.fields[doing]}", style="dim"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=RichConsole(stderr=True), transient=False) as progress:

        def listen(event: Event) -> None:
            if isinstance(event, PullStarted):
                for name in event.objects:
                    tasks[name] = progress.add_task(escape(name), start=False, total=None, doing="")
            elif isinstance(event, ObjectStarted):
                progress.start_task(tasks[event.object])
                progress.update(tasks[event.object], total=event.expected)
            elif isinstance(event, JobStateSeen):
                progress.update(tasks[event.object], doing=f"Bulk job {escape(event.state)}")
            elif isinstance(event, PageRead):
                progress.advance(tasks[event.object], event.rows)
            elif event.object in tasks:
                read = max(event.read, 1)
                doing = "" if event.state == "done" else escape(f"{event.state}: {event.reason}")
                progress.update(tasks[event.object], total=read, completed=event.read or read, doing=doing)
                progress.stop_task(tasks[event.object])

        yield listen
