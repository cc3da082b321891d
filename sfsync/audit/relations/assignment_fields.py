"""By which fields of a lead the rules of `definitions: {assignment: …}` decide."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.made import in_one
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"field": "text"}


def _query(context: AuditContext) -> exp.Query:
    return in_one(list(_selects(context))) or without_rows(_COLUMNS)


def _selects(context: AuditContext) -> Iterator[exp.Query]:
    names = dict.fromkeys(name for rule in context.definitions.assignment for name in rule.when)
    for name in names:
        yield exp.select(exp.Literal.string(context.column("Lead", name) or name).as_("field"))


RELATION = Relation(
    name="assignment_fields",
    about="One row a field of leads by which a rule of `assignment` decides.",
    columns=_COLUMNS,
    serves=("assignment",),
    query=_query,
)
