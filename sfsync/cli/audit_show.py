"""`sfsync audit show`."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.audit_output import Verdict, output_options, plan_outputs, write_outputs
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
    fail_on: str | None,
    fail_on_new: bool,
    max_new: int | None,
    format_name: str | None,
    outputs: tuple[Path, ...],
    max_findings: int | None,
    project: Path | None,
) -> None:
    """Write a stored audit; the exit code is what it would have been then, where `--fail-on` is given."""
    from sfsync.audit.stored import read_audit
    from sfsync.project import find_project
    from sfsync.store import open_store

    planned = plan_outputs(console, format_name, outputs)
    wants_verdict = fail_on is not None or fail_on_new or max_new is not None
    verdict = Verdict(fail_on or "error", 0 if fail_on_new and max_new is None else max_new)
    with open_store(find_project(project or _outer(ctx)).store_path).reading() as session:
        stored = read_audit(session, audit_id)
        status = verdict.status(stored) if wants_verdict or stored.unfit else 0
        status = write_outputs(console, verdict.shown(stored, session, max_findings), planned, status)
    if planned.stdout == "human":
        console.next_step("`sfsync audit trend` shows how the audits went over time")
    if status:
        ctx.exit(status)


def _outer(ctx: click.Context) -> Path | None:
    """The project named before the name of this command."""
    value = ctx.parent.params.get("project") if ctx.parent is not None else None
    return value if isinstance(value, Path) else None
