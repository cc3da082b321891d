"""The tables about opportunities that several metrics share: stages, runs of a stage, and one row a live opportunity.

`CloseDate` is a field that people type; the stage history knows when an opportunity entered the closed stage it is in
now. An opportunity that was reopened and closed again counts once, by its last closing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.lead_days import local_day
from sfsync.audit.metrics.rates import factor
from sfsync.store.names import literal

HISTORY = "OpportunityHistory"
HISTORY_COLUMNS = ("Id", "OpportunityId", "StageName", "CreatedDate")

#: In place of a sales process where the org has but one.
ONE_PROCESS = "(one process)"


def has_history(context: MetricContext) -> bool:
    """Whether the stage history can tell when opportunities moved and closed."""
    return context.has(HISTORY, *HISTORY_COLUMNS) and context.has("Opportunity", "Id", "StageName")


def held(context: MetricContext, alias: str, column: str, sql_type: str, *, of: str = "Opportunity") -> str:
    """The column, or a NULL of its type where the org has none of this name."""
    return f'{alias}."{column}"' if context.has(of, column) else f"CAST(NULL AS {sql_type})"


def stages(bench: Bench, context: MetricContext) -> str:
    """`stage`, `is_closed`, `is_won`, `place` (NULL: unknown), `listed`: what each stage name means.

    As the org defines them and, of stages it does not list (renamed ones), what those of closed opportunities say. An
    opportunity whose flag contradicts its stage must not change what the stage means for every other one.
    """
    found = []
    if context.has("OpportunityStage", "ApiName", "IsClosed"):
        won = held(context, "s", "IsWon", "BOOLEAN", of="OpportunityStage")
        place = held(context, "s", "SortOrder", "INTEGER", of="OpportunityStage")
        found.append(f"""
            SELECT s."ApiName" AS stage, max(CASE WHEN s."IsClosed" THEN 1 ELSE 0 END) = 1 AS is_closed,
                max(CASE WHEN {won} THEN 1 ELSE 0 END) = 1 AS is_won, min({place}) AS place, TRUE AS listed
            FROM sf."OpportunityStage" AS s WHERE s."ApiName" IS NOT NULL GROUP BY s."ApiName"
        """)
    if context.has("Opportunity", "StageName", "IsClosed", "IsWon"):
        found.append(f"""
            SELECT o."StageName" AS stage, TRUE AS is_closed, max(CASE WHEN o."IsWon" THEN 1 ELSE 0 END) = 1 AS is_won,
                CAST(NULL AS INTEGER) AS place, FALSE AS listed
            FROM sf."Opportunity" AS o WHERE o."IsClosed" AND o."StageName" IS NOT NULL {_unlisted(context)}
            GROUP BY o."StageName"
        """)
    nothing = """
        SELECT CAST(NULL AS VARCHAR) AS stage, FALSE AS is_closed, FALSE AS is_won, CAST(NULL AS INTEGER) AS place,
            FALSE AS listed WHERE FALSE
    """
    return bench.share("metric_stages", " UNION ALL ".join(found) or nothing)


def _unlisted(context: MetricContext) -> str:
    if not context.has("OpportunityStage", "ApiName", "IsClosed"):
        return ""
    return 'AND o."StageName" NOT IN (SELECT "ApiName" FROM sf."OpportunityStage" WHERE "ApiName" IS NOT NULL)'


def spans(bench: Bench, context: MetricContext) -> str:
    """Every row of the stage history with the time during which it held: `valid_from`, `valid_to` (NULL: still).

    Columns `opportunity_id`, `seq`, `valid_from`, `valid_to`, `stage`, `stage_before`, `amount`, `close_date`,
    `close_before`, `probability`, `forecast`. Rows of one second stand in the order of their Ids. Needs `has_history`.
    """

    def column(field: str, sql_type: str) -> str:
        return held(context, "h", field, sql_type, of=HISTORY)

    select = f"""
    SELECT h."OpportunityId" AS opportunity_id, h."CreatedDate" AS valid_from,
        lead(h."CreatedDate") OVER by_time AS valid_to, row_number() OVER by_time AS seq,
        h."StageName" AS stage, lag(h."StageName") OVER by_time AS stage_before,
        {column("Amount", "DOUBLE")} AS amount, {column("CloseDate", "DATE")} AS close_date,
        lag({column("CloseDate", "DATE")}) OVER by_time AS close_before,
        {column("Probability", "DOUBLE")} AS probability, {column("ForecastCategory", "VARCHAR")} AS forecast
    FROM sf."{HISTORY}" AS h
    WHERE h."CreatedDate" IS NOT NULL
    WINDOW by_time AS (PARTITION BY h."OpportunityId" ORDER BY h."CreatedDate", h."Id")
    """
    return bench.share("metric_spans", select)


def stage_runs(bench: Bench, context: MetricContext) -> str:
    """`opportunity_id`, `stage`, `entered_at`, `left_at` (NULL: still there): each unbroken stay in a stage.

    The history has a row for a change of amount or close date, too, so equal stages in a row are one stay. The rules'
    relation of this name says the same, and where an audit has it already, it is not made again.
    """
    made = bench.made("stage_runs")
    if made is not None:
        return made
    select = f"""
    SELECT opportunity_id, stage, valid_from AS entered_at,
        lead(valid_from) OVER (PARTITION BY opportunity_id ORDER BY seq) AS left_at
    FROM {spans(bench, context)} WHERE stage IS NOT NULL AND (stage_before IS NULL OR stage <> stage_before)
    """
    return bench.share("metric_stage_runs", select)


def live(bench: Bench, context: MetricContext) -> str:
    """One row a live opportunity; what the org lacks is NULL.

    Columns: `id`, `created_at`, `created_day`, `owner_id`, `currency`, `amount`, `factor` (into the currency of the
    rates), `expected`, `probability`, `stage`, `is_closed`, `is_won`, `close_date`, `forecast`, `process`.
    """
    rate = factor(context)
    select = f"""
    SELECT d.*, {rate.expression} AS factor FROM ({_columns(context)}) AS d {rate.join("d.currency", "d.close_date")}
    """
    params = {"timezone": context.timezone} if context.has("Opportunity", "CreatedDate") else {}
    return bench.share("metric_live", select, params)


def deals(bench: Bench, context: MetricContext) -> str:
    """What `live` has, with when an opportunity closed: `closed_at` (of the history alone), `closed_day`, `by_history`.

    `closed_day` is that of the history, else `CloseDate`.
    """
    if not has_history(context):
        columns = "CAST(NULL AS TIMESTAMP) AS closed_at, d.close_date AS closed_day, FALSE AS by_history"
        return bench.share("metric_deals", f"SELECT d.*, {columns} FROM {live(bench, context)} AS d")
    real = local_day(context, "c.closed_at")
    select = f"""
    SELECT d.*, c.closed_at, COALESCE({real}, d.close_date) AS closed_day, c.closed_at IS NOT NULL AS by_history
    FROM {live(bench, context)} AS d
    LEFT JOIN ({_closings(bench, context)}) AS c ON c.opportunity_id = d.id AND d.is_closed
    """
    return bench.share("metric_deals", select, {"timezone": context.timezone})


def _columns(context: MetricContext) -> str:
    def column(name: str, sql_type: str = "VARCHAR") -> str:
        return held(context, "o", name, sql_type)

    created = column("CreatedDate", "TIMESTAMP")
    has_created = context.has("Opportunity", "CreatedDate")
    return f"""
        SELECT {column("Id")} AS id, {created} AS created_at,
            {local_day(context, created) if has_created else "CAST(NULL AS DATE)"} AS created_day,
            {column("OwnerId")} AS owner_id, {column("CurrencyIsoCode")} AS currency,
            {column("Amount", "DOUBLE")} AS amount, {column("ExpectedRevenue", "DOUBLE")} AS expected,
            {column("Probability", "DOUBLE")} AS probability, {column("StageName")} AS stage,
            {column("IsClosed", "BOOLEAN")} AS is_closed, {column("IsWon", "BOOLEAN")} AS is_won,
            {column("CloseDate", "DATE")} AS close_date, {column("ForecastCategory")} AS forecast,
            {process_of(context)} AS process
        FROM sf."Opportunity" AS o {process_join(context)}
    """


def process_of(context: MetricContext) -> str:
    """The sales process of opportunity `o`.

    As the definitions name it; else that of its record type where the mirror knows it, else the record type itself.
    """
    typed = context.has("Opportunity", "RecordTypeId")
    otherwise = 'o."RecordTypeId"' if typed else "CAST(NULL AS VARCHAR)"
    if typed and context.has("RecordType", "Id", "BusinessProcessId"):
        otherwise = 'COALESCE(t."BusinessProcessId", o."RecordTypeId")'
    cases = " ".join(
        f"WHEN {_follows(context, process.record_types, typed=typed)} THEN {literal(name)}"
        for name, process in context.definitions.deals.sales_processes.items()
    )
    return f"CASE {cases} ELSE {otherwise} END" if cases else otherwise


def _follows(context: MetricContext, record_types: Sequence[str], *, typed: bool) -> str:
    """The condition of opportunity `o` being of one of these record types; of none where none is listed."""
    if not record_types or not typed:
        return 'o."RecordTypeId" IS NULL' if typed else str(not record_types).upper()
    listed = ", ".join(literal(each) for each in record_types)
    ids = ", ".join(literal(each[:15]) for each in record_types)
    named = f' OR t."DeveloperName" IN ({listed})' if context.has("RecordType", "Id", "DeveloperName") else ""
    return f'(left(o."RecordTypeId", 15) IN ({ids}){named})'


def process_join(context: MetricContext) -> str:
    """What `process_of` needs beside opportunity `o`."""
    joined = context.has("Opportunity", "RecordTypeId") and context.has("RecordType", "Id")
    return 'LEFT JOIN sf."RecordType" AS t ON t."Id" = o."RecordTypeId"' if joined else ""


def process_names(bench: Bench, context: MetricContext) -> dict[str | None, str]:
    """Process → what people call it: the names of its record types."""
    names: dict[str | None, str] = {None: ONE_PROCESS}
    if context.has("RecordType", "Id", "Name"):
        process = held(context, "r", "BusinessProcessId", "VARCHAR", of="RecordType")
        rows = bench.execute(
            f'SELECT COALESCE({process}, r."Id") AS process, r."Name" AS name FROM sf."RecordType" AS r ORDER BY 1, 2'
        )
        for found, name in rows:
            names[found] = f"{names[found]}, {name}" if found in names else str(name)
    return names


def _closings(bench: Bench, context: MetricContext) -> str:
    """When each opportunity whose history ends closed entered the closed stages it has not left since.

    That is when the last stay in an open stage ended; of one that was never in an open stage, its beginning. Where no
    stays are at hand, it is the first closed row after the last open one, by aggregates and joins instead of a window
    over the whole history: an order of all rows costs several times as much.
    """
    runs = bench.made("stage_runs")
    if runs is not None:
        is_open = "s.is_closed IS NOT TRUE"
        return f"""
        SELECT r.opportunity_id, COALESCE(max(r.left_at) FILTER (WHERE {is_open}), min(r.entered_at)) AS closed_at
        FROM {runs} AS r LEFT JOIN {stages(bench, context)} AS s ON s.stage = r.stage
        GROUP BY r.opportunity_id HAVING count(*) FILTER (WHERE {is_open} AND r.left_at IS NULL) = 0
        """
    return f"""
    WITH told AS (
        SELECT h."OpportunityId" AS opportunity_id, h."Id" AS id, h."CreatedDate" AS told_at,
            COALESCE(s.is_closed, FALSE) AS is_closed
        FROM sf."{HISTORY}" AS h LEFT JOIN {stages(bench, context)} AS s ON s.stage = h."StageName"
        WHERE h."StageName" IS NOT NULL AND h."CreatedDate" IS NOT NULL
    ),
    last_open AS (
        SELECT opportunity_id, max(told_at) AS told_at FROM told WHERE NOT is_closed GROUP BY opportunity_id
    ),
    last_row AS (
        SELECT t.opportunity_id, max(t.told_at) AS told_at, max(t.id) AS id
        FROM told AS t JOIN last_open AS l ON l.opportunity_id = t.opportunity_id AND l.told_at = t.told_at
        WHERE NOT t.is_closed GROUP BY t.opportunity_id
    )
    SELECT t.opportunity_id, min(t.told_at) AS closed_at
    FROM told AS t LEFT JOIN last_row AS l ON l.opportunity_id = t.opportunity_id
    WHERE t.is_closed
        AND (l.opportunity_id IS NULL OR t.told_at > l.told_at OR (t.told_at = l.told_at AND t.id > l.id))
    GROUP BY t.opportunity_id
    """


def in_pipeline(context: MetricContext, alias: str = "d") -> str:
    """The condition of an open opportunity that counts as pipeline: Omitted is out unless the definitions say in."""
    open_ones = f"NOT {alias}.is_closed AND {alias}.is_won IS NOT TRUE"
    if context.definitions.metrics.omitted == "in":
        return open_ones
    return f"{open_ones} AND COALESCE({alias}.forecast, '') <> 'Omitted'"


def omitted_in_words(context: MetricContext) -> str:
    """Whether Omitted is part of the pipeline, as every metric of the pipeline has to say."""
    if not context.has("Opportunity", "ForecastCategory"):
        return "The mirror has no ForecastCategory, so opportunities left out of forecasts cannot be told apart."
    policy = context.definitions.metrics.omitted
    return (
        f"Opportunities of forecast category Omitted are {'included' if policy == 'in' else 'left out'} "
        f"(`definitions: {{metrics: {{omitted: {policy}}}}}`)."
    )


def undecided(bench: Bench, context: MetricContext) -> dict[str, Any]:
    """How many opportunities are no pipeline although they are not closed, by the reason; and the deleted ones."""
    deleted = (
        'SELECT count(*) FROM sf_all."Opportunity" WHERE "IsDeleted"'
        if context.has("Opportunity", "IsDeleted")
        else "SELECT 0"
    )
    return bench.one(f"""
    SELECT
        count(*) FILTER (WHERE d.is_closed) AS closed,
        count(*) FILTER (WHERE NOT d.is_closed AND d.is_won) AS won_but_open,
        count(*) FILTER (WHERE d.is_closed IS NULL) AS unknown,
        count(*) FILTER (WHERE NOT d.is_closed AND d.is_won IS NOT TRUE AND NOT ({in_pipeline(context)})) AS omitted,
        ({deleted}) AS deleted
    FROM {live(bench, context)} AS d
    """)
