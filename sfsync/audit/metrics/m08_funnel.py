"""M08, funnel: of the opportunities that came as far as a stage, how many came to the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.cycle import cycle, maturity
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.opportunities import deals, has_history, process_names, stage_runs, stages
from sfsync.audit.metrics.periods import Period, chosen_period
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult
from sfsync.store.names import literal

METRIC = Metric(
    id="M08",
    name="stage-funnel",
    title="Stage funnel",
    unit="percent",
    definition=(
        "For each sales process and stage: opportunities that reached the stage or a later one ÷ those that reached "
        "the stage before it or a later one. The figure is the share of all that reached the end: "
        "won ÷ all of the cohort."
    ),
    population="live opportunities created long enough ago to have had their time, by sales process",
    denominator="opportunities of the cohort",
    why=(
        "Stages are skipped: a ratio of those that visited a stage can exceed 100 %, a ratio of those that came so far "
        "cannot. Stages of several sales processes do not form one funnel. Young opportunities have not had their time."
    ),
    needs=("Opportunity", "OpportunityStage", "OpportunityHistory"),
    period=True,
)

#: What became of the cohort, and how many opportunities are not of it.
_TOTALS = """
SELECT count(*) FILTER (WHERE {cohort}) AS n,
    count(*) FILTER (WHERE ({cohort}) AND is_won AND is_closed) AS won,
    count(*) FILTER (WHERE ({cohort}) AND NOT is_closed) AS open,
    count(*) FILTER (WHERE NOT ({cohort})) AS outside, count(*) FILTER (WHERE created_day IS NULL) AS undated
FROM {deals} AS d
"""


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The funnel of each sales process over a cohort that is old enough to judge."""
    unmet = METRIC.unmet(context, "Opportunity", "Id", "StageName", "IsClosed", "IsWon", "CreatedDate")
    unmet = unmet or METRIC.unmet(context, "OpportunityStage", "ApiName", "IsClosed", "IsWon", "SortOrder")
    if unmet:
        return unmet
    chosen = chosen_period(context)
    mature = maturity(cycle(bench, context))
    cohort, bound = _cohort(context, chosen, mature["days"])
    counts = _counts(bench, context, cohort, bound)
    funnels = _funnels(bench, context, counts)
    totals = bench.one(_TOTALS.format(cohort=cohort, deals=deals(bench, context)), bound)
    unplaced = sum(row["n"] for row in counts if row["place"] is None and not row["won"])
    details = {
        "cohort": chosen.as_json() if chosen else {"mature_from_days": mature["days"], "because": mature["origin"]},
        "won": totals["won"],
        "still_open": totals["open"],
        "wilson95": wilson95(totals["won"], totals["n"]),
        "by_process": funnels,
        "not_evaluable": unplaced,
        "exclusions": left_out(
            **{
                ("outside of the period" if chosen else f"younger than {mature['days']} days"): totals["outside"],
                "without a created date": totals["undated"],
            }
        ),
        "notes": _notes(context, unplaced, totals["open"]),
        "tables": [_table(number, each) for number, each in enumerate(funnels)],
    }
    reason = None if totals["n"] else "no opportunity is old enough to judge"
    return METRIC.result(context, percent(totals["won"], totals["n"]), totals["n"], details, reason)


def _cohort(context: MetricContext, chosen: Period | None, mature_days: int) -> tuple[str, dict[str, Any]]:
    """Which opportunities (`d`) are judged, as SQL and what it binds: of the chosen period, else those old enough."""
    if chosen:
        return "d.created_day BETWEEN $first AND $last", {"first": chosen.first, "last": chosen.last}
    bound = {"today": context.today.isoformat(), "days": mature_days}
    return "CAST($today AS DATE) - d.created_day >= $days", bound


def _counts(bench: Bench, context: MetricContext, cohort: str, bound: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Opportunities of the cohort by process and by the latest open stage they were ever in."""
    visited = f"SELECT d.id AS opportunity_id, d.process, d.stage FROM {deals(bench, context)} AS d"
    if has_history(context):
        visited += (
            f" UNION ALL SELECT r.opportunity_id, d.process, r.stage FROM {stage_runs(bench, context)} AS r "
            f"JOIN {deals(bench, context)} AS d ON d.id = r.opportunity_id"
        )
    sql = f"""
    SELECT d.process, f.place, d.is_won AND d.is_closed AS won, count(*) AS n
    FROM {deals(bench, context)} AS d
    LEFT JOIN (
        SELECT v.opportunity_id, max(p.place) AS place
        FROM ({visited}) AS v
        JOIN {_places(bench, context)} AS p ON p.stage = v.stage AND p.process IS NOT DISTINCT FROM v.process
        GROUP BY v.opportunity_id
    ) AS f ON f.opportunity_id = d.id
    WHERE {cohort} GROUP BY 1, 2, 3
    """
    return [row | {"won": bool(row["won"])} for row in bench.execute(sql, bound).dicts()]


def _places(bench: Bench, context: MetricContext) -> str:
    """`process`, `stage`, `place`: the open stages that opportunities of a process have ever been in, in their order.

    The order is that of the definitions for a process they name, else that of the org's stages.
    """
    in_use = f"SELECT DISTINCT d.process, d.stage FROM {deals(bench, context)} AS d"
    if has_history(context):
        in_use += (
            f" UNION SELECT DISTINCT d.process, r.stage FROM {stage_runs(bench, context)} AS r "
            f"JOIN {deals(bench, context)} AS d ON d.id = r.opportunity_id"
        )
    defined = [
        f"SELECT {literal(name)} AS process, {literal(stage)} AS stage, {place} AS place"
        for name, process in context.definitions.deals.sales_processes.items()
        for place, stage in enumerate(process.stages, 1)
    ]
    nothing = "SELECT CAST(NULL AS VARCHAR) AS process, CAST(NULL AS VARCHAR) AS stage, 0 AS place WHERE FALSE"
    names = ", ".join(literal(name) for name in context.definitions.deals.sales_processes)
    by_the_org = f"CASE WHEN u.process IN ({names}) THEN NULL ELSE s.place END" if names else "s.place"
    select = f"""
    SELECT * FROM (
        SELECT u.process, s.stage, COALESCE(p.place, {by_the_org}) AS place
        FROM ({in_use}) AS u
        JOIN {stages(bench, context)} AS s ON s.stage = u.stage
        LEFT JOIN ({" UNION ALL ".join(defined) or nothing}) AS p ON p.process = u.process AND p.stage = u.stage
        WHERE s.listed AND NOT s.is_closed
    ) AS placed WHERE place IS NOT NULL
    """
    return bench.share("metric_stage_places", select)


def _funnels(bench: Bench, context: MetricContext, counts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One a process, of the open stages that its opportunities have ever been in, and at its end the won."""
    rows = bench.execute(f"SELECT process, stage, place FROM {_places(bench, context)}")
    names = process_names(bench, context)
    told = []
    for process in sorted({row["process"] for row in counts}, key=lambda each: (each is not None, each)):
        of_process = [row for row in counts if row["process"] == process]
        places = sorted({(place, stage) for found, stage, place in rows if found == process})
        told.append(_funnel(names.get(process, str(process)), of_process, places))
    return told


def _funnel(name: str, counts: Sequence[Mapping[str, Any]], places: Sequence[tuple[int, str]]) -> dict[str, Any]:
    everybody = sum(row["n"] for row in counts)
    steps: list[dict[str, Any]] = []
    before = everybody
    for place, stage in places:
        reached = sum(row["n"] for row in counts if row["won"] or (row["place"] is not None and row["place"] >= place))
        steps.append(_step(stage, reached, before, everybody))
        before = reached
    won = sum(row["n"] for row in counts if row["won"])
    steps.append(_step("(won)", won, before, everybody))
    return {"process": name, "n": everybody, "won": won, "steps": steps}


def _step(stage: str, reached: int, before: int, everybody: int) -> dict[str, Any]:
    return {
        "stage": stage,
        "reached": reached,
        "of": before,
        "percent": percent(reached, before),
        "wilson95": wilson95(reached, before),
        "percent_of_all": percent(reached, everybody),
        "rankable": before >= SMALLEST_RANKABLE,
    }


def _table(number: int, funnel: Mapping[str, Any]) -> dict[str, Any]:
    columns = {
        "stage": ("label", "Stage"),
        "reached": ("count", "Came so far"),
        "of": ("count", "Of"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
        "percent_of_all": ("percent", "Of all"),
    }
    title = f"Funnel of {funnel['process']}: {funnel['n']} opportunities"
    return table(f"funnel-{number}", title, columns, funnel["steps"])


def _notes(context: MetricContext, unplaced: int, still_open: int) -> list[str]:
    notes = ["A won opportunity has come as far as every stage, skipped or not."]
    if unplaced:
        notes.append(
            f"{unplaced} opportunities were never in an open stage that the org still lists: they count in `all`, and "
            "have reached none."
        )
    if still_open:
        notes.append(f"{still_open} of the cohort are still open, and may come further.")
    if not has_history(context):
        notes.append("The mirror has no stage history: of a lost opportunity nobody can tell how far it came.")
    return notes
