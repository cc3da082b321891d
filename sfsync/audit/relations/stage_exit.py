"""What `definitions: {stage_exit: …}` wants to be known of an opportunity before it leaves a stage."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_such_an_activity, shows
from sfsync.audit.relations.made import field_of, in_one
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_frameworks import Evidence

_COLUMNS: dict[str, FieldType] = {"opportunity_id": "text", "stage": "text", "requirement": "text", "met": "boolean"}

_ROLES: dict[str, FieldType] = {"OpportunityId": "text", "Role": "text"}


def _query(context: AuditContext) -> exp.Query:
    selects = [
        exp.select(
            exp.column("Id", table="o", quoted=True).as_("opportunity_id"),
            exp.Literal.string(stage).as_("stage"),
            exp.Literal.string(piece.words).as_("requirement"),
            exp.Coalesce(this=condition, expressions=[exp.false()]).as_("met"),
        ).from_(exp.to_table("sf.Opportunity").as_("o"))
        for stage, pieces in context.definitions.stage_exit.items()
        for piece in pieces
        if (condition := _met(piece, context)) is not None
    ]
    return in_one(selects) or without_rows(_COLUMNS)


def _met(piece: Evidence, context: AuditContext) -> exp.Expr | None:
    """The condition that an opportunity meets a requirement; None when the mirror cannot tell."""
    own_id = exp.column("Id", table="o", quoted=True)
    if piece.activity is not None:
        of_deal = exp.select(exp.column("what_id", table="a")).from_(exp.to_table("all_activities").as_("a"))
        return own_id.isin(query=of_deal.where(is_such_an_activity(piece.activity, "a")))
    if piece.contact_role is not None:
        if context.columns and not all(context.column("OpportunityContactRole", name) for name in _ROLES):
            return None
        role = exp.Lower(this=exp.column("Role", table="r", quoted=True))
        roles = exp.select(exp.column("OpportunityId", table="r", quoted=True)).from_(
            exp.to_table("sf.OpportunityContactRole").as_("r")
        )
        return own_id.isin(query=roles.where(role.isin(*(name.lower() for name in piece.contact_role))))
    column = field_of("Opportunity", piece.field or "", "o", context)
    return None if column is None else shows(piece, *column)


RELATION = Relation(
    name="stage_exit",
    about=(
        "One row an opportunity and requirement of the stages that definitions name: whether today's values meet it, "
        "whatever stage the opportunity is in."
    ),
    columns=_COLUMNS,
    needs={"Opportunity": {"Id": "text"}},
    optional=(OptionalNeed(object="OpportunityContactRole", fields=_ROLES),),
    serves=("stage_exit",),
    query=_query,
    reads=("all_activities",),
)
