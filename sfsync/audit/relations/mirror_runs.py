"""Every run that the mirror's ledger knows, the audit that is under way among them."""

from __future__ import annotations

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if context.book.runs:
        return None
    return "the mirror's ledger knows no run", "run `sfsync pull`"


RELATION = Relation(
    name="mirror_runs",
    about="One row a run: what it did, when, and how it ended. Its instants are of this machine's clock, in UTC.",
    columns={
        "run_id": "text",
        "verb": "text",
        "started_at": "datetime",
        "finished_at": "datetime",
        "state": "text",
    },
    rows=lambda context: context.book.runs,
    unmet=_unmet,
)
