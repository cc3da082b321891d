"""Until when nothing is expected of a lead, in the field that `definitions: {waits_until: …}` names."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"lead_id": "text", "until_day": "date"}


def _query(context: AuditContext) -> exp.Query:
    name = context.definitions.waits_until
    column = lead_field(name, context) if name else None
    if column is None:
        return without_rows(_COLUMNS)
    value = column[0]
    return (
        exp.select(
            exp.column("Id", table="l", quoted=True).as_("lead_id"), exp.cast(value.copy(), "DATE").as_("until_day")
        )
        .from_(exp.to_table("sf.Lead").as_("l"))
        .where(value.is_(exp.null()).not_())
    )


RELATION = Relation(
    name="lead_waits",
    about="One row a lead that waits for a day, with the day.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("waits_until",),
    query=_query,
)
