"""Runs rules against a mirror: each ends as finding, pass or not evaluable, and all of it is stored or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sfsync.audit.context import AuditContext, context_of
from sfsync.audit.definitions import check_definitions
from sfsync.audit.ledger import insert_findings, new_audit_id, prepare_audits, save_audit
from sfsync.audit.load import load_rules, select_rules
from sfsync.audit.metrics import MetricContext, compute_all
from sfsync.audit.needs import missed_options, unmet_needs
from sfsync.audit.overrides import ResolvedRule, resolve_rules
from sfsync.audit.result import AuditResult, RuleResult, Threshold
from sfsync.audit.sql import RuleSql, render
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.errors import MirrorUnfit, Problem, QueryFailed, RuleError
from sfsync.records import RuleState, Severity
from sfsync.store.interface import Session, Store
from sfsync.store.ledger import finish_run, start_run
from sfsync.store.mirror import read_state

#: Buckets shown of a breakdown; a rule that makes more breaks nothing down.
MOST_BUCKETS = 100


def audit(
    store: Store,
    settings: Settings,
    *,
    select: Sequence[str] | None = None,
    rules_dir: Path | None = None,
    settings_file: Document | None = None,
) -> AuditResult:
    """Judge the mirror, store what is found, and say what could not be judged.

    Args:
        store: Holds the mirror; the findings are stored there too, in one transaction.
        settings: Definitions, time zone and what the project changes about rules.
        select: Rule ids, or codes such as `CV`; every enabled rule unless given.
        rules_dir: A project's own rules.
        settings_file: sfsync.yml as read, so that problems name their line.

    Raises:
        MirrorUnfit: Nothing was ever pulled.
        RuleError: A rule file has problems.
        ConfigError: The settings name rules, parameters, fields or values that do not exist.
        UsageError: `select` names no rule.
    """
    resolved = resolve_rules(load_rules(rules_dir), settings.rules, settings_file)
    chosen = {rule.id for rule in select_rules([one.rule for one in resolved], select)}
    running = [one for one in resolved if one.rule.id in chosen and (one.enabled or select)]
    left_out = [one.rule.id for one in resolved if one.rule.id in chosen and one not in running]
    if not store.exists():
        raise MirrorUnfit(f"there is no mirror at {store.location}", hint="run `sfsync pull` first")
    with store.writing() as session:
        state = read_state(session)
        context = context_of(session, state, settings, store.dialect)
        check_definitions(session, context, settings_file)
        prepare_audits(session)
        run_id = start_run(session, "audit")
        audit_id = new_audit_id()
        results = tuple(judge(session, audit_id, i, one, context) for i, one in enumerate(running))
        result = AuditResult(
            audit_id=audit_id,
            as_of=state.as_of,
            rules=results,
            metrics=compute_all(session, MetricContext(state.as_of, settings.timezone, context.columns)),
            org=state.org_id,
            instance_url=state.instance_url,
            timezone=settings.timezone,
            definitions_digest=settings.definitions.digest(),
            disabled=tuple(left_out),
            warnings=tuple(_warnings(results, left_out)),
            store=store,
        )
        save_audit(session, result)
        finish_run(session, run_id, state="done", api_calls=0, summary=_summary(result))
    return result


def judge(session: Session, audit_id: str, position: int, resolved: ResolvedRule, context: AuditContext) -> RuleResult:
    """Run one rule and store its findings; raises only for faults of the rule itself."""
    rule = resolved.rule
    unmet = unmet_needs(rule, context)
    if unmet is not None:
        return RuleResult(
            rule,
            RuleState.NOT_EVALUABLE,
            reason=unmet.reason,
            enable=unmet.enable,
            values=resolved.values,
            override=resolved.severity,
        )
    sql = render(rule, resolved.values, context, severity=resolved.severity)
    try:
        eligible = int(session.execute(sql.eligible).scalar())
        insert_findings(session, audit_id, position, rule, sql.findings)
        thresholds = _thresholds(session, sql)
    except QueryFailed as error:
        raise QueryFailed(
            f"the SQL of rule {rule.id} failed: {error.message}",
            hint=f"`sfsync rule explain {rule.id}` shows it; `enabled: false` under `rules: {rule.id}:` leaves it out",
        ) from error
    counts = _count(session, audit_id, resolved)
    reasons = [*([] if eligible else [f"nothing to judge: no {rule.population}"]), *missed_options(rule, context)]
    return RuleResult(
        rule,
        RuleState.FINDING if counts.findings else RuleState.PASS,
        count=counts.findings,
        eligible=eligible,
        reason="; ".join(reasons) or None,
        sql=sql.findings,
        breakdown=counts.breakdown,
        severities=counts.severities,
        values=resolved.values,
        thresholds=thresholds,
        override=resolved.severity,
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    findings: int
    breakdown: dict[str, int]
    severities: dict[Severity, int]


def _count(session: Session, audit_id: str, resolved: ResolvedRule) -> _Counts:
    rule_id = resolved.rule.id
    of_rule = "FROM sfsync.findings WHERE audit_id = ? AND rule_id = ?"
    key = [audit_id, rule_id]
    total, distinct, with_id = session.execute(
        f"SELECT count(*), count(DISTINCT fingerprint), count(record_id) {of_rule}", key
    ).rows[0]
    if total != distinct or total != with_id:
        fault = "finds a record twice" if total == with_id else "finds something without a record_id"
        hint = "a rule that finds several faults in one record tells them apart by a column `discriminator`"
        raise RuleError([Problem(f"rule {rule_id}", None, None, f"the SQL {fault}", hint)])
    severities = session.execute(f"SELECT severity, count(*) {of_rule} GROUP BY 1", key).rows
    unknown = [name for name, _ in severities if name not in {s.value for s in Severity}]
    if unknown:
        message = f"the column `severity` holds {unknown[0]!r}"
        raise RuleError([Problem(f"rule {rule_id}", None, None, message, "error, warning or info")])
    buckets = session.execute(
        f"SELECT breakdown, count(*) {of_rule} AND breakdown IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        f" LIMIT {MOST_BUCKETS}",
        key,
    )
    return _Counts(int(total), dict(buckets.rows), {Severity(name): int(n) for name, n in severities})


def _thresholds(session: Session, sql: RuleSql) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(name, str(segment), float(value), int(n), origin)
        for name, statement in sql.thresholds.items()
        for segment, value, n, origin in session.execute(statement)
    )


def _warnings(results: Sequence[RuleResult], left_out: Sequence[str]) -> Iterator[str]:
    blind = [result.rule.id for result in results if result.state is RuleState.NOT_EVALUABLE]
    if len(blind) == len(results):
        yield "no rule could judge this mirror: nothing is known to be right"
    elif blind:
        yield f"{len(blind)} of {len(results)} rules could not be evaluated: {', '.join(blind)}"
    if left_out:
        yield f"turned off in sfsync.yml: {', '.join(left_out)}"


def _summary(result: AuditResult) -> dict[str, object]:
    """What `sfsync status` tells of an audit."""
    return {
        "audit_id": result.audit_id,
        "rules": len(result.rules),
        "findings": sum(each.count for each in result.rules),
        "not_evaluable": sum(1 for _ in result.in_state(RuleState.NOT_EVALUABLE)),
    }
