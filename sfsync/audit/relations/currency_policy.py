"""How amounts of several currencies may be compared, as `definitions: {metrics: {rates: …}}` says."""

from __future__ import annotations

from functools import reduce

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {
    "policy": "text",
    "report_currency": "text",
    "currency": "text",
    "rate": "number",
}


def _query(context: AuditContext) -> exp.Query:
    said = context.definitions.metrics.rates
    if said is None:
        return without_rows(_COLUMNS)
    rates = {**said.rates, said.to: 1.0}
    rows: list[exp.Query] = [
        exp.select(
            exp.Literal.string(said.policy).as_("policy"),
            exp.Literal.string(said.to).as_("report_currency"),
            exp.Literal.string(currency).as_("currency"),
            exp.cast(exp.Literal.number(repr(rate)), "DOUBLE").as_("rate"),
        )
        for currency, rate in sorted(rates.items())
    ]
    return reduce(lambda all_rows, row: exp.union(all_rows, row, distinct=False, copy=False), rows)


RELATION = Relation(
    name="currency_policy",
    about="One row a currency with a fixed rate into the currency of comparison; one row alone where rates are dated.",
    columns=_COLUMNS,
    query=_query,
)
