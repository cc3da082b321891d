"""`sfsync pull`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option

if TYPE_CHECKING:
    from sfsync.sync.options import PullOptions
    from sfsync.sync.pull import PullResult

HELP = """Bring the mirror up to date with the org.

The first pull reads everything; later ones read what changed since. Each object is stored in one transaction
with its cursor, so a pull may be killed at any moment and simply run again.

\b
Examples:
  sfsync pull --target-org prod
  sfsync pull Lead Opportunity
  sfsync pull Lead --full              read all leads again, not only what changed
  SF_ACCESS_TOKEN=… SF_ORG_INSTANCE_URL=https://… sfsync pull --project ./mirror
"""


@click.command("pull", help=HELP, short_help="Bring the mirror up to date with the org.")
@click.argument("objects", nargs=-1, metavar="[OBJECT]...")
@click.option(
    "--api",
    type=click.Choice(["auto", "rest", "bulk"]),
    default="auto",
    show_default=True,
    help="How to read; auto goes by the number of records.",
)
@click.option("--full", is_flag=True, help="Read every record again, whatever the last pull read.")
@click.option("--formulas", is_flag=True, help="Read formula and roll-up fields again now, whatever their schedule.")
@project_option
@target_org_option
@json_option
@pass_console
def command(
    console: Console,
    objects: tuple[str, ...],
    api: str,
    full: bool,
    formulas: bool,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Run `sync.pull` on the project's org and store."""
    from sfsync.cli.progress import pull_progress
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.options import options_from
    from sfsync.sync.pull import pull
    from sfsync.sync.read import ApiChoice

    found = find_project(project)
    options = options_from(found.settings, found.document, api=cast("ApiChoice", api), full=full)
    options = replace(options, formulas_now=formulas)
    mappings = load_mappings(found.mappings_dir)
    org = connect(found.settings, target_org=target_org)
    console.note(f"pulling from {org.name} ({org.instance_url})")
    with pull_progress(console) as on_event:
        result = pull(
            org,
            open_store(found.store_path),
            workspace=found.state_dir,
            objects=list(objects) or options.chosen_objects,
            mappings=mappings,
            options=options,
            on_event=on_event,
        )
    _tell(console, result, str(found.store_path), options)


def _tell(console: Console, result: PullResult, location: str, options: PullOptions) -> None:
    for each in result.objects:
        for note in each.notes:
            console.warn(f"{each.object}: {note}")
        if each.state == "skipped":
            console.warn(f"{each.object} is left out: {each.reason}")
    _tell_of_formulas(console, result)
    done = sum(1 for each in result.objects if each.state == "done")
    status = ExitCode.PARTIAL if result.postponed or done else ExitCode.FAILED
    if result.complete:
        status = ExitCode.FINE

    def human() -> None:
        console.note(
            f"\n{done} objects mirrored as of {result.as_of:%Y-%m-%d %H:%M:%S} UTC, "
            f"{result.api_calls} API calls, in {location}"
        )
        if result.local_tables:
            console.note("local tables: " + ", ".join(result.local_tables))
        _tell_what_is_missing(console, result)

    console.finish(_payload(result, location, options), human, status=status)


def _tell_what_is_missing(console: Console, result: PullResult) -> None:
    """What is not up to date, and what to do next."""
    if result.failed:
        names = " ".join(each.object for each in result.failed)
        console.note(f"NOT up to date: {names}; the mirror keeps what the last finished pull had")
    if result.postponed:
        names = ", ".join(each.object for each in result.postponed)
        console.note(f"NOT up to date, left for the next pull: {names} ({result.postponed[0].reason})")
        console.next_step(f"{result.hint or 'run `sfsync pull` again: it goes on where this one stopped'}")
    elif result.failed:
        names = " ".join(each.object for each in result.failed)
        console.next_step(f"see the reason above, then run `sfsync pull {names}`")
    else:
        console.next_step("`sfsync audit` finds conversion faults; `sfsync status` shows what is here")


def _payload(result: PullResult, location: str, options: PullOptions) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "as_of": result.as_of.isoformat() + "Z",
        "api_calls": result.api_calls,
        "bulk_jobs": result.bulk_jobs,
        "complete": result.complete,
        "hint": result.hint,
        "store": location,
        "objects": [asdict(each) for each in result.objects],
        "selections": {name: told for name, each in options.selections.items() if (told := each.kept.as_json())},
        "formulas": [asdict(each) for each in result.formulas],
        "local_tables": list(result.local_tables),
    }


def _tell_of_formulas(console: Console, result: PullResult) -> None:
    for each in result.formulas:
        if each.state == "done":
            console.note(f"{each.object}: formulas read again, moved in {each.changed:,} of {each.rows:,} records")
        else:
            console.warn(f"{each.object}: formulas {each.state}: {each.reason}")
