"""M17, rule rate and trend: how many of those a rule judged break it, and what has changed since the audit before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import percent, wilson95
from sfsync.records import MetricResult
from sfsync.store.columns import has_table

METRIC = Metric(
    id="M17",
    name="rule-rate",
    title="Rule rates and trend",
    unit="count",
    definition=(
        "For each rule: findings ÷ eligible records (never ÷ all records), waived findings left out, with what is new, "
        "persisting, reappeared, fixed and waived since the audit before. The figure is the number of findings."
    ),
    population="rules of the newest audit of this mirror",
    denominator="rules that were evaluated",
    why=(
        "One blended score of health hides everything: the largest table drowns the rest, notes weigh like errors. "
        "Each rule stands for itself, with its own denominator, and a rule that could not look has no rate."
    ),
)

AUDITS_BACK = 10
_STATES = ("new", "persisting", "reappeared", "fixed", "waived")


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """The rates of the newest audit, or of the one under way, beside the audits before it."""
    rows = _under_way(context) if context.judged is not None else _stored(bench)
    if rows is None:
        return METRIC.blind(context, "this mirror was never audited", "run `sfsync audit`")
    trend = _trend(bench)
    for row in rows:
        row["percent"] = percent(row["found"], row["eligible"] or 0)
        row["wilson95"] = wilson95(row["found"], row["eligible"] or 0)
        row["before"] = trend.get(row["rule"], [])
    judged = [row for row in rows if row["state"] != "not_evaluable"]
    blind = len(rows) - len(judged)
    details = {
        "rules": rows,
        "not_evaluable": blind,
        "exclusions": [{"reason": "rules that could not be evaluated", "n": blind}] if blind else [],
        "notes": ["A rule that judged nothing has no rate, which is not 0 %."],
        "tables": [_table(judged)],
    }
    if not judged:
        return METRIC.result(context, None, 0, details, "no rule could be evaluated")
    return METRIC.result(context, float(sum(row["found"] for row in judged)), len(judged), details)


def _under_way(context: MetricContext) -> list[dict[str, Any]]:
    from sfsync.audit.standing import FindingState  # noqa: PLC0415 - rules import metrics' neighbours

    return [
        {"rule": each.rule.id, "state": each.state.value, "found": each.count, "eligible": each.eligible}
        | {state: each.in_finding_state(FindingState(state)) for state in _STATES}
        for each in context.judged or ()
    ]


def _stored(bench: Bench) -> list[dict[str, Any]] | None:
    if not has_table(bench.session, "sfsync", "audit_rules"):
        return None
    states = ", ".join(f"{state}_count AS {state}" for state in _STATES)
    rows = bench.execute(f"""
    SELECT rule_id AS rule, state, finding_count AS found, eligible, {states}
    FROM sfsync.audit_rules WHERE audit_id = (SELECT max(audit_id) FROM sfsync.audits) ORDER BY position
    """).dicts()
    return rows or None


def _trend(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """Rule → its rate in earlier audits, oldest first."""
    if not has_table(bench.session, "sfsync", "audit_rules"):
        return {}
    rows = bench.execute(f"""
    SELECT r.rule_id, a.as_of, r.finding_count AS found, r.eligible
    FROM sfsync.audit_rules AS r
    JOIN (SELECT audit_id, as_of FROM sfsync.audits ORDER BY audit_id DESC LIMIT {AUDITS_BACK}) AS a
        ON a.audit_id = r.audit_id
    WHERE r.state <> 'not_evaluable' ORDER BY a.audit_id
    """)
    told: dict[str, list[dict[str, Any]]] = {}
    for rule, as_of, found, eligible in rows:
        share = percent(found, eligible or 0)
        point = {"as_of": f"{as_of.isoformat(timespec='seconds')}Z", "found": found, "eligible": eligible}
        told.setdefault(rule, []).append(point | {"percent": share})
    return told


def _table(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    columns = {
        "rule": ("text", "Rule"),
        "found": ("count", "Found"),
        "eligible": ("count", "Of"),
        "percent": ("percent", "Rate"),
    } | {state: ("count", state.capitalize()) for state in _STATES}
    ordered = sorted(rows, key=lambda row: (-(row["percent"] or 0.0), row["rule"]))
    return table("rules", "Findings of each rule, by rate", columns, ordered)
