"""When the org's fiscal year begins, as `fiscal_year_start_month` in sfsync.yml says."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation


def _query(context: AuditContext) -> exp.Query:
    return exp.select(exp.Literal.number(context.fiscal_year_start_month).as_("start_month"))


RELATION = Relation(
    name="fiscal_year",
    about=(
        "One row: the month (1 to 12) in which the fiscal year begins. A day's fiscal quarter, counted without a gap "
        "over the years, is FLOOR((year * 12 + month - start_month) / 3)."
    ),
    columns={"start_month": "number"},
    query=_query,
)
