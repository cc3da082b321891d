"""Sums of amounts: a row a currency, and a total over all of them only where the settings give rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.rates import converted_label, missing_rates

#: How the currency of an org without CurrencyIsoCode is called, whose code the mirror does not know.
ORG_CURRENCY = "the org's currency"

#: How opportunities of a multi-currency org that name no currency are called.
NO_CURRENCY = "(no currency)"


def by_currency(
    bench: Bench, context: MetricContext, source: str, sums: Mapping[str, str], params: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Sums of amounts, each currency for itself, most rows first; the total, where there may be one, last.

    Args:
        bench: Asks.
        context: Knows the currency policy.
        source: What follows FROM: rows with `currency`, `amount` and `factor`.
        sums: Name → SQL over the rows, with `{rate}` behind every amount, e.g. `sum(amount{rate})`.
        params: What `source` and the sums bind.
    """

    def columns(rate: str) -> str:
        listed = [f"{sql.replace('{rate}', rate)} AS {name}" for name, sql in sums.items()]
        return ", ".join([*listed, "count(*) AS n", "count(*) FILTER (WHERE amount IS NULL) AS without_amount"])

    rows = bench.execute(
        f"SELECT currency, {columns('')} FROM {source} GROUP BY currency ORDER BY count(*) DESC, currency", params
    ).dicts()
    for row in rows:
        row["currency"] = currency_label(context, row["currency"])
    total = converted_label(context)
    if total and not missing_rates(context) and rows:
        unrated = "count(*) FILTER (WHERE amount IS NOT NULL AND factor IS NULL) AS without_rate"
        rows.append({"currency": total} | bench.one(f"SELECT {columns(' * factor')}, {unrated} FROM {source}", params))
    return rows


def currency_label(context: MetricContext, code: str | None) -> str:
    """What a row of one currency is called."""
    return code or (NO_CURRENCY if context.multi_currency else ORG_CURRENCY)


def headline_row(context: MetricContext, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The one row that may stand for all: the total by the rates, else the only currency there is."""
    total = converted_label(context)
    if rows and total and rows[-1]["currency"] == total:
        return rows[-1] if not rows[-1]["without_rate"] else None
    return rows[0] if len(rows) == 1 else None


def why_no_headline(context: MetricContext, rows: list[dict[str, Any]]) -> str:
    """Why no one amount can stand for all currencies, and what would change that."""
    absent = missing_rates(context)
    if absent:
        return absent
    total = converted_label(context)
    if total and rows and rows[-1]["currency"] == total:
        return f"{rows[-1]['without_rate']} amounts are of a currency without a rate: see each currency for itself"
    return (
        "several currencies, which are never added up: see each for itself; "
        "`definitions: {metrics: {rates: {to: EUR, rates: {USD: 0.92}}}}` in sfsync.yml allows totals"
    )
