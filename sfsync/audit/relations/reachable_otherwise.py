"""Leads that can be reached by something else than e-mail and phone, as `definitions: {reachable_by: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import leads_with_a_value
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    return leads_with_a_value(context.definitions.reachable_by or (), context) or without_rows(_COLUMNS)


RELATION = Relation(
    name="reachable_otherwise",
    about="One row a lead with a value in one of the fields that `reachable_by` names.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("reachable_by",),
    query=_query,
)
