"""Where conversion copies the fields of a lead to: Salesforce's documented map and the org's own."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.carry_over import mapped_pairs
from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {
    "lead_field": "text",
    "target_object": "text",
    "target_field": "text",
    "origin": "text",
    "part_of": "text",
}


def _query(context: AuditContext) -> exp.Query:
    rows = [
        tuple(
            exp.Literal.string(word)
            for word in (pair.lead_field, pair.target_object, pair.target_field, pair.origin, pair.part_of)
        )
        for pair in mapped_pairs(context)
    ]
    if not rows:
        return without_rows(_COLUMNS)
    names = list(_COLUMNS)
    return exp.select(*(exp.column(name, table="m") for name in names)).from_(exp.values(rows, "m", names))


RELATION = Relation(
    name="lead_mapping",
    about=(
        "One row a pair that conversion copies: lead field, target object and field, and where the pair is told "
        "(standard, settings or definitions). Of the standard pairs only those the mirror has both ends of."
    ),
    columns=_COLUMNS,
    query=_query,
)
