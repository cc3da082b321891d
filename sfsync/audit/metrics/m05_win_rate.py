"""M05, win rate: won ÷ (won + lost), and nothing at all where losses are not recorded.

Won ÷ all opportunities is not a win rate: the open ones are undecided.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.closed_deals import deals_cte, deals_params, has_history
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult
from sfsync.store.interface import Session

#: Beyond this many, a table of owners helps nobody.
MOST_OWNERS = 100


def compute(session: Session, context: MetricContext) -> MetricResult:
    """The win rate of closed opportunities with its interval, by month of closing, by owner and by amount."""
    reason = context.missing("Opportunity", "IsClosed", "IsWon")
    if reason:
        return _result(None, 0, context.stamp(), reason)
    totals = _totals(session, context)
    won, lost = totals["won"], totals["lost"]
    n = won + lost
    if not n:
        reason = "there are no closed opportunities"
    elif not lost:
        reason = "a win rate cannot be computed from wins alone: no opportunity is recorded as lost"
    details = context.stamp() | {
        "won": won,
        "lost": lost,
        "open": totals["open"],
        "wilson95": None if reason else wilson95(won, n),
        "close_instant": _close_instant(context, totals),
        # Without any loss on record, every share would read 100 %.
        "by_month": None if reason else _by_month(session, context),
        "by_owner": None if reason or not context.has("Opportunity", "OwnerId") else _by_owner(session, context),
        "amounts": _amounts(session, context) if context.has("Opportunity", "Amount") else None,
        "exclusions": _exclusions(totals),
        "notes": _notes(context, totals),
    }
    return _result(None if reason else percent(won, n), n, details, reason)


def _result(value: float | None, n: int, details: dict[str, Any], reason: str | None) -> MetricResult:
    return MetricResult(
        id="M05",
        name="win-rate",
        title="Win rate",
        value=value,
        unit="percent",
        n=n,
        definition="Of the live opportunities that are closed, the share that was won: won ÷ (won + lost).",
        context=details,
        reason=reason,
    )


def _totals(session: Session, context: MetricContext) -> dict[str, int]:
    deleted = (
        'SELECT count(*) FROM sf_all."Opportunity" WHERE "IsDeleted"'
        if context.has("Opportunity", "IsDeleted")
        else "SELECT 0"
    )
    sql = f"""
    WITH {deals_cte(context)}
    SELECT
        count(*) FILTER (WHERE won) AS won,
        count(*) FILTER (WHERE NOT won) AS lost,
        count(*) FILTER (WHERE by_history) AS by_history,
        count(*) FILTER (WHERE by_history AND close_date <> closed_day) AS moved,
        count(*) FILTER (WHERE closed_day IS NULL) AS undated,
        count(*) FILTER (WHERE closed_day > CAST($today AS DATE)) AS after_as_of,
        (SELECT count(*) FROM sf."Opportunity" WHERE NOT "IsClosed" AND "IsWon" IS NOT TRUE) AS open,
        (SELECT count(*) FROM sf."Opportunity" WHERE NOT "IsClosed" AND "IsWon") AS won_but_open,
        (SELECT count(*) FROM sf."Opportunity" WHERE "IsClosed" IS NULL OR ("IsClosed" AND "IsWon" IS NULL)) AS unknown,
        ({deleted}) AS deleted
    FROM deals
    """
    counts: dict[str, int] = session.execute(sql, deals_params(context, today=context.today.isoformat())).dicts()[0]
    return counts


def _close_instant(context: MetricContext, totals: dict[str, int]) -> dict[str, Any]:
    """Which witness says when the opportunities closed, and how often the typed date says otherwise."""
    n = totals["won"] + totals["lost"]
    if not has_history(context):
        return {"source": "CloseDate", "by_history": 0, "by_close_date": n, "close_date_differs": None}
    return {
        "source": "OpportunityHistory, else CloseDate",
        "by_history": totals["by_history"],
        "by_close_date": n - totals["by_history"],
        "close_date_differs": totals["moved"],
    }


def _share(won: int, n: int) -> dict[str, Any]:
    return {"n": n, "won": won, "percent": percent(won, n), "wilson95": wilson95(won, n)}


def _by_month(session: Session, context: MetricContext) -> list[dict[str, Any]]:
    sql = f"""
    WITH {deals_cte(context)}
    SELECT
        CAST(EXTRACT(YEAR FROM closed_day) AS INTEGER) AS year,
        CAST(EXTRACT(MONTH FROM closed_day) AS INTEGER) AS month,
        count(*) AS n, count(*) FILTER (WHERE won) AS won
    FROM deals WHERE closed_day IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    """
    rows = session.execute(sql, deals_params(context))
    return [{"month": f"{year:04d}-{month:02d}"} | _share(won, n) for year, month, n, won in rows]


def _by_owner(session: Session, context: MetricContext) -> list[dict[str, Any]]:
    """The owners with most closed opportunities, by Id alone: names are people, and a small n is not a ranking."""
    sql = f"""
    WITH {deals_cte(context)}
    SELECT owner_id, count(*) AS n, count(*) FILTER (WHERE won) AS won
    FROM deals WHERE owner_id IS NOT NULL GROUP BY owner_id ORDER BY n DESC, owner_id LIMIT {MOST_OWNERS}
    """
    rows = session.execute(sql, deals_params(context))
    return [{"owner_id": owner_id} | _share(won, n) | {"rankable": n >= SMALLEST_RANKABLE} for owner_id, n, won in rows]


def _amounts(session: Session, context: MetricContext) -> list[dict[str, Any]]:
    """Won and lost amounts, one row a currency; currencies are never added up.

    An org without `CurrencyIsoCode` has one currency, whose code the mirror does not know: None.
    """
    sql = f"""
    WITH {deals_cte(context)}
    SELECT
        currency, sum(amount) FILTER (WHERE won) AS won_amount, sum(amount) FILTER (WHERE NOT won) AS lost_amount,
        count(*) FILTER (WHERE amount IS NULL) AS without_amount
    FROM deals GROUP BY currency ORDER BY count(*) DESC, currency
    """
    amounts = session.execute(sql, deals_params(context)).dicts()
    for row in amounts:
        # Orgs that empty the amount of lost deals would get 100 % here.
        comparable = row["won_amount"] and row["lost_amount"]
        row["percent"] = 100 * row["won_amount"] / (row["won_amount"] + row["lost_amount"]) if comparable else None
    return amounts


def _exclusions(totals: dict[str, int]) -> list[dict[str, Any]]:
    counted = [
        ("still open", totals["open"]),
        ("won but not closed, which contradicts itself", totals["won_but_open"]),
        ("without saying whether closed or won", totals["unknown"]),
        ("in the recycle bin", totals["deleted"]),
    ]
    return [{"reason": reason, "n": n} for reason, n in counted if n]


def _notes(context: MetricContext, totals: dict[str, int]) -> list[str]:
    notes = ["A reopened opportunity counts once, by its last outcome."]
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
