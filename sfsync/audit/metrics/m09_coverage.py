"""M09, pipeline coverage: how often the open pipeline of a period covers what is still missing to its quota."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.closed_deals import close_instant_in_words
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.money import by_currency, currency_label
from sfsync.audit.metrics.opportunities import deals, in_pipeline, omitted_in_words, undecided
from sfsync.audit.metrics.periods import Period, chosen_period, current_period
from sfsync.audit.metrics.tables import table
from sfsync.config.definitions_metrics import Quota
from sfsync.records import MetricResult

METRIC = Metric(
    id="M09",
    name="pipeline-coverage",
    title="Pipeline coverage",
    unit="ratio",
    definition=(
        "Open pipeline that is to close in the period, from the as-of day on ÷ (quota of the period - what was won in "
        "it until then)."
    ),
    population="live open opportunities of the pipeline with a CloseDate in the period",
    denominator="open opportunities that are to close from the as-of day to the end of the period",
    why=(
        "No org's data holds the quota: it is given in the settings. Open opportunities whose CloseDate is past will "
        "not close on it, so they are told apart and cover nothing."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
    period=True,
)

HOW = (
    "give quotas in sfsync.yml: `definitions: {metrics: {quotas: [{from: 2026-01-01, to: 2026-03-31, amount: 500000, "
    "currency: EUR}]}}` (without `currency` in an org of one)"
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Coverage of each quota of the period, in its own currency."""
    unmet = METRIC.unmet(context, "Opportunity", "IsClosed", "IsWon", "Amount", "CloseDate")
    if unmet:
        return unmet
    period = _period(context)
    params = {"first": period.first.isoformat(), "last": period.last.isoformat(), "today": context.today.isoformat()}
    rows = _pipeline(bench, context, params)
    others = undecided(bench, context)
    quotas = [each for each in context.definitions.metrics.quotas if _same(each, period)]
    covered = [_covered(bench, context, each, rows, params) for each in quotas]
    n = sum(row["n_to_close"] for row in rows if "without_rate" not in row)
    details = {
        "period": period.as_json(),
        "close_instant": close_instant_in_words(context),
        "by_currency": rows,
        "coverage": covered,
        "exclusions": left_out(
            **{
                "open with a CloseDate before the as-of day": sum(
                    row["n_past_due"] for row in rows if "without_rate" not in row
                ),
                "omitted from forecasts": others["omitted"],
                "in the recycle bin": others["deleted"],
            },
        ),
        "notes": [omitted_in_words(context)],
        "tables": _tables(rows, covered, period),
    }
    if not quotas:
        reason = f"no quota is given for {period.label}"
        return METRIC.blind(context, reason, HOW, **details)
    if not bench.execute(f"SELECT count(*) FROM {deals(bench, context)}").scalar():
        return METRIC.result(context, None, 0, details, "there are no opportunities")
    whole = [each for each in covered if each["owner"] is None]
    value, why = None, None
    if len(whole) == 1:
        value, why = whole[0]["coverage"], whole[0]["why"]
    else:
        why = "several quotas: see the coverage of each" if covered else None
    return METRIC.result(context, value, n, details, why if value is None else None)


def _period(context: MetricContext) -> Period:
    """The chosen period, else the quota's that the as-of day lies in, else the fiscal quarter."""
    if chosen_period(context) is None:
        now = [each for each in context.definitions.metrics.quotas if each.first <= context.today <= each.last]
        if now:
            shortest = min(now, key=lambda each: (each.last - each.first, each.first))
            return Period(shortest.first, shortest.last, f"{shortest.first} to {shortest.last}")
    return current_period(context)


def _same(quota: Quota, period: Period) -> bool:
    return quota.first == period.first and quota.last == period.last


def _pipeline(bench: Bench, context: MetricContext, params: dict[str, Any], owner: str = "") -> list[dict[str, Any]]:
    inside = "close_date BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)"
    is_open = f"({in_pipeline(context, 'd')})"
    won = "(d.is_closed AND d.is_won AND d.closed_day BETWEEN CAST($first AS DATE) AND CAST($last AS DATE))"
    source = f"""(
        SELECT d.*, {is_open} AND {inside} AND close_date >= CAST($today AS DATE) AS to_close,
            {is_open} AND {inside} AND close_date < CAST($today AS DATE) AS past_due, {won} AS won_in_period
        FROM {deals(bench, context)} AS d WHERE (({is_open} AND {inside}) OR {won}) {owner}
    ) AS p"""
    sums = {
        "open_amount": "COALESCE(sum(amount{rate}) FILTER (WHERE to_close), 0)",
        "past_due_amount": "COALESCE(sum(amount{rate}) FILTER (WHERE past_due), 0)",
        "won_amount": "COALESCE(sum(amount{rate}) FILTER (WHERE won_in_period), 0)",
        "n_to_close": "count(*) FILTER (WHERE to_close)",
        "n_past_due": "count(*) FILTER (WHERE past_due)",
        "n_won": "count(*) FILTER (WHERE won_in_period)",
    }
    return by_currency(bench, context, source, sums, params)


def _covered(
    bench: Bench, context: MetricContext, quota: Quota, rows: Sequence[dict[str, Any]], params: dict[str, Any]
) -> dict[str, Any]:
    """What covers one quota: of its owner and its currency alone."""
    if quota.owner is not None:
        # Ids of 15 characters mean the same record as those of 18.
        bound = params | {"owner": quota.owner[:15]}
        rows = _pipeline(bench, context, bound, "AND left(d.owner_id, 15) = $owner")
    wanted = currency_label(context, quota.currency) if context.multi_currency else currency_label(context, None)
    row = next((each for each in rows if each["currency"] == wanted), None)
    won, pipeline = (row["won_amount"], row["open_amount"]) if row else (0.0, 0.0)
    left = quota.amount - won
    why = None if left > 0 else "the quota is reached: there is nothing left to cover"
    if context.multi_currency and quota.currency is None:
        why = "the quota names no currency, and the org has several: give it `currency: EUR`, say"
    return {
        "owner": quota.owner,
        "currency": wanted,
        "quota": quota.amount,
        "won": won,
        "left": left,
        "open": pipeline,
        "coverage": None if why else pipeline / left,
        "why": why,
    }


def _tables(rows: list[dict[str, Any]], covered: list[dict[str, Any]], period: Period) -> list[dict[str, Any]]:
    pipeline = {
        "currency": ("text", "Currency"),
        "n_to_close": ("count", "To close"),
        "open_amount": ("amount", "Open amount"),
        "n_past_due": ("count", "Past due"),
        "past_due_amount": ("amount", "Past due amount"),
        "n_won": ("count", "Won"),
        "won_amount": ("amount", "Won amount"),
    }
    quotas = {
        "owner": ("id", "Owner"),
        "currency": ("text", "Currency"),
        "quota": ("amount", "Quota"),
        "won": ("amount", "Won"),
        "left": ("amount", "Left"),
        "open": ("amount", "Open"),
        "coverage": ("ratio", "Coverage"),
        "why": ("text", ""),
    }
    tables = [table("pipeline", f"Pipeline closing in {period.label}, each currency for itself", pipeline, rows)]
    return [*tables, table("coverage", "Coverage of each quota", quotas, covered)] if covered else tables
