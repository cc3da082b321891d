"""Which field is kept how: what the org says of it, and the column that holds it."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext, kind_of
from sfsync.audit.relations.relation import Relation, Row
from sfsync.store.columns import sql_type


def _rows(context: AuditContext) -> Iterator[Row]:
    for name, described in sorted(context.describes.items()):
        for field in described.stored_fields:
            held = context.column(name, field.name)
            if held is not None:
                kinds = kind_of(sql_type(field)), kind_of(context.columns[name][held])
                yield (name, held, field.type, field.length, *kinds)


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if next(_rows(context), None) is not None:
        return None
    return "the mirror was never told what its fields are", "run `sfsync pull`"


RELATION = Relation(
    name="mirror_fields",
    about=(
        "One row a mirrored field: its type as the org describes it, what values of that type are (text, number, "
        "boolean, date, datetime, other), and what the mirror's column holds."
    ),
    columns={
        "object": "text",
        "field": "text",
        "type": "text",
        "length": "number",
        "described_kind": "text",
        "stored_kind": "text",
    },
    rows=_rows,
    unmet=_unmet,
)
