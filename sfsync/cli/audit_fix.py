"""`sfsync audit --fix`: what the rules propose, as a plan to be reviewed and applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.cli.console import Console
from sfsync.cli.plan import explain_and_write, plan_options
from sfsync.errors import MirrorUnfit

if TYPE_CHECKING:
    from sfsync.audit import AuditResult
    from sfsync.project import Project


def plan_the_fixes(console: Console, project: Project, result: AuditResult, output: Path | None) -> None:
    """Make the plan, explain it on stdout, and write it to a file where one is named; nothing goes to the org.

    Raises:
        MirrorUnfit: What an unfit mirror shows is no reason to change the org.
    """
    from sfsync.audit.fixes import proposals_sql
    from sfsync.store import open_store
    from sfsync.sync.plan.explain_text import explain_text
    from sfsync.sync.plan.fixes import make_fix_plan

    if not result.fitness.fit:
        raise MirrorUnfit(
            "no fix is planned: the mirror is unfit, so what it shows may be right or wrong",
            hint="`sfsync audit --select SY` says why; mend the mirror first",
        )
    store, shown_as = open_store(project.store_path), f"fixes of audit {result.audit_id}"
    made = make_fix_plan(store, proposals_sql(result.audit_id), shown_as=shown_as, options=plan_options(project))
    for each in made.left_out:
        console.warn(f"{each.object}.{each.field} of {each.count:,} records is left out: {each.reason}")
    left_out = [{"object": e.object, "field": e.field, "records": e.count, "reason": e.reason} for e in made.left_out]
    if made.plan is None:
        console.finish({"plan": None, "left_out": left_out}, lambda: console.note("the rules propose no change"))
        return
    with store.reading() as session:
        told = explain_and_write(console, session, made.plan, output)

    def human() -> None:
        console.out(explain_text(told).rstrip("\n"))
        console.next_step(f"review it, then `sfsync apply {output or told['plan']}`; `sfsync undo` takes it back")

    console.finish({"plan": told, "left_out": left_out}, human)
