"""M06, sales velocity: what the open pipeline brings in a day if things go on as they did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.closed_deals import close_instant_in_words
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.money import by_currency, headline_row, why_no_headline
from sfsync.audit.metrics.opportunities import deals, in_pipeline, omitted_in_words, undecided
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

#: How far back what has closed says how things go.
LOOK_BACK_DAYS = 365

METRIC = Metric(
    id="M06",
    name="sales-velocity",
    title="Sales velocity",
    unit="amount per day",
    definition=(
        "Open opportunities times win rate times mean amount of the won ÷ median days from "
        "creation to winning, each currency "
        "for itself; win rate, amount and days of what really closed in the last 365 days."
    ),
    population="live open opportunities of the pipeline; opportunities closed in the 365 days before the as-of day",
    denominator="open opportunities",
    why=(
        "The cycle ends when an opportunity really closed, not on the CloseDate somebody typed. Currencies are never "
        "mixed. It is a rate at which things went, no forecast: a win rate applied to a pipeline that slips promises "
        "too much."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Velocity of each currency, with the four numbers it is made of."""
    unmet = METRIC.unmet(context, "Opportunity", "IsClosed", "IsWon", "Amount", "CreatedDate")
    if unmet:
        return unmet
    rows = _rows(bench, context)
    others = undecided(bench, context)
    n = sum(row["open"] for row in rows if "without_rate" not in row)
    head = headline_row(context, rows)
    details = {
        "currency": head["currency"] if head else None,
        "look_back_days": LOOK_BACK_DAYS,
        "close_instant": close_instant_in_words(context),
        "by_currency": rows,
        "not_evaluable": others["unknown"],
        "exclusions": left_out(
            **{
                "omitted from forecasts": others["omitted"],
                "in the recycle bin": others["deleted"],
                "won but not closed": others["won_but_open"],
                "without saying whether closed": others["unknown"],
            }
        ),
        "notes": [
            omitted_in_words(context),
            "An opportunity counts as closed in the period by its last closing.",
            "No forecast: it says nothing of when the open ones will close.",
        ],
        "tables": [_table(rows)],
    }
    reason = None
    if not rows:
        reason = "there are no opportunities, open or closed in the last 365 days"
    elif head is None:
        reason = why_no_headline(context, rows)
    elif head["per_day"] is None:
        reason = head["why"]
    return METRIC.result(context, head["per_day"] if head else None, n, details, reason)


def _rows(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    source = f"""(
        SELECT d.*, {in_pipeline(context)} AS is_open,
            COALESCE(d.is_closed AND d.is_won IS NOT NULL AND d.closed_day > $since AND d.closed_day <= $today, FALSE)
                AS decided
        FROM {deals(bench, context)} AS d
    ) AS v WHERE is_open OR decided"""
    sums = {
        "open": "count(*) FILTER (WHERE is_open)",
        "open_amount": "sum(amount{rate}) FILTER (WHERE is_open)",
        "closed": "count(*) FILTER (WHERE decided)",
        "won": "count(*) FILTER (WHERE decided AND is_won)",
        "mean_won": "avg(amount{rate}) FILTER (WHERE decided AND is_won)",
        "median_days": "percentile_cont(0.5) WITHIN GROUP (ORDER BY closed_day - created_day) "
        "FILTER (WHERE decided AND is_won)",
    }
    since = context.today - timedelta(days=LOOK_BACK_DAYS)
    rows = by_currency(bench, context, source, sums, {"since": since, "today": context.today})
    for row in rows:
        row["win_rate"], row["wilson95"] = percent(row["won"], row["closed"]), wilson95(row["won"], row["closed"])
        row["why"] = _why_none(row)
        if row["why"] is None:
            share = row["won"] / row["closed"]
            row["per_day"] = float(row["open"] * share * row["mean_won"] / row["median_days"])
        else:
            row["per_day"] = None
        row["sure"] = row["closed"] >= SMALLEST_RANKABLE
    return rows


def _why_none(row: dict[str, Any]) -> str | None:
    if not row["won"]:
        return "nothing was won in the last 365 days"
    if row["won"] == row["closed"]:
        return "no opportunity is recorded as lost, so there is no win rate"
    if row["mean_won"] is None:
        return "what was won has no amount"
    if not row["median_days"] or row["median_days"] <= 0:
        return "half of the won were closed on the day they were created, so there is no cycle to divide by"
    return None


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = {
        "currency": ("text", "Currency"),
        "open": ("count", "Open"),
        "win_rate": ("percent", "Win rate"),
        "wilson95": ("interval", "95% interval"),
        "mean_won": ("amount", "Mean won"),
        "median_days": ("days", "Median days"),
        "per_day": ("amount", "Per day"),
        "why": ("text", ""),
    }
    return table("velocity", "Velocity, each currency for itself", columns, rows)
