"""`sfsync pull`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option

if TYPE_CHECKING:
    from sfsync.sync.pull import PullResult

HELP = """Bring the mirror up to date with the org.

The first pull reads everything; later ones read what changed since. Each object is stored in one transaction
with its cursor, so a pull may be killed at any moment and simply run again.

\b
Examples:
  sfsync pull --target-org prod
  sfsync pull Lead Opportunity
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
@project_option
@target_org_option
@json_option
@pass_console
def command(console: Console, objects: tuple[str, ...], api: str, project: Path | None, target_org: str | None) -> None:
    """Run `sync.pull` on the project's org and store."""
    from sfsync.cli.progress import pull_progress
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.options import PullOptions
    from sfsync.sync.pull import pull
    from sfsync.sync.read import ApiChoice

    found = find_project(project)
    settings = found.settings.pull
    options = PullOptions(
        lag=settings.lag,
        overlap=settings.overlap,
        bulk_threshold=settings.bulk_threshold,
        api=cast("ApiChoice", api),
        timezone=found.settings.timezone,
        fiscal_year_start_month=found.settings.fiscal_year_start_month,
        history=settings.history,
        without_history=frozenset(settings.without_history),
    )
    mappings = load_mappings(found.mappings_dir)
    org = connect(found.settings, target_org=target_org)
    console.note(f"pulling from {org.name} ({org.instance_url})")
    with pull_progress(console) as on_event:
        result = pull(
            org,
            open_store(found.store_path),
            workspace=found.state_dir,
            objects=list(objects) or settings.objects,
            mappings=mappings,
            options=options,
            on_event=on_event,
        )
    _tell(console, result, str(found.store_path))


def _tell(console: Console, result: PullResult, location: str) -> None:
    for each in result.objects:
        for note in each.notes:
            console.warn(f"{each.object}: {note}")
        if each.state == "skipped":
            console.warn(f"{each.object} is left out: {each.reason}")
    done = sum(1 for each in result.objects if each.state == "done")
    status = ExitCode.FINE if not result.failed else ExitCode.PARTIAL if done else ExitCode.FAILED

    def human() -> None:
        console.note(
            f"\n{done} objects mirrored as of {result.as_of:%Y-%m-%d %H:%M:%S} UTC, "
            f"{result.api_calls} API calls, in {location}"
        )
        if result.local_tables:
            console.note("local tables: " + ", ".join(result.local_tables))
        if result.failed:
            names = " ".join(each.object for each in result.failed)
            console.note(f"NOT up to date: {names}; the mirror keeps what the last finished pull had")
            console.next_step(f"see the reason above, then run `sfsync pull {names}`")
        else:
            console.next_step("`sfsync audit` finds conversion faults; `sfsync status` shows what is here")

    payload: dict[str, Any] = {
        "run_id": result.run_id,
        "as_of": result.as_of.isoformat() + "Z",
        "api_calls": result.api_calls,
        "store": location,
        "objects": [asdict(each) for each in result.objects],
        "local_tables": list(result.local_tables),
    }
    console.finish(payload, human, status=status)
