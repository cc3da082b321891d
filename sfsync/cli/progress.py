"""Shows a pull while it runs: a live display on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sfsync.cli.console import Console, printable
from sfsync.sync.events import Event, JobStateSeen, ObjectCounted, ObjectResult, ObjectStarted, PageRead, PullStarted

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


def describe_forecast(started: PullStarted) -> list[str]:
    """Lines that say what a pull will about cost, and whether the budget lasts for it."""
    jobs = f" and {_count(started.expected_jobs, 'Bulk job')}" if started.expected_jobs else ""
    lines = [f"{_count(len(started.objects), 'object')}: about {_count(started.expected_calls, 'API call')}{jobs}"]
    if started.over_budget:
        limits = [(started.calls_left, "API call"), (started.jobs_left, "Bulk job")]
        left = " and ".join(_count(number, what) for number, what in limits if number is not None)
        lines.append(
            f"the budget leaves {left}: what was begun comes first, then the cheapest objects; the rest waits for "
            "the next pull"
        )
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Lines:
    """One line an object, and one every ten seconds for those that are being read."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.doing: dict[str, str] = {}
        self.rows: dict[str, int] = {}
        self.last = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, PullStarted):
            for line in describe_forecast(event):
                self._say(line)
            return
        if isinstance(event, ObjectCounted):
            self._say(describe_count(event))
            return
        if isinstance(event, ObjectResult):
            self.doing.pop(event.object, None)
            self._say(describe_result(event))
            return
        if isinstance(event, ObjectStarted):
            self.rows[event.object] = 0
            self.doing[event.object] = "reading"
        elif isinstance(event, PageRead):
            self.rows[event.object] = self.rows.get(event.object, 0) + event.rows
            self.doing[event.object] = "reading"
        else:
            self.doing[event.object] = f"{event.state}, {event.processed:,} records"
        if time.monotonic() - self.last > LINE_EVERY:
            under_way = (f"{name}: {what}, {self.rows.get(name, 0):,} received" for name, what in self.doing.items())
            self._say("; ".join(under_way))
            self.doing.clear()  # the next line tells of what has moved since

    def _say(self, text: str) -> None:
        self.last = time.monotonic()
        self.console.note(text)


def describe_count(counted: ObjectCounted) -> str:
    """One line that says how many records an object has, there and here."""
    about = "" if counted.exact else "about "
    return f"{counted.object}: {about}{counted.org:,} live records in the org now, {counted.mirror:,} in the mirror"


def describe_result(result: ObjectResult) -> str:
    """One line that says what became of an object."""
    if result.state != "done":
        return f"{result.object}: {result.state}: {result.reason}"
    changes = [
        (result.inserted, "new"),
        (result.updated, "changed"),
        (result.deleted, "deleted"),
        (result.merged, "merged"),
        (result.left, "left the filter"),
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in changes if count) or "nothing new"
    part = f"; {result.selection}" if result.selection else ""
    bound = f" as of {result.upper_bound:%Y-%m-%d %H:%M:%S} UTC" if result.upper_bound else ""
    return f"{result.object}: {told}; {result.total:,} records{bound} ({result.api}){part}"


@contextmanager
def _live() -> Iterator[Callable[[Event], None]]:
    """A bar for each object that is being read; those that are done stay as a line above the bars."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f} records"),
        TextColumn("{task.fields[doing]}", style="dim", markup=False),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=RichConsole(stderr=True), transient=True) as progress:

        def listen(event: Event) -> None:
            for text, style in _lines_of(event):
                progress.console.print(Text(printable(text), style=style))
            if isinstance(event, ObjectStarted):
                tasks[event.object] = progress.add_task(printable(event.object), total=event.expected, doing="")
            elif isinstance(event, ObjectResult) and event.object in tasks:
                progress.remove_task(tasks.pop(event.object))
            elif isinstance(event, JobStateSeen) and event.object in tasks:
                progress.update(tasks[event.object], doing=f"Bulk job {printable(event.state)}")
            elif isinstance(event, PageRead) and event.object in tasks:
                progress.update(tasks[event.object], advance=event.rows, doing="")

        yield listen


def _lines_of(event: Event) -> list[tuple[str, str]]:
    """Lines, each with its style, that stay above the bars."""
    if isinstance(event, PullStarted):
        return [(line, "dim") for line in describe_forecast(event)]
    if isinstance(event, ObjectCounted):
        return [(describe_count(event), "dim")]
    if isinstance(event, ObjectResult):
        return [(("✓ " if event.state == "done" else "✗ ") + describe_result(event), "")]
    return []
