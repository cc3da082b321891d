"""M14, expected revenue: amount times probability of what is open, with the probability on its scale of 0 to 100."""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.money import by_currency, headline_row, why_no_headline
from sfsync.audit.metrics.opportunities import (
    has_history,
    in_pipeline,
    live,
    omitted_in_words,
    stage_runs,
    stages,
    undecided,
)
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M14",
    name="expected-revenue",
    title="Expected revenue",
    unit="amount",
    definition="The sum of Amount times Probability ÷ 100 over open opportunities, each currency for itself.",
    population="live open opportunities of the pipeline with an amount and a probability",
    denominator="open opportunities with an amount and a probability",
    why=(
        "Salesforce keeps Probability as a number from 0 to 100: multiplying by it undivided makes pipelines a hundred "
        "times too large. Beside it stands the same sum with the share that really was won from each stage, and the "
        "org's own ExpectedRevenue."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
)

PRICED = "amount IS NOT NULL AND probability IS NOT NULL"


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The weighted pipeline of each currency, weighted by stage history too, beside ExpectedRevenue."""
    unmet = METRIC.unmet(context, "Opportunity", "IsClosed", "Amount", "Probability")
    if unmet:
        return unmet
    totals = bench.one(f"""
    SELECT count(*) FILTER (WHERE {PRICED}) AS n, count(*) FILTER (WHERE amount IS NULL) AS without_an_amount,
        count(*) FILTER (WHERE amount IS NOT NULL AND probability IS NULL) AS without_a_probability,
        count(*) FILTER (WHERE probability < 0 OR probability > 100) AS odd,
        count(*) FILTER (WHERE {PRICED} AND expected IS NOT NULL
            AND abs(expected - amount * probability / 100) > 0.01 + 0.0001 * abs(amount)) AS differs
    FROM {live(bench, context)} AS d WHERE {in_pipeline(context)}
    """)
    others = undecided(bench, context)
    rates = _rates(bench, context) if has_history(context) else None
    rows = _sums(bench, context, rates)
    total = headline_row(context, rows)
    details = {
        "currency": total["currency"] if total else None,
        "by_currency": rows,
        "expected_revenue_differs": totals["differs"] if context.has("Opportunity", "ExpectedRevenue") else None,
        "stage_win_rates": rates,
        "not_evaluable": totals["without_an_amount"] + totals["without_a_probability"],
        "exclusions": left_out(
            without_an_amount=totals["without_an_amount"],
            without_a_probability=totals["without_a_probability"],
            closed=others["closed"],
            **{"in the recycle bin": others["deleted"], "omitted from forecasts": others["omitted"]},
        ),
        "notes": _notes(context, totals),
        "tables": _tables(rows, rates),
    }
    reason = None
    if not totals["n"]:
        reason = "there are no open opportunities with an amount and a probability"
    elif total is None:
        reason = why_no_headline(context, rows)
    value = None if reason or total is None else total["expected"]
    return METRIC.result(context, value, totals["n"], details, reason)


def _sums(bench: Bench, context: MetricContext, rates: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Amount, expected, the org's own expectation, and the one by realised win rates, for each currency."""
    weights = " ".join(f"WHEN $stage_{i} THEN {each['won']} / {each['n']}.0" for i, each in enumerate(_sure(rates)))
    weight = f"CASE d.stage {weights} END" if weights else "CAST(NULL AS DOUBLE)"
    bound = {f"stage_{i}": each["stage"] for i, each in enumerate(_sure(rates))}
    source = f"""(
        SELECT d.*, {weight} AS weight FROM {live(bench, context)} AS d WHERE {in_pipeline(context)} AND {PRICED}
    ) AS priced"""
    sums = {
        "total": "sum(amount{rate})",
        "expected": "sum(amount * probability / 100{rate})",
        "of_the_org": "sum(expected{rate})",
        "by_history": "sum(amount * weight{rate})",
        "without_stage_rate": "count(*) FILTER (WHERE weight IS NULL)",
    }
    return by_currency(bench, context, source, sums, bound)


def _sure(rates: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [each for each in rates or () if each["n"] >= SMALLEST_RANKABLE]


def _rates(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """Of the closed opportunities that have been in an open stage, the share that was won."""
    rows = bench.execute(f"""
    SELECT v.stage, count(*) AS n, count(*) FILTER (WHERE d.is_won) AS won, min(s.place) AS place
    FROM (SELECT DISTINCT opportunity_id, stage FROM {stage_runs(bench, context)}) AS v
    JOIN {live(bench, context)} AS d ON d.id = v.opportunity_id AND d.is_closed AND d.is_won IS NOT NULL
    LEFT JOIN {stages(bench, context)} AS s ON s.stage = v.stage
    WHERE s.is_closed IS NOT TRUE
    GROUP BY v.stage ORDER BY min(s.place) NULLS LAST, v.stage
    """)
    return [
        {"stage": stage, "n": n, "won": won, "percent": percent(won, n), "wilson95": wilson95(won, n)}
        for stage, n, won, _ in rows
    ]


def _tables(rows: list[dict[str, Any]], rates: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    columns = {
        "currency": ("text", "Currency"),
        "n": ("count", "Opportunities"),
        "total": ("amount", "Amount"),
        "expected": ("amount", "Expected"),
        "of_the_org": ("amount", "ExpectedRevenue"),
        "by_history": ("amount", "By stage history"),
        "without_stage_rate": ("count", "Without a stage rate"),
    }
    tables = [table("expected", "Expected revenue, each currency for itself", columns, rows)]
    if rates:
        shown = {
            "stage": ("label", "Stage"),
            "n": ("count", "Closed after it"),
            "won": ("count", "Won"),
            "percent": ("percent", "Won from here"),
            "wilson95": ("interval", "95% interval"),
        }
        tables.append(table("stage-win-rates", "Won of those that were in a stage", shown, rates))
    return tables


def _notes(context: MetricContext, totals: dict[str, Any]) -> list[str]:
    notes = [omitted_in_words(context)]
    if totals["odd"]:
        notes.append(f"{totals['odd']} opportunities have a probability below 0 or above 100.")
    if context.has("Opportunity", "ExpectedRevenue") and totals["differs"]:
        notes.append(
            f"{totals['differs']} opportunities have an ExpectedRevenue that is not Amount times Probability ÷ 100."
        )
    if has_history(context):
        notes.append(
            f"By stage history: amount times share won of the closed opportunities that were in the "
            f"same stage; stages of "
            f"fewer than {SMALLEST_RANKABLE} such opportunities have no share, and what stands in them is left out."
        )
    return notes
