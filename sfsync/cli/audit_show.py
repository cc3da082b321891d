"""`sfsync audit show`."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.audit_output import OutputOptions, output_options, plan_outputs, write_outputs
from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

HELP = """Write an earlier audit in any format, as it was found: nothing is judged anew.

AUDIT is its id, or the beginning of it; the newest one unless given. Findings are kept of the newest 30 audits.

\b
Examples:
  sfsync audit show
  sfsync audit show --format csv > findings.csv
  sfsync audit show 20260131 --output audit.xlsx --output audit.sarif
"""


@click.command("show", help=HELP, short_help="Write an earlier audit in any format.")
@click.argument("audit_id", metavar="[AUDIT]", required=False)
@output_options
@project_option
@json_option
@pass_console
@click.pass_context
def show(
    ctx: click.Context,
    console: Console,
    audit_id: str | None,
    output: OutputOptions,
    project: Path | None,
) -> None:
    """Write a stored audit; the exit code is what it would have been then, where `--fail-on` is given."""
    from sfsync.audit.stored import read_audit
    from sfsync.project import find_project
    from sfsync.store import open_store

    planned = plan_outputs(console, output)
    verdict = output.verdict()
    with open_store(find_project(project or _outer(ctx)).store_path).reading() as session:
        stored = read_audit(session, audit_id)
        status = verdict.status(stored) if output.asks_for_verdict or stored.unfit else 0
        status = write_outputs(console, verdict.shown(stored, session, planned.max_findings), planned, status)
    if planned.stdout == "human":
        console.next_step("`sfsync audit trend` shows how the audits went over time")
    if status:
        ctx.exit(status)


def _outer(ctx: click.Context) -> Path | None:
    """The project named before the name of this command."""
    value = ctx.parent.params.get("project") if ctx.parent is not None else None
    return value if isinstance(value, Path) else None
