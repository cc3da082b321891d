"""Which rule of `definitions: {assignment: …}` each lead falls under."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import holds
from sfsync.audit.relations.made import lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.config.definitions_assignment import AssignmentRule

_COLUMNS: dict[str, FieldType] = {"lead_id": "text", "rule": "number", "words": "text"}


def _query(context: AuditContext) -> exp.Query:
    rules = context.definitions.assignment
    if not rules:
        return without_rows(_COLUMNS)
    number, words = exp.Case(), exp.Case()
    for i, rule in enumerate(rules, start=1):
        condition = _applies(rule, context)
        number = number.when(condition.copy(), exp.Literal.number(i))
        words = words.when(condition.copy(), exp.Literal.string(rule.words))
    return (
        exp.select(exp.column("Id", table="l", quoted=True).as_("lead_id"), number.as_("rule"), words.as_("words"))
        .from_(exp.to_table("sf.Lead").as_("l"))
        .where(exp.or_(*(_applies(rule, context) for rule in rules)))
    )


def _applies(rule: AssignmentRule, context: AuditContext) -> exp.Expr:
    conditions: list[exp.Expr] = []
    for name, values in rule.when.items():
        column = lead_field(name, context)
        if column is None:
            return exp.false()  # told where definitions are held against the mirror
        conditions.append(exp.Paren(this=exp.or_(*(holds(column[0], value) for value in values))))
    return exp.and_(*conditions) if conditions else exp.true()


RELATION = Relation(
    name="lead_assignment",
    about="One row a lead that a rule of `assignment` takes: the number of the first such rule, and its condition.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    serves=("assignment",),
    query=_query,
)
