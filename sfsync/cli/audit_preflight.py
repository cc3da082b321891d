"""`sfsync audit --plan` and `--mapping`: what a plan would cause, judged before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.audit_output import Outputs, Verdict, write_outputs
from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import together
from sfsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfsync.audit.preflight import ChangeToCome, Preflight
    from sfsync.config.settings import Settings
    from sfsync.project import Project
    from sfsync.store.beside import StoreBeside
    from sfsync.sync.plan.resulting import Resulting
    from sfsync.sync.plan.stored import Plan


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which change to come is judged.

    Attributes:
        plan: A file or an Id, or None.
        mappings: Names of mappings to be planned.
        source: Rows for the one mapping.
        show_all: Show what was there anyway, too.
    """

    plan: str | None
    mappings: tuple[str, ...]
    source: Path | None
    show_all: bool

    def __bool__(self) -> bool:
        """Whether a preflight is asked for."""
        return self.plan is not None or bool(self.mappings)

    def check(self, others: Sequence[str]) -> None:
        """Raise `UsageError` when the options do not go together.

        Args:
            others: Names of options that were given and that only an audit of what is there has.
        """
        if self.plan is not None and self.mappings:
            raise UsageError("--plan and --mapping cannot go together", hint="a plan has its mappings in it")
        if self.source is not None and len(self.mappings) != 1:
            raise UsageError("--source gives the rows of one mapping", hint="name it with --mapping")
        if self.show_all and not self:
            raise UsageError("--show-all is about a preflight", hint="add --plan PLAN or --mapping MAPPING")
        if self and others:
            raise UsageError(
                f"{others[0]} is about the mirror as it is, and cannot go with a preflight",
                hint="leave it out, or audit without --plan and --mapping",
            )


preflight_options = together(
    "wanted",
    Wanted,
    click.option(
        "--plan",
        "plan",
        metavar="PLAN",
        help="Judge what a plan (a file or an Id, as for `apply`) would cause; nothing is written.",
    ),
    click.option(
        "--mapping",
        "mappings",
        multiple=True,
        metavar="MAPPING",
        help="Plan as `sfsync plan --no-pull MAPPING` does, judge what the plan would cause, and keep nothing.",
    ),
    click.option(
        "--source",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="With one --mapping: rows for it, in place of its own.",
    ),
    click.option("--show-all", is_flag=True, help="Of a preflight: show what was there anyway, too."),
)


def run_preflight(
    console: Console,
    project: Project,
    wanted: Wanted,
    settings: Settings,
    verdict: Verdict,
    outputs: Outputs,
    **chosen: Any,
) -> int:
    """Judge what a plan would cause, write it, and return the exit code; the mirror's file is only read."""
    from sfsync.audit.preflight import as_told, preflight
    from sfsync.audit.stored import read_audit

    # What was there anyway is nothing that a plan could be blamed for.
    verdict = replace(verdict, max_new=verdict.max_new or 0)
    with _beside(project, wanted) as beside:
        plan = _plan(beside, project, wanted)
        if not plan.change_count:
            refused = f": all of its {plan.refused_count:,} changes are refused" if plan.refused_count else ""
            console.warn(f"plan {plan.id} would write nothing{refused}")
        found = preflight(
            beside,
            settings,
            lambda: _lay_over(beside, project, plan, wanted),
            objects={step.object for step in plan.steps},
            rules_dir=project.rules_dir,
            settings_file=project.document,
            **chosen,
        )
        for warning in found.after.warnings:
            console.warn(warning)
        with beside.writing() as session:
            told = as_told(session, read_audit(session, found.after.audit_id), found, everything=wanted.show_all)
            shown = verdict.shown(told, session, outputs.max_findings)
            status = write_outputs(console, shown, outputs, verdict.status(told))
    _next_step(console, found, wanted, outputs, status)
    return status


@contextmanager
def _beside(project: Project, wanted: Wanted) -> Iterator[StoreBeside]:
    from sfsync.store import open_store
    from sfsync.store.beside import store_beside

    store = open_store(project.store_path)
    with store_beside(store, project.state_dir / "preflight", to_plan=bool(wanted.mappings)) as beside:
        yield beside


def _plan(beside: StoreBeside, project: Project, wanted: Wanted) -> Plan:
    """The plan to be judged: taken as `apply` would take it, or made as `plan` would make it."""
    from sfsync.cli.plan import plan_options
    from sfsync.mapping import load_mappings
    from sfsync.sync.plan.choose import chosen_mappings, with_source
    from sfsync.sync.plan.make import make_plan
    from sfsync.sync.plan.resulting import refuse_unfit_plan, set_waiting_plans_aside, take_plan

    every = load_mappings(project.mappings_dir)
    if wanted.plan is not None:
        with beside.writing() as session:
            plan = take_plan(session, wanted.plan)
            refuse_unfit_plan(session, plan, every)
        return plan
    chosen = chosen_mappings(every, wanted.mappings)
    with beside.writing() as session:
        set_waiting_plans_aside(session)
    return make_plan(beside, chosen, sources=with_source(chosen, wanted.source), options=plan_options(project))


def _lay_over(beside: StoreBeside, project: Project, plan: Plan, wanted: Wanted) -> ChangeToCome:
    from sfsync.sync.plan.resulting import lay_over

    with beside.writing() as session:
        resulting = lay_over(session, plan, fiscal_year_start_month=project.settings.fiscal_year_start_month)
    return _told(resulting, wanted)


def _told(resulting: Resulting, wanted: Wanted) -> ChangeToCome:
    from sfsync.audit.preflight import ChangeToCome
    from sfsync.sync.plan.placeholders import PATTERN
    from sfsync.sync.plan.resulting import NEW_RECORDS

    plan = resulting.plan
    return ChangeToCome(
        plan=plan.id,
        kind=plan.kind,
        made_at=plan.created_at,
        source=wanted.plan or ", ".join(wanted.mappings),
        changes=[
            {"object": each.object, "action": each.action, "changes": each.sent_count, "refused": each.refused_count}
            for each in plan.steps
        ],
        limits=resulting.limits,
        unknown=resulting.unknown,
        new_records=NEW_RECORDS,
        pattern=PATTERN,
    )


def _next_step(console: Console, found: Preflight, wanted: Wanted, outputs: Outputs, status: int) -> None:
    if outputs.stdout != "human":
        return
    if status == ExitCode.FINE:
        then = f"sfsync apply {wanted.plan}" if wanted.plan else f"sfsync plan {' '.join(wanted.mappings)}"
        console.next_step(f"`{then}`")
        return
    first = next((each for each in found.after.rules if each.count), None)
    more = f"`sfsync rule explain {first.rule.id}` says what to do; " if first else ""
    console.next_step(f"{more}mend the source or the mapping, and plan again")
