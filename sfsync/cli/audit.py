"""`sfsync audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.audit import AuditResult, RuleResult
    from sfsync.records import Finding, MetricResult

HELP = """Find conversion and qualification faults in the mirror.

Every rule ends in one of three states: it found something, it passed, or it is not evaluable, with the reason and
what would enable it. Everything is judged as of the mirror's own time. Findings are kept in the mirror, as
sfsync.findings.

\b
Examples:
  sfsync audit
  sfsync audit --select CV,OP007 --fail-on warning
  sfsync audit --json --max-findings 100
  sfsync query "SELECT rule_id, record_id, message FROM sfsync.findings ORDER BY audit_id DESC"

\b
Exit codes:
  0 no finding at or above --fail-on    1 there is one    2 a setting, rule file or option is wrong
  3 the mirror is unfit to judge: never pulled, or no rule could be evaluated
"""

LEVELS = ("error", "warning", "info", "never")

#: Buckets of a breakdown and data-driven numbers named in the table; `--json` has all of them.
SHOWN = 4


@click.command("audit", help=HELP, short_help="Find conversion and qualification faults in the mirror.")
@click.option("--select", multiple=True, metavar="CODES", help="Only these rules: ids or codes, e.g. CV,OP007.")
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
    default="error",
    show_default=True,
    help="Exit with 1 when a finding is at least this severe. Heuristic rules never fail a run.",
)
@click.option(
    "--max-findings",
    type=click.IntRange(min=0),
    metavar="N",
    help="List at most N findings in --json. All are stored either way.",
)
@project_option
@json_option
@pass_console
def command(
    console: Console, select: tuple[str, ...], fail_on: str, max_findings: int | None, project: Path | None
) -> None:
    """Judge the mirror and print what was found."""
    from sfsync.audit import audit
    from sfsync.project import find_project
    from sfsync.store import open_store

    found = find_project(project)
    result = audit(
        open_store(found.store_path),
        found.settings,
        select=select or None,
        rules_dir=found.rules_dir,
        settings_file=found.document,
    )
    for warning in result.warnings:
        console.warn(warning)
    payload = _payload(console, result, max_findings) if console.json else None
    console.finish(payload, lambda: _show(console, result), status=_status(result, fail_on))


def _status(result: AuditResult, fail_on: str) -> int:
    from sfsync.records import RuleState, Severity

    if all(each.state is RuleState.NOT_EVALUABLE for each in result.rules):
        return ExitCode.FAILED
    if fail_on != "never" and result.at_least(Severity(fail_on)):
        return ExitCode.NEEDS_YOU
    return ExitCode.FINE


def _show(console: Console, result: AuditResult) -> None:
    """The tables, for people."""
    from sfsync.records import RuleState

    console.out(f"{result.instance_url or 'the mirror'} as of {result.as_of:%Y-%m-%d %H:%M:%S} UTC\n")
    console.table(
        ("rule", "name", "severity", "state", "found", "of", "notes"),
        [_row(each) for each in result.rules],
        right=("found", "of"),
    )
    blind = list(result.in_state(RuleState.NOT_EVALUABLE))
    if blind:
        console.out("\nTo enable what could not be evaluated:")
        for each in blind:
            console.out(f"  {each.rule.id}  {each.enable}")
    console.out()
    console.table(
        ("metric", "what", "value", "n", "notes"), [_metric_row(each) for each in result.metrics], right=("value", "n")
    )
    first = next(result.in_state(RuleState.FINDING), None)
    if first is None:
        console.next_step("`sfsync report` writes this as one HTML file")
    else:
        explain = f"`sfsync rule explain {first.rule.id}` says what to do about it"
        console.next_step(f"{explain}; `sfsync report` writes it all as one HTML file")


def _row(result: RuleResult) -> tuple[object, ...]:
    rule = result.rule
    state = "nothing to judge" if result.vacuous else result.state.value.replace("_", " ")
    count = "" if result.eligible is None else f"{result.count:,}"
    eligible = "" if result.eligible is None else f"{result.eligible:,}"
    return rule.id, rule.name, result.worst.value, state, count, eligible, _notes(result)


def _notes(result: RuleResult) -> str:
    """Breakdown, numbers the data decided, and what must be known besides."""
    notes = []
    if result.breakdown:
        notes.append(_few([f"{name} {count:,}" for name, count in result.breakdown.items()]))
    numbers = [
        f"{t.segment} {t.value:,.0f} (n={t.n:,})"
        for t in sorted(result.thresholds, key=lambda t: -t.n)
        if t.origin == "auto"
    ]
    if numbers:
        notes.append(f"from the data: {_few(numbers)}")
    if result.reason and not result.vacuous:
        notes.append(result.reason)
    elif result.reason:
        notes.append(result.reason.removeprefix("nothing to judge: "))
    return "; ".join(notes)


def _few(items: list[str]) -> str:
    left = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f", {left} more" if left > 0 else "")


def _metric_row(metric: MetricResult) -> tuple[object, ...]:
    unit = "%" if metric.unit == "percent" else f" {metric.unit}"
    value = "none" if metric.value is None else f"{metric.value:,.3f}".rstrip("0").rstrip(".") + unit
    return metric.id, metric.title, value, f"{metric.n:,}", metric.reason or ""


def _payload(console: Console, result: AuditResult, max_findings: int | None) -> dict[str, Any]:
    total = sum(each.count for each in result.rules)
    findings = result.findings(limit=max_findings)
    if len(findings) < total:
        console.warn(f"{len(findings):,} of {total:,} findings are listed; all are in sfsync.findings of the mirror")
    return {
        "audit_id": result.audit_id,
        "as_of": f"{result.as_of.isoformat(timespec='seconds')}Z",
        "org": {"id": result.org, "instance_url": result.instance_url},
        "timezone": result.timezone,
        "definitions_digest": result.definitions_digest,
        "rules": [_rule_json(each) for each in result.rules],
        "metrics": [_metric_json(each) for each in result.metrics],
        "findings_total": total,
        "findings": [_finding_json(each) for each in findings],
    }


def _rule_json(result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    return {
        "id": rule.id,
        "name": rule.name,
        "title": rule.title,
        "group": rule.group,
        "object": rule.object,
        "population": rule.population,
        "severity": result.severity.value,
        "confidence": rule.confidence.value,
        "state": result.state.value,
        "count": result.count,
        "eligible": result.eligible,
        "reason": result.reason,
        "enable": result.enable,
        "breakdown": result.breakdown,
        "severities": {severity.value: count for severity, count in result.severities.items()},
        "params": dict(result.values),
        "thresholds": [
            {"param": t.parameter, "segment": t.segment, "value": t.value, "n": t.n, "origin": t.origin}
            for t in result.thresholds
        ],
    }


def _metric_json(metric: MetricResult) -> dict[str, Any]:
    return {
        "id": metric.id,
        "name": metric.name,
        "title": metric.title,
        "value": metric.value,
        "unit": metric.unit,
        "n": metric.n,
        "definition": metric.definition,
        "context": metric.context,
        "reason": metric.reason,
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule_id,
        "severity": finding.severity.value,
        "object": finding.object,
        "record_id": finding.record_id,
        "message": finding.message,
        "fingerprint": finding.fingerprint,
    }
