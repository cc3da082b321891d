"""How many leads have something in each custom field, whether or not conversion copies it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.carry_over import Pair, column
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.config.definitions_lead_conversion import TARGETS
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_field": "text",
    "open_leads": "number",
    "open_filled": "number",
    "converted_leads": "number",
    "converted_filled": "number",
    "copied": "number",
}


def _query(context: AuditContext) -> exp.Query:
    fields = list(_custom_fields(context))
    if not fields:
        return without_rows(_COLUMNS)
    twins = {field: list(_twins(context, field)) for field in fields}
    counts = [
        "COUNT(*) FILTER (WHERE NOT l.IsConverted) AS open_leads",
        "COUNT(*) FILTER (WHERE c.lead_id IS NOT NULL) AS converted_leads",
    ]
    for number, field in enumerate(fields):
        filled = Pair(field, "Account", field, "standard", context.kind("Lead", field)).has_lead_value(
            column("l", field)
        )
        same = " OR ".join(f"{column(twin.target_object, field)} = {column('l', field)}" for twin in twins[field])
        counts += [
            f"COUNT(*) FILTER (WHERE NOT l.IsConverted AND {filled}) AS open_{number}",
            f"COUNT(*) FILTER (WHERE c.lead_id IS NOT NULL AND {filled}) AS converted_{number}",
            f"COUNT(*) FILTER (WHERE c.lead_id IS NOT NULL AND {filled} AND ({same or 'FALSE'})) AS copied_{number}",
        ]
    used = {twin.target_object for of_field in twins.values() for twin in of_field}
    joins = " ".join(
        f"LEFT JOIN sf.{target} AS {target} ON {target}.Id = c.{target.lower()}_id"
        for target in TARGETS
        if target in used
    )
    rows = " UNION ALL ".join(
        f"SELECT CAST({literal(field)} AS VARCHAR) AS lead_field, k.open_leads AS open_leads,"
        f" k.open_{number} AS open_filled, k.converted_leads AS converted_leads,"
        f" k.converted_{number} AS converted_filled, k.copied_{number} AS copied FROM counted AS k"
        for number, field in enumerate(fields)
    )
    return parse_select(
        f"WITH counted AS (SELECT {', '.join(counts)} FROM sf.Lead AS l"
        f" LEFT JOIN conversions AS c ON c.lead_id = l.Id AND NOT c.is_loaded {joins}) {rows}"
    )


def _custom_fields(context: AuditContext) -> Iterator[str]:
    """Custom fields that people or integrations fill in: no formulas, no numbers that the org gives out."""
    described = context.describes.get(context.object("Lead") or "Lead")
    for name in context.columns.get(context.object("Lead") or "Lead", ()):
        found = described.field(name) if described is not None else None
        given_out = found is not None and (found.calculated or not found.createable)
        if name.casefold().endswith("__c") and not given_out and context.kind("Lead", name) != "other":
            yield name


def _twins(context: AuditContext, field: str) -> Iterator[Pair]:
    """Fields of the same name and kind on what leads become: automation may copy there without any mapping."""
    kind = context.kind("Lead", field)
    for target in TARGETS:
        if context.column(target, field) == field and context.kind(target, field) == kind:
            yield Pair(field, target, field, "standard", kind, kind)


RELATION = Relation(
    name="lead_custom_fields",
    about=(
        "One row a custom field of leads that can be filled in: unconverted and converted leads, in how many of them "
        "it is filled, and for how many converted ones a field of the same name on a target holds the same value."
    ),
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text", "IsConverted": "boolean"}},
    query=_query,
    reads=("conversions",),
)
