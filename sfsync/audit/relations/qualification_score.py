"""How many criteria of the framework in force each lead meets, and which it misses."""

from __future__ import annotations

from functools import reduce

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "met": "number",
    "total": "number",
    "required": "number",
    "missing": "text",
    "as_of": "text",
    "judged_at": "datetime",
    "is_sure": "boolean",
}


def _query(context: AuditContext) -> exp.Query:
    framework = context.definitions.in_force
    if framework is None:
        return without_rows(_COLUMNS)
    marks = exp.column("marks", table="q")
    met = exp.Length(
        this=exp.Replace(this=marks, expression=exp.Literal.string("0"), replacement=exp.Literal.string(""))
    )
    missing = reduce(
        lambda left, right: exp.DPipe(this=left, expression=right, safe=True),
        [_named_where_missing(criterion, place) for place, criterion in enumerate(framework.criteria, start=1)],
    )
    return exp.select(
        exp.column("lead_id", table="q").as_("lead_id"),
        met.as_("met"),
        exp.Literal.number(len(framework.criteria)).as_("total"),
        exp.Literal.number(framework.required).as_("required"),
        exp.Substring(this=exp.Paren(this=missing), start=exp.Literal.number(3)).as_("missing"),
        exp.column("as_of", table="q").as_("as_of"),
        exp.column("judged_at", table="q").as_("judged_at"),
        exp.column("is_sure", table="q").as_("is_sure"),
    ).from_(exp.to_table("qualification_marks").as_("q"))


def _named_where_missing(criterion: str, place: int) -> exp.Expr:
    mark = exp.Substring(
        this=exp.column("marks", table="q"), start=exp.Literal.number(place), length=exp.Literal.number(1)
    )
    name = exp.If(this=mark.eq("0"), true=exp.Literal.string(f", {criterion}"))
    return exp.Case(ifs=[name], default=exp.Literal.string(""))


RELATION = Relation(
    name="qualification_score",
    about=(
        "One row a lead as of `now`, and another as of its `conversion`: criteria met, in all, and required by the "
        "framework in force, the names of those missing, and whether the values of then are known for sure."
    ),
    columns=_COLUMNS,
    serves=("framework",),
    query=_query,
    reads=("qualification_marks",),
)
