"""M18, effect of early conversion: whether leads that were converted early are won less often. An association only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.lead_days import leads
from sfsync.audit.metrics.m01_conversion import BLANK
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.newcombe import Pair, mantel_haenszel, newcombe95
from sfsync.audit.metrics.opportunities import deals
from sfsync.audit.metrics.shared_relations import Blind, read_relation
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent
from sfsync.records import MetricResult

METRIC = Metric(
    id="M18",
    name="early-conversion",
    title="Early conversion and winning",
    unit="points",
    definition=(
        "Win rate of the third of conversions that came earliest after the lead's creation - win rate of the third "
        "that came latest, within the same lead source, in points of percent (Mantel-Haenszel over sources)."
    ),
    population="converted live leads whose opportunity is closed, won or lost",
    denominator="conversions of the earliest and of the latest third",
    why=(
        "Comparing across sources would compare sources. It is an association only: what made a lead convert early may "
        "have made it win or lose. An opportunity of several leads counts once for each."
    ),
    needs=("Lead", "Opportunity", "OpportunityHistory"),
    relations=("qualification_score",),
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The difference by days as a lead, and by qualification at conversion where a framework is defined."""
    unmet = METRIC.unmet(context, "Lead", "Id", "CreatedDate", "IsConverted", "ConvertedDate", "ConvertedOpportunityId")
    unmet = unmet or METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "IsWon")
    if unmet:
        return unmet
    counted = _by_days(bench, context)
    sources = [_source(row) for row in counted]
    pairs = [_pair(row) for row in counted]
    pooled = mantel_haenszel(pairs)
    n = sum(pair.n + pair.other_n for pair in pairs)
    lost = any(row["closed"] > row["won"] for row in counted)
    qualified = _by_qualification(bench, context)
    details = {
        "interval95": pooled.interval95 if pooled else None,
        "strata": pooled.strata if pooled else 0,
        "by_source": sources,
        "by_qualification": qualified,
        "association_only": True,
        "exclusions": left_out(**{"conversions between the earliest and the latest third": _middle(counted)}),
        "notes": [
            "An association, not a cause. Days as a lead are whole days; equal days of one source stand in one third.",
            f"Differences of fewer than {SMALLEST_RANKABLE} conversions on either side say little.",
        ],
    }
    details["tables"] = _tables(details)
    reason = None
    if not n or pooled is None:
        reason = "no lead source has conversions of different speed whose opportunities are closed"
    elif not lost:
        reason = "no opportunity of a lead is recorded as lost, so there are no win rates to compare"
    elif min(sum(pair.n for pair in pairs), sum(pair.other_n for pair in pairs)) < SMALLEST_RANKABLE:
        reason = f"fewer than {SMALLEST_RANKABLE} closed conversions on one side: too few to compare"
    return METRIC.result(context, None if reason or pooled is None else pooled.difference, n, details, reason)


def _closed(bench: Bench, context: MetricContext) -> str:
    return f"""
    WITH closed AS (
        SELECT l.id, l.source, greatest(l.days, 0) AS days, d.is_won
        FROM {leads(bench, context)} AS l JOIN {deals(bench, context)} AS d ON d.id = l.opportunity_id
        WHERE l.converted AND l.days IS NOT NULL AND d.is_closed AND d.is_won IS NOT NULL
    )"""


def _by_days(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """Of each source, the earliest and the latest third; the bounds are days, so that equal days stay together."""
    sql = f"""
    {_closed(bench, context)},
    bounds AS (
        SELECT COALESCE(source, '') AS source, percentile_cont(1.0 / 3) WITHIN GROUP (ORDER BY days) AS early,
            percentile_cont(2.0 / 3) WITHIN GROUP (ORDER BY days) AS late
        FROM closed GROUP BY COALESCE(source, '')
    )
    SELECT b.source, min(b.early) AS early_days, min(b.late) AS late_days, count(*) AS closed,
        count(*) FILTER (WHERE c.is_won) AS won,
        count(*) FILTER (WHERE c.days <= b.early) AS early,
        count(*) FILTER (WHERE c.days <= b.early AND c.is_won) AS early_won,
        count(*) FILTER (WHERE c.days > b.late) AS late,
        count(*) FILTER (WHERE c.days > b.late AND c.is_won) AS late_won
    FROM closed AS c JOIN bounds AS b ON b.source = COALESCE(c.source, '')
    GROUP BY b.source ORDER BY closed DESC, b.source
    """
    return bench.execute(sql).dicts()


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(row["early_won"], row["early"], row["late_won"], row["late"])


def _source(row: dict[str, Any]) -> dict[str, Any]:
    pair = _pair(row)
    both = pair.n and pair.other_n
    return row | {
        "source": row["source"] or BLANK,
        "early_percent": percent(pair.hits, pair.n),
        "late_percent": percent(pair.other_hits, pair.other_n),
        "difference": 100 * (pair.hits / pair.n - pair.other_hits / pair.other_n) if both else None,
        "interval95": newcombe95(pair),
        "rankable": min(pair.n, pair.other_n) >= SMALLEST_RANKABLE,
    }


def _middle(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["closed"] - row["early"] - row["late"] for row in rows)


def _by_qualification(bench: Bench, context: MetricContext) -> dict[str, Any] | None:
    """Win rate of conversions with too few criteria - that of those with enough, within the same source."""
    if context.definitions.in_force is None:
        return None
    score = read_relation(bench, context, "qualification_score")
    if isinstance(score, Blind):
        return {"reason": score.reason, "enable": score.enable}
    rows = bench.execute(
        f"""
        {_closed(bench, context)}
        SELECT COALESCE(c.source, '') AS source, count(*) FILTER (WHERE s.met < s.required) AS few,
            count(*) FILTER (WHERE s.met < s.required AND c.is_won) AS few_won,
            count(*) FILTER (WHERE s.met >= s.required) AS enough,
            count(*) FILTER (WHERE s.met >= s.required AND c.is_won) AS enough_won
        FROM closed AS c JOIN {score} AS s ON s.lead_id = c.id AND s.as_of = 'conversion'
        GROUP BY COALESCE(c.source, '') ORDER BY 1
        """
    )
    pairs = [Pair(few_won, few, enough_won, enough) for _, few, few_won, enough, enough_won in rows]
    pooled = mantel_haenszel(pairs)
    few, enough = sum(pair.n for pair in pairs), sum(pair.other_n for pair in pairs)
    sure = pooled is not None and min(few, enough) >= SMALLEST_RANKABLE
    return {
        "too_few_criteria": few,
        "enough_criteria": enough,
        "difference": pooled.difference if pooled and sure else None,
        "interval95": pooled.interval95 if pooled and sure else None,
        "reason": None if sure else f"fewer than {SMALLEST_RANKABLE} closed conversions on one side",
    }


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {
        "source": ("label", "Lead source"),
        "early_days": ("days", "Early: up to"),
        "early": ("count", "Early"),
        "early_percent": ("percent", "Won"),
        "late_days": ("days", "Late: after"),
        "late": ("count", "Late"),
        "late_percent": ("percent", "Won"),
        "difference": ("ratio", "Difference, points"),
        "interval95": ("interval", "95% interval"),
    }
    tables = [table("by-source", "Early against late, within each source", columns, details["by_source"])]
    told = details["by_qualification"]
    if told and "too_few_criteria" in told:
        shown = {
            "too_few_criteria": ("count", "Too few criteria"),
            "enough_criteria": ("count", "Enough"),
            "difference": ("ratio", "Difference, points"),
            "interval95": ("interval", "95% interval"),
        }
        tables.append(table("by-qualification", "Too few criteria at conversion against enough", shown, [told]))
    return tables
