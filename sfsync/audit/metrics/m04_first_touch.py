"""M04, time to first touch: how fast somebody turns to a lead, and to how many nobody ever did."""

from __future__ import annotations

from typing import Any

from sqlglot import parse_one

from sfsync.audit.business_hours import business_hours
from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.kaplan_meier import Curve, kaplan_meier
from sfsync.audit.metrics.lead_days import WHITE_SPACE
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.shared_relations import Blind, read_relation
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M04",
    name="first-touch",
    title="Time to first touch",
    unit="percent",
    definition=(
        "Of the live leads that have been there for at least the agreed hours, the share that somebody turned to "
        "within them; beside it the hours after which half of all leads have been touched (Kaplan-Meier)."
    ),
    population="live leads at least as old as the agreed hours",
    denominator="leads old enough to judge",
    why=(
        "An average of touched leads hides those that nobody ever touched. LastActivityDate is the last activity and "
        "not the first, and may lie in the future; here the earliest finished activity that went "
        "out counts, by when it "
        "was done."
    ),
    needs=("Lead", "Task", "Event"),
    relations=("first_touch",),
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The share touched in time, the Kaplan-Meier hours, and the share by source."""
    unmet = METRIC.unmet(context, "Lead", "Id", "CreatedDate")
    if unmet:
        return unmet
    blind = _no_activities(context)
    touches = blind or read_relation(bench, context, "first_touch")
    if isinstance(touches, Blind):
        return METRIC.blind(context, touches.reason, touches.enable)
    waits = _share_waits(bench, context, touches)
    sla = context.definitions.metrics.sla_hours
    totals = bench.one(
        f"""
        SELECT count(*) FILTER (WHERE age >= $sla) AS n,
            count(*) FILTER (WHERE age >= $sla AND hours <= $sla) AS in_time,
            count(*) FILTER (WHERE age >= $sla AND hours IS NULL) AS never,
            count(*) FILTER (WHERE age < $sla) AS immature, count(*) FILTER (WHERE early) AS before_created,
            count(*) FILTER (WHERE hours IS NOT NULL) AS touched, count(*) FILTER (WHERE age < 0) AS in_future
        FROM {waits}
        """,
        {"sla": sla},
    )
    curve = _curve(bench, waits)
    n, in_time = totals["n"], totals["in_time"]
    hours = context.definitions.business_hours
    details = {
        "sla_hours": sla,
        "hours_are": "business hours (`definitions: {business_hours: …}`)" if hours else "around the clock",
        "in_time": in_time,
        "never_touched": totals["never"],
        "wilson95": wilson95(in_time, n),
        "km_hours": {f"p{share}": curve.quantile(share / 100) for share in (25, 50, 75, 90)},
        "by_source": _by_source(bench, waits, sla) if context.has("Lead", "LeadSource") else None,
        "exclusions": left_out(**{f"younger than {sla:g} hours": totals["immature"]}),
        "notes": _notes(totals),
    }
    details["tables"] = _tables(details)
    reason = None if n else f"no lead is {sla:g} hours old yet, so none can be judged"
    return METRIC.result(context, percent(in_time, n), n, details, reason)


def _no_activities(context: MetricContext) -> Blind | None:
    """A mirror without a single activity says nothing of touches: 0 % would be a guess."""
    rows = context.audit.rows if context.audit else {}
    kept = [field for field in ("FirstCallDateTime", "FirstEmailDateTime") if context.has("Lead", field)]
    if kept or rows.get("Task") or rows.get("Event"):
        return None
    held = [name for name in ("Task", "Event") if context.has(name)]
    reason = "the mirror holds no Task and no Event" + (" record" if held else "")
    return Blind(reason, context.enable("Task") if not held else "check that the user who pulls may see activities")


def _share_waits(bench: Bench, context: MetricContext, touches: str) -> str:
    """`hours` from creation to the first touch (NULL: none), `age` in hours as of now, `early`, `source`."""
    named = context.has("Lead", "LeadSource")
    source = """NULLIF(trim(l."LeadSource", $blanks), '')""" if named else "CAST(NULL AS VARCHAR)"
    as_of = f"CAST('{context.as_of.isoformat(sep=' ')}' AS TIMESTAMP)"
    select = f"""
    SELECT {source} AS source, t.touched_at < l."CreatedDate" AS early,
        greatest({_hours(context, 'l."CreatedDate"', "t.touched_at")}, 0) AS touched_hours,
        t.touched_at IS NOT NULL AS touched, {_hours(context, 'l."CreatedDate"', as_of)} AS age
    FROM sf."Lead" AS l LEFT JOIN {touches} AS t ON t.lead_id = l."Id"
    WHERE l."CreatedDate" IS NOT NULL
    """
    return bench.share(
        "metric_waits",
        f"SELECT source, early, CASE WHEN touched THEN touched_hours END AS hours, age FROM ({select}) AS w",
        {"blanks": WHITE_SPACE} if named else {},
    )


def _hours(context: MetricContext, start: str, end: str) -> str:
    hours = context.definitions.business_hours
    if hours is None:
        return f"(EXTRACT(EPOCH FROM {end}) - EXTRACT(EPOCH FROM {start})) / 3600.0"
    parsed = [parse_one(each, dialect="duckdb") for each in (start, end)]
    return business_hours(parsed[0], parsed[1], hours, context.timezone).sql(dialect="duckdb")


def _curve(bench: Bench, waits: str) -> Curve:
    """Begun hours: touched after so many, or not touched for so many. None is watched before its creation."""
    rows = bench.execute(f"""
    SELECT CAST(ceil(greatest(COALESCE(hours, age), 0)) AS BIGINT) AS hour, count(hours) AS touched,
        count(*) - count(hours) AS waiting
    FROM {waits} WHERE hours IS NOT NULL OR age >= 0 GROUP BY 1
    """)
    return kaplan_meier([(int(hour), int(touched), int(waiting)) for hour, touched, waiting in rows])


def _by_source(bench: Bench, waits: str, sla: float) -> list[dict[str, Any]]:
    rows = bench.execute(
        f"""
        SELECT source, count(*) AS n, count(*) FILTER (WHERE hours <= $sla) AS in_time,
            count(*) FILTER (WHERE hours IS NULL) AS never
        FROM {waits} WHERE age >= $sla GROUP BY source ORDER BY n DESC, source LIMIT 100
        """,
        {"sla": sla},
    ).dicts()
    return [
        row
        | {
            "source": row["source"] or "(blank)",
            "percent": percent(row["in_time"], row["n"]),
            "wilson95": wilson95(row["in_time"], row["n"]),
            "rankable": row["n"] >= SMALLEST_RANKABLE,
        }
        for row in rows
    ]


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    hours = [
        {"share": f"{name[1:]}% of leads are touched within", "hours": value}
        for name, value in details["km_hours"].items()
    ]
    tables = [table("hours", "Hours to the first touch", {"share": ("text", ""), "hours": ("hours", "Hours")}, hours)]
    if details["by_source"]:
        columns = {
            "source": ("label", "Lead source"),
            "n": ("count", "Leads"),
            "in_time": ("count", "In time"),
            "never": ("count", "Never touched"),
            "percent": ("percent", "Share in time"),
            "wilson95": ("interval", "95% interval"),
        }
        tables.append(table("by-source", "Touched in time, by lead source", columns, details["by_source"]))
    return tables


def _notes(totals: dict[str, int]) -> list[str]:
    notes = [
        "Hours run from the creation of the lead, also where it reached its owner later (assignment is not told).",
        "A lead that nobody has touched waits until the as-of time, also when it has been converted or closed.",
    ]
    if totals["before_created"]:
        notes.append(
            f"{totals['before_created']} leads were touched before they were created: they count as touched at once."
        )
    if totals["in_future"]:
        notes.append(f"{totals['in_future']} leads were created after the as-of time.")
    return notes
