"""How the mirror was found to differ from the org, where that is not mended yet."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row


def _rows(context: AuditContext) -> Iterator[Row]:
    for name, _, proven_at, as_of, records, _, kind, differing, repaired in context.book.proofs:
        if differing and not repaired:
            yield (name, proven_at, as_of, records, kind, differing)


RELATION = Relation(
    name="mirror_differences",
    about="One row a mirrored object and kind of difference that its newest proof found and left as it was.",
    columns={
        "object": "text",
        "proven_at": "datetime",
        "as_of": "datetime",
        "records": "number",
        "kind": "text",
        "differing": "number",
    },
    rows=_rows,
)
