"""M16, qualification coverage: for how many leads there is evidence of each criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.evidence import evidence_columns
from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.shared_relations import Blind, read_relation
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.audit.notions import how_to_bind
from sfsync.records import MetricResult

METRIC = Metric(
    id="M16",
    name="qualification-coverage",
    title="Qualification coverage",
    unit="percent",
    definition=(
        "Of the live leads, the share that meets as many criteria of the framework in force as it asks for; beside it "
        "the share with evidence of each criterion, by status and by owner, as of now and as of conversion."
    ),
    population="live leads",
    denominator="live leads",
    why=(
        "Evidence is what the settings bind a criterion to. A criterion that nothing in the mirror can show is not "
        "evaluable: 0 % would say that nobody meets it."
    ),
    needs=("Lead",),
    relations=("lead_qualification", "qualification_score"),
)

_MOST = 50

#: Leads, and those that meet as many criteria as are asked for: now, and when they were converted.
_TOTALS = """
SELECT count(*) FILTER (WHERE as_of = 'now') AS n,
    count(*) FILTER (WHERE as_of = 'now' AND met >= required) AS enough,
    count(*) FILTER (WHERE as_of = 'conversion') AS converted,
    count(*) FILTER (WHERE as_of = 'conversion' AND met >= required) AS converted_enough,
    count(*) FILTER (WHERE as_of = 'conversion' AND NOT is_sure) AS unsure
"""


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Coverage of each criterion, by status and owner."""
    unmet = METRIC.unmet(context, "Lead", "Id")
    if unmet:
        return unmet
    framework = context.definitions.in_force
    if framework is None:
        return METRIC.blind(context, "no qualification framework is defined", how_to_bind("framework"))
    criteria = read_relation(bench, context, "lead_qualification")
    score = read_relation(bench, context, "qualification_score")
    for told in (criteria, score):
        if isinstance(told, Blind):
            return METRIC.blind(context, told.reason, told.enable)
    unseen = _unseen(context)
    rows = _criteria(bench, str(criteria), unseen)
    totals = bench.one(f"{_TOTALS} FROM {score}")
    n, enough = totals["n"], totals["enough"]
    details = {
        "framework": context.definitions.framework,
        "required": framework.required,
        "of": len(framework.criteria),
        "enough": enough,
        "wilson95": wilson95(enough, n),
        "at_conversion": _at_conversion(totals["converted"], totals["converted_enough"], totals["unsure"]),
        "criteria": rows,
        "by_status": _by(bench, context, str(score), "Status"),
        "by_owner": _by(bench, context, str(score), "OwnerId"),
        "not_evaluable": len(unseen),
        "exclusions": left_out(**{"criteria that nothing in the mirror can show": len(unseen)}),
        "notes": [f"Nothing in the mirror can show `{name}`: its evidence is not mirrored." for name in unseen],
    }
    details["tables"] = _tables(details)
    if not n:
        return METRIC.result(context, None, 0, details, "there are no leads")
    if len(unseen) > len(framework.criteria) - framework.required:
        reason = f"not evaluable: nothing in the mirror can show {', '.join(unseen)}"
        return METRIC.result(context, None, n, details, reason)
    return METRIC.result(context, percent(enough, n), n, details)


def _unseen(context: MetricContext) -> list[str]:
    """Criteria of which no piece of evidence is a field that the mirror holds."""
    framework, audit = context.definitions.in_force, context.audit
    if framework is None or audit is None:
        return []
    return [
        name
        for name, evidence in framework.criteria.items()
        if not any(getattr(piece, "field", None) is None or any(evidence_columns(piece, audit)) for piece in evidence)
    ]


def _at_conversion(converted: int, enough: int, unsure: int) -> dict[str, Any]:
    return {
        "n": converted,
        "enough": enough,
        "percent": percent(enough, converted),
        "wilson95": wilson95(enough, converted),
        "values_of_then_unknown": unsure,
    }


def _criteria(bench: Bench, criteria: str, unseen: Sequence[str]) -> list[dict[str, Any]]:
    rows = bench.execute(f"""
    SELECT criterion, count(*) FILTER (WHERE as_of = 'now') AS n, count(*) FILTER (WHERE as_of = 'now' AND met) AS met,
        count(*) FILTER (WHERE as_of = 'conversion') AS n_then,
        count(*) FILTER (WHERE as_of = 'conversion' AND met) AS met_then
    FROM {criteria} GROUP BY criterion ORDER BY criterion
    """).dicts()
    for row in rows:
        seen = row["criterion"] not in unseen
        row["evaluable"] = seen
        row["percent"] = percent(row["met"], row["n"]) if seen else None
        row["wilson95"] = wilson95(row["met"], row["n"]) if seen else None
        row["percent_then"] = percent(row["met_then"], row["n_then"]) if seen else None
    return rows


def _by(bench: Bench, context: MetricContext, score: str, field: str) -> list[dict[str, Any]] | None:
    if not context.has("Lead", field):
        return None
    rows = bench.execute(f"""
    SELECT l."{field}" AS value, count(*) AS n, count(*) FILTER (WHERE s.met >= s.required) AS enough,
        avg(s.met) AS mean_met
    FROM {score} AS s JOIN sf."Lead" AS l ON l."Id" = s.lead_id WHERE s.as_of = 'now'
    GROUP BY 1 ORDER BY n DESC, 1 LIMIT {_MOST}
    """).dicts()
    return [
        row
        | {
            "value": row["value"] if row["value"] is not None else "(blank)",
            "mean_met": float(row["mean_met"]),
            "percent": percent(row["enough"], row["n"]),
            "wilson95": wilson95(row["enough"], row["n"]),
            "rankable": row["n"] >= SMALLEST_RANKABLE,
        }
        for row in rows
    ]


def _tables(details: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {
        "criterion": ("text", "Criterion"),
        "n": ("count", "Leads"),
        "met": ("count", "With evidence"),
        "percent": ("percent", "Share"),
        "wilson95": ("interval", "95% interval"),
        "n_then": ("count", "Converted"),
        "percent_then": ("percent", "Share at conversion"),
    }
    tables = [table("criteria", "Evidence of each criterion", columns, details["criteria"])]
    for key, kind, heading in (("by_status", "label", "Status"), ("by_owner", "id", "Owner")):
        if details[key]:
            shown = {
                "value": (kind, heading),
                "n": ("count", "Leads"),
                "enough": ("count", "Enough criteria"),
                "percent": ("percent", "Share"),
                "wilson95": ("interval", "95% interval"),
            }
            tables.append(table(key.replace("_", "-"), f"Enough criteria, by {heading.lower()}", shown, details[key]))
    return tables
