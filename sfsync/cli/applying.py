"""What `apply`, `retry` and `undo` share: asking first, showing progress, telling what became of the changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import together
from sfsync.cli.progress import LINE_EVERY
from sfsync.errors import UsageError

if TYPE_CHECKING:
    from sfsync.mapping import Mapping
    from sfsync.project import Project
    from sfsync.salesforce import Org
    from sfsync.store import Store
    from sfsync.sync.apply.events import ApplyEvent
    from sfsync.sync.apply.options import ApplyOptions
    from sfsync.sync.apply.result import ApplyResult


@dataclass(frozen=True, slots=True)
class Sending:
    """What is asked before changes are sent, and where to it is written what became of them.

    Attributes:
        yes: Do not ask.
        results: Folder for the result files, or None for a folder of the run.
        excel_safe: A spreadsheet must take no value in them for a formula.
    """

    yes: bool
    results: Path | None
    excel_safe: bool


sending_options = together(
    "sending",
    Sending,
    click.option("--yes", is_flag=True, help="Do not ask, not even on a production org."),
    click.option(
        "--results",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Folder for done.csv, rejected.csv, … Default: .sfsync/results/RUN.",
    ),
    click.option(
        "--excel-safe",
        is_flag=True,
        help="Put an apostrophe before values in result files that a spreadsheet would take for a formula.",
    ),
)


def apply_options(project: Project, mappings: Sequence[Mapping]) -> ApplyOptions:
    """How a project wants plans to be applied: within its budget, and that of every mapping."""
    from sfsync.sync.apply.options import ApplyOptions
    from sfsync.sync.budget import BudgetLimits

    limits = BudgetLimits(**project.settings.pull.budget.model_dump())
    daily = [each.budget.daily_api_calls for each in mappings if each.budget is not None]
    if daily:
        known = [limits.calls_per_day] if limits.calls_per_day is not None else []
        limits = replace(limits, calls_per_day=min([*daily, *known]))
    return ApplyOptions(budget=limits)


def ask(console: Console, org: Org, what: str, *, yes: bool, always: bool = False) -> None:
    """Ask before anything is written to a production org, or (`always`) to any.

    Raises:
        UsageError: There is nobody to ask.
        click.Abort: The answer is no.
    """
    from sfsync.sync.apply.guards import is_production

    if yes:
        return
    production = is_production(org)
    if not production and not always:
        return
    if console.json or not sys.stdin.isatty():
        where = f"{org.name} is a production org" if production else f"{org.name} would be written to"
        raise UsageError(f"{where}, and there is nobody to ask", hint="look at the plan, then add --yes")
    if not production:
        click.confirm(f"{what} in {org.name}?", abort=True, err=True)
        return
    console.note(f"{org.name} ({org.instance_url}) is a production org.")
    typed = click.prompt(f"{what}: type {org.name} to go on", default="", show_default=False, err=True)
    if typed.strip() != org.name:
        raise click.Abort


class ApplyLines:
    """Tells of an apply: a line when a step begins or something goes wrong, and one every ten seconds."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.done = self.rejected = 0
        self.last = time.monotonic()

    def __call__(self, event: ApplyEvent) -> None:
        """Take in an event."""
        from sfsync.sync.apply.events import BatchDone, JobSeen, StepBegins, Trouble

        if isinstance(event, StepBegins):
            self.done = self.rejected = 0
            self._say(f"step {event.step}: {event.action} {event.changes:,} {event.object}")
        elif isinstance(event, Trouble):
            self._say(f"{event.object or 'the org'}: {event.reason}")
        elif isinstance(event, BatchDone):
            self.done += event.done
            self.rejected += event.rejected
            self._now_and_then(f"{event.object}: {self.done:,} done, {self.rejected:,} rejected")
        elif isinstance(event, JobSeen):
            self._now_and_then(f"{event.object}: Bulk job {event.job_id} {event.state}, {event.processed:,} records")

    def _now_and_then(self, text: str) -> None:
        if time.monotonic() - self.last > LINE_EVERY:
            self._say(text)

    def _say(self, text: str) -> None:
        self.last = time.monotonic()
        self.console.note(text)


def write_results(
    project: Project, store: Store, result: ApplyResult, mappings: Sequence[Mapping], sending: Sending
) -> ApplyResult:
    """Write the result files of a run; the result, knowing where they are."""
    from sfsync.sync.apply.result_files import ResultFiles
    from sfsync.sync.plan.keyless import made_without_key

    where = sending.results or project.state_dir / "results" / result.run_id
    files = ResultFiles(where, mappings, project.root, sending.excel_safe)
    files.write(store, result.plan_id)
    with store.reading() as session:
        keyless = sum(made_without_key(session, each, plan_id=result.plan_id) for each in mappings)
    return replace(result, results=where, notes=tuple(files.notes), keyless=keyless)


def tell(console: Console, result: ApplyResult, more: dict[str, Any] | None = None) -> None:
    """Tell what became of the changes, and end the command."""
    counts = result.counts

    def human() -> None:
        states = [state for state in counts if any(each.counts[state] for each in result.steps)]
        rows = [
            (each.step, each.action, each.object, *(f"{each.counts[state]:,}" for state in states))
            for each in result.steps
        ]
        console.table(("step", "", "object", *states), rows, right=tuple(states))
        if result.codes:
            console.out("rejected: " + ", ".join(f"{count:,} {code}" for code, count in result.codes.items()))
        console.note(f"\nrun {result.run_id} of plan {result.plan_id}: {result.api_calls:,} API calls")
        console.note(f"rows, Ids, codes and messages: {result.results}")
        for note in result.notes:
            console.note(f"  {note}")
        if result.stopped:
            console.note(f"STOPPED before the end: {result.stopped}")
            if result.hint:
                console.note(f"  hint: {result.hint}")
        console.next_step(_next(result))

    payload = asdict(result) | {"complete": result.complete, **(more or {})}
    console.finish(payload, human, status=ExitCode.FINE if result.complete else ExitCode.PARTIAL)


def _next(result: ApplyResult) -> str:
    if result.counts["unprocessed"] or result.counts["unknown"]:
        return f"`sfsync apply {result.plan_id} --resume` goes on where this run stopped; nothing is sent twice"
    if result.retryable:
        return f"`sfsync retry {result.run_id}` sends {result.retryable:,} rejected changes again that may succeed now"
    if not result.complete:
        return _after_rejections(result)
    if not result.counts["done"]:
        return "there was nothing to write"
    # All runs of the plan: what was written before this one went on is told here, too.
    return f"`sfsync pull` brings the values; `sfsync undo {result.plan_id}` would take them back"


def _after_rejections(result: ApplyResult) -> str:
    if result.kind == "undo":
        return "what could not be taken back is in those files, with the reason; `sfsync plan` would undo the undo"
    if result.keyless:
        return (
            "mend the rejected rows in a file that has no others, then `sfsync plan MAPPING --source FILE`: "
            f"{result.keyless:,} rows without a key are records now, and would be made a second time"
        )
    return "mend the rejected rows, then `sfsync plan` again; what was written is not planned twice"
