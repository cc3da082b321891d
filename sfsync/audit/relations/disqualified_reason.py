"""Why leads were disqualified, in the field that `definitions: {reasons: {disqualified: …}}` names."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import as_text, lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text", "reason": "text"}


def _query(context: AuditContext) -> exp.Query:
    name = context.definitions.reasons.disqualified
    column = lead_field(name, context) if name else None
    if column is None:
        return without_rows(_COLUMNS)
    return exp.select(exp.column("Id", table="l", quoted=True).as_("lead_id"), as_text(*column).as_("reason")).from_(
        exp.to_table("sf.Lead").as_("l")
    )


RELATION = Relation(
    name="disqualified_reason",
    about="One row a lead: what its field for the reason of a disqualification says.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("reasons.disqualified",),
    query=_query,
)
