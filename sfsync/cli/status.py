"""`sfsync status`."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

HELP = """Show what the mirror holds, as of when, and how the last runs ended.

\b
Examples:
  sfsync status
  sfsync status --json
"""


@click.command("status", help=HELP, short_help="What the mirror holds, and as of when.")
@project_option
@json_option
@pass_console
def command(console: Console, project: Path | None) -> None:
    """Read the ledger and print it."""
    from sfsync.project import find_project
    from sfsync.store import ledger, open_store
    from sfsync.store.mirror import read_state

    store = open_store(find_project(project).store_path)
    with store.reading() as session:
        state = read_state(session)
        runs = ledger.recent_runs(session, 5)
    objects = sorted(state.objects.values(), key=lambda each: each.name)

    def human() -> None:
        console.out(f"Org     {state.instance_url}  {state.org_id or ''}")
        console.out(f"Mirror  {store.location}")
        console.out(f"As of   {state.as_of:%Y-%m-%d %H:%M:%S} UTC\n")
        rows = [(each.name, f"{each.rows:,}", f"{each.upper_bound:%Y-%m-%d %H:%M:%S}") for each in objects]
        console.table(("object", "records", "as of (UTC)"), rows, right=("records",))
        console.out()
        ended = [(f"{run.started_at:%Y-%m-%d %H:%M:%S}", run.verb, run.state, f"{run.api_calls:,}") for run in runs]
        console.table(("last runs (UTC)", "what", "how it ended", "API calls"), ended, right=("API calls",))
        console.next_step('`sfsync query "SELECT * FROM sf.Lead LIMIT 5"`, or `sfsync audit`')

    result = {
        "as_of": state.as_of.isoformat() + "Z",
        "org_id": state.org_id,
        "instance_url": state.instance_url,
        "store": store.location,
        "objects": [
            {"name": each.name, "records": each.rows, "as_of": each.upper_bound.isoformat() + "Z"} for each in objects
        ],
        "runs": [
            {"id": run.id, "verb": run.verb, "state": run.state, "api_calls": run.api_calls, "summary": run.summary}
            for run in runs
        ],
    }
    console.finish(result, human)
