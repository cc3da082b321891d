"""How long closed opportunities took from creation to their real closing."""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.closed_deals import closed_deals
from sfsync.audit.metrics.context import MetricContext

#: Where too few opportunities have closed to say how long one takes.
FALLBACK_DAYS = 90

#: From so many on, the org's own cycle says when a cohort is old enough to judge.
ENOUGH_CLOSED = 30


def cycle(bench: Bench, context: MetricContext) -> dict[str, Any]:
    """Whole calendar days from creation to closing: median and mean of the won, median of the lost, P90 of all."""
    found = bench.one(f"""
    SELECT
        count(*) AS n, count(*) FILTER (WHERE is_won) AS won,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE is_won) AS median_won,
        avg(days) FILTER (WHERE is_won) AS mean_won,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT is_won) AS median_lost,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY days) AS p90,
        count(*) FILTER (WHERE raw < 0) AS before_created
    FROM (
        SELECT is_won, closed_day - created_day AS raw, greatest(closed_day - created_day, 0) AS days
        FROM {closed_deals(bench, context)} WHERE closed_day IS NOT NULL AND created_day IS NOT NULL
    ) AS timed
    """)
    return {name: float(value) if isinstance(value, float) else value for name, value in found.items()}


def maturity(found: dict[str, Any]) -> dict[str, Any]:
    """From which age on a cohort of opportunities is old enough to judge, and where the number comes from."""
    if found["n"] >= ENOUGH_CLOSED:
        return {"days": round(found["p90"]), "origin": f"nine in ten of {found['n']} closed within it"}
    return {"days": FALLBACK_DAYS, "origin": f"only {found['n']} have closed, too few to say how long one takes"}
