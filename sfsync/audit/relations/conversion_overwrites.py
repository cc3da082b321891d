"""What field history says a conversion wrote into records that were there before."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.carry_over import Pair, carried_pairs, column, shown
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.lead_carry_over import standard_options
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import Fields, FieldType, OptionalNeed
from sfsync.config.definitions_lead_conversion import Target
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "target_object": "text",
    "target_id": "text",
    "target_field": "text",
    "lead_field": "text",
    "old_value": "text",
    "new_value": "text",
    "lead_value": "text",
    "changed_at": "datetime",
    "changed_by": "text",
}

#: Target → where its field history is, and the field that names the record.
HISTORIES: dict[Target, tuple[str, str]] = {
    "Account": ("AccountHistory", "AccountId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}


def _history_fields(link: str) -> Fields:
    return {
        link: "text",
        "Field": "text",
        "OldValue": "text",
        "NewValue": "text",
        "CreatedDate": "datetime",
        "CreatedById": "text",
    }


def _query(context: AuditContext) -> exp.Query:
    parts = [
        _part(target, pairs)
        for target, (history, _) in HISTORIES.items()
        if (not context.columns or context.object(history) is not None) and (pairs := list(_pairs(context, target)))
    ]
    return parse_select(" UNION ALL ".join(parts)) if parts else without_rows(_COLUMNS)


def _pairs(context: AuditContext, target: Target) -> Iterator[Pair]:
    """The mapped pairs, and the account's source: sources disagree on whether conversion writes it."""
    yield from carried_pairs(context, target)
    source = context.column("Lead", "LeadSource")
    written = context.column("Account", "AccountSource")
    if target == "Account" and source is not None and written is not None:
        yield Pair(source, "Account", written, "standard")


def _part(target: Target, pairs: list[Pair]) -> str:
    history, link = HISTORIES[target]
    name = target.lower()
    fields = " ".join(
        f"WHEN {literal(pair.target_field)} THEN CAST({literal(pair.lead_field)} AS VARCHAR)" for pair in pairs
    )
    values = " ".join(
        f"WHEN {literal(pair.target_field)} THEN {shown(column('l', pair.lead_field), pair.lead_kind)}"
        for pair in pairs
    )
    known = ", ".join(literal(pair.target_field) for pair in pairs)
    return (
        f"SELECT c.lead_id AS lead_id, CAST({literal(target)} AS VARCHAR) AS target_object, c.{name}_id AS target_id,"
        f" h.Field AS target_field, CASE h.Field {fields} END AS lead_field, h.OldValue AS old_value,"
        f" h.NewValue AS new_value, CASE h.Field {values} END AS lead_value, h.CreatedDate AS changed_at,"
        f" h.CreatedById AS changed_by FROM sf.{history} AS h JOIN conversions AS c ON c.{name}_id = h.{link}"
        f" JOIN sf.Lead AS l ON l.Id = c.lead_id WHERE c.{name}_path = 'attached' AND NOT c.is_loaded"
        f" AND c.precision = 'instant' AND h.Field IN ({known})"
        " AND h.CreatedDate >= c.converted_at - INTERVAL '1 minute'"
        " AND h.CreatedDate <= c.converted_at + INTERVAL '1 minute'"
    )


RELATION = Relation(
    name="conversion_overwrites",
    about=(
        "One row a change of a mapped field, within a minute of a conversion, in a record that was there before: what "
        "field history kept of it, beside the lead's value."
    ),
    columns=_COLUMNS,
    optional=(
        *standard_options(),
        OptionalNeed(object="Account", fields={"AccountSource": "text"}),
        *(OptionalNeed(object=history, fields=_history_fields(link)) for history, link in HISTORIES.values()),
    ),
    query=_query,
    reads=("conversions",),
)
