"""`sfsync undo`."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option

if TYPE_CHECKING:
    from sfsync.project import Project
    from sfsync.sync.plan.stored import Plan
    from sfsync.sync.undo import Undo

HELP = """Make the plan that takes back what a run has written, and show it; `sfsync apply` then does it.

The objects are pulled first. New records are deleted, changed fields get back what they held. What someone has changed
since is left alone and named; deletions, conversions and merges cannot be taken back, and are listed.

\b
Examples:
  sfsync undo 20260131T120000Z-1f2e
  sfsync undo 20260131T120000Z-1f2e --output undo.json
"""


@click.command("undo", help=HELP, short_help="Plan to take back what a run has written.")
@click.argument("run", metavar="RUN")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan to a file: .html to read it, anything else to apply it.",
)
@click.option("--no-pull", is_flag=True, help="Plan as of the last pull.")
@click.option("--show-values", is_flag=True, help="Show e-mail addresses, phone numbers and other sensitive values.")
@project_option
@target_org_option
@json_option
@pass_console
def command(
    console: Console,
    run: str,
    output: Path | None,
    no_pull: bool,
    show_values: bool,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Pull, make the inverse plan, and explain it."""
    from sfsync.cli.plan import explain_and_write
    from sfsync.project import find_project
    from sfsync.store import open_store
    from sfsync.sync.plan.explain_text import explain_text
    from sfsync.sync.plan.stored import read_stored_plan
    from sfsync.sync.undo import make_undo

    found = find_project(project)
    store = open_store(found.store_path)
    if not no_pull:
        _pull(console, found, run, target_org)
    undo = make_undo(store, run)
    with store.reading() as session:
        origin = read_stored_plan(session, undo.plan.header["undo_of"]["plan"])
        told = explain_and_write(console, session, undo.plan, output, show_values=show_values)
    _warn(console, undo, origin, run)

    def human() -> None:
        console.out(explain_text(told).rstrip("\n"))
        if not undo.plan.change_count:
            why = (
                "nothing of it can be taken back: see what is refused"
                if undo.plan.steps
                else "nothing is left to take back"
            )
            console.next_step(why)
        else:
            console.next_step(f"`sfsync apply {undo.plan.id}` takes it back")

    console.finish(_payload(undo, told), human, status=ExitCode.FINE)


def _warn(console: Console, undo: Undo, origin: Plan, run: str) -> None:
    """Tell what stays as it is."""
    for each in undo.irreversible:
        more = ", …" if each.count > len(each.ids) else ""
        console.warn(f"{each.count:,} {each.object} {each.reason}: {', '.join(each.ids)}{more}")
    if undo.unknown:
        resume = f"; `sfsync apply {origin.id} --resume` finds out, and finishes the plan"
        way = "" if origin.state == "stale" else resume
        console.warn(
            f"nobody knows what became of {undo.unknown:,} changes that were sent, and they are not taken back{way}"
        )
    for other in undo.others:
        console.warn(f"run {other} of the same plan has written, too; `sfsync undo {run}` leaves that as it is")


def _payload(undo: Undo, told: dict[str, object]) -> dict[str, object]:
    irreversible = [asdict(each) for each in undo.irreversible]
    return {"plan": told, "irreversible": irreversible, "other_runs": list(undo.others), "unknown": undo.unknown}


def _pull(console: Console, project: Project, run: str, target_org: str | None) -> None:
    """Bring the run's objects up to date, and what may refer to them: up to this moment, without any lag.

    Raises:
        MirrorUnfit: One of them could not be read now: what was changed since the run would not be seen.
    """
    from sfsync.cli.progress import pull_progress
    from sfsync.errors import MirrorUnfit
    from sfsync.mapping import load_mappings
    from sfsync.salesforce import connect
    from sfsync.salesforce.describe import list_objects
    from sfsync.store import open_store
    from sfsync.sync.apply.retry import plan_of
    from sfsync.sync.options import options_from
    from sfsync.sync.plan.stored import read_stored_plan
    from sfsync.sync.pull import pull
    from sfsync.sync.undo import objects_to_pull

    store = open_store(project.store_path)
    with store.reading() as session:
        objects, referring = objects_to_pull(session, read_stored_plan(session, plan_of(session, run)))
    org = connect(project.settings, target_org=target_org)
    readable = list_objects(org) if referring else {}
    if hidden := [name for name in referring if not readable.get(name)]:
        console.warn(
            f"this user may not read {', '.join(hidden)} any more: what refers from there is known as of the last pull"
        )
    org.pause(1.1)  # a pull ends at the last full second
    with pull_progress(console) as on_event:
        result = pull(
            org,
            store,
            workspace=project.state_dir,
            objects=[*objects, *(name for name in referring if name not in hidden)],
            mappings=load_mappings(project.mappings_dir),
            options=replace(options_from(project.settings, project.document), lag=timedelta(0)),
            on_event=on_event,
        )
    behind = [each for each in result.objects if each.state != "done"]
    if behind:
        names = ", ".join(each.object for each in behind)
        raise MirrorUnfit(
            f"{names} could not be brought up to date: {behind[0].reason}",
            hint="; ".join(filter(None, [result.hint, f"`sfsync undo {run} --no-pull` plans as of the last pull"])),
        )
