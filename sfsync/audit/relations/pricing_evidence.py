"""When a price was first spoken of with a lead, by the evidence that `definitions: {pricing: …}` names."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_such_an_activity, shows
from sfsync.audit.portable import DIALECT
from sfsync.audit.relations.made import in_one, lead_field
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_frameworks import Evidence

_COLUMNS: dict[str, FieldType] = {"lead_id": "text", "seen_at": "datetime", "evidence": "text", "subject": "text"}

_FROM_HISTORY = """
SELECT h."LeadId" AS lead_id, MIN(h."CreatedDate") AS seen_at FROM sf."LeadHistory" AS h
WHERE h."Field" = {field} AND h."NewValue" IS NOT NULL GROUP BY h."LeadId"
"""


def _query(context: AuditContext) -> exp.Query:
    return in_one(list(_selects(context))) or without_rows(_COLUMNS)


def _selects(context: AuditContext) -> Iterator[exp.Query]:
    for piece in context.definitions.pricing or ():
        if piece.activity is not None:
            moment = exp.column("happened_at" if piece.activity.done else "created_at", table="a")
            yield (
                exp.select(
                    exp.column("lead_id", table="a").as_("lead_id"),
                    moment.as_("seen_at"),
                    exp.Literal.string(piece.words).as_("evidence"),
                    exp.column("subject", table="a").as_("subject"),
                )
                .from_(exp.to_table("activities").as_("a"))
                .where(is_such_an_activity(piece.activity, "a"), moment.copy().is_(exp.null()).not_())
            )
        elif piece.field is not None and (column := lead_field(piece.field, context)) is not None:
            yield _in_field(piece, column, context)


def _in_field(piece: Evidence, column: tuple[exp.Column, str], context: AuditContext) -> exp.Query:
    """Seen when the field was first filled; where nobody has kept that, when the lead last changed."""
    changed = lead_field("LastModifiedDate", context)
    moment: exp.Expr = changed[0] if changed else exp.cast(exp.null(), "TIMESTAMP")
    select = exp.select(
        exp.column("Id", table="l", quoted=True).as_("lead_id"),
    ).from_(exp.to_table("sf.Lead").as_("l"))
    if all(context.column("LeadHistory", name) for name in ("LeadId", "Field", "NewValue", "CreatedDate")):
        text = _FROM_HISTORY.format(field=exp.Literal.string(column[0].name).sql(dialect=DIALECT))
        history = parse_one(text, dialect=DIALECT)
        assert isinstance(history, exp.Query)  # noqa: S101 - a SELECT as written above
        on = exp.column("lead_id", table="k").eq(exp.column("Id", table="l", quoted=True))
        select = select.join(history.subquery("k"), on=on, join_type="left")
        moment = exp.Coalesce(this=exp.column("seen_at", table="k"), expressions=[moment])
    return select.select(
        moment.as_("seen_at"),
        exp.Literal.string(piece.words).as_("evidence"),
        exp.cast(exp.null(), "VARCHAR").as_("subject"),
    ).where(shows(piece, *column))


RELATION = Relation(
    name="pricing_evidence",
    about="One row a sign that a price was spoken of with a lead, and when it was seen.",
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text"}},
    optional=(
        OptionalNeed(
            object="LeadHistory",
            fields={"LeadId": "text", "Field": "text", "NewValue": "text", "CreatedDate": "datetime"},
        ),
    ),
    serves=("pricing",),
    query=_query,
    reads=("activities",),
)
