"""M05, win rate: won ÷ (won + lost), and nothing at all where losses are not recorded.

Won ÷ all opportunities is not a win rate: the open ones are undecided.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.closed_deals import close_instant_in_words, closed_deals, has_history
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.cycle import cycle, maturity
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.opportunities import deals, undecided
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M05",
    name="win-rate",
    title="Win rate",
    unit="percent",
    definition="Of the live opportunities that are closed, the share that was won: won ÷ (won + lost).",
    population="live opportunities that are closed and say whether they were won",
    denominator="opportunities won or lost",
    why=(
        "Won ÷ all opportunities is no win rate: the open ones are undecided. Where losses are not recorded there is "
        "none at all. A deal that was reopened counts once, by its last outcome, in the month in which it really "
        "closed."
    ),
    needs=("Opportunity", "OpportunityHistory"),
    money=True,
)

#: Beyond this many, a table of owners helps nobody.
MOST_OWNERS = 100


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The win rate of closed opportunities with its interval, by month of closing, by owner and by amount."""
    unmet = METRIC.unmet(context, "Opportunity", "IsClosed", "IsWon")
    if unmet:
        return unmet
    totals = _totals(bench, context)
    won, lost = totals["won"], totals["lost"]
    n = won + lost
    reason = None
    if not n:
        reason = "there are no closed opportunities"
    elif not lost:
        reason = "a win rate cannot be computed from wins alone: no opportunity is recorded as lost"
    details = {
        "won": won,
        "lost": lost,
        "open": totals["open"],
        "wilson95": None if reason else wilson95(won, n),
        "close_instant": _close_instant(context, totals),
        # Without any loss on record, every share would read 100 %.
        "by_month": None if reason else _by_month(bench, context),
        "by_owner": None if reason or not context.has("Opportunity", "OwnerId") else _by_owner(bench, context),
        "cohorts": None if reason else _cohorts(bench, context),
        "amounts": _amounts(bench, context) if context.has("Opportunity", "Amount") else None,
        "exclusions": _exclusions(totals),
        "not_evaluable": totals["unknown"],
        "notes": _notes(context, totals),
    }
    details["tables"] = _tables(details)
    return METRIC.result(context, None if reason else percent(won, n), n, details, reason)


def _totals(bench: Bench, context: MetricContext) -> dict[str, int]:
    sql = f"""
    SELECT
        count(*) FILTER (WHERE is_won) AS won,
        count(*) FILTER (WHERE NOT is_won) AS lost,
        count(*) FILTER (WHERE by_history) AS by_history,
        count(*) FILTER (WHERE by_history AND close_date <> closed_day) AS moved,
        count(*) FILTER (WHERE closed_day IS NULL) AS undated,
        count(*) FILTER (WHERE closed_day > CAST($today AS DATE)) AS after_as_of
    FROM {closed_deals(bench, context)}
    """
    counts: dict[str, int] = bench.one(sql, {"today": context.today.isoformat()})
    others = undecided(bench, context)
    open_ones = f"""
    SELECT
        count(*) FILTER (WHERE NOT is_closed AND is_won IS NOT TRUE) AS open,
        count(*) FILTER (WHERE is_closed IS NULL OR (is_closed AND is_won IS NULL)) AS unknown
    FROM {deals(bench, context)}
    """
    return counts | bench.one(open_ones) | {key: others[key] for key in ("won_but_open", "deleted")}


def _close_instant(context: MetricContext, totals: dict[str, int]) -> dict[str, Any]:
    """Which witness says when the opportunities closed, and how often the typed date says otherwise."""
    n = totals["won"] + totals["lost"]
    if not has_history(context):
        return {"source": "CloseDate", "by_history": 0, "by_close_date": n, "close_date_differs": None}
    return {
        "source": close_instant_in_words(context),
        "by_history": totals["by_history"],
        "by_close_date": n - totals["by_history"],
        "close_date_differs": totals["moved"],
    }


def _share(won: int, n: int) -> dict[str, Any]:
    return {"n": n, "won": won, "percent": percent(won, n), "wilson95": wilson95(won, n)}


def _by_month(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    sql = f"""
    SELECT
        CAST(EXTRACT(YEAR FROM closed_day) AS INTEGER) AS year,
        CAST(EXTRACT(MONTH FROM closed_day) AS INTEGER) AS month,
        count(*) AS n, count(*) FILTER (WHERE is_won) AS won
    FROM {closed_deals(bench, context)} WHERE closed_day IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    """
    rows = bench.execute(sql)
    return [{"month": f"{year:04d}-{month:02d}"} | _share(won, n) for year, month, n, won in rows]


def _cohorts(bench: Bench, context: MetricContext) -> dict[str, Any] | None:
    """Win rates by month of creation, of months whose youngest opportunity has had its time."""
    if not context.has("Opportunity", "CreatedDate"):
        return None
    mature = maturity(cycle(bench, context))
    sql = f"""
    SELECT
        CAST(EXTRACT(YEAR FROM created_day) AS INTEGER) AS year,
        CAST(EXTRACT(MONTH FROM created_day) AS INTEGER) AS month,
        count(*) FILTER (WHERE is_closed AND is_won IS NOT NULL) AS n,
        count(*) FILTER (WHERE is_closed AND is_won) AS won,
        count(*) FILTER (WHERE NOT is_closed) AS open
    FROM {deals(bench, context)}
    WHERE created_day IS NOT NULL
    GROUP BY 1, 2
    HAVING CAST($today AS DATE) - CAST(min(date_trunc('month', created_day)) + INTERVAL '1 month' AS DATE) + 1 >= $days
    ORDER BY 1, 2
    """
    rows = bench.execute(sql, {"today": context.today.isoformat(), "days": mature["days"]})
    months = [
        {"month": f"{year:04d}-{month:02d}"} | _share(won, n) | {"open": still} for year, month, n, won, still in rows
    ]
    return {"mature_from_days": mature["days"], "because": mature["origin"], "months": months}


def _by_owner(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """The owners with most closed opportunities, by Id alone: names are people, and a small n is not a ranking."""
    sql = f"""
    SELECT owner_id, count(*) AS n, count(*) FILTER (WHERE is_won) AS won
    FROM {closed_deals(bench, context)} WHERE owner_id IS NOT NULL
    GROUP BY owner_id ORDER BY n DESC, owner_id LIMIT {MOST_OWNERS}
    """
    rows = bench.execute(sql)
    return [{"owner_id": owner_id} | _share(won, n) | {"rankable": n >= SMALLEST_RANKABLE} for owner_id, n, won in rows]


def _amounts(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    """Won and lost amounts, one row a currency; currencies are never added up.

    An org without `CurrencyIsoCode` has one currency, whose code the mirror does not know: None.
    """
    sql = f"""
    SELECT
        currency, sum(amount) FILTER (WHERE is_won) AS won_amount, sum(amount) FILTER (WHERE NOT is_won) AS lost_amount,
        count(*) FILTER (WHERE amount IS NULL) AS without_amount
    FROM {closed_deals(bench, context)} GROUP BY currency ORDER BY count(*) DESC, currency
    """
    amounts = bench.execute(sql).dicts()
    for row in amounts:
        # Orgs that empty the amount of lost deals would get 100 % here.
        comparable = row["won_amount"] and row["lost_amount"]
        row["percent"] = 100 * row["won_amount"] / (row["won_amount"] + row["lost_amount"]) if comparable else None
    return amounts


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    share = {
        "n": ("count", "Closed"),
        "won": ("count", "Won"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
    }
    amounts = {
        "currency": ("text", "Currency"),
        "won_amount": ("amount", "Won"),
        "lost_amount": ("amount", "Lost"),
        "percent": ("percent", "Share of amount"),
        "without_amount": ("count", "Without amount"),
    }
    cohorts = details["cohorts"]["months"] if details["cohorts"] else None
    told = [
        ("by-month", "Win rate by month of closing", {"month": ("text", "Closed in")} | share, details["by_month"]),
        (
            "cohorts",
            "Win rate by month of creation, of months old enough",
            {"month": ("text", "Created in")} | share,
            cohorts,
        ),
        ("by-owner", "Win rate by owner of today", {"owner_id": ("id", "Owner")} | share, details["by_owner"]),
        ("amounts", "Amounts, each currency for itself", amounts, details["amounts"]),
    ]
    return [table(key, title, columns, rows) for key, title, columns, rows in told if rows]


def _exclusions(totals: dict[str, int]) -> list[dict[str, Any]]:
    counted = [
        ("still open", totals["open"]),
        ("won but not closed, which contradicts itself", totals["won_but_open"]),
        ("without saying whether closed or won", totals["unknown"]),
        ("in the recycle bin", totals["deleted"]),
    ]
    return [{"reason": reason, "n": n} for reason, n in counted if n]


def _notes(context: MetricContext, totals: dict[str, int]) -> list[str]:
    notes = [
        "A reopened opportunity counts once, by its last outcome.",
        "Owners are those of today; M15 goes by who owned an opportunity when it closed.",
    ]
    if has_history(context):
        notes.append(
            f"The month of closing comes from the stage history for {totals['by_history']} opportunities, from "
            f"CloseDate for the rest; the two name different days for {totals['moved']}."
        )
    else:
        notes.append("The month of closing is that of CloseDate, a field people type: the mirror has no stage history.")
    if totals["undated"]:
        notes.append(f"{totals['undated']} closed opportunities have no close date: counted, but in no month.")
    if totals["after_as_of"]:
        notes.append(f"{totals['after_as_of']} closed opportunities have a close date after the as-of day.")
    return notes
