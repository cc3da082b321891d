"""`sfsync retry`."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.applying import ApplyLines, Sending, apply_options, ask, sending_options, tell, write_results
from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option

HELP = """Send the rejected changes of a run again whose faults pass by themselves (locked rows, time-outs, limits).

Locked records are sent parent by parent, one request after the other. Changes that were rejected for what they hold
are told and left alone: mend their rows, and plan again.

\b
Examples:
  sfsync retry 20260131T120000Z-1f2e
  sfsync retry 20260131T120000Z-1f2e --json
"""


@click.command("retry", help=HELP, short_help="Send rejected changes again, where that can help.")
@click.argument("run", metavar="RUN")
@sending_options
@project_option
@target_org_option
@json_option
@pass_console
def command(
    console: Console,
    run: str,
    sending: Sending,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Run `sync.apply.retry` on the project's org and store."""
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.apply.retry import retry

    found = find_project(project)
    store = open_store(found.store_path)
    mappings = load_mappings(found.mappings_dir)
    org = connect(found.settings, target_org=target_org)
    ask(console, org, "send rejected changes again", yes=sending.yes)
    retried = retry(
        org,
        store,
        run,
        workspace=found.state_dir,
        options=apply_options(found, mappings),
        on_event=ApplyLines(console),
    )
    for code, count in retried.hopeless.items():
        console.warn(f"{count:,} changes were rejected with {code}: sending them again would change nothing")
    if not retried.again and not retried.result.api_calls:
        console.note("nothing of it is left to be sent")
    result = write_results(found, store, retried.result, mappings, sending)
    tell(console, result, {"again": retried.again, "hopeless": retried.hopeless})
