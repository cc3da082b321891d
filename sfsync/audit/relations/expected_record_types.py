"""Which record types are expected after the conversion of which leads, as `definitions:` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_type": "text", "target_object": "text", "target_type": "text"}


def _query(context: AuditContext) -> exp.Query:
    rows = [
        tuple(exp.Literal.string(word) for word in (lead_type, target, target_type))
        for lead_type, targets in context.definitions.lead_conversion.record_types.items()
        for target, target_types in targets.items()
        for target_type in target_types
    ]
    if not rows:
        return without_rows(_COLUMNS)
    names = list(_COLUMNS)
    return exp.select(*(exp.column(name, table="m") for name in names)).from_(exp.values(rows, "m", names))


RELATION = Relation(
    name="expected_record_types",
    about="One row a record type of leads, target object, and record type (by developer name) its target may have.",
    columns=_COLUMNS,
    notions=("lead_conversion.record_types",),
    query=_query,
)
