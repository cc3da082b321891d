"""What the org says about its fields, as far as the user who pulled may see them."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row


def _rows(context: AuditContext) -> Iterator[Row]:
    for name, described in sorted(context.describes.items()):
        for field in described.fields:
            yield (
                *(name, field.name, field.label, field.type, field.length, field.precision, field.scale),
                *(field.nillable, field.createable, field.updateable, field.defaulted_on_create, field.unique),
                *(field.external_id, field.custom, field.calculated, field.restricted_picklist, field.filterable),
            )


RELATION = Relation(
    name="org_fields",
    about="One row a field of a mirrored object, as the org described it at the last pull.",
    columns={
        "object": "text",
        "field": "text",
        "label": "text",
        "type": "text",
        "length": "number",
        "precision": "number",
        "scale": "number",
        "nillable": "boolean",
        "createable": "boolean",
        "updateable": "boolean",
        "defaulted_on_create": "boolean",
        "is_unique": "boolean",
        "external_id": "boolean",
        "custom": "boolean",
        "calculated": "boolean",
        "restricted_picklist": "boolean",
        "filterable": "boolean",
    },
    rows=_rows,
)
