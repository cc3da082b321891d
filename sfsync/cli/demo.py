"""`sfsync demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console

if TYPE_CHECKING:
    from sfsync.audit import AuditResult
    from sfsync.project import Project

HELP = """Try everything on a made-up org: no credentials, nothing leaves this machine.

Starts a fake Salesforce org on this machine, mirrors it into a new project folder over TLS, audits it, and writes
report.html. The project stays, to look around in.

\b
Examples:
  sfsync demo
  sfsync demo --project /tmp/trial --seed 7 --leads 2000
"""

DEFAULT_FOLDER = "sfsync-demo"


@click.command("demo", help=HELP, short_help="Try everything on a made-up org.")
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=f"New folder for the project.  [default: {DEFAULT_FOLDER}, or {DEFAULT_FOLDER}-2, …]",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which made-up org.")
@click.option("--leads", type=click.IntRange(50, 1_000_000), default=400, show_default=True, help="How large.")
@json_option
@pass_console
def command(console: Console, project: Path | None, seed: int, leads: int) -> None:
    """Serve, pull, audit, report."""
    from sfsync.audit import audit
    from sfsync.fake import FakeOrg
    from sfsync.project import find_project
    from sfsync.report import write_report
    from sfsync.store import open_store

    root = _new_folder(project)
    console.note(f"1/4  a made-up org with {leads:,} leads starts on this machine")
    org = FakeOrg.seeded(seed=seed, leads=leads)
    _make_project(root)
    found = find_project(root)
    with org.serve() as server:
        console.note(f"2/4  its records are mirrored into {root} over TLS")
        _pull(console, found, {"SF_ACCESS_TOKEN": server.token, "SF_ORG_INSTANCE_URL": server.url}, server.ca_file)
    console.note("3/4  the mirror is audited")
    store = open_store(found.store_path)
    result = audit(store, found.settings, rules_dir=found.rules_dir)
    report = root / "report.html"
    write_report(report, store, result, project_name=found.name)
    console.note("4/4  the report is written\n")
    _tell(console, result, root, report)


def _new_folder(chosen: Path | None) -> Path:
    from sfsync.errors import UsageError

    if chosen is not None:
        if chosen.exists() and any(chosen.iterdir()):
            raise UsageError(f"{chosen} is not empty", hint="the demo wants a new folder: name another with --project")
        return chosen
    root, number = Path(DEFAULT_FOLDER), 1
    while root.exists():
        number += 1
        root = Path(f"{DEFAULT_FOLDER}-{number}")
    return root


def _make_project(root: Path) -> None:
    """A project like `sfsync init` makes, with the made-up org's meaning of its own statuses and fields."""
    import yaml

    from sfsync.fake.seed import definitions
    from sfsync.mapping.starters import starter_mappings
    from sfsync.project import create_project

    create_project(root, starter_mappings())
    with (root / "sfsync.yml").open("a", encoding="utf-8") as file:
        file.write("\n# What the made-up org means by its own words.\n")
        yaml.safe_dump({"definitions": definitions()}, file, sort_keys=False, allow_unicode=True)


def _pull(console: Console, found: Project, login: dict[str, str], ca_file: Path | str) -> None:
    from sfsync.cli.progress import pull_progress
    from sfsync.mapping import load_mappings
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.pull import pull

    org = connect(env={**login, "REQUESTS_CA_BUNDLE": str(ca_file)})
    with pull_progress(console) as on_event:
        pull(
            org,
            open_store(found.store_path),
            workspace=found.state_dir,
            mappings=load_mappings(found.mappings_dir),
            on_event=on_event,
        )


def _tell(console: Console, result: AuditResult, root: Path, report: Path) -> None:
    from sfsync.audit.metrics.shown import figure
    from sfsync.records import RuleState

    found = [each for each in result.rules if each.state is RuleState.FINDING]
    blind = [each for each in result.rules if each.state is RuleState.NOT_EVALUABLE]
    total = sum(each.count for each in found)

    def human() -> None:
        rows = [(each.rule.id, each.rule.severity, f"{each.count:,}", each.rule.name) for each in found]
        console.table(("rule", "severity", "records", "what"), rows, right=("records",))
        passed = len(result.rules) - len(found) - len(blind)
        console.out(f"\n{total:,} findings by {len(found)} rules; {passed} passed, {len(blind)} could not be evaluated")
        for metric in result.metrics:
            if metric.value is not None:
                console.out(f"{metric.title}: {figure(metric)} (n = {metric.n:,})")
        console.out(f"\nThe report: {report.absolute()}")
        console.next_step(
            f'open the report; then `cd {root}` and try `sfsync status`, `sfsync query "SELECT * FROM crm.leads"`, '
            f"`sfsync rule explain {found[0].rule.id if found else 'CV001'}`"
        )

    summary: dict[str, Any] = {
        "project": str(root.absolute()),
        "report": str(report.absolute()),
        "findings": total,
        "rules": {each.rule.id: {"state": each.state, "count": each.count} for each in result.rules},
    }
    console.finish(summary, human)
