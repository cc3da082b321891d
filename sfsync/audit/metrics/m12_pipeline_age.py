"""M12, age of the pipeline: how old open opportunities are, as a distribution, and where the money sits in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.money import by_currency
from sfsync.audit.metrics.opportunities import in_pipeline, live, omitted_in_words, undecided
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import percent
from sfsync.records import MetricResult

#: First day of each bucket of ages.
BUCKETS = (0, 31, 61, 91, 181, 366)

METRIC = Metric(
    id="M12",
    name="pipeline-age",
    title="Age of the pipeline",
    unit="days",
    definition=(
        "The median age of open opportunities: whole calendar days from the day of creation to the as-of day, in the "
        "org's time zone."
    ),
    population="live open opportunities of the pipeline",
    denominator="open opportunities with a created date",
    why=(
        "A mean hides both the fresh and the forgotten ones: the whole distribution is told, by number and by amount. "
        "Days run from creation to the as-of day, so none is negative."
    ),
    needs=("Opportunity",),
    money=True,
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The median age of open opportunities, with buckets by number and by amount of each currency."""
    unmet = METRIC.unmet(context, "Opportunity", "IsClosed", "CreatedDate")
    if unmet:
        return unmet
    aged = f"""(
        SELECT d.*, CAST($today AS DATE) - d.created_day AS age FROM {live(bench, context)} AS d
        WHERE {in_pipeline(context)}
    ) AS a"""
    today = {"today": context.today.isoformat()}
    totals = bench.one(
        f"""
        SELECT count(*) FILTER (WHERE age >= 0) AS n, count(*) FILTER (WHERE age < 0) AS in_future,
            count(*) FILTER (WHERE age IS NULL) AS undated,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY age) FILTER (WHERE age >= 0) AS median,
            percentile_cont(0.9) WITHIN GROUP (ORDER BY age) FILTER (WHERE age >= 0) AS p90, max(age) AS oldest
        FROM {aged}
        """,
        today,
    )
    n = totals["n"]
    others = undecided(bench, context)
    buckets = _buckets(bench, context, aged) if n else []
    details = {
        "median": totals["median"],
        "p90": totals["p90"],
        "oldest": totals["oldest"] if n else None,
        "not_evaluable": others["unknown"] + totals["undated"],
        "exclusions": _exclusions(others, totals),
        "notes": [omitted_in_words(context)],
        "tables": buckets,
    }
    return METRIC.result(context, totals["median"], n, details, None if n else "there are no open opportunities")


def _exclusions(others: Mapping[str, Any], totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Opportunities that are not open or have no age: `others` are out of the pipeline, `totals` are about it."""
    return left_out(
        closed=others["closed"],
        **{"in the recycle bin": others["deleted"], "omitted from forecasts": others["omitted"]},
        won_but_not_closed=others["won_but_open"],
        without_saying_whether_closed=others["unknown"],
        **{"without a created date": totals["undated"], "created after the as-of day": totals["in_future"]},
    )


def _buckets(bench: Bench, context: MetricContext, aged: str) -> list[dict[str, Any]]:
    which = "CASE " + " ".join(f"WHEN age >= {first} THEN {first}" for first in reversed(BUCKETS)) + " END"
    today = {"today": context.today.isoformat()}
    rows = bench.execute(f"SELECT {which} AS first, count(*) AS n FROM {aged} WHERE age >= 0 GROUP BY 1", today)
    counted = dict(rows.rows)
    total = sum(counted.values())
    ages = [
        {"age": _label(first), "n": counted.get(first, 0), "percent": percent(counted.get(first, 0), total)}
        for first in BUCKETS
    ]
    columns = {"age": ("text", "Age"), "n": ("count", "Opportunities"), "percent": ("percent", "Share")}
    tables = [table("ages", "Open opportunities by age", columns, ages)]
    if context.has("Opportunity", "Amount"):
        sums = {f"from_{first}": f"sum(amount{{rate}}) FILTER (WHERE {which} = {first})" for first in BUCKETS}
        money = by_currency(bench, context, f"{aged} WHERE age >= 0", sums, today)
        headings = {f"from_{first}": ("amount", _label(first)) for first in BUCKETS}
        tables.append(
            table(
                "amounts-by-age",
                "Amount by age, each currency for itself",
                {"currency": ("text", "Currency")} | headings | {"without_amount": ("count", "Without amount")},
                money,
            )
        )
    return tables


def _label(first: int) -> str:
    later = next((other for other in BUCKETS if other > first), None)
    return f"{first} days and more" if later is None else f"{first} to {later - 1} days"
