"""The values of the org's picklists, retired ones too."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row
from sfsync.records import FieldDescribe, PicklistEntry


def _rows(context: AuditContext) -> Iterator[Row]:
    for name, described in sorted(context.describes.items()):
        for field in described.fields:
            for entry in _entries(field):
                yield name, field.name, entry.value, entry.label or entry.value, entry.active, entry.default


def _entries(field: FieldDescribe) -> tuple[PicklistEntry, ...]:
    """Its entries; a mirror of an earlier sfsync knows the active values alone."""
    return field.picklist_entries or tuple(PicklistEntry(value) for value in field.picklist_values)


RELATION = Relation(
    name="picklist_values",
    about="One row a value of a picklist of a mirrored object, as the org described it at the last pull.",
    columns={
        "object": "text",
        "field": "text",
        "value": "text",
        "label": "text",
        "active": "boolean",
        "is_default": "boolean",
    },
    rows=_rows,
)
