"""M07, time in a stage: how long a visit to a stage lasts, counting the visits that have not ended yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.kaplan_meier import Curve, kaplan_meier
from sfsync.audit.metrics.lead_days import local_day
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.opportunities import HISTORY, HISTORY_COLUMNS, live, process_names, stage_runs, stages
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE
from sfsync.records import MetricResult

METRIC = Metric(
    id="M07",
    name="stage-duration",
    title="Time in a stage",
    unit="days",
    definition=(
        "The number of days after which half of all visits to an open stage have ended (Kaplan-Meier median), for each "
        "stage of each sales process; a visit that goes on counts for as long as it has lasted. The figure is that of "
        "all visits together."
    ),
    population="visits of live opportunities to open stages; each return to a stage is a visit of its own",
    denominator="visits, ended or going on",
    why=(
        "The mean of ended visits leaves out those who are stuck. The history has a row for every change of amount or "
        "date too: equal stages in a row are one visit, rows of one second stand in the order of their Ids. "
        "Opportunities that were born closed were never in an open stage."
    ),
    needs=("OpportunityHistory", "Opportunity", "OpportunityStage"),
)

Counts = Sequence[tuple[int, int, int]]


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Kaplan-Meier median and eighth decile of the days in each open stage, by sales process."""
    unmet = METRIC.unmet(context, HISTORY, *HISTORY_COLUMNS) or METRIC.unmet(context, "Opportunity", "Id", "StageName")
    if unmet:
        return unmet
    rows = _histogram(bench, context)
    names = process_names(bench, context)
    groups: dict[tuple[Any, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["process"], row["stage"]), []).append(row)
    told = [_stage(key, of_stage, names) for key, of_stage in groups.items()]
    told.sort(key=lambda each: (each["process"], each["place"] is None, each["place"] or 0, each["stage"]))
    curve = kaplan_meier([(row["day"], row["ended"], row["going_on"]) for row in _together(rows)])
    n = sum(row["ended"] + row["going_on"] for row in rows)
    born = _left_out(bench, context)
    value = curve.quantile(0.5)
    details = {
        "p80": curve.quantile(0.8),
        "ended": sum(row["ended"] for row in rows),
        "going_on": sum(row["going_on"] for row in rows),
        "by_stage": told,
        "exclusions": left_out(
            **{
                "opportunities born closed": born["born_closed"],
                "opportunities without any history": born["without_history"],
                "visits that begin after the as-of time": born["in_future"],
            }
        ),
        "not_evaluable": born["without_history"],
        "notes": ["Days are whole calendar days in the org's time zone: a visit that ends on its first day lasts 0."],
        "tables": [_table(told)],
    }
    reason = None
    if value is None:
        reason = "fewer than half of the visits have ended, so there is no median" if n else "there are no visits"
    return METRIC.result(context, value, n, details, reason)


def _histogram(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """Visits by process, stage and days: how many ended after so many, how many go on."""
    sql = f"""
    SELECT process, stage, min(place) AS place, CAST(greatest(days, 0) AS INTEGER) AS day,
        count(*) FILTER (WHERE ended) AS ended, count(*) FILTER (WHERE NOT ended) AS going_on
    FROM (
        SELECT d.process, r.stage, s.place, r.left_at IS NOT NULL AS ended,
            COALESCE({local_day(context, "r.left_at")}, CAST($today AS DATE))
                - {local_day(context, "r.entered_at")} AS days
        FROM {stage_runs(bench, context)} AS r
        JOIN {live(bench, context)} AS d ON d.id = r.opportunity_id
        LEFT JOIN {stages(bench, context)} AS s ON s.stage = r.stage
        WHERE s.is_closed IS NOT TRUE AND r.entered_at <= $as_of
    ) AS visits GROUP BY process, stage, greatest(days, 0)
    """
    bound = {"timezone": context.timezone, "today": context.today.isoformat(), "as_of": context.as_of}
    return bench.execute(sql, bound).dicts()


def _together(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, int]]:
    days: dict[int, dict[str, int]] = {}
    for row in rows:
        day = days.setdefault(row["day"], {"day": row["day"], "ended": 0, "going_on": 0})
        day["ended"] += row["ended"]
        day["going_on"] += row["going_on"]
    return list(days.values())


def _stage(key: tuple[Any, str], rows: Sequence[Mapping[str, Any]], names: Mapping[Any, str]) -> dict[str, Any]:
    counts: Counts = [(row["day"], row["ended"], row["going_on"]) for row in rows]
    curve: Curve = kaplan_meier(counts)
    ended, going_on = (sum(count[place] for count in counts) for place in (1, 2))
    return {
        "process": names.get(key[0], str(key[0])),
        "stage": key[1],
        "place": next((row["place"] for row in rows if row["place"] is not None), None),
        "n": ended + going_on,
        "ended": ended,
        "going_on": going_on,
        "median": curve.quantile(0.5),
        "p80": curve.quantile(0.8),
        "rankable": ended >= SMALLEST_RANKABLE,
    }


def _left_out(bench: Bench, context: MetricContext) -> dict[str, int]:
    return bench.one(
        f"""
        SELECT count(*) FILTER (WHERE v.visits IS NULL) AS without_history,
            count(*) FILTER (WHERE v.visits > 0 AND v.of_open = 0) AS born_closed,
            COALESCE(sum(v.in_future), 0) AS in_future
        FROM {live(bench, context)} AS d
        LEFT JOIN (
            SELECT r.opportunity_id, count(*) AS visits,
                count(*) FILTER (WHERE s.is_closed IS NOT TRUE) AS of_open,
                count(*) FILTER (WHERE s.is_closed IS NOT TRUE AND r.entered_at > $as_of) AS in_future
            FROM {stage_runs(bench, context)} AS r LEFT JOIN {stages(bench, context)} AS s ON s.stage = r.stage
            GROUP BY r.opportunity_id
        ) AS v ON v.opportunity_id = d.id
        """,
        {"as_of": context.as_of},
    )


def _table(told: list[dict[str, Any]]) -> dict[str, Any]:
    columns = {
        "process": ("label", "Sales process"),
        "stage": ("label", "Stage"),
        "n": ("count", "Visits"),
        "going_on": ("count", "Going on"),
        "median": ("days", "Half have left after"),
        "p80": ("days", "Four in five after"),
    }
    return table("by-stage", "Days in a stage, visits that go on counted in (Kaplan-Meier)", columns, told)
