"""M01, lead conversion: the share of leads old enough to judge that have converted.

Young leads have not had their chance yet. Dividing all conversions by all leads makes every newest month look bad, so
leads younger than the maturity horizon are left out and counted.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.lead_days import DATE_WITHOUT_TIME, deleted_leads, leads
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

HORIZONS = (30, 60, 90, 180, 365)
BLANK = "(blank)"

#: Beyond this many, lead sources are free text and a table of them helps nobody; the rest is one row.
MOST_SOURCES = 100


METRIC = Metric(
    id="M01",
    name="lead-conversion",
    title="Lead conversion",
    unit="percent",
    definition=(
        "Of the live leads created at least {maturity_days} days before the as-of day, the share that has converted by "
        "then."
    ),
    population="live leads at least {maturity_days} days old",
    denominator="leads old enough to judge",
    why=(
        "Converted ÷ created by month makes every newest month look bad, because young leads have not had their time; "
        "and conversions of a month ÷ leads created in it is throughput, which can exceed 100 %."
    ),
    needs=("Lead",),
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Lead conversion with its interval, by horizon, by source and by month of creation."""
    unmet = METRIC.unmet(context, "Lead", "CreatedDate", "IsConverted")
    if unmet:
        return unmet
    totals = _totals(bench, context)
    n, converted = totals["mature"], totals["mature_converted"]
    deleted = deleted_leads(bench, context)
    details = {
        "maturity_days": context.maturity_days,
        "created": totals["leads"],
        "converted": converted,
        "converted_in_all": totals["converted"],
        "excluded_immature": totals["immature"],
        "excluded_immature_converted": totals["immature_converted"],
        "rate": converted / n if n else None,
        "wilson95": wilson95(converted, n),
        "deleted_left_out": deleted,
        "horizons": _horizons(totals) if context.has("Lead", "ConvertedDate") else None,
        "by_source": _by_source(bench, context) if context.has("Lead", "LeadSource") else None,
        "by_month": _by_month(bench, context),
        "exclusions": _exclusions(context, totals, deleted),
        "notes": _notes(context, totals),
    }
    details["tables"] = _tables(details)
    reason = None
    if not totals["leads"]:
        reason = "there are no leads"
    elif not n:
        reason = f"no lead is {context.maturity_days} days old yet, so none can be judged"
    return METRIC.result(context, percent(converted, n), n, details, reason)


def _totals(bench: Bench, context: MetricContext) -> dict[str, int]:
    """All counts over all leads, in one pass."""
    by_horizon = "".join(
        f""",
        count(*) FILTER (WHERE age >= {days}) AS n_{days},
        count(*) FILTER (WHERE age >= {days} AND converted AND days <= {days}) AS converted_{days}"""
        for days in HORIZONS
    )
    sql = f"""
    SELECT
        count(*) AS leads,
        count(*) FILTER (WHERE converted) AS converted,
        count(*) FILTER (WHERE age >= $maturity) AS mature,
        count(*) FILTER (WHERE age >= $maturity AND converted) AS mature_converted,
        count(*) FILTER (WHERE age < $maturity) AS immature,
        count(*) FILTER (WHERE age < $maturity AND converted) AS immature_converted,
        count(*) FILTER (WHERE created_day IS NULL) AS undated,
        count(*) FILTER (WHERE converted AND converted_day IS NULL) AS converted_undated,
        count(*) FILTER (WHERE converted AND days < 0) AS converted_before_created,
        count(*) FILTER (WHERE converted AND converted_day - CAST($today AS DATE) > 1) AS converted_after_as_of
        {by_horizon}
    FROM {leads(bench, context)}
    """
    return bench.one(sql, _days(context))


def _days(context: MetricContext) -> dict[str, Any]:
    return {"today": context.today.isoformat(), "maturity": context.maturity_days}


def _share(n: int, converted: int) -> dict[str, Any]:
    return {"n": n, "converted": converted, "percent": percent(converted, n), "wilson95": wilson95(converted, n)}


def _horizons(totals: dict[str, int]) -> list[dict[str, Any]]:
    return [{"days": days} | _share(totals[f"n_{days}"], totals[f"converted_{days}"]) for days in HORIZONS]


def _by_source(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """Matured leads by source, most leads first; blank is a source of its own, not a gap in the table."""
    sql = f"""
    WITH counted AS (
        SELECT source, count(*) AS n, count(*) FILTER (WHERE converted) AS converted
        FROM {leads(bench, context)} WHERE age >= $maturity GROUP BY source
    ),
    placed AS (SELECT counted.*, row_number() OVER (ORDER BY n DESC, source) AS place FROM counted)
    SELECT
        CASE WHEN place <= $most THEN source END AS source, place > $most AS is_rest, source IS NULL AS is_blank,
        CAST(sum(n) AS BIGINT) AS n, CAST(sum(converted) AS BIGINT) AS converted, count(*) AS sources
    FROM placed GROUP BY 1, 2, CASE WHEN place <= $most THEN place END, 3 ORDER BY 2, min(place)
    """
    params = {"maturity": context.maturity_days, "most": MOST_SOURCES}
    shares = []
    for row in bench.execute(sql, params).dicts():
        label = row["source"] or BLANK
        if row["is_rest"] and not row["is_blank"]:
            label = f"({row['sources']} further sources)"
        share = _share(row["n"], row["converted"])
        rankable = row["n"] >= SMALLEST_RANKABLE and not row["is_rest"]
        shares.append({"source": label} | share | {"rankable": rankable})
    return shares


def _by_month(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """All leads by month of creation; a month is mature when its youngest possible lead is old enough to judge."""
    sql = f"""
    SELECT
        CAST(EXTRACT(YEAR FROM created_day) AS INTEGER) AS year,
        CAST(EXTRACT(MONTH FROM created_day) AS INTEGER) AS month,
        count(*) AS n,
        count(*) FILTER (WHERE converted) AS converted,
        count(*) FILTER (WHERE converted AND days <= $maturity) AS within,
        CAST($today AS DATE)
            - CAST(min(date_trunc('month', created_day)) + INTERVAL '1 month' - INTERVAL '1 day' AS DATE)
            >= $maturity AS mature
    FROM {leads(bench, context)} WHERE created_day IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    """
    dated = context.has("Lead", "ConvertedDate")
    months = []
    for row in bench.execute(sql, _days(context)).dicts():
        within = percent(row["within"], row["n"]) if dated and row["mature"] else None
        share = _share(row["n"], row["converted"])
        month = f"{row['year']:04d}-{row['month']:02d}"
        months.append({"month": month} | share | {"mature": row["mature"], "percent_within_maturity": within})
    return months


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    share = {
        "n": ("count", "Leads"),
        "converted": ("count", "Converted"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
    }
    within = {"percent_within_maturity": ("percent", f"Within {details['maturity_days']} days")}
    told = [
        ("horizons", "Converted within", {"days": ("days", "Days")} | share),
        ("by_source", "Conversion by lead source", {"source": ("label", "Lead source")} | share),
        ("by_month", "Conversion by month of creation", {"month": ("text", "Created in")} | share | within),
    ]
    return [table(key.replace("_", "-"), title, columns, details[key]) for key, title, columns in told if details[key]]


def _exclusions(
    context: MetricContext, totals: dict[str, int], deleted: dict[str, int | None] | None
) -> list[dict[str, Any]]:
    counted = [
        (f"younger than {context.maturity_days} days", totals["immature"]),
        ("without a created date", totals["undated"]),
        ("in the recycle bin", deleted["n"] if deleted else None),
    ]
    return [{"reason": reason, "n": n} for reason, n in counted if n]


def _notes(context: MetricContext, totals: dict[str, int]) -> list[str]:
    if not context.has("Lead", "ConvertedDate"):
        return ["Lead has no ConvertedDate here, so conversion within a number of days cannot be told."]
    distortions = [
        ("dated before the lead was created", totals["converted_before_created"]),
        ("without a date, so in no horizon", totals["converted_undated"]),
        ("dated after the as-of day", totals["converted_after_as_of"]),
    ]
    return [
        DATE_WITHOUT_TIME,
        *(
            f"{n} conversion{'' if n == 1 else 's'} {what}: counted as converted; see rule CV006."
            for what, n in distortions
            if n
        ),
    ]
