"""M03, time to convert: how many days until half, and nine tenths, of all leads have converted.

Averaging the converted leads alone answers another question ("of those that made it, how fast?") and always looks
better than the truth; it is shown beside the estimate, labelled as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.kaplan_meier import Curve, kaplan_meier
from sfsync.audit.metrics.lead_days import DATE_WITHOUT_TIME, deleted_leads, leads
from sfsync.audit.metrics.m01_conversion import HORIZONS
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import percent
from sfsync.records import MetricResult

#: (day, count), in order of days.
Histogram = Sequence[tuple[int, int]]


METRIC = Metric(
    id="M03",
    name="time-to-convert",
    title="Time to convert",
    unit="days",
    definition=(
        "The number of days after which half of all live leads have converted (Kaplan-Meier median): leads that "
        "have not converted count for as long as they have been watched, instead of being left out."
    ),
    population="live leads with a created date",
    denominator="leads converted or still waiting",
    why=(
        "The mean of those that happened to convert answers another question, and always looks better than the truth. "
        "ConvertedDate has no time of day, so nothing finer than a day is told."
    ),
    needs=("Lead",),
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The Kaplan-Meier median of days to convert, with what the converted leads alone would suggest."""
    unmet = METRIC.unmet(context, "Lead", "CreatedDate", "IsConverted", "ConvertedDate")
    if unmet:
        return unmet
    converted = _histogram(bench, context, "converted AND days IS NOT NULL AND NOT future", "days")
    waiting = _histogram(bench, context, "NOT converted AND age >= 0", "age")
    curve = kaplan_meier(_days_at_risk(converted, waiting))
    events, censored = _size(converted), _size(waiting)
    left_out = _left_out(bench, context)
    deleted = deleted_leads(bench, context)
    if deleted and deleted["n"]:
        left_out.append({"reason": "in the recycle bin", "n": deleted["n"]})
    details: dict[str, Any] = {
        "km": {f"p{share}": curve.quantile(share / 100) for share in (10, 25, 50, 75, 90)},
        "km_converted_by": _converted_by(curve),
        "converted": events,
        "censored": censored,
        "negative_durations": sum(count for day, count in converted if day < 0),
        "converted_only": _converted_only(converted),
        "deleted_left_out": deleted,
        "exclusions": left_out,
        "notes": _notes(converted),
    }
    details["tables"] = [
        table(
            "after",
            "Share of all leads converted, those still waiting counted in (Kaplan-Meier)",
            {"days": ("days", "Days"), "percent": ("percent", "Share"), "interval95": ("interval", "95% interval")},
            details["km_converted_by"],
        )
    ]
    median = curve.quantile(0.5)
    reason = _why_none(curve, events + censored) if median is None else None
    return METRIC.result(context, median, events + censored, details, reason)


def _histogram(bench: Bench, context: MetricContext, which: str, day: str) -> Histogram:
    sql = f"""
    WITH judged AS (
        SELECT l.*, COALESCE(l.converted_day - CAST($today AS DATE) > 1, FALSE) AS future
        FROM {leads(bench, context)} AS l
    )
    SELECT {day} AS day, count(*) AS n FROM judged WHERE {which} GROUP BY 1 ORDER BY 1
    """
    return [(int(row[0]), int(row[1])) for row in bench.execute(sql, {"today": context.today.isoformat()})]


def _size(histogram: Histogram) -> int:
    return sum(count for _, count in histogram)


def _days_at_risk(converted: Histogram, waiting: Histogram) -> list[tuple[int, int, int]]:
    """Both histograms as one; a conversion dated before its lead's creation had happened by day 0."""
    days: dict[int, list[int]] = {}
    for day, count in converted:
        days.setdefault(max(day, 0), [0, 0])[0] += count
    for day, count in waiting:
        days.setdefault(day, [0, 0])[1] += count
    return [(day, events, censored) for day, (events, censored) in days.items()]


def _converted_by(curve: Curve) -> list[dict[str, Any]]:
    rows = []
    for days in HORIZONS:
        share, interval = curve.happened_by(days), curve.interval95(days)
        if share is not None:
            interval95 = [100 * end for end in interval] if interval else None
            rows.append({"days": days, "percent": 100 * share, "interval95": interval95})
    return rows


def _converted_only(converted: Histogram) -> dict[str, Any]:
    """Plain figures of the converted leads, as any spreadsheet gives them, negative durations included."""
    n = _size(converted)
    label = "Converted leads only: biased by survivorship, never use it to say how long a lead takes"
    if not n:
        return {"label": label, "n": 0, "median": None, "mean": None, "p90": None, "share_within_30": None}
    within_30 = sum(count for day, count in converted if day <= 30)
    return {
        "label": label,
        "n": n,
        "median": (_nth(converted, (n - 1) // 2) + _nth(converted, n // 2)) / 2,
        "mean": sum(day * count for day, count in converted) / n,
        "p90": _nth(converted, -(-9 * n // 10) - 1),
        "share_within_30": percent(within_30, n),
    }


def _nth(histogram: Histogram, index: int) -> int:
    """The value at this 0-based place, were all of them written out in order."""
    passed = 0
    for day, count in histogram:
        passed += count
        if index < passed:
            return day
    raise IndexError(index)


def _left_out(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    sql = f"""
    SELECT
        count(*) FILTER (WHERE converted AND converted_day IS NULL),
        count(*) FILTER (WHERE converted AND converted_day - CAST($today AS DATE) > 1 AND created_day IS NOT NULL),
        count(*) FILTER (WHERE created_day IS NULL AND NOT (converted AND converted_day IS NULL)),
        count(*) FILTER (WHERE NOT converted AND age < 0)
    FROM {leads(bench, context)}
    """
    reasons = (
        "converted without a date",
        "converted on a date after the as-of day",
        "without a created date",
        "created after the as-of day",
    )
    counts = bench.execute(sql, {"today": context.today.isoformat()}).rows[0]
    return [{"reason": reason, "n": n} for reason, n in zip(reasons, counts, strict=True) if n]


def _notes(converted: Histogram) -> list[str]:
    notes = [DATE_WITHOUT_TIME]
    negative = sum(count for day, count in converted if day < 0)
    if negative:
        notes.append(
            f"{negative} conversion{'' if negative == 1 else 's'} dated before the lead was created (rule CV006): "
            "day 0 in the estimate, the negative number as it stands in the figures of converted leads only."
        )
    return notes


def _why_none(curve: Curve, n: int) -> str:
    if not n:
        return "there are no leads whose time can be told"
    return (
        f"fewer than half of the leads convert, so there is no median: {100 * curve.highest_share:.1f}% had converted "
        f"by day {curve.last_day}, the longest any was watched"
    )
