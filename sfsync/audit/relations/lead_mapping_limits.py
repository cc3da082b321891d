"""Which mapped targets do not take everything that a lead may hold."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.carry_over import Pair, carried_pairs
from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.records import FieldDescribe

_COLUMNS: dict[str, FieldType] = {
    "lead_field": "text",
    "target_object": "text",
    "target_field": "text",
    "limit_kind": "text",
    "longest": "number",
}
_PICKLISTS = ("picklist", "multipicklist")


def limited_pairs(context: AuditContext) -> Iterator[tuple[Pair, str, int]]:
    """Pair, kind of limit (`values` or `length`), and the number of characters the target takes."""
    for pair in carried_pairs(context):
        source, target = (
            _described(context, "Lead", pair.lead_field),
            _described(context, pair.target_object, pair.target_field),
        )
        if source is None or target is None or pair.lead_kind != "text" or pair.target_kind != "text":
            continue
        if target.type in _PICKLISTS and target.restricted_picklist:
            yield pair, "values", target.length
        # Equal lengths can never be exceeded: looking at the values would be in vain.
        if (
            target.length > 0
            and (source.length == 0 or source.length > target.length)
            and target.type not in _PICKLISTS
        ):
            yield pair, "length", target.length


def _described(context: AuditContext, object_name: str, field: str) -> FieldDescribe | None:
    described = context.describes.get(context.object(object_name) or object_name)
    return None if described is None else described.field(field)


def _query(context: AuditContext) -> exp.Query:
    rows = [
        (
            *(exp.Literal.string(word) for word in (pair.lead_field, pair.target_object, pair.target_field, kind)),
            exp.Literal.number(longest),
        )
        for pair, kind, longest in limited_pairs(context)
    ]
    if not rows:
        return without_rows(_COLUMNS)
    names = list(_COLUMNS)
    return exp.select(*(exp.column(name, table="m") for name in names)).from_(exp.values(rows, "m", names))


RELATION = Relation(
    name="lead_mapping_limits",
    about=(
        "One row a mapped pair whose target takes less than the lead's field: restricted to the values of its picklist "
        "(`values`), or shorter (`length`)."
    ),
    columns=_COLUMNS,
    query=_query,
)
