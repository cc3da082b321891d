"""`sfsync plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.mapping import Mapping
    from sfsync.project import Project
    from sfsync.store import Session
    from sfsync.sync.plan.options import PlanOptions
    from sfsync.sync.plan.stored import Plan

HELP = """Show what pushing your tables and files would write, and write nothing.

The org's changes are pulled first, so that the plan is made as of now. It is kept in the store: `sfsync apply` does
exactly what it shows. Rows that would fail are found and named before anything is sent.

\b
Examples:
  sfsync plan                              every mapping that pushes
  sfsync plan lead contact                 mappings/lead.yml and mappings/contact.yml
  sfsync plan lead --source export.csv     with the rows of a file
  sfsync plan -o plan.json                 to be reviewed, and applied elsewhere
  sfsync plan -o plan.html                 for those who decide
  sfsync plan --conflicts                  what both sides changed, and waits for `sfsync resolve`
  sfsync plan --exit-code                  exit 1 when there is something to do
"""


@click.command("plan", help=HELP, short_help="Show what a push would write, and write nothing.")
@click.argument("mappings", nargs=-1, metavar="[MAPPING]...")
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Rows for the mapping (one), in place of its own: CSV, Parquet or Excel.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan to a file: .html to read it, anything else to apply it.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="How the plan is explained on stdout.",
)
@click.option("--conflicts", is_flag=True, help="List the conflicts of two-way tables, and plan nothing.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when the plan has changes or refused rows, or conflicts wait.")
@click.option("--no-pull", is_flag=True, help="Plan as of the last pull.")
@click.option("--show-values", is_flag=True, help="Show e-mail addresses, phone numbers and other sensitive values.")
@click.option("--target-org", envvar="SF_TARGET_ORG", metavar="ALIAS", help="Org to pull from.")
@project_option
@json_option
@pass_console
def command(
    console: Console,
    mappings: tuple[str, ...],
    source: Path | None,
    output: Path | None,
    shape: str,
    conflicts: bool,
    exit_code: bool,
    no_pull: bool,
    show_values: bool,
    target_org: str | None,
    project: Path | None,
) -> None:
    """Pull what the mappings need, plan, and explain."""
    from sfsync.cli.resolve import list_conflicts
    from sfsync.errors import UsageError
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.store import open_store
    from sfsync.sync.plan.choose import chosen_mappings, with_source
    from sfsync.sync.plan.make import make_plan

    if conflicts and output is not None:
        raise UsageError("--conflicts plans nothing, so there is nothing to write", hint="leave one of both out")
    found = find_project(project)
    every = load_mappings(found.mappings_dir)
    chosen = chosen_mappings(every, mappings)
    sources = with_source(chosen, source)
    store = open_store(found.store_path)
    if not no_pull:
        _pull(console, found, every, chosen, target_org)
    if conflicts:
        with store.reading() as session:
            both = [mapping for mapping in chosen if mapping.direction == "both"]
            list_conflicts(console, session, both, show_values=show_values, exit_code=exit_code)
        return
    plan = make_plan(store, chosen, sources=sources, options=plan_options(found))
    with store.reading() as session:
        told = explain_and_write(console, session, plan, output, show_values=show_values)
    status = ExitCode.NEEDS_YOU if exit_code and (plan.steps or told["conflicts_waiting"]) else ExitCode.FINE
    console.finish(told, lambda: _show(console, told, shape), status=status)


def plan_options(project: Project) -> PlanOptions:
    """How to plan, as the project has it."""
    from sfsync.soql.dates import Calendar
    from sfsync.sync.plan.options import PlanOptions

    settings = project.settings
    return PlanOptions(calendar=Calendar(settings.timezone, settings.fiscal_year_start_month), root=project.root)


def _pull(
    console: Console, project: Project, every: list[Mapping], chosen: list[Mapping], target_org: str | None
) -> None:
    """Bring the objects up to date that the mappings need.

    Raises:
        MirrorUnfit: One of them could not be read.
    """
    from sfsync.cli.progress import pull_progress
    from sfsync.errors import MirrorUnfit
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.options import options_from
    from sfsync.sync.plan.choose import needed_objects
    from sfsync.sync.pull import pull

    org = connect(project.settings, target_org=target_org)
    console.note(f"pulling from {org.name} ({org.instance_url})")
    store = open_store(project.store_path)
    with pull_progress(console) as on_event:
        result = pull(
            org,
            store,
            workspace=project.state_dir,
            objects=needed_objects(store, chosen),
            mappings=every,
            options=options_from(project.settings, project.document),
            on_event=on_event,
        )
    behind = [each for each in result.objects if each.state != "done"]
    if behind:
        names = ", ".join(each.object for each in behind)
        raise MirrorUnfit(
            f"{names} could not be brought up to date: {behind[0].reason}",
            hint=result.hint or "`sfsync plan --no-pull` plans as of the last pull",
        )


def explain_and_write(
    console: Console, session: Session, plan: Plan, output: Path | None, *, show_values: bool = False
) -> dict[str, Any]:
    """What a plan would do; where a file is named, the plan is written to it too: to be read (.html), or applied."""
    from sfsync.sync.plan.explain import explain
    from sfsync.sync.plan.explain_html import explain_html
    from sfsync.sync.plan.plan_file import write_plan, write_text

    told = explain(session, plan, show_values=show_values)
    if output is None:
        return told
    if output.suffix.lower() in {".html", ".htm"}:
        write_text(output, explain_html(told))
    else:
        write_plan(session, plan, output)
    console.note(f"written to {output}")
    return told


def _show(console: Console, told: dict[str, Any], shape: str) -> None:
    import json

    from sfsync.sync.plan.explain_html import explain_html
    from sfsync.sync.plan.explain_text import explain_text

    if shape == "json":
        console.out(json.dumps(told, indent=2, ensure_ascii=False))
    elif shape == "html":
        console.out(explain_html(told))
    else:
        console.out(explain_text(told).rstrip("\n"))
