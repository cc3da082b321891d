"""M02, lead to opportunity and to won: how many leads became an opportunity that is there, and how many were won."""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.lead_days import DATE_WITHOUT_TIME, deleted_leads, leads
from sfsync.audit.metrics.m01_conversion import BLANK, HORIZONS
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.opportunities import deals
from sfsync.audit.metrics.shared_relations import Blind, read_relation
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M02",
    name="lead-to-won",
    title="Lead to opportunity, lead to won",
    unit="percent",
    definition=(
        "Of the live leads created at least {maturity_days} days before the as-of day, the share whose conversion led "
        "to an opportunity that is still there; beside it the share whose opportunity was won."
    ),
    population="live leads at least {maturity_days} days old",
    denominator="leads old enough to judge",
    why=(
        "A lead that is converted need not have become an opportunity: IsConverted alone counts those without one, and "
        "those whose opportunity was deleted. What was attached to an opportunity that was there before is told apart, "
        "and opportunities that never were a lead are in no denominator."
    ),
    needs=("Lead", "Opportunity", "OpportunityHistory"),
    relations=("conversions",),
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Both shares with their intervals, by horizon and by source."""
    unmet = METRIC.unmet(context, "Lead", "Id", "CreatedDate", "IsConverted", "ConvertedOpportunityId")
    unmet = unmet or METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "IsWon")
    if unmet:
        return unmet
    told = _told(bench, context)
    totals = bench.one(*_totals(bench, context, told))
    n, opportunity, won = totals["n"], totals["opportunity"], totals["won"]
    deleted = deleted_leads(bench, context)
    details = {
        "maturity_days": context.maturity_days,
        "converted": totals["converted"],
        "opportunity": opportunity,
        "opportunity_path": {name: totals[name] for name in ("created", "attached", "unknown")},
        "converted_without_opportunity": totals["without"],
        "opportunity_deleted_since": totals["gone"],
        "wilson95": wilson95(opportunity, n),
        "won": {"n": n, "won": won, "percent": percent(won, n), "wilson95": wilson95(won, n)},
        "lost": totals["lost"],
        "still_open": totals["still_open"],
        "horizons": _horizons(totals) if context.has("Lead", "ConvertedDate") else None,
        "by_source": _by_source(bench, context, told) if context.has("Lead", "LeadSource") else None,
        "direct_opportunities": totals["direct"],
        "exclusions": left_out(
            **{
                f"younger than {context.maturity_days} days": totals["immature"],
                "without a created date": totals["undated"],
                "in the recycle bin": deleted["n"] if deleted else None,
            }
        ),
        "notes": _notes(totals, context),
    }
    details["tables"] = _tables(details)
    reason = None
    if not n:
        reason = f"no lead is {context.maturity_days} days old yet, so none can be judged"
    return METRIC.result(context, percent(opportunity, n), n, details, reason)


def _told(bench: Bench, context: MetricContext) -> str:
    """`told`: one row a lead with what became of it."""
    conversions = read_relation(bench, context, "conversions")
    path = "'unknown'" if isinstance(conversions, Blind) else "COALESCE(c.opportunity_path, 'unknown')"
    joined = "" if isinstance(conversions, Blind) else f"LEFT JOIN {conversions} AS c ON c.lead_id = l.id"
    return f"""
    WITH told AS (
        SELECT l.*, l.converted AND d.id IS NOT NULL AS has_opportunity, {path} AS path,
            l.converted AND l.opportunity_id IS NOT NULL AND d.id IS NULL AS is_gone,
            l.converted AND COALESCE(d.is_closed AND d.is_won, FALSE) AS is_won,
            l.converted AND COALESCE(d.is_closed AND NOT d.is_won, FALSE) AS is_lost,
            d.closed_day - l.created_day AS days_to_won
        FROM {leads(bench, context)} AS l LEFT JOIN {deals(bench, context)} AS d ON d.id = l.opportunity_id {joined}
    )"""


def _totals(bench: Bench, context: MetricContext, told: str) -> tuple[str, dict[str, Any]]:
    mature = "age >= $maturity"
    horizons = "".join(
        f""",
        count(*) FILTER (WHERE age >= {days}) AS n_{days},
        count(*) FILTER (WHERE age >= {days} AND has_opportunity AND days <= {days}) AS opportunity_{days},
        count(*) FILTER (WHERE age >= {days} AND is_won AND days_to_won <= {days}) AS won_{days}"""
        for days in HORIZONS
    )
    sql = f"""
    {told}
    SELECT
        count(*) FILTER (WHERE {mature}) AS n,
        count(*) FILTER (WHERE {mature} AND converted) AS converted,
        count(*) FILTER (WHERE {mature} AND has_opportunity) AS opportunity,
        count(*) FILTER (WHERE {mature} AND has_opportunity AND path = 'created') AS created,
        count(*) FILTER (WHERE {mature} AND has_opportunity AND path = 'attached') AS attached,
        count(*) FILTER (WHERE {mature} AND has_opportunity AND path NOT IN ('created', 'attached')) AS unknown,
        count(*) FILTER (WHERE {mature} AND converted AND opportunity_id IS NULL) AS without,
        count(*) FILTER (WHERE {mature} AND is_gone) AS gone,
        count(*) FILTER (WHERE {mature} AND is_won) AS won,
        count(*) FILTER (WHERE {mature} AND is_lost) AS lost,
        count(*) FILTER (WHERE {mature} AND has_opportunity AND NOT is_won AND NOT is_lost) AS still_open,
        count(*) FILTER (WHERE age < $maturity) AS immature,
        count(*) FILTER (WHERE created_day IS NULL) AS undated,
        count(*) FILTER (WHERE {mature} AND is_won)
            - count(DISTINCT CASE WHEN {mature} AND is_won THEN opportunity_id END) AS shared_won,
        (SELECT count(*) FROM {deals(bench, context)})
            - count(DISTINCT CASE WHEN has_opportunity THEN opportunity_id END) AS direct
        {horizons}
    FROM told
    """
    return sql, {"maturity": context.maturity_days}


def _horizons(totals: dict[str, int]) -> list[dict[str, Any]]:
    rows = []
    for days in HORIZONS:
        n, opportunity, won = (totals[f"{name}_{days}"] for name in ("n", "opportunity", "won"))
        rows.append(
            {"days": days, "n": n, "opportunity": opportunity, "percent": percent(opportunity, n)}
            | {"wilson95": wilson95(opportunity, n), "won": won, "won_percent": percent(won, n)}
            | {"won_wilson95": wilson95(won, n)}
        )
    return rows


def _by_source(bench: Bench, context: MetricContext, told: str) -> list[dict[str, Any]]:
    rows = bench.execute(
        f"""
        {told}
        SELECT source, count(*) AS n, count(*) FILTER (WHERE has_opportunity) AS opportunity,
            count(*) FILTER (WHERE is_won) AS won
        FROM told WHERE age >= $maturity GROUP BY source ORDER BY n DESC, source LIMIT 100
        """,
        {"maturity": context.maturity_days},
    ).dicts()
    return [
        row
        | {
            "source": row["source"] or BLANK,
            "percent": percent(row["opportunity"], row["n"]),
            "wilson95": wilson95(row["opportunity"], row["n"]),
            "won_percent": percent(row["won"], row["n"]),
            "won_wilson95": wilson95(row["won"], row["n"]),
            "rankable": row["n"] >= SMALLEST_RANKABLE,
        }
        for row in rows
    ]


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    shares = {
        "n": ("count", "Leads"),
        "opportunity": ("count", "Opportunity"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
        "won": ("count", "Won"),
        "won_percent": ("percent", "Won share"),
        "won_wilson95": ("interval", "95% interval"),
    }
    tables = []
    if details["horizons"]:
        columns = {"days": ("days", "Within")} | shares
        tables.append(table("horizons", "Leads old enough, by days since creation", columns, details["horizons"]))
    if details["by_source"]:
        columns = {"source": ("label", "Lead source")} | shares
        tables.append(
            table(
                "by-source", "By lead source; below 30 leads nothing is to be compared", columns, details["by_source"]
            )
        )
    return tables


def _notes(totals: dict[str, int], context: MetricContext) -> list[str]:
    notes = [DATE_WITHOUT_TIME] if context.has("Lead", "ConvertedDate") else []
    if totals["shared_won"]:
        notes.append(
            f"Several leads led to one opportunity: {totals['shared_won']} more leads than opportunities were won."
        )
    if totals["unknown"]:
        notes.append(f"Of {totals['unknown']} it is not known whether the conversion made the opportunity or found it.")
    notes.append(f"{totals['direct']} opportunities never were a lead, and are in no denominator.")
    return notes
