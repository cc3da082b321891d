"""What became of each mirrored object in the newest pull that was about it."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if context.book.outcomes:
        return None
    return "the mirror's ledger knows no pull of its objects", "run `sfsync pull`"


def _rows(context: AuditContext) -> Iterator[Row]:
    for name, *outcome in context.book.outcomes:
        yield (name, *outcome, context.used is None or name in context.used)


RELATION = Relation(
    name="mirror_outcomes",
    about=(
        "One row a mirrored object: what the newest pull that was about it made of it (done, left, stopped), and how "
        "many records the two newest ones counted that finished; `used` tells whether a running rule reads it."
    ),
    columns={
        "object": "text",
        "run_id": "text",
        "started_at": "datetime",
        "finished_at": "datetime",
        "outcome": "text",
        "reason": "text",
        "records": "number",
        "records_before": "number",
        "used": "boolean",
    },
    rows=_rows,
    unmet=_unmet,
)
