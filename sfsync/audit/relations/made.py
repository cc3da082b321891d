"""Parts of the queries that are made of definitions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_filled


def in_one(selects: Sequence[exp.Query]) -> exp.Query | None:
    """All rows of all of them, or None when there is none."""
    query: exp.Query | None = None
    for select in selects:
        query = select if query is None else exp.union(query, select, distinct=False, copy=False)
    return query


def lead_field(name: str, context: AuditContext) -> tuple[exp.Column, str] | None:
    """A field of the lead with alias `l`, and what it holds; None when the mirror does not have it."""
    return field_of("Lead", name, "l", context)


def field_of(object_name: str, name: str, alias: str, context: AuditContext) -> tuple[exp.Column, str] | None:
    """A field of the record with this alias, and what it holds; None when the mirror does not have it."""
    if not context.columns:
        return exp.column(name, table=alias, quoted=True), "text"  # no mirror to ask
    found = context.column(object_name, name)
    if found is None:
        return None
    return exp.column(found, table=alias, quoted=True), context.kind(object_name, found)


def leads_with_a_value(fields: Sequence[str], context: AuditContext) -> exp.Query | None:
    """Ids of the leads with a value in one of these fields, or None when the mirror has none of the fields."""
    columns = [lead_field(name, context) for name in fields]
    filled = [is_filled(*column) for column in columns if column is not None]
    if not filled:
        return None
    lead = exp.to_table("sf.Lead").as_("l")
    return exp.select(exp.column("Id", table="l", quoted=True).as_("lead_id")).from_(lead).where(exp.or_(*filled))


def as_text(value: exp.Expr, kind: str) -> exp.Expr:
    """A value to be shown; a whole number without decimals, whatever the engine makes of it."""
    text = exp.cast(value.copy(), "VARCHAR")
    if kind != "number":
        return text
    return exp.RegexpReplace(this=text, expression=exp.Literal.string("[.]0+$"), replacement=exp.Literal.string(""))
