"""Which criteria of the framework in force each lead meets."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "criterion": "text",
    "met": "boolean",
    "as_of": "text",
    "is_sure": "boolean",
}


def _query(context: AuditContext) -> exp.Query:
    framework = context.definitions.in_force
    if framework is None:
        return without_rows(_COLUMNS)
    query: exp.Query | None = None
    for place, criterion in enumerate(framework.criteria, start=1):
        mark = exp.Substring(
            this=exp.column("marks", table="q"), start=exp.Literal.number(place), length=exp.Literal.number(1)
        )
        row = exp.select(
            exp.column("lead_id", table="q").as_("lead_id"),
            exp.Literal.string(criterion).as_("criterion"),
            mark.eq("1").as_("met"),
            exp.column("as_of", table="q").as_("as_of"),
            exp.column("is_sure", table="q").as_("is_sure"),
        ).from_(exp.to_table("qualification_marks").as_("q"))
        query = row if query is None else exp.union(query, row, distinct=False, copy=False)
    assert query is not None  # noqa: S101 - a framework has criteria
    return query


RELATION = Relation(
    name="lead_qualification",
    about=(
        "One row a lead and criterion of the framework in force: whether it is met as of `now`, and for a converted "
        "lead as of its `conversion` (and the framework's time of grace)."
    ),
    columns=_COLUMNS,
    serves=("framework",),
    query=_query,
    reads=("qualification_marks",),
)
