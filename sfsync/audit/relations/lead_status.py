"""Which lead statuses mean what, as `definitions: {lead_status: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_PHASES = ("new", "working", "qualified", "disqualified")
_COLUMNS: dict[str, FieldType] = {"status": "text", "phase": "text"}


def _query(context: AuditContext) -> exp.Query:
    definitions = context.definitions.lead_status
    pairs = [(status, phase) for phase in _PHASES for status in getattr(definitions, phase)]
    if not pairs:
        return without_rows(_COLUMNS)
    rows = [
        exp.select(exp.Literal.string(status).as_("status"), exp.Literal.string(phase).as_("phase"))
        for status, phase in pairs
    ]
    query: exp.Query = rows[0]
    for row in rows[1:]:
        query = exp.union(query, row, distinct=False, copy=False)
    return query


RELATION = Relation(
    name="lead_status",
    about="One row a lead status that definitions name, with its phase: new, working, qualified or disqualified.",
    columns=_COLUMNS,
    serves=tuple(f"lead_status.{phase}" for phase in _PHASES),
    query=_query,
)
