"""How the fields of mirrored objects changed in the org, as the pulls noticed it."""

from __future__ import annotations

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if context.book.drifts is not None:
        return None
    return "the mirror keeps no book of changes of fields", "run `sfsync pull`"


RELATION = Relation(
    name="mirror_drifts",
    about="One row a field and change that a pull noticed.",
    columns={
        "object": "text",
        "field": "text",
        "kind": "text",
        "detail": "text",
        "noticed_at": "datetime",
        "run_id": "text",
    },
    rows=lambda context: context.book.drifts or (),
    unmet=_unmet,
)
