"""M11, pipeline waterfall: how the open pipeline of one instant became that of another, deal by deal, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.money import currency_label
from sfsync.audit.metrics.opportunities import omitted_in_words
from sfsync.audit.metrics.periods import fiscal_quarter, start_of
from sfsync.audit.metrics.rates import converted_label, missing_rates
from sfsync.audit.metrics.states import sources, state_at, why_unknown
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.waterfall_sql import ADDS, BARS, ends, parts, scope_params, share_moves
from sfsync.records import MetricResult

METRIC = Metric(
    id="M11",
    name="pipeline-waterfall",
    title="Pipeline waterfall",
    unit="amount",
    definition=(
        "Pipeline at the start + new + reopened + restored + pulled in + moved in + amount up - amount down - pushed "
        "out - moved out - won - lost - deleted ± fx = pipeline at the end, with a residual of 0, each currency for "
        "itself. The figure is end - start."
    ),
    population="open opportunities in scope at either instant, and those that came and closed between",
    denominator="opportunities in the pipeline at the start or at the end",
    why=(
        "Opportunities are compared one by one between two states of the past, so every change of the total is told "
        "by what caused it. One that leaves at another amount than it had makes two bars. Currencies are never added "
        "up; where the settings give rates, what rates did is a bar of its own."
    ),
    needs=("Opportunity", "OpportunityHistory", "OpportunityFieldHistory"),
    money=True,
    period=True,
    scope=True,
)

#: From the least to the most certain; Salesforce's API calls Commit `Forecast`.
CERTAINTY = ("Omitted", "Pipeline", "BestCase", "MostLikely", "Forecast", "Closed")

#: Of the single largest changes, so many are told.
LARGEST = 20


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The waterfall between two instants, for each currency, and in one where rates are given."""
    unmet = METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "IsWon", "Amount", "StageName")
    if unmet:
        return unmet
    context = _with_instants(context)
    assert context.since is not None and context.until is not None  # noqa: S101, PT018 - just put in
    if context.since >= context.until:
        return METRIC.blind(context, "the period ends before it begins", "ask for an earlier start or a later end")
    for instant in (context.since, context.until):
        unknown = why_unknown(context, instant)
        if unknown:
            return METRIC.blind(context, *unknown)
    start, end = state_at(bench, context, context.since), state_at(bench, context, context.until)
    moves = share_moves(bench, context, start.table, end.table)
    waterfalls = _waterfalls(bench, context, moves, (start.table, end.table))
    n = int(bench.execute(f"SELECT count(*) FROM {moves} WHERE was OR now").scalar())
    total = _headline(context, waterfalls)
    forecast = _forecast_moves(bench, moves)
    details = {
        "currency": total["currency"] if total else None,
        "from": f"{context.since.isoformat(timespec='seconds')}Z",
        "to": f"{context.until.isoformat(timespec='seconds')}Z",
        "scope": context.scope.in_words,
        "sources": sources(start, end),
        "waterfalls": waterfalls,
        "residual": sum(abs(each["residual"]) for each in waterfalls),
        "forecast_moves": forecast,
        "largest": _largest(bench, context, moves),
        "notes": _notes(context, waterfalls, exact=start.exact and end.exact),
    }
    details["tables"] = _tables(waterfalls, forecast, details["largest"])
    reason = None
    if not waterfalls:
        reason = "there was no pipeline at either instant"
    elif total is None:
        reason = missing_rates(context) or "several currencies, which are never added up: see the waterfall of each"
    return METRIC.result(context, None if total is None else total["change"], n, details, reason)


def _with_instants(context: MetricContext) -> MetricContext:
    """The chosen instants; else from the beginning of the fiscal quarter, or of what is known, to the as-of time."""
    until = min(context.until or context.as_of, context.as_of)
    since = context.since
    if since is None:
        since = start_of(context, fiscal_quarter(context.today, context.fiscal_year_start_month).first)
        known = context.known_from.get("Opportunity")
        if why_unknown(context, since) and known is not None and known < until:
            since = known
    return replace(context, since=since, until=until)


def _waterfalls(bench: Bench, context: MetricContext, moves: str, states: tuple[str, str]) -> list[dict[str, Any]]:
    """One for each currency that there was or is; the one in the currency of the rates last."""
    bound = scope_params(context.scope)
    starts, finish = (
        {row["currency"]: row for row in bench.execute(ends(context, state), bound).dicts()} for state in states
    )
    rows = bench.execute(
        f"SELECT bar, currency, count(*) AS n, sum(amount) AS amount, sum(worth) AS worth FROM ({parts(moves)}) AS p "
        "GROUP BY 1, 2"
    ).dicts()
    codes = sorted({*starts, *finish, *(row["currency"] for row in rows)})
    told = [
        _waterfall(
            currency_label(context, code or None),
            "amount",
            [starts[code]] if code in starts else [],
            [finish[code]] if code in finish else [],
            [row for row in rows if row["currency"] == code],
        )
        for code in codes
    ]
    total = converted_label(context)
    if total and told and not missing_rates(context):
        whole = _waterfall(total, "worth", list(starts.values()), list(finish.values()), rows)
        unrated = sum(row["without_rate"] for row in (*starts.values(), *finish.values()))
        told.append(whole | {"without_rate": unrated})
    return told


def _waterfall(label: str, what: str, start: Sequence[Any], end: Sequence[Any], rows: Sequence[Any]) -> dict[str, Any]:
    """The bars of one currency, in their order, and what they leave unexplained: nothing."""
    first, last = (_sum(side, what) for side in (start, end))
    bars = [
        {
            "bar": bar,
            "n": sum(row["n"] for row in rows if row["bar"] == bar),
            "amount": float(_sum([row for row in rows if row["bar"] == bar], what)),
        }
        for bar in BARS
    ]
    moved = _sum(rows, what)
    return {
        "currency": label,
        "start": float(first),
        "n_start": sum(row["n"] for row in start),
        "bars": bars,
        "end": float(last),
        "n_end": sum(row["n"] for row in end),
        "change": float(last - first),
        "residual": float(first + moved - last),
        "without_amount": sum(row["without_amount"] for row in (*start, *end)),
    }


def _sum(rows: Sequence[Any], what: str) -> Decimal:
    return sum((Decimal(row[what]) for row in rows), Decimal(0))


def _headline(context: MetricContext, waterfalls: list[dict[str, Any]]) -> dict[str, Any] | None:
    total = converted_label(context)
    if waterfalls and waterfalls[-1]["currency"] == total:
        return waterfalls[-1]
    return waterfalls[0] if len(waterfalls) == 1 else None


def _forecast_moves(bench: Bench, moves: str) -> list[dict[str, Any]]:
    """Opportunities that stayed in the pipeline and changed their forecast category, and which way."""
    rows = bench.execute(f"""
    SELECT old_forecast, new_forecast, new_currency AS currency, count(*) AS n, sum(new_amount) AS amount
    FROM {moves} WHERE was AND now AND old_forecast <> new_forecast GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3
    """)
    told = []
    for old, new, currency, n, amount in rows:
        known = old in CERTAINTY and new in CERTAINTY
        way = "" if not known else "up" if CERTAINTY.index(new) > CERTAINTY.index(old) else "down"
        move = {"from": old, "to": new, "direction": way, "currency": currency or None, "n": n}
        told.append(move | {"amount": float(amount)})
    return told


def _largest(bench: Bench, context: MetricContext, moves: str) -> list[dict[str, Any]]:
    rows = bench.execute(
        f"SELECT id, bar, currency, amount FROM ({parts(moves)}) AS p "
        f"ORDER BY abs(amount) DESC, abs(worth) DESC, id, bar LIMIT {LARGEST}"
    )
    return [
        {"id": record, "bar": bar, "currency": currency_label(context, code or None), "amount": float(amount)}
        for record, bar, code, amount in rows
    ]


def _tables(
    waterfalls: list[dict[str, Any]], forecast: list[dict[str, Any]], largest: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    tables = []
    steps = {"step": ("text", "Step"), "n": ("count", "Opportunities"), "amount": ("amount", "Amount")}
    for number, each in enumerate(waterfalls):
        rows = [{"step": "Start", "n": each["n_start"], "amount": each["start"]}]
        for bar in each["bars"]:
            if bar["n"]:
                sign = "+" if bar["bar"] in ADDS else "±" if bar["bar"] == "fx" else "\N{MINUS SIGN}"
                rows.append({"step": f"{sign} {bar['bar'].replace('_', ' ')}", "n": bar["n"], "amount": bar["amount"]})
        rows.append({"step": "End", "n": each["n_end"], "amount": each["end"]})
        rows.append({"step": "Residual", "n": None, "amount": each["residual"]})
        tables.append(table(f"waterfall-{number}", f"Waterfall, {each['currency']}", steps, rows))
    if forecast:
        columns = {
            "from": ("text", "From"),
            "to": ("text", "To"),
            "direction": ("text", "Direction"),
            "currency": ("text", "Currency"),
            "n": ("count", "Opportunities"),
            "amount": ("amount", "Amount"),
        }
        tables.append(table("forecast-moves", "Changes of forecast category", columns, forecast))
    if largest:
        columns = {
            "id": ("id", "Opportunity"),
            "bar": ("text", "Step"),
            "currency": ("text", "Currency"),
            "amount": ("amount", "Amount"),
        }
        tables.append(table("largest", "The largest single changes", columns, largest))
    return tables


def _notes(context: MetricContext, waterfalls: list[dict[str, Any]], *, exact: bool) -> list[str]:
    notes = [omitted_in_words(context), "An opportunity without an amount counts with 0."]
    blank = sum(each["without_amount"] for each in waterfalls if "without_rate" not in each)
    if blank:
        notes.append(f"{blank} times an opportunity at the start or at the end has no amount.")
    unrated = sum(each.get("without_rate", 0) for each in waterfalls)
    if unrated:
        notes.append(f"{unrated} amounts have no rate: they count with 0 in the total over all currencies.")
    if not exact:
        notes.append(
            "A state that is rebuilt knows stage, amount, close date and forecast category of then; the currency is "
            "that of today, what was deleted for good is not known, and a deleted opportunity was there until its last "
            "change."
        )
    return notes
