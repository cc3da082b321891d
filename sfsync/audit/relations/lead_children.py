"""What hangs on leads and does not move along at conversion: files, posts, and records of custom objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.carry_over import column
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_lead_conversion import TARGETS
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "child_object": "text",
    "child_id": "text",
    "lookup": "text",
    "is_shared": "boolean",
}


@dataclass(frozen=True, slots=True)
class _Child:
    """An object with a lookup to leads.

    Attributes:
        name: Of the object.
        lookup: Its field that names the lead.
        same: Its field that two rows share when they attach one thing to two records; None where a row is the thing.
        others: Its other lookups, to what leads become.
    """

    name: str
    lookup: str
    same: str | None = None
    others: tuple[str, ...] = ()


_LINKS = (_Child("ContentDocumentLink", "LinkedEntityId", same="ContentDocumentId"), _Child("FeedItem", "ParentId"))


def _children(context: AuditContext) -> Iterator[_Child]:
    for link in _LINKS:
        if context.object(link.name) is not None:
            yield link
    for name in sorted(context.columns):
        described = context.describes.get(name)
        if described is None or not name.casefold().endswith("__c"):
            continue  # activities, campaigns, notes and attachments are moved along
        lookups = [field for field in described.fields if context.column(name, field.name)]
        others = tuple(field.name for field in lookups if set(field.reference_to) & set(TARGETS))
        for field in lookups:
            if "Lead" in field.reference_to:
                yield _Child(name, field.name, others=others)


def _query(context: AuditContext) -> exp.Query:
    parts = [_part(child) for child in _children(context)]
    return parse_select(" UNION ALL ".join(parts)) if parts else without_rows(_COLUMNS)


def _part(child: _Child) -> str:
    """The rows of one lookup; shared when the same thing also hangs on what the lead became."""
    table, lookup = f'sf."{child.name}"', column("x", child.lookup)
    targets = "c.account_id, c.contact_id, c.opportunity_id"
    if child.same is not None:
        shared = (
            f"EXISTS (SELECT 1 AS one FROM {table} AS y WHERE {column('y', child.same)} = {column('x', child.same)}"
            f" AND {column('y', child.lookup)} IN ({targets}))"
        )
    else:
        shared = (
            " OR ".join(f"COALESCE({column('x', other)} IN ({targets}), FALSE)" for other in child.others) or "FALSE"
        )
    return (
        f"SELECT {lookup} AS lead_id, CAST({literal(child.name)} AS VARCHAR) AS child_object, x.Id AS child_id,"
        f" CAST({literal(child.lookup)} AS VARCHAR) AS lookup, {shared} AS is_shared"
        f" FROM {table} AS x JOIN conversions AS c ON c.lead_id = {lookup} WHERE NOT c.is_loaded"
    )


RELATION = Relation(
    name="lead_children",
    about=(
        "One row a file, post or record of a custom object that hangs on a converted lead; `is_shared` when it hangs "
        "on the lead's account, contact or opportunity as well. Of the mirrored objects alone."
    ),
    columns=_COLUMNS,
    optional=(
        OptionalNeed(
            object="ContentDocumentLink", fields={"Id": "text", "LinkedEntityId": "text", "ContentDocumentId": "text"}
        ),
        OptionalNeed(object="FeedItem", fields={"Id": "text", "ParentId": "text"}),
    ),
    query=_query,
    reads=("conversions",),
)
