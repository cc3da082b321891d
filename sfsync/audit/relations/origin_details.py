"""Leads of which a field says what brought them in, as `definitions: {origin_detail: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import leads_with_a_value
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    return leads_with_a_value(context.definitions.origin_detail or (), context) or without_rows(_COLUMNS)


RELATION = Relation(
    name="origin_details",
    about="One row a lead with a value in one of the fields that `origin_detail` names.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("origin_detail",),
    query=_query,
)
