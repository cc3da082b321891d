"""M10, forecast accuracy: what was expected of a quarter when it began, against what it brought."""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.money import by_currency, headline_row
from sfsync.audit.metrics.opportunities import HISTORY, deals, has_history, omitted_in_words
from sfsync.audit.metrics.periods import Period, chosen_period, complete_quarters, end_of, start_of
from sfsync.audit.metrics.snapshots import known_instants, snapshots
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M10",
    name="forecast-accuracy",
    title="Forecast accuracy",
    unit="percent",
    definition=(
        "WAPE: the sum over the periods of |expected - won| ÷ the sum of won, where expected is "
        "Amount times Probability ÷ "
        "100 of what was open when a period began and was to close in it, and won is all that was won in it."
    ),
    population="open opportunities at the start of each complete fiscal quarter, due in it; opportunities won in it",
    denominator="opportunities that were to close in one of the periods, once for each",
    why=(
        "Amount and Probability are those of the start of the period, from the history: today's "
        "fields know the "
        "outcome already. The error is weighted by amount; the bias says in which direction, and the "
        "calibration whether a "
        "probability of 60 % wins six times in ten."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
    period=True,
)

#: Lower ends of the bins of probability.
BINS = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Error and bias by currency, and how the probabilities of the past turned out."""
    unmet = METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "IsWon", "Amount", "CloseDate", "Probability")
    if unmet:
        return unmet
    absent = [name for name in ("Probability", "Amount", "CloseDate") if not context.has(HISTORY, name)]
    if has_history(context) and absent:
        return METRIC.blind(context, f"{HISTORY} has no {', '.join(absent)}", context.enable(HISTORY, *absent))
    periods = _known_periods(bench, context)
    if not periods:
        return METRIC.blind(
            context,
            "no period that is over has a known beginning",
            f"{context.enable(HISTORY, 'OpportunityId', 'StageName', 'CreatedDate', 'Probability')}; or go on pulling: "
            "the mirror keeps its own past from the first pull on",
        )
    sides = _share_sides(bench, context, periods)
    rows = [row for place, period in enumerate(periods) for row in _period(bench, context, sides, place, period)]
    currencies = _by_currency(rows)
    bins, brier = _calibration(bench, context, sides)
    n = brier["n"] + brier["open"]
    details = {
        "periods": [each.as_json() for each in periods],
        "by_period": rows,
        "by_currency": currencies,
        "calibration": bins,
        "brier": brier,
        "not_evaluable": brier["open"],
        "exclusions": [{"reason": "not decided yet, so in no bin", "n": brier["open"]}] if brier["open"] else [],
        "notes": [
            omitted_in_words(context),
            "What was won in a period without having been due in it when it began counts as won: a forecast misses it.",
            "An opportunity that slips is expected anew in each period, and counts once in each.",
        ],
        "tables": _tables(rows, currencies, bins),
    }
    value, reason = _headline(context, currencies)
    return METRIC.result(context, value, n, details, reason)


def _known_periods(bench: Bench, context: MetricContext) -> list[Period]:
    """The chosen period, else the last quarters: those that are over, and of whose beginning is known what was open."""
    chosen = chosen_period(context)
    candidates = [chosen] if chosen else complete_quarters(context)
    over = [each for each in candidates if end_of(context, each.last) <= context.as_of]
    known = known_instants(bench, context, [start_of(context, each.first) for each in over])
    return [each for each in over if start_of(context, each.first) in known]


def _headline(context: MetricContext, currencies: list[dict[str, Any]]) -> tuple[float | None, str | None]:
    """The error that stands for all currencies, or why there is none."""
    head = headline_row(context, currencies)
    if head is None:
        why = "several currencies, which are never added up: see each" if currencies else "nothing was due or won"
        return None, why
    if head["wape"] is None:
        return None, "nothing was won in these periods, so there is nothing to measure an error by"
    return head["wape"], None


def _share_sides(bench: Bench, context: MetricContext, periods: list[Period]) -> str:
    """`period` (its place), `side` (expected or won), `id`, `probability`, and the amount: one row an opportunity."""
    # The ends, too: what slips needs them, and then one table serves both metrics.
    bounds = {start_of(context, each.first) for each in periods} | {end_of(context, each.last) for each in periods}
    taken = snapshots(bench, context, sorted(bounds))
    spans = " UNION ALL ".join(
        f"SELECT {place} AS period, CAST($start_{place} AS TIMESTAMP) AS starts_at, "
        f"CAST($first_{place} AS DATE) AS first, "
        f"CAST($last_{place} AS DATE) AS last"
        for place in range(len(periods))
    )
    bound: dict[str, Any] = {}
    for place, each in enumerate(periods):
        bound |= {f"start_{place}": start_of(context, each.first)}
        bound |= {f"first_{place}": each.first, f"last_{place}": each.last}
    select = f"""
    WITH periods AS ({spans})
    SELECT p.period, 'expected' AS side, s.id, s.currency, s.factor, s.probability,
        s.amount * s.probability / 100 AS amount
    FROM {taken} AS s JOIN periods AS p ON s.taken_at = p.starts_at AND s.close_date BETWEEN p.first AND p.last
    WHERE s.probability IS NOT NULL
    UNION ALL
    SELECT p.period, 'won', d.id, d.currency, d.factor, NULL, d.amount
    FROM {deals(bench, context)} AS d JOIN periods AS p ON d.closed_day BETWEEN p.first AND p.last
    WHERE d.is_closed AND d.is_won
    """
    return bench.share("metric_forecast_sides", select, bound)


def _period(bench: Bench, context: MetricContext, sides: str, place: int, period: Period) -> list[dict[str, Any]]:
    source = f"(SELECT * FROM {sides} WHERE period = {place} AND (amount IS NOT NULL OR side = 'won')) AS s"
    sums = {
        "expected": "COALESCE(sum(amount{rate}) FILTER (WHERE side = 'expected'), 0)",
        "won": "COALESCE(sum(amount{rate}) FILTER (WHERE side = 'won'), 0)",
        "n_expected": "count(*) FILTER (WHERE side = 'expected')",
        "n_won": "count(*) FILTER (WHERE side = 'won')",
    }
    rows = by_currency(bench, context, source, sums)
    for row in rows:
        row["period"] = period.label
        row["bias"] = 100 * (row["expected"] - row["won"]) / row["won"] if row["won"] else None
    return rows


def _by_currency(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Over all periods; the total in the currency of the rates stays last."""
    totals: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: "without_rate" in row):
        total = totals.setdefault(
            row["currency"], {"currency": row["currency"], "periods": 0, "expected": 0.0, "won": 0.0, "missed": 0.0}
        )
        total["periods"] += 1
        total["expected"] += row["expected"]
        total["won"] += row["won"]
        total["missed"] += abs(row["expected"] - row["won"])
        if "without_rate" in row:
            total["without_rate"] = total.get("without_rate", 0) + row["without_rate"]
    for total in totals.values():
        won = total["won"]
        total["wape"] = 100 * total["missed"] / won if won else None
        total["bias"] = 100 * (total["expected"] - won) / won if won else None
    return list(totals.values())


def _calibration(bench: Bench, context: MetricContext, sides: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Of what was expected with a probability, how much was won in the end, as far as it is decided."""
    rows = bench.execute(f"""
    SELECT CAST(greatest(0, least(100, floor(s.probability / 10) * 10)) AS INTEGER) AS bin,
        count(*) FILTER (WHERE decided) AS n, count(*) FILTER (WHERE decided AND is_won) AS won,
        avg(s.probability) FILTER (WHERE decided) AS told,
        sum(missed * missed) FILTER (WHERE decided) AS squares, count(*) FILTER (WHERE NOT decided) AS open
    FROM (
        SELECT e.probability, d.is_won, COALESCE(d.is_closed AND d.is_won IS NOT NULL, FALSE) AS decided,
            e.probability / 100 - CASE WHEN d.is_won THEN 1 ELSE 0 END AS missed
        FROM {sides} AS e JOIN {deals(bench, context)} AS d ON d.id = e.id WHERE e.side = 'expected'
    ) AS s GROUP BY 1 ORDER BY 1
    """).dicts()
    bins = [
        {"bin": _bin(row["bin"]), "n": row["n"], "told": row["told"], "won": row["won"]}
        | {"percent": percent(row["won"], row["n"]), "wilson95": wilson95(row["won"], row["n"])}
        for row in rows
        if row["n"]
    ]
    n, won = sum(row["n"] for row in rows), sum(row["won"] for row in rows)
    score = sum(row["squares"] or 0.0 for row in rows) / n if n else None
    base = won / n if n else None
    return bins, {
        "score": score,
        "of_always_saying_the_mean": None if base is None else base * (1 - base),
        "n": n,
        "won": won,
        "open": sum(row["open"] for row in rows),
    }


def _bin(first: int) -> str:
    return "100" if first == BINS[-1] else f"{first} to {first + 9}"


def _tables(rows: list[dict[str, Any]], currencies: list[dict[str, Any]], bins: list[dict[str, Any]]) -> list[Any]:
    periods = {
        "period": ("text", "Period"),
        "currency": ("text", "Currency"),
        "n_expected": ("count", "Due"),
        "expected": ("amount", "Expected"),
        "n_won": ("count", "Won"),
        "won": ("amount", "Won amount"),
        "bias": ("percent", "Bias"),
    }
    overall = {
        "currency": ("text", "Currency"),
        "periods": ("count", "Periods"),
        "expected": ("amount", "Expected"),
        "won": ("amount", "Won"),
        "wape": ("percent", "WAPE"),
        "bias": ("percent", "Bias"),
    }
    shown = {
        "bin": ("text", "Probability"),
        "n": ("count", "Decided"),
        "told": ("percent", "Told"),
        "won": ("count", "Won"),
        "percent": ("percent", "Came true"),
        "wilson95": ("interval", "95% interval"),
    }
    return [
        table("by-period", "Expected at the start of a period, and won in it", periods, rows),
        table("by-currency", "All periods, each currency for itself", overall, currencies),
        table("calibration", "What probabilities came to", shown, bins),
    ]
