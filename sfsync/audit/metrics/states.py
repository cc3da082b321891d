"""How every opportunity stood at an instant: by the mirror's own history, or rebuilt from the org's stage history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.opportunities import HISTORY, has_history, held, spans, stages
from sfsync.audit.metrics.rates import factor
from sfsync.store.history import relation_as_of

FIELD_HISTORY = "OpportunityFieldHistory"
FIELD_HISTORY_COLUMNS = ("Id", "OpportunityId", "Field", "CreatedDate", "OldValue", "NewValue")

#: Columns of the table a `State` names: one row an opportunity that had been created by then.
COLUMNS = (
    *("id", "owner_id", "currency", "amount", "factor", "probability", "stage", "is_closed", "is_won"),
    *("close_date", "forecast", "is_deleted", "created_at"),
)


@dataclass(frozen=True, slots=True)
class State:
    """The opportunities at one instant.

    Attributes:
        table: Columns as in `COLUMNS`.
        source: Where they come from, in words.
        exact: Owner, currency and deletion are of that instant, too.
    """

    table: str
    source: str
    exact: bool


def why_unknown(context: MetricContext, instant: datetime) -> tuple[str, str] | None:
    """Why nobody can tell how opportunities stood then and what would help, or None where it can be told."""
    if instant >= context.as_of or _mirrored(context, instant) or has_history(context):
        return None
    known = context.known_from.get("Opportunity")
    since = f"the mirror knows their past from {known:%Y-%m-%d %H:%M} UTC on" if known else "the mirror has no past"
    return (
        f"how opportunities stood at {instant:%Y-%m-%d %H:%M} UTC is not known: {since}, and it holds no {HISTORY}",
        f"{context.enable(HISTORY, 'OpportunityId', 'StageName', 'CreatedDate')}; or ask for a later time",
    )


def state_at(bench: Bench, context: MetricContext, instant: datetime) -> State:
    """How opportunities stood at an instant (naive UTC), which `why_unknown` has nothing against."""
    name = f"metric_state_{instant:%Y%m%d%H%M%S}"
    if instant >= context.as_of:
        return State(_share_mirrored(bench, context, 'sf_all."Opportunity"', name), "the mirror as it is", exact=True)
    if _mirrored(context, instant):
        at = f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'"
        records = f"({relation_as_of(bench.session, 'Opportunity', at, live=False)})"
        return State(_share_mirrored(bench, context, records, name), "the mirror as of the pull before", exact=True)
    known = "OpportunityHistory" + (f" and {FIELD_HISTORY}" if _has_owners(context) else "; owners are those of today")
    rebuilt = f"rebuilt from {known}"
    return State(_share_rebuilt(bench, context, instant, name), rebuilt, exact=False)


def _mirrored(context: MetricContext, instant: datetime) -> bool:
    known = context.known_from.get("Opportunity")
    return known is not None and known <= instant


def _has_owners(context: MetricContext) -> bool:
    return context.has(FIELD_HISTORY, *FIELD_HISTORY_COLUMNS)


def _share_mirrored(bench: Bench, context: MetricContext, records: str, name: str) -> str:
    def column(field: str, sql_type: str = "VARCHAR") -> str:
        return held(context, "o", field, sql_type)

    rate = factor(context)
    select = f"""
    SELECT {column("Id")} AS id, {column("OwnerId")} AS owner_id, {column("CurrencyIsoCode")} AS currency,
        {column("Amount", "DOUBLE")} AS amount, {rate.expression} AS factor,
        {column("Probability", "DOUBLE")} AS probability, {column("StageName")} AS stage,
        {column("IsClosed", "BOOLEAN")} AS is_closed, {column("IsWon", "BOOLEAN")} AS is_won,
        {column("CloseDate", "DATE")} AS close_date, {column("ForecastCategory")} AS forecast,
        COALESCE({column("IsDeleted", "BOOLEAN")}, FALSE) AS is_deleted,
        {column("CreatedDate", "TIMESTAMP")} AS created_at
    FROM {records} AS o
    {rate.join(column("CurrencyIsoCode"), column("CloseDate", "DATE"))}
    """
    return bench.share(name, select)


def _share_rebuilt(bench: Bench, context: MetricContext, instant: datetime, name: str) -> str:
    """The row of the history that held then; an opportunity without one stood as its first row, or as it stands now.

    A record deleted since was there until its last stamp. That the history begins later than the record is rare: where
    it was loaded, say.
    """

    def column(field: str, sql_type: str = "VARCHAR") -> str:
        return held(context, "o", field, sql_type)

    def then(name: str, field: str, sql_type: str) -> str:
        return _of_then(context, name, field, sql_type)

    rate, known = factor(context), stages(bench, context)
    amount, closes = then("amount", "Amount", "DOUBLE"), then("close_date", "CloseDate", "DATE")
    created = column("CreatedDate", "TIMESTAMP")
    owner = f"COALESCE(w.owner_id, {column('OwnerId')})" if _has_owners(context) else column("OwnerId")
    select = f"""
    WITH held AS (
        SELECT s.* FROM {spans(bench, context)} AS s
        WHERE (s.valid_from <= $at AND (s.valid_to > $at OR s.valid_to IS NULL)) OR (s.seq = 1 AND s.valid_from > $at)
    )
    {_owners(context)}
    SELECT o."Id" AS id, {owner} AS owner_id, {column("CurrencyIsoCode")} AS currency,
        {amount} AS amount, {rate.expression} AS factor,
        {then("probability", "Probability", "DOUBLE")} AS probability,
        COALESCE(p.stage, o."StageName") AS stage, COALESCE(s.is_closed, FALSE) AS is_closed,
        COALESCE(s.is_won, FALSE) AS is_won, {closes} AS close_date,
        {then("forecast", "ForecastCategory", "VARCHAR")} AS forecast, {_was_gone(context)} AS is_deleted,
        COALESCE({created}, p.valid_from) AS created_at
    FROM sf_all."Opportunity" AS o
    LEFT JOIN held AS p ON p.opportunity_id = o."Id"
    LEFT JOIN {known} AS s ON s.stage = COALESCE(p.stage, o."StageName")
    {'LEFT JOIN owners AS w ON w.opportunity_id = o."Id"' if _has_owners(context) else ""}
    {rate.join(column("CurrencyIsoCode"), closes)}
    WHERE COALESCE({created}, p.valid_from) <= $at
    """
    return bench.share(name, select, {"at": instant})


def _of_then(context: MetricContext, name: str, field: str, sql_type: str) -> str:
    """The value of then (`p`), also where it was none; that of now (`o`) where the history has no column or row."""
    now = held(context, "o", field, sql_type)
    return f"CASE WHEN p.opportunity_id IS NULL THEN {now} ELSE p.{name} END" if context.has(HISTORY, field) else now


def _was_gone(context: MetricContext) -> str:
    """Whether a record (`o`) was deleted already: its last stamp is that of the deletion."""
    if not context.has("Opportunity", "IsDeleted"):
        return "FALSE"
    stamp = held(context, "o", "SystemModstamp", "TIMESTAMP")
    return f"""(COALESCE(o."IsDeleted", FALSE) AND COALESCE({stamp} <= $at, TRUE))"""


def _owners(context: MetricContext) -> str:
    """Who owned an opportunity then: by the last change before, else by the first one after."""
    return f", owners AS ({owner_changes(context, '$at')})" if _has_owners(context) else ""


def owner_changes(context: MetricContext, at: str, *, per_deal: str | None = None) -> str:
    """`opportunity_id`, `owner_id`: who owned it at an instant, for opportunities that changed hands.

    Args:
        context: Knows whether rows say which of them name an Id.
        at: The instant in SQL; with `per_deal`, of each opportunity (`d`).
        per_deal: A table (`id`, and what `at` names) of the opportunities concerned, or None for all.
    """
    kind = """ AND h."DataType" = 'EntityId'""" if context.has(FIELD_HISTORY, "DataType") else ""
    deals = f'JOIN {per_deal} AS d ON d.id = h."OpportunityId"' if per_deal else ""
    return f"""
        SELECT opportunity_id, owner_id FROM (
            SELECT h."OpportunityId" AS opportunity_id,
                CASE WHEN h."CreatedDate" <= {at} THEN h."NewValue" ELSE h."OldValue" END AS owner_id,
                row_number() OVER (
                    PARTITION BY h."OpportunityId"
                    ORDER BY CASE WHEN h."CreatedDate" <= {at} THEN 0 ELSE 1 END,
                        CASE WHEN h."CreatedDate" <= {at} THEN h."CreatedDate" END DESC,
                        CASE WHEN h."CreatedDate" <= {at} THEN h."Id" END DESC,
                        CASE WHEN h."CreatedDate" > {at} THEN h."CreatedDate" END, h."Id"
                ) AS place
            FROM sf."{FIELD_HISTORY}" AS h {deals}
            WHERE h."Field" = 'Owner'{kind}
        ) AS changes WHERE place = 1"""


def sources(*states: State) -> dict[str, Any]:
    """Where the two ends of a comparison come from."""
    return {"start": states[0].source, "end": states[-1].source}
