"""Who may own the leads of each rule of `definitions: {assignment: …}`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import in_one
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed

_COLUMNS: dict[str, FieldType] = {"rule": "number", "owner_id": "text"}

#: Fields by which sfsync.yml may name an owner or a queue.
OWNER_FIELDS = {"User": ("Username", "Email", "Id"), "Group": ("DeveloperName", "Name", "Id")}


def _query(context: AuditContext) -> exp.Query:
    return in_one(list(_selects(context))) or without_rows(_COLUMNS)


def _selects(context: AuditContext) -> Iterator[exp.Query]:
    for i, rule in enumerate(context.definitions.assignment, start=1):
        for object_name, names in (("User", rule.owners or ()), ("Group", (rule.queue,) if rule.queue else ())):
            fields = [f for f in OWNER_FIELDS[object_name] if not context.columns or context.column(object_name, f)]
            if not names or not fields or (context.columns and context.object(object_name) is None):
                continue
            folded = [exp.Literal.string(name.strip().lower()) for name in names]
            tests = [
                exp.Lower(this=exp.column(field, table="x", quoted=True)).isin(*(name.copy() for name in folded))
                for field in fields
            ]
            yield (
                exp.select(exp.Literal.number(i).as_("rule"), exp.column("Id", table="x", quoted=True).as_("owner_id"))
                .from_(exp.to_table(f"sf.{object_name}").as_("x"))
                .where(exp.or_(*tests))
            )


RELATION = Relation(
    name="assignment_owners",
    about="One row a rule of `assignment` and user or queue that may own its leads.",
    columns=_COLUMNS,
    optional=(
        OptionalNeed(object="User", fields={"Id": "text", "Username": "text", "Email": "text"}),
        OptionalNeed(object="Group", fields={"Id": "text", "DeveloperName": "text", "Name": "text"}),
    ),
    serves=("assignment",),
    query=_query,
)
