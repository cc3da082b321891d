"""What this org has chosen about conversion, as far as sfsync.yml or the retrieved settings tell."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"option": "text", "is_on": "boolean"}
_OPTIONS = ("require_validation", "track_history", "preserve_status", "allow_owner_change", "overwrite_lead_source")


def _query(context: AuditContext) -> exp.Query:
    known = context.definitions.lead_conversion
    told = {name: getattr(known, name) for name in _OPTIONS}
    if known.opportunity_creation is not None:
        told["require_opportunity"] = known.opportunity_creation == "VisibleRequired"
        told["hide_opportunity"] = known.opportunity_creation == "NotVisible"
    rows = [
        (exp.Literal.string(name), exp.true() if value else exp.false())
        for name, value in told.items()
        if value is not None
    ]
    if not rows:
        return without_rows(_COLUMNS)
    names = list(_COLUMNS)
    return exp.select(*(exp.column(name, table="m") for name in names)).from_(exp.values(rows, "m", names))


RELATION = Relation(
    name="conversion_options",
    about="One row an option of lead conversion that is known, named as in `definitions: {lead_conversion: …}`.",
    columns=_COLUMNS,
    query=_query,
)
