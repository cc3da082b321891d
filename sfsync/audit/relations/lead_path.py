"""The statuses every lead goes through, as `definitions: {lead_path: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import in_one
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"place": "number", "status": "text"}


def _query(context: AuditContext) -> exp.Query:
    selects = [
        exp.select(exp.Literal.number(place).as_("place"), exp.Literal.string(status).as_("status"))
        for place, status in enumerate(context.definitions.lead_path, start=1)
    ]
    return in_one(selects) or without_rows(_COLUMNS)


RELATION = Relation(
    name="lead_path",
    about="One row a status that every lead goes through before it is converted, with its place among them.",
    columns=_COLUMNS,
    serves=("lead_path",),
    query=_query,
)
