"""Evidence that a criterion is met: where it is looked for, and the conditions that show it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.config.definitions_frameworks import ActivityEvidence, Evidence

#: Object a converted lead leads to → the lead's field that names it.
CONVERTED = {
    "Opportunity": "ConvertedOpportunityId",
    "Contact": "ConvertedContactId",
    "Account": "ConvertedAccountId",
}

_NUMBER = "^ *-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)? *$"

#: Kind of activity in sfsync.yml → kinds in the relation `activities`.
_KINDS = {"task": ("task", "call"), "call": ("call",), "email": ("email",), "event": ("event",)}


def evidence_columns(piece: Evidence, context: AuditContext) -> Iterator[tuple[str, str]]:
    """Object and field where a piece of evidence is looked for; none for activities and contact roles.

    Unless the piece names its object, a custom field, or one that leads do not have, is also looked up on what the lead
    was converted to: people go on qualifying there, in fields that conversion copies.
    """
    if piece.field is None:
        return
    if not context.columns:
        yield piece.object or "Lead", piece.field  # no mirror to ask: shown as if it were there
        return
    on_lead = context.column("Lead", piece.field)
    if on_lead is not None and piece.object in (None, "Lead"):
        yield "Lead", on_lead
    for name, link in CONVERTED.items():
        wanted = piece.object == name
        if piece.object is None:
            wanted = on_lead is None or piece.field.casefold().endswith("__c")
        column = context.column(name, piece.field)
        if wanted and column is not None and context.column("Lead", link) is not None:
            yield name, column


def shows(piece: Evidence, value: exp.Expr, kind: str) -> exp.Expr:
    """The condition that a field's value is this evidence; NULL where there is no value.

    Args:
        piece: Evidence in a field.
        value: The value.
        kind: What the field holds: `text`, `boolean`, `number`, `date`, `datetime` or `other`.
    """
    if piece.one_of is not None:
        return exp.or_(*(holds(value, wanted) for wanted in piece.one_of))
    if piece.min is not None:
        return exp.GTE(this=value.copy(), expression=exp.convert(piece.min))
    if kind == "boolean":
        return exp.Is(this=value.copy(), expression=exp.true())
    return is_filled(value, kind)


def showed(piece: Evidence, text: exp.Expr, kind: str) -> exp.Expr:
    """The same of a value as field history has it, which is text whatever the field holds."""
    if piece.min is not None:
        is_number = exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(_NUMBER))
        number = exp.Case(ifs=[exp.If(this=is_number, true=exp.cast(text.copy(), "DOUBLE"))])
        return exp.GTE(this=number, expression=exp.convert(piece.min))
    if piece.one_of is None and kind == "boolean":
        return exp.Lower(this=text.copy()).eq("true")
    return shows(piece, text, "text")


def is_filled(value: exp.Expr, kind: str) -> exp.Expr:
    """The condition that a field has a value; an unticked checkbox has one."""
    if kind == "text":
        return exp.not_(exp.Anonymous(this="is_blank", expressions=[value.copy()]))
    return exp.not_(value.copy().is_(exp.null()))


def holds(value: exp.Expr, wanted: str) -> exp.Expr:
    """The field has this value, or it is one of the values of a multi-select picklist; case does not matter."""
    semicolon = exp.Literal.string(";")
    listed = exp.DPipe(
        this=exp.DPipe(this=semicolon, expression=exp.Lower(this=value.copy()), safe=True),
        expression=semicolon.copy(),
        safe=True,
    )
    searched = exp.Lower(this=exp.Literal.string(f";{wanted};"))
    return exp.GT(this=exp.StrPosition(this=listed, substr=searched), expression=exp.Literal.number(0))


def is_such_an_activity(piece: ActivityEvidence, alias: str) -> exp.Expr:
    """The condition that a row of the relation `activities` is this evidence."""
    conditions: list[exp.Expr] = []
    if piece.kind is not None:
        conditions.append(exp.column("kind", table=alias).isin(*_KINDS[piece.kind]))
    if piece.done:
        conditions.append(exp.column("is_done", table=alias))
    if piece.subject is not None:
        subject = exp.Lower(this=exp.column("subject", table=alias))
        conditions.append(exp.RegexpLike(this=subject, expression=exp.Literal.string(_lowered(piece.subject))))
    return exp.and_(*conditions) if conditions else exp.true()


def _lowered(pattern: str) -> str:
    """The pattern in lower case; what a backslash protects is punctuation, and has none."""
    return pattern.lower()
