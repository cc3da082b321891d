"""Leads of which a field says what brought them in, as `definitions: {origin_detail: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_filled
from sfsync.audit.relations.made import lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    columns = [lead_field(name, context) for name in context.definitions.origin_detail or ()]
    filled = [is_filled(*column) for column in columns if column is not None]
    if not filled:
        return without_rows(_COLUMNS)
    lead = exp.to_table("sf.Lead").as_("l")
    return exp.select(exp.column("Id", table="l", quoted=True).as_("lead_id")).from_(lead).where(exp.or_(*filled))


RELATION = Relation(
    name="origin_details",
    about="One row a lead with a value in one of the fields that `origin_detail` names.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("origin_detail",),
    query=_query,
)
