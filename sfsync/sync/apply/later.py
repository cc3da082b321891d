"""Two plans of the same rows: what one has written, the other must not write again.

A plan that was applied in part can go on, by `retry` or `--resume`, after a newer one was made of what it left. Rows
with a key are found to be there by then; a row without one would become a second record.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.errors import PlanStale
from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.sync.plan.stored import Plan, mark, plans_since


def refuse_written_later(session: Session, plan: Plan) -> None:
    """Raise when a newer plan of the same rows has written something: what this one left was in it.

    Args:
        session: Any session.
        plan: One that is to go on.

    Raises:
        PlanStale: There is such a plan; both are named.
    """
    for newer, mappings in _of_same_rows(session, plan):
        if _has_written(session, newer, mappings):
            told = (
                f"plan {newer.id} was made later of the same rows ({', '.join(mappings)}), and has written some of them"
            )
            raise PlanStale(
                f"{told}: what plan {plan.id} has left might be made a second time",
                hint="`sfsync plan` makes a new one of what is left to do; "
                f"`sfsync apply {plan.id} --give-up` ends the old one",
            )


def overtake_later(session: Session, plan: Plan) -> None:
    """A plan goes on: newer ones of the same rows that wait to be applied know nothing of what it writes, and are over.

    Args:
        session: A writing session.
        plan: The one that goes on.
    """
    for newer, _ in _of_same_rows(session, plan):
        if newer.state == "open":
            mark(session, newer.id, "stale")


def _of_same_rows(session: Session, plan: Plan) -> Iterator[tuple[Plan, list[str]]]:
    """Newer plans, each with the mappings that both were made of, from the same source."""
    mine = _sources(plan)
    for newer in plans_since(session, plan):
        shared = sorted(file for file, source in _sources(newer).items() if mine.get(file) == source)
        if shared:
            yield newer, shared


def _sources(plan: Plan) -> dict[str, str]:
    """Mapping → what its rows came from. An undo is made of no mapping, and of no rows."""
    return {each["file"]: str(each["source"]) for each in plan.header.get("mappings", ())}


def _has_written(session: Session, plan: Plan, mappings: list[str]) -> bool:
    steps = [step.step for step in plan.steps if step.mapping in mappings]
    if not steps or not has_table(session, "sfsync", "outcomes"):
        return False
    found = session.execute(
        f"SELECT 1 FROM sfsync.outcomes WHERE plan_id = ? AND step IN ({', '.join(map(str, steps))}) "
        "AND state IN ('done', 'unknown') LIMIT 1",
        [plan.id],
    )
    return bool(found.rows)
