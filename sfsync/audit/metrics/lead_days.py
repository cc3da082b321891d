"""Leads as whole calendar days: when created, how old, converted after how many.

`ConvertedDate` is a date without a time, so nothing finer than a day is known of any conversion. Instants become
days in the time zone of the settings, once, here.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext

DATE_WITHOUT_TIME = (
    "ConvertedDate is a date without a time: durations are whole calendar days, and one day either way is within "
    "what time zones alone can cause."
)

#: What a field may hold and still be blank; the same characters as `is_blank` of the rules.
WHITE_SPACE = " \t\n\v\f\r\N{NO-BREAK SPACE}"


def local_day(instant: str) -> str:
    """The calendar day of an instant in the org's zone; binds `$timezone`."""
    return f"CAST({instant} AT TIME ZONE 'UTC' AT TIME ZONE $timezone AS DATE)"


def leads_cte(context: MetricContext) -> str:
    """`leads AS (…)`: one row a live lead: `id`, `created_day`, `age`, `converted`, `converted_day`, `days`, `source`.

    `opportunity_id` is what it was converted to.
    `days` runs from creation to conversion and is NULL where either date is; `source` is NULL where blank.
    Needs `CreatedDate` and `IsConverted`; what else is missing in the org is NULL. Binds what `leads_params` gives.
    """
    converted_day = '"ConvertedDate"' if context.has("Lead", "ConvertedDate") else "CAST(NULL AS DATE)"
    source = (
        "NULLIF(TRIM(\"LeadSource\", $blanks), '')" if context.has("Lead", "LeadSource") else "CAST(NULL AS VARCHAR)"
    )
    lead_id = '"Id"' if context.has("Lead", "Id") else "CAST(NULL AS VARCHAR)"
    linked = context.has("Lead", "ConvertedOpportunityId")
    opportunity = '"ConvertedOpportunityId"' if linked else "CAST(NULL AS VARCHAR)"
    return f"""
    dated AS (
        SELECT
            {lead_id} AS id, {opportunity} AS opportunity_id,
            {local_day('"CreatedDate"')} AS created_day,
            COALESCE("IsConverted", FALSE) AS converted,
            CASE WHEN "IsConverted" THEN {converted_day} END AS converted_day,
            {source} AS source
        FROM sf."Lead"
    ),
    leads AS (
        SELECT dated.*, CAST($today AS DATE) - created_day AS age, converted_day - created_day AS days FROM dated
    )"""


def leads_params(context: MetricContext, **more: Any) -> dict[str, Any]:
    """What `leads_cte` binds, and more if the statement around it needs more."""
    blanks = {"blanks": WHITE_SPACE} if context.has("Lead", "LeadSource") else {}
    return {"timezone": context.timezone, "today": context.today.isoformat(), **blanks, **more}


def deleted_leads(bench: Bench, context: MetricContext) -> dict[str, int | None] | None:
    """How many leads in the recycle bin were left out, how many of them had converted, and how many had lost a merge.

    None when the mirror cannot tell: for the last alone, or for all.
    """
    if not context.has("Lead", "IsDeleted"):
        return None
    merged = 'count("MasterRecordId")' if context.has("Lead", "MasterRecordId") else "NULL"
    counts = bench.execute(
        f"""
        SELECT count(*) AS n, count(*) FILTER (WHERE "IsConverted") AS converted, {merged} AS merged
        FROM sf_all."Lead" WHERE "IsDeleted"
        """
    )
    return counts.dicts()[0]
