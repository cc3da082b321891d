"""Leads as whole calendar days: when created, how old, converted after how many.

`ConvertedDate` is a date without a time, so nothing finer than a day is known of any conversion. Instants become
days in the time zone of the settings, once, here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext

DATE_WITHOUT_TIME = (
    "ConvertedDate is a date without a time: durations are whole calendar days, and one day either way is within "
    "what time zones alone can cause."
)

#: What a field may hold and still be blank; the same characters as `is_blank` of the rules.
WHITE_SPACE = " \t\n\v\f\r\N{NO-BREAK SPACE}"


#: The time zone database names all changes of clocks from here on.
_KNOWN_FROM = date(1970, 1, 1)


def local_day(context: MetricContext, instant: str) -> str:
    """The calendar day of an instant in the org's zone; binds `$timezone`.

    To ask what clocks showed takes longer than most metrics do. It is asked where that matters: near midnight, and
    before 1970, of which not all databases know the same.
    """
    asked = f"CAST({instant} AT TIME ZONE 'UTC' AT TIME ZONE $timezone AS DATE)"
    earliest, latest = (
        f"CAST({instant} + INTERVAL '{hours} hours' AS DATE)" for hours in _hours_ahead(context.timezone)
    )
    known = f"{instant} >= CAST('{_KNOWN_FROM.isoformat()}' AS DATE)"
    return f"CASE WHEN {known} AND {earliest} = {latest} THEN {latest} ELSE {asked} END"


@lru_cache(maxsize=16)
def _hours_ahead(timezone: str) -> tuple[int, int]:
    """By how many hours clocks of the zone have been or will be ahead of UTC since 1970: at least, and at most.

    With an hour to spare on both sides. From 2038 on, time zones have no dates of their own, only rules.
    """
    zone, first = ZoneInfo(timezone), datetime.combine(_KNOWN_FROM, time(), UTC)
    days = (date(2040, 1, 1) - _KNOWN_FROM).days
    ahead = [(first + timedelta(days=day)).astimezone(zone).utcoffset() or timedelta() for day in range(0, days, 10)]
    hour = timedelta(hours=1)
    return min(ahead) // hour - 1, -(-max(ahead) // hour) + 1


def leads(bench: Bench, context: MetricContext) -> str:
    """One row a live lead: `id`, `created_day`, `age`, `converted`, `converted_day`, `days`, `source` and more.

    `opportunity_id` is what it was converted to.
    `days` runs from creation to conversion and is NULL where either date is; `source` is NULL where blank.
    Needs `CreatedDate` and `IsConverted`; what else is missing in the org is NULL. One table serves all metrics:
    days take longer to tell than to count.
    """
    converted_day = '"ConvertedDate"' if context.has("Lead", "ConvertedDate") else "CAST(NULL AS DATE)"
    named = context.has("Lead", "LeadSource")
    source = "NULLIF(TRIM(\"LeadSource\", $blanks), '')" if named else "CAST(NULL AS VARCHAR)"
    lead_id = '"Id"' if context.has("Lead", "Id") else "CAST(NULL AS VARCHAR)"
    linked = context.has("Lead", "ConvertedOpportunityId")
    opportunity = '"ConvertedOpportunityId"' if linked else "CAST(NULL AS VARCHAR)"
    select = f"""
    SELECT dated.*, CAST($today AS DATE) - created_day AS age, converted_day - created_day AS days
    FROM (
        SELECT
            {lead_id} AS id, {opportunity} AS opportunity_id,
            {local_day(context, '"CreatedDate"')} AS created_day,
            COALESCE("IsConverted", FALSE) AS converted,
            CASE WHEN "IsConverted" THEN {converted_day} END AS converted_day,
            {source} AS source
        FROM sf."Lead"
    ) AS dated
    """
    bound = {"timezone": context.timezone, "today": context.today.isoformat()}
    return bench.share("metric_leads", select, bound | ({"blanks": WHITE_SPACE} if named else {}))


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
