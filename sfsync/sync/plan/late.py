"""Refusals that come after a step was made: what refers to the refused is refused too, and steps are counted anew."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.store.names import literal, quote
from sfsync.sync.plan.steps import StepMaker
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import REFERENCE
from sfsync.sync.plan.work import Work


def refuse_children(maker: StepMaker, works: Sequence[Work]) -> None:
    """Refuse what refers to a new record that is refused by now; one such refusal may lead to the next."""
    by_object = {work.mapping.object: work for work in works}
    makers = [step for step in maker.steps if step.action == "create"]
    for step in maker.steps:
        if step.action == "delete":
            continue
        for column in ("record_id", *_references(by_object[step.object], step)):
            what = "the record to be changed" if column == "record_id" else f"{column}: its parent"
            for made in makers:
                row = f"{literal(f'{what}, row `')} || m.source_row || {literal(f'` of {made.mapping}, is refused')}"
                maker.session.execute(
                    f"UPDATE {step.table} AS s SET refused = {row} FROM {made.table} AS m WHERE m.refused IS NOT NULL "
                    f"AND s.refused IS NULL AND s.{quote(column)} = {literal(REFERENCE)} || m.change_no"
                )


def _references(work: Work, step: PlanStep) -> list[str]:
    """The fields of a step that hold Ids; in any other, a text that looks like a reference is data."""
    return [name for name in step.fields if work.field(name).type == "reference"]


def keep_again(maker: StepMaker) -> None:
    """Count the steps anew; one that has become empty is dropped."""
    steps = list(maker.steps)
    maker.steps.clear()
    for step in steps:
        maker.keep(step)
