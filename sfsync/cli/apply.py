"""`sfsync apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.applying import ApplyLines, Sending, apply_options, ask, sending_options, tell, write_results
from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option
from sfsync.errors import UsageError

if TYPE_CHECKING:
    from sfsync.project import Project
    from sfsync.salesforce import Org
    from sfsync.store import Store
    from sfsync.sync.plan.stored import Plan

HELP = """Write a plan to the org: exactly its changes, each at most once.

A plan that was overtaken is refused: by the org, by an edit of a mapping, by a newer plan. Right before a record is
written it is read again; one that someone has changed since is not written over. Every change ends as done, rejected,
unprocessed, unknown or refused, and is listed in the result files with its source row. An apply may be killed at any
moment: `--resume` goes on, asks the org what became of what was sent, and sends nothing twice. `--give-up` ends such a
plan where it is, asks the org nothing, and sends nothing more.

\b
Examples:
  sfsync apply                         plan anew, show the plan, ask, apply
  sfsync apply plan.json               the plan of a file, as it was reviewed
  sfsync apply 20260131T120000Z-1f2e --yes
  sfsync apply --resume                go on with the plan that was stopped
  sfsync apply 20260131T120000Z-1f2e --give-up
  sfsync apply plan.json --results out/ --excel-safe
"""


@click.command("apply", help=HELP, short_help="Write a plan to the org.")
@click.argument("plan", required=False, metavar="[PLAN]")
@click.option("--resume", is_flag=True, help="Go on with a plan that was applied in part; the newest unless named.")
@click.option("--give-up", "give_up", is_flag=True, help="End a plan that was applied in part; the rest is never sent.")
@sending_options
@project_option
@target_org_option
@json_option
@pass_console
@click.pass_context
def command(
    ctx: click.Context,
    console: Console,
    plan: str | None,
    resume: bool,
    give_up: bool,
    sending: Sending,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Choose the plan, ask, apply, and tell."""
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.apply.run import apply

    found = find_project(project)
    store = open_store(found.store_path)
    if give_up:
        _give_up(console, found, store, plan, resume=resume)
        return
    mappings = load_mappings(found.mappings_dir)
    anew = plan is None and not resume
    chosen = _planned_now(ctx, console, found.root, store, target_org) if anew else _stored(store, plan, resume=resume)
    if chosen is None:
        return
    org = connect(found.settings, target_org=target_org)
    _let_through(console, org, chosen, yes=sending.yes, always_ask=anew)
    result = apply(
        org,
        store,
        chosen.id,
        workspace=found.state_dir,
        mappings=mappings,
        options=apply_options(found, mappings),
        on_event=ApplyLines(console),
    )
    tell(console, write_results(found, store, result, mappings, sending))


def _let_through(console: Console, org: Org, plan: Plan, *, yes: bool, always_ask: bool) -> None:
    """Refuse a plan that is not for this org or is over; say what any other would write, and ask."""
    from sfsync.sync.apply.guards import refuse_other_org, refuse_over

    refuse_other_org(plan, org)
    refuse_over(plan)
    console.note(f"plan {plan.id} ({plan.kind}): {plan.change_count:,} changes to {org.name}")
    if plan.change_count:
        ask(console, org, f"apply {plan.change_count:,} changes", yes=yes, always=always_ask)


def _give_up(console: Console, project: Project, store: Store, named: str | None, *, resume: bool) -> None:
    """End a plan, and tell what is not known of it.

    Raises:
        UsageError: It is not said which.
    """
    from sfsync.sync.apply.give_up import give_up

    if named is None or resume:
        raise UsageError(
            "--give-up takes the Id of a plan, and no --resume", hint="`sfsync status` lists those that were begun"
        )
    ended = give_up(store, named, workspace=project.state_dir)
    counts = ended.counts
    if counts["unknown"]:
        console.warn(
            f"nobody knows what became of {counts['unknown']:,} changes that were sent: look for their records in the "
            "org, or they may be planned as new ones again (`SELECT * FROM sfsync.outcomes WHERE state = 'unknown'`)"
        )

    def human() -> None:
        console.note(f"{counts['done']:,} were written; {counts['unprocessed']:,} were not, and never will be")
        console.next_step(f"`sfsync plan` plans anew; `sfsync undo {ended.plan_id}` takes back what was written")

    console.finish({"plan": ended.plan_id, "counts": counts}, human)


def _stored(store: Store, named: str | None, *, resume: bool) -> Plan:
    """The plan that is meant: a file, an Id, or the one that was stopped.

    Raises:
        UsageError: There is none.
    """
    from sfsync.sync.plan.plan_file import load_plan
    from sfsync.sync.plan.stored import read_stored_plan, stopped_plan

    if named is None:
        with store.reading() as session:
            found = stopped_plan(session)
        if found is None:
            raise UsageError("no plan was applied in part", hint="`sfsync plan` makes one, `sfsync apply PLAN` begins")
        return found
    path = Path(named)
    if path.suffix or path.exists():
        with store.writing() as session:
            plan = load_plan(session, path)
    else:
        with store.reading() as session:
            plan = read_stored_plan(session, named)
    if resume and plan.state == "open":
        raise UsageError(f"plan {plan.id} was never begun", hint=f"`sfsync apply {named}` begins it")
    return plan


def _planned_now(ctx: click.Context, console: Console, root: Path, store: Store, target_org: str | None) -> Plan | None:
    """A plan of every mapping that pushes, made and shown now; None when there is nothing to do."""
    from sfsync.cli.plan import command as plan_command
    from sfsync.sync.plan.stored import latest_plan

    if console.json:
        raise UsageError("with --json, name the plan to apply", hint="`sfsync plan --json` makes one")
    before = None
    if store.exists():
        with store.reading() as session:
            before = latest_plan(session)
    ctx.invoke(
        plan_command,
        mappings=(),
        source=None,
        output=None,
        shape="text",
        conflicts=False,
        exit_code=False,
        no_pull=False,
        show_values=False,
        target_org=target_org,
        project=root,
    )
    with store.reading() as session:
        made = latest_plan(session)
    if made is None or (before is not None and made.id == before.id):
        console.note("nothing to apply")
        return None
    return made
