"""M20, lead ledger: every lead that was ever created is accounted for, those that reports have lost, too."""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.lead_days import local_day
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.tables import table
from sfsync.records import MetricResult
from sfsync.store.history import has_history

METRIC = Metric(
    id="M20",
    name="lead-ledger",
    title="Lead ledger",
    unit="count",
    definition=(
        "Leads created = open + converted + disqualified + merged into another + deleted. The figure is the residual, "
        "which is 0."
    ),
    population="every lead the mirror has ever known, deleted ones included",
    denominator="leads created",
    why=(
        "Reports see live leads alone: what was deleted or lost a merge has left both sides of every rate without a "
        "word. Each lead stands in exactly one column; the left side is counted apart from the right."
    ),
    needs=("Lead",),
)

PARTS = ("open", "converted", "disqualified", "merged", "deleted")
_COLUMN = {name: ("count", name.capitalize()) for name in PARTS}
COLUMNS = (
    {"month": ("text", "Created in"), "created": ("count", "Created")} | _COLUMN | {"residual": ("count", "Residual")}
)


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The ledger by month of creation, and its residual."""
    unmet = METRIC.unmet(context, "Lead", "Id", "CreatedDate", "IsConverted")
    if unmet:
        return unmet
    months = _months(bench, context)
    created = _created(bench)
    totals = {name: sum(row[name] for row in months) for name in PARTS}
    residual = created - sum(totals.values())
    for row in months:
        row["residual"] = row["created"] - sum(row[name] for name in PARTS)
    statuses = context.definitions.lead_status.disqualified
    details = {
        "created": created,
        **totals,
        "residual": residual,
        "by_month": months,
        "disqualified_statuses": list(statuses),
        "notes": _notes(bench, context),
        "tables": [table("ledger", "Leads by month of creation", COLUMNS, months[::-1])],
    }
    if not created:
        return METRIC.result(context, None, 0, details, "there are no leads")
    return METRIC.result(context, float(residual), created, details)


def _ever(bench: Bench, context: MetricContext) -> str:
    """Every lead the mirror has known: those it holds, and those that have left it, as their last version had them."""
    deleted = 'COALESCE(l."IsDeleted", FALSE)' if context.has("Lead", "IsDeleted") else "FALSE"
    master = 'l."MasterRecordId"' if context.has("Lead", "MasterRecordId") else "CAST(NULL AS VARCHAR)"
    status = 'l."Status"' if context.has("Lead", "Status") else "CAST(NULL AS VARCHAR)"
    columns = (
        f'l."Id" AS id, l."CreatedDate" AS created_at, COALESCE(l."IsConverted", FALSE) AS converted, '
        f"{deleted} AS deleted, {master} AS master, {status} AS status"
    )
    held = f'SELECT {columns} FROM sf_all."Lead" AS l'
    if not has_history(bench.session, "Lead"):
        return held
    left = f"""
    SELECT id, created_at, converted, TRUE AS deleted, master, status FROM (
        SELECT {columns}, row_number() OVER (PARTITION BY l."Id" ORDER BY l.valid_to DESC) AS place
        FROM sf_history."Lead" AS l
        WHERE l.existed AND NOT EXISTS (SELECT 1 FROM sf_all."Lead" AS k WHERE k."Id" = l."Id")
    ) AS versions WHERE place = 1
    """
    return f"{held} UNION ALL {left}"


def _created(bench: Bench) -> int:
    """The left side: how many Ids were ever seen, counted without a look at what became of them."""
    seen = 'SELECT "Id" FROM sf_all."Lead"'
    if has_history(bench.session, "Lead"):
        seen += ' UNION ALL SELECT "Id" FROM sf_history."Lead" WHERE existed'
    return int(bench.execute(f'SELECT count(DISTINCT "Id") FROM ({seen}) AS seen').scalar())


def _months(bench: Bench, context: MetricContext) -> list[dict[str, Any]]:
    statuses = {f"status_{i}": status for i, status in enumerate(context.definitions.lead_status.disqualified)}
    listed = ", ".join(f"lower(${name})" for name in statuses)
    disqualified = f"lower(e.status) IN ({listed})" if listed else "FALSE"
    sql = f"""
    SELECT
        CAST(EXTRACT(YEAR FROM day) AS INTEGER) AS year, CAST(EXTRACT(MONTH FROM day) AS INTEGER) AS month,
        count(*) AS created,
        count(*) FILTER (WHERE fate = 'open') AS open, count(*) FILTER (WHERE fate = 'converted') AS converted,
        count(*) FILTER (WHERE fate = 'disqualified') AS disqualified,
        count(*) FILTER (WHERE fate = 'merged') AS merged, count(*) FILTER (WHERE fate = 'deleted') AS deleted
    FROM (
        SELECT {local_day(context, "e.created_at")} AS day,
            CASE WHEN e.deleted AND e.master IS NOT NULL THEN 'merged' WHEN e.deleted THEN 'deleted'
                WHEN e.converted THEN 'converted' WHEN {disqualified} THEN 'disqualified' ELSE 'open' END AS fate
        FROM ({_ever(bench, context)}) AS e
    ) AS told GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2
    """
    rows = bench.execute(sql, {"timezone": context.timezone} | statuses).dicts()
    return [
        {"month": "(no date)" if row["year"] is None else f"{row['year']:04d}-{row['month']:02d}"}
        | {name: row[name] for name in ("created", *PARTS)}
        for row in rows
    ]


def _notes(bench: Bench, context: MetricContext) -> list[str]:
    notes = []
    if not context.definitions.lead_status.disqualified:
        notes.append(
            "Which statuses mean disqualified is not defined, so such leads count as open: "
            "`definitions: {lead_status: {disqualified: [...]}}` in sfsync.yml."
        )
    elif not context.has("Lead", "Status"):
        notes.append("The mirror has no Lead.Status, so disqualified leads count as open.")
    if not context.has("Lead", "IsDeleted"):
        notes.append("The mirror cannot tell deleted leads: it has no IsDeleted.")
    if not context.has("Lead", "MasterRecordId"):
        notes.append("The mirror has no MasterRecordId, so leads that lost a merge count as deleted.")
    notes.append(
        "A lead that was deleted for good before the mirror first saw it is not known to it"
        + ("." if has_history(bench.session, "Lead") else ", and no earlier versions of leads are kept so far.")
    )
    return notes
