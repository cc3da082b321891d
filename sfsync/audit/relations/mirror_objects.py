"""What the mirror holds, object by object."""

from __future__ import annotations

from sfsync.audit.relations.relation import Relation

RELATION = Relation(
    name="mirror_objects",
    about="One row a mirrored object: up to when it is mirrored, which part of it, and when its formulas were read.",
    columns={
        "object": "text",
        "records": "number",
        "known_from": "datetime",
        "upper_bound": "datetime",
        "run_id": "text",
        "selection": "text",
        "calculated_fields": "number",
        "refreshed_at": "datetime",
    },
    rows=lambda context: context.book.objects,
)
