"""Closed opportunities with the day on which they really closed.

`CloseDate` is a field that people type; the stage history knows when an opportunity entered the closed stage it is in
now. A deal that was reopened and closed again counts once, by its last closing.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.context import MetricContext


def has_history(context: MetricContext) -> bool:
    """Whether the stage history can tell when opportunities closed."""
    return context.has("OpportunityHistory", "Id", "OpportunityId", "StageName", "CreatedDate") and context.has(
        "Opportunity", "Id", "StageName"
    )


def deals_cte(context: MetricContext) -> str:
    """`deals AS (…)`: one row a closed live opportunity that says whether it was won.

    Columns `won`, `closed_day`, `by_history`, `close_date`, `owner_id`, `currency`, `amount`. Needs `IsClosed` and
    `IsWon`; what else is missing in the org is NULL. Binds what `deals_params` gives.
    """
    history = has_history(context)
    close_date = 'o."CloseDate"' if context.has("Opportunity", "CloseDate") else "CAST(NULL AS DATE)"
    real_day = (
        "CAST(c.closed_at AT TIME ZONE 'UTC' AT TIME ZONE $timezone AS DATE)" if history else "CAST(NULL AS DATE)"
    )
    return f"""
    {_closings(context) if history else ""}
    deals AS (
        SELECT
            o."IsWon" AS won,
            COALESCE({real_day}, {close_date}) AS closed_day,
            {real_day} IS NOT NULL AS by_history,
            {close_date} AS close_date,
            {_optional(context, "OwnerId", "VARCHAR")} AS owner_id,
            {_optional(context, "CurrencyIsoCode", "VARCHAR")} AS currency,
            {_optional(context, "Amount", "DOUBLE")} AS amount
        FROM sf."Opportunity" AS o
        {'LEFT JOIN closings AS c ON c.opportunity_id = o."Id"' if history else ""}
        WHERE o."IsClosed" AND o."IsWon" IS NOT NULL
    )"""


def deals_params(context: MetricContext, **more: Any) -> dict[str, Any]:
    """What `deals_cte` binds, and more if the statement around it needs more."""
    return ({"timezone": context.timezone} if has_history(context) else {}) | more


def _optional(context: MetricContext, column: str, sql_type: str) -> str:
    return f'o."{column}"' if context.has("Opportunity", column) else f"CAST(NULL AS {sql_type})"


def _closings(context: MetricContext) -> str:
    """The first row of the last unbroken run of closed stages, for each opportunity whose history ends closed."""
    return f"""
    moves AS (
        SELECT
            h."OpportunityId" AS opportunity_id, h."CreatedDate" AS moved_at,
            sum(CASE WHEN s.stage IS NULL THEN 1 ELSE 0 END) OVER (
                PARTITION BY h."OpportunityId" ORDER BY h."CreatedDate" DESC, h."Id" DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS open_moves_since
        FROM sf."OpportunityHistory" AS h
        LEFT JOIN ({_closed_stages(context)}) AS s ON s.stage = h."StageName"
    ),
    closings AS (
        SELECT opportunity_id, min(moved_at) AS closed_at FROM moves WHERE open_moves_since = 0 GROUP BY opportunity_id
    ),"""


def _closed_stages(context: MetricContext) -> str:
    """Stages that mean closed: as the org defines them, and, of stages it does not list, those of closed deals.

    A deal whose flag contradicts its stage must not make that stage a closed one for every other deal.
    """
    stages = 'SELECT DISTINCT "StageName" AS stage FROM sf."Opportunity" WHERE "IsClosed" AND "StageName" IS NOT NULL'
    if context.has("OpportunityStage", "ApiName", "IsClosed"):
        listed = 'SELECT "ApiName" FROM sf."OpportunityStage" WHERE "ApiName" IS NOT NULL'
        stages += f' AND "StageName" NOT IN ({listed}) UNION {listed} AND "IsClosed"'
    return stages
