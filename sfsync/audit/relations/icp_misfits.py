"""Leads that do not fit the ideal customer profile of `definitions: {icp: …}`, or of which nobody can say."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import holds, is_filled
from sfsync.audit.relations.made import as_text, in_one, lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.config.definitions_frameworks import IcpRange

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "field": "text",
    "verdict": "text",
    "value": "text",
    "wanted": "text",
}


def _query(context: AuditContext) -> exp.Query:
    selects = []
    for name, wanted in context.definitions.icp.items():
        column = lead_field(name, context)
        if column is None:
            continue  # told where definitions are held against the mirror
        value, kind = column
        filled = is_filled(value, kind)
        misfit = exp.and_(filled.copy(), exp.not_(_fits(wanted, value)))
        empty = exp.not_(filled)
        selects.append(
            exp.select(
                exp.column("Id", table="l", quoted=True).as_("lead_id"),
                exp.Literal.string(name).as_("field"),
                exp.Case(
                    ifs=[exp.If(this=empty.copy(), true=exp.Literal.string("unknown"))],
                    default=exp.Literal.string("off"),
                ).as_("verdict"),
                as_text(value, kind).as_("value"),
                exp.Literal.string(_in_words(wanted)).as_("wanted"),
            )
            .from_(exp.to_table("sf.Lead").as_("l"))
            .where(exp.or_(misfit, empty) if wanted.required else misfit)
        )
    return in_one(selects) or without_rows(_COLUMNS)


def _fits(wanted: IcpRange, value: exp.Column) -> exp.Expr:
    if wanted.one_of is not None:
        return exp.Paren(this=exp.or_(*(holds(value, each) for each in wanted.one_of)))
    bounds: list[exp.Expr] = []
    if wanted.min is not None:
        bounds.append(exp.GTE(this=value.copy(), expression=exp.convert(wanted.min)))
    if wanted.max is not None:
        bounds.append(exp.LTE(this=value.copy(), expression=exp.convert(wanted.max)))
    return exp.Paren(this=exp.and_(*bounds)) if bounds else exp.true()


def _in_words(wanted: IcpRange) -> str:
    if wanted.one_of is not None:
        return "one of " + ", ".join(wanted.one_of)
    if wanted.min is not None and wanted.max is not None:
        return f"{wanted.min:g} to {wanted.max:g}"
    if wanted.min is not None:
        return f"at least {wanted.min:g}"
    return f"at most {wanted.max:g}" if wanted.max is not None else "any value"


RELATION = Relation(
    name="icp_misfits",
    about=(
        "One row a lead and field of the ideal customer profile that is empty (verdict `unknown`) or holds something "
        "else (`off`)."
    ),
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("icp",),
    query=_query,
)
