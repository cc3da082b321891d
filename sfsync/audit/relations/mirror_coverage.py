"""How far the org has vouched for what the mirror holds, and since when deletions are not proven."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row


def _rows(context: AuditContext) -> Iterator[Row]:
    known = {name: others for name, *others in context.book.coverage}
    proven = {row[0] for row in context.book.proofs}
    for name in sorted(known.keys() | proven):
        yield (name, *known.get(name, (None, None, None)))


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if context.book.coverage or context.book.proofs:
        return None
    return "the mirror does not know how far deletions are proven", "run `sfsync pull`, or `sfsync verify`"


RELATION = Relation(
    name="mirror_coverage",
    about=(
        "One row a mirrored object of which that is known: up to when the org said that changes were committed, and "
        "since when a record may have been deleted for good without the mirror knowing."
    ),
    columns={
        "object": "text",
        "covered": "datetime",
        "unproven_since": "datetime",
        "unproven_because": "text",
    },
    rows=_rows,
    unmet=_unmet,
)
