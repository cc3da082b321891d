"""Which fields a lead must have by its status, as `definitions: {required_by_status: …}` says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_filled
from sfsync.audit.relations.made import in_one, lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text", "status": "text", "field": "text", "filled": "boolean"}


def _query(context: AuditContext) -> exp.Query:
    selects = []
    for status, names in context.definitions.required_by_status.items():
        for name in names:
            column = lead_field(name, context)
            if column is None:
                continue  # told where definitions are held against the mirror
            value, kind = column
            selects.append(
                exp.select(
                    exp.column("Id", table="l", quoted=True).as_("lead_id"),
                    exp.Literal.string(status).as_("status"),
                    exp.Literal.string(name).as_("field"),
                    is_filled(value, kind).as_("filled"),
                )
                .from_(exp.to_table("sf.Lead").as_("l"))
                .where(exp.column("Status", table="l", quoted=True).eq(exp.Literal.string(status)))
            )
    return in_one(selects) or without_rows(_COLUMNS)


RELATION = Relation(
    name="required_by_status",
    about="One row a lead and field that its status asks for: whether the field is filled.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text", "Status": "text"}},
    serves=("required_by_status",),
    query=_query,
)
