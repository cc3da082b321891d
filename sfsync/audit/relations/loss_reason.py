"""Why opportunities were lost, in the field that `definitions: {reasons: {lost: …}}` names."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import as_text, field_of
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"opportunity_id": "text", "reason": "text"}


def _query(context: AuditContext) -> exp.Query:
    name = context.definitions.reasons.lost
    column = field_of("Opportunity", name, "o", context) if name else None
    if column is None:
        return without_rows(_COLUMNS)
    return exp.select(
        exp.column("Id", table="o", quoted=True).as_("opportunity_id"), as_text(*column).as_("reason")
    ).from_(exp.to_table("sf.Opportunity").as_("o"))


RELATION = Relation(
    name="loss_reason",
    about="One row an opportunity: what its field for the reason of a loss says.",
    columns=_COLUMNS,
    needs={"Opportunity": {"Id": "text"}},
    serves=("reasons.lost",),
    query=_query,
)
