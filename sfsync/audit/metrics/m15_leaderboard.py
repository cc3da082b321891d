"""M15, leaderboard: won opportunities, amounts and win rates by who owned an opportunity when it closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.closed_deals import close_instant_in_words, closed_deals
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.money import currency_label
from sfsync.audit.metrics.periods import chosen_period
from sfsync.audit.metrics.rates import converted_label, missing_rates
from sfsync.audit.metrics.states import FIELD_HISTORY, FIELD_HISTORY_COLUMNS, owner_changes
from sfsync.audit.metrics.tables import MOST_ROWS, table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M15",
    name="leaderboard",
    title="Leaderboard",
    unit="count",
    definition=(
        "For each owner at closing: opportunities won, their amount in each currency, and won ÷ (won + lost) with its "
        "95 % interval. The figure is the number of owners."
    ),
    population="live opportunities that are closed, say whether they were won, and have an owner",
    denominator="closed opportunities with an owner",
    why=(
        "An opportunity that was handed over after it closed belongs to whoever closed it. Owners of fewer than 30 "
        "closed opportunities are listed, not ranked; a rank is a span wherever intervals overlap: "
        "3 of 3 is not better than "
        "60 of 100."
    ),
    needs=("Opportunity", "OpportunityFieldHistory", "OpportunityHistory"),
    money=True,
    period=True,
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Owners with what they closed, most closed first, ranked only as far as the numbers allow."""
    unmet = METRIC.unmet(context, "Opportunity", "Id", "IsClosed", "IsWon", "OwnerId")
    if unmet:
        return unmet
    period = chosen_period(context)
    source, bound = _owned(bench, context)
    if period:
        source += " WHERE closed_day BETWEEN $first AND $last"
        bound |= {"first": period.first, "last": period.last}
    owners = _owners(bench, source, bound)
    amounts = _amounts(bench, context, source, bound) if context.has("Opportunity", "Amount") else {}
    for owner in owners:
        owner["amounts"] = amounts.get(owner["owner_id"], {})
    _rank(owners)
    n = sum(owner["n"] for owner in owners)
    losses = any(owner["n"] > owner["won"] for owner in owners)
    known = context.has(FIELD_HISTORY, *FIELD_HISTORY_COLUMNS)
    details = {
        "period": period.as_json() if period else None,
        "close_instant": close_instant_in_words(context),
        "owner_at_close": f"{FIELD_HISTORY}, else the owner of today" if known else "the owner of today",
        "owners": owners,
        "changed_hands": _changed_hands(bench, source, bound) if known else None,
        "exclusions": left_out(without_an_owner=_ownerless(bench, context)),
        "notes": _notes(known=known, losses=losses),
        "tables": [_table(owners)],
    }
    reason = None if owners else "there are no closed opportunities with an owner"
    return METRIC.result(context, float(len(owners)) if owners else None, n, details, reason)


def _owned(bench: Bench, context: MetricContext) -> tuple[str, dict[str, Any]]:
    """The closed opportunities with `closer`, who owned them when they closed."""
    closed = closed_deals(bench, context)
    if not context.has(FIELD_HISTORY, *FIELD_HISTORY_COLUMNS):
        return f"(SELECT d.*, d.owner_id AS closer FROM {closed} WHERE d.owner_id IS NOT NULL) AS o", {}
    moment = "COALESCE(d.closed_at, CAST(d.closed_day AS TIMESTAMP) + INTERVAL '1 day', CAST($as_of AS TIMESTAMP))"
    changes = owner_changes(context, moment, per_deal=f"(SELECT * FROM {closed})")
    name = bench.share("metric_closers", changes, {"as_of": context.as_of})
    return (
        f"(SELECT d.*, COALESCE(c.owner_id, d.owner_id) AS closer FROM {closed} "
        f"LEFT JOIN {name} AS c ON c.opportunity_id = d.id WHERE d.owner_id IS NOT NULL) AS o"
    ), {}


def _ownerless(bench: Bench, context: MetricContext) -> int:
    return int(bench.execute(f"SELECT count(*) FROM {closed_deals(bench, context)} WHERE owner_id IS NULL").scalar())


def _changed_hands(bench: Bench, source: str, bound: Mapping[str, Any]) -> int:
    inner = f"SELECT count(*) FROM (SELECT closer, owner_id FROM {source}) AS h WHERE closer <> owner_id"
    return int(bench.execute(inner, bound).scalar())


def _owners(bench: Bench, source: str, bound: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = bench.execute(
        f"""
        SELECT closer AS owner_id, count(*) AS n, count(*) FILTER (WHERE is_won) AS won
        FROM {source} GROUP BY closer ORDER BY n DESC, closer
        """,
        bound,
    ).dicts()
    return [
        row | {"percent": percent(row["won"], row["n"]), "wilson95": wilson95(row["won"], row["n"])} for row in rows
    ]


def _amounts(
    bench: Bench, context: MetricContext, source: str, bound: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Owner → currency → won amount; never added up, unless into the currency of the rates."""
    rows = bench.execute(
        f"""
        SELECT closer, currency, sum(amount) FILTER (WHERE is_won) AS amount,
            sum(amount * factor) FILTER (WHERE is_won) AS worth,
            count(*) FILTER (WHERE is_won AND amount IS NOT NULL AND factor IS NULL) AS without_rate
        FROM {source} GROUP BY closer, currency ORDER BY closer, currency
        """,
        bound,
    )
    total = converted_label(context) if not missing_rates(context) else None
    told: dict[str, dict[str, float]] = {}
    unrated: set[str] = set()
    for owner, code, amount, worth, without_rate in rows:
        of_owner = told.setdefault(owner, {})
        if amount is not None:
            of_owner[currency_label(context, code)] = amount
        if total and worth is not None:
            of_owner[total] = of_owner.get(total, 0.0) + worth
        if without_rate:
            unrated.add(owner)
    for owner in unrated:
        told[owner].pop(total or "", None)  # a total without some amounts would be too small
    return told


def _rank(owners: Sequence[dict[str, Any]]) -> None:
    """The span of ranks by win rate that the intervals allow; none for few opportunities, or where nothing is lost."""
    ranked = [owner for owner in owners if owner["n"] >= SMALLEST_RANKABLE]
    if not any(owner["n"] > owner["won"] for owner in owners):
        ranked = []
    for owner in owners:
        owner["rankable"], owner["rank"] = owner in ranked, None
    for owner in ranked:
        low, high = owner["wilson95"]
        better = sum(1 for other in ranked if other["wilson95"][0] > high)
        worse = sum(1 for other in ranked if other["wilson95"][1] < low)
        owner["rank"] = [1 + better, len(ranked) - worse]


def _table(owners: Sequence[dict[str, Any]]) -> dict[str, Any]:
    codes = sorted({code for owner in owners for code in owner["amounts"]}, key=lambda code: (len(code) > 3, code))
    columns = {
        "owner_id": ("id", "Owner at closing"),
        "n": ("count", "Closed"),
        "won": ("count", "Won"),
        "percent": ("percent", "Win rate"),
        "wilson95": ("interval", "95% interval"),
        "place": ("text", "Rank"),
    } | {f"amount {code}": ("amount", f"Won, {code}") for code in codes[:6]}
    rows = [
        owner | {"place": _place(owner)} | {f"amount {code}": owner["amounts"].get(code) for code in codes[:6]}
        for owner in owners[:MOST_ROWS]
    ]
    told = table("owners", "By owner at closing, most closed first", columns, rows)
    return told | {"rows_left_out": max(0, len(owners) - MOST_ROWS)}


def _place(owner: Mapping[str, Any]) -> str:
    if owner["rank"] is None:
        return "too few to rank"
    first, last = owner["rank"]
    return str(first) if first == last else f"{first} to {last}"


def _notes(*, known: bool, losses: bool) -> list[str]:
    notes = ["Splits of an opportunity among several people are not seen: all of it goes to the owner."]
    if not known:
        notes.append(
            f"Owners are those of today: the mirror has no {FIELD_HISTORY} (name it under "
            "`pull: {objects: [...]}`, and track the field Owner in the org)."
        )
    if not losses:
        notes.append("No opportunity is recorded as lost, so win rates say nothing and nobody is ranked.")
    return notes
