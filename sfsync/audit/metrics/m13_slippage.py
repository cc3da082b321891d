"""M13, slippage: of what was to close in a period when it began, how much did not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.money import by_currency
from sfsync.audit.metrics.opportunities import HISTORY, has_history, omitted_in_words, spans
from sfsync.audit.metrics.periods import Period, chosen_period, complete_quarters, end_of, start_of
from sfsync.audit.metrics.snapshots import known_instants, snapshots
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M13",
    name="slippage",
    title="Slippage",
    unit="percent",
    definition=(
        "Of the opportunities that were open when the period began, with a CloseDate in it, the share that was still "
        "open when it ended."
    ),
    population="live opportunities open at the start of the period, with a CloseDate in it then",
    denominator="opportunities that were to close in the period",
    why=(
        "Looking at what is open now misses what slipped and closed later; the CloseDate of today hides every push. "
        "Both are read from the history. Every change to a later day is a push; those out of the period are told apart."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
    period=True,
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Slippage of the last complete fiscal quarter (or the chosen period), of those before it, and pushes."""
    unmet = METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "CloseDate")
    if unmet:
        return unmet
    if has_history(context) and not context.has(HISTORY, "CloseDate"):
        return METRIC.blind(context, f"{HISTORY} has no CloseDate", context.enable(HISTORY, "CloseDate"))
    chosen = chosen_period(context)
    periods = [chosen] if chosen else complete_quarters(context)
    starts = [start_of(context, period.first) for period in periods]
    ends = [min(end_of(context, period.last), context.as_of) for period in periods]
    known = known_instants(bench, context, starts)
    told = [place for place, start in enumerate(starts) if start in known and start < ends[place]]
    if not told:
        return METRIC.blind(
            context,
            f"what was open at the start of {periods[-1].label} is not known",
            f"{context.enable(HISTORY, 'OpportunityId', 'StageName', 'CreatedDate', 'CloseDate')}; or go on pulling: "
            "the mirror keeps its own past from the first pull on",
        )
    instants = sorted({starts[place] for place in told} | {ends[place] for place in told})
    table_name = snapshots(bench, context, instants)
    rows = [_slipped(bench, table_name, periods[place], starts[place], ends[place], context) for place in told]
    last = rows[-1]
    period, start, end = periods[told[-1]], starts[told[-1]], ends[told[-1]]
    details = {
        "period": period.as_json(),
        "slipped": last["slipped"],
        "wilson95": wilson95(last["slipped"], last["n"]),
        "by_period": rows,
        "amounts": _amounts(bench, context, table_name, (period, start, end)),
        "pushes": _pushes(bench, context, table_name, period, (start, end)) if has_history(context) else None,
        "exclusions": [],
        "notes": _notes(context, period, end),
    }
    details["tables"] = _tables(details)
    reason = None if last["n"] else f"nothing was to close in {period.label}"
    return METRIC.result(context, percent(last["slipped"], last["n"]), last["n"], details, reason)


def _due(table_name: str) -> str:
    """What was to close in the period when it began, and whether it was open at its end."""
    return f"""(
        SELECT b.*, e.id IS NOT NULL AND COALESCE($over OR e.close_date > CAST($last AS DATE), FALSE) AS slipped
        FROM {table_name} AS b
        LEFT JOIN (SELECT id, close_date FROM {table_name} WHERE taken_at = $end) AS e ON e.id = b.id
        WHERE b.taken_at = $start AND b.close_date BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
    ) AS due"""


def _bound(context: MetricContext, period: Period, start: datetime, end: datetime) -> dict[str, Any]:
    over = end_of(context, period.last) <= context.as_of
    return {"first": period.first, "last": period.last, "start": start, "end": end, "over": over}


def _slipped(
    bench: Bench, table_name: str, period: Period, start: datetime, end: datetime, context: MetricContext
) -> dict[str, Any]:
    found = bench.one(
        f"SELECT count(*) AS n, count(*) FILTER (WHERE slipped) AS slipped FROM {_due(table_name)}",
        _bound(context, period, start, end),
    )
    share = {"percent": percent(found["slipped"], found["n"]), "wilson95": wilson95(found["slipped"], found["n"])}
    return {"period": period.label} | found | share


def _amounts(
    bench: Bench, context: MetricContext, table_name: str, when: tuple[Period, datetime, datetime]
) -> list[dict[str, Any]]:
    """What was to close and what slipped, at the amounts of the start, each currency for itself."""
    sums = {
        "due_amount": "COALESCE(sum(amount{rate}), 0)",
        "slipped_amount": "COALESCE(sum(amount{rate}) FILTER (WHERE slipped), 0)",
    }
    rows = by_currency(bench, context, _due(table_name), sums, _bound(context, *when))
    for row in rows:
        row["percent"] = 100 * row["slipped_amount"] / row["due_amount"] if row["due_amount"] else None
    return rows


def _pushes(
    bench: Bench, context: MetricContext, table_name: str, period: Period, when: tuple[datetime, datetime]
) -> dict[str, Any]:
    """Every change to a later CloseDate within the period, of the opportunities that were to close in it."""
    bound = _bound(context, period, *when)
    bound.pop("over")
    found = bench.one(
        f"""
        SELECT count(*) AS pushes, count(DISTINCT s.opportunity_id) AS pushed,
            count(*) FILTER (WHERE s.close_date > CAST($last AS DATE) AND s.close_before <= CAST($last AS DATE))
                AS out_of_period,
            avg(s.close_date - s.close_before) AS mean_days
        FROM {spans(bench, context)} AS s
        JOIN (
            SELECT id FROM {table_name}
            WHERE taken_at = $start AND close_date BETWEEN CAST($first AS DATE) AND CAST($last AS DATE)
        ) AS due ON due.id = s.opportunity_id
        WHERE s.valid_from > $start AND s.valid_from <= $end AND s.close_date > s.close_before
        """,
        bound,
    )
    return found | {"mean_days": None if found["mean_days"] is None else float(found["mean_days"])}


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    periods = {
        "period": ("text", "Period"),
        "n": ("count", "To close"),
        "slipped": ("count", "Slipped"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
    }
    amounts = {
        "currency": ("text", "Currency"),
        "due_amount": ("amount", "To close"),
        "slipped_amount": ("amount", "Slipped"),
        "percent": ("percent", "Share"),
    }
    tables = [
        table("by-period", "Slippage by period", periods, details["by_period"]),
        table("amounts", "Slipped amount, each currency for itself", amounts, details["amounts"]),
    ]
    pushes = details["pushes"]
    if pushes:
        rows = [
            {"what": "Changes to a later CloseDate", "n": pushes["pushes"]},
            {"what": "Opportunities with any", "n": pushes["pushed"]},
            {"what": "Changes that left the period", "n": pushes["out_of_period"]},
        ]
        tables.append(table("pushes", "Pushes", {"what": ("text", ""), "n": ("count", "Number")}, rows))
    return tables


def _notes(context: MetricContext, period: Period, end: datetime) -> list[str]:
    notes = [omitted_in_words(context), "Opportunities deleted since are not in it."]
    if end_of(context, period.last) > end:
        notes.append("The period is not over: only what is already due after it counts as slipped.")
    return notes
