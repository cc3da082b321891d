"""The lead's score, in the field that `definitions: {scoring: …}` names: now, and as of the conversion."""

from __future__ import annotations

from datetime import timedelta

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.qualification import Qualification
from sfsync.audit.relations.made import lead_field
from sfsync.audit.relations.qualification_marks import RECORDS_AND_HISTORY
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.config.definitions_frameworks import Evidence, Scoring

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "as_of": "text",
    "score": "number",
    "hot": "number",
    "floor": "number",
    "is_scored": "boolean",
    "is_hot": "boolean",
    "is_below_floor": "boolean",
    "is_sure": "boolean",
}


def _query(context: AuditContext) -> exp.Query:
    scoring = context.definitions.scoring
    column = lead_field(scoring.field, context) if scoring else None
    if scoring is None or column is None or column[1] not in ("number", "text"):
        return without_rows(_COLUMNS)
    marks = Qualification(context, _criteria(scoring), timedelta()).query().subquery("q")
    scored, hot, floor = (_mark(place) for place in (1, 2, 3))
    return (
        exp.select(
            exp.column("lead_id", table="q").as_("lead_id"),
            exp.column("as_of", table="q").as_("as_of"),
            exp.cast(column[0], "DOUBLE").as_("score"),
            _number(scoring.hot).as_("hot"),
            _number(scoring.floor).as_("floor"),
            scored.as_("is_scored"),
            (hot if scoring.hot is not None else exp.false()).as_("is_hot"),
            (exp.and_(scored.copy(), exp.not_(floor)) if scoring.floor is not None else exp.false()).as_(
                "is_below_floor"
            ),
            exp.column("is_sure", table="q").as_("is_sure"),
        )
        .from_(marks)
        .join(exp.to_table("sf.Lead").as_("l"), on=_id("l").eq(exp.column("lead_id", table="q")))
    )


def _criteria(scoring: Scoring) -> dict[str, tuple[Evidence, ...]]:
    bounds = {"hot": scoring.hot or 0.0, "floor": scoring.floor or 0.0}
    is_set = Evidence.model_construct(field=scoring.field, object="Lead")
    return {
        "scored": (is_set,),
        **{name: (is_set.model_copy(update={"min": bound}),) for name, bound in bounds.items()},
    }


def _mark(place: int) -> exp.Expr:
    marks = exp.column("marks", table="q")
    return exp.Substring(this=marks, start=exp.Literal.number(place), length=exp.Literal.number(1)).eq("1")


def _id(alias: str) -> exp.Column:
    return exp.column("Id", table=alias, quoted=True)


def _number(value: float | None) -> exp.Expr:
    return exp.cast(exp.null() if value is None else exp.convert(value), "DOUBLE")


RELATION = Relation(
    name="lead_score",
    about=(
        "One row a lead as of `now`, and another as of its `conversion`: whether it had a score, a hot one, or one "
        "below the floor; `score` itself is today's."
    ),
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("scoring",),
    query=_query,
    optional=RECORDS_AND_HISTORY,
    reads=("conversions",),
)
