"""`sfsync report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.audit import AuditResult

HELP = """Audit the mirror and write the result as one HTML file.

The file needs nothing else: it opens offline, prints, and can be sent on. It names records by Id and link; what their
fields hold, people's names for one, stays out unless you ask for it.

\b
Examples:
  sfsync report
  sfsync report --output /srv/reports/leads.html
  sfsync report --include-values       findings in full: handle the file as personal data

A mirror that is unfit to be judged gives a report that says so, and exit code 3.
"""

DEFAULT_NAME = "report.html"


@click.command("report", help=HELP, short_help="Write an audit as one HTML file.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"Where to write it.  [default: {DEFAULT_NAME} in the project folder]",
)
@click.option("--include-values", is_flag=True, help="Say what the findings say, names and addresses included.")
@click.option("--profile", metavar="NAME", help="As of `sfsync audit`: which rules run.")
@click.option("--even-if-unfit", is_flag=True, help="Judge an unfit mirror, too; the report is marked.")
@project_option
@json_option
@pass_console
def command(
    console: Console,
    output: Path | None,
    include_values: bool,
    profile: str | None,
    even_if_unfit: bool,
    project: Path | None,
) -> None:
    """Audit the project's mirror, and write the report."""
    from sfsync.audit import audit
    from sfsync.project import find_project
    from sfsync.report import check_place, write_report
    from sfsync.store import open_store

    found = find_project(project)
    path = (output or found.root / DEFAULT_NAME).absolute()
    check_place(path)
    store = open_store(found.store_path)
    result = audit(
        store,
        found.settings,
        rules_dir=found.rules_dir,
        settings_file=found.document,
        profile=profile,
        even_if_unfit=even_if_unfit,
    )
    write_report(path, store, result, project_name=found.name, include_values=include_values)
    _tell(console, result, path, include_values=include_values)


def _tell(console: Console, result: AuditResult, path: Path, *, include_values: bool) -> None:
    from sfsync.records import RuleState

    for warning in result.warnings:
        console.warn(warning)
    for reason in result.fitness.unfit:
        console.warn(f"the mirror is unfit to be judged: {reason}")
    counts = {state.value: sum(1 for _ in result.in_state(state)) for state in RuleState}
    findings = sum(each.count for each in result.rules)

    def human() -> None:
        console.out(str(path))
        console.note(
            f"{findings:,} findings by {counts['finding']} rules; {counts['pass']} passed, "
            f"{counts['not_evaluable']} could not be evaluated"
        )
        console.next_step("open the file in a browser; `sfsync rule explain ID` says more about a rule")

    payload = {
        "report": str(path),
        "bytes": path.stat().st_size,
        "include_values": include_values,
        "audit_id": result.audit_id,
        "as_of": result.as_of.isoformat() + "Z",
        "findings": findings,
        "rules": counts,
        "unfit": list(result.fitness.unfit),
    }
    console.finish(payload, human, status=ExitCode.FINE if result.fitness.fit else ExitCode.FAILED)
