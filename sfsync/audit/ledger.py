"""Where audits are written down: schema `sfsync`, in portable SQL."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sfsync import __version__
from sfsync.audit import fixes, history
from sfsync.audit.rule import Rule
from sfsync.audit.standing import NOTHING_KNOWN, FindingState, Standing, insert_statement
from sfsync.records import Finding, RuleState, Severity
from sfsync.store.interface import Session

if TYPE_CHECKING:
    from sfsync.audit.result import AuditResult, RuleResult

#: Findings of this many audits are kept; what each rule found in number is kept for good.
KEPT_AUDITS = 30

_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS sfsync",
    "CREATE TABLE IF NOT EXISTS sfsync.audits (audit_id VARCHAR, as_of TIMESTAMP, audited_at TIMESTAMP,"
    " org_id VARCHAR, timezone VARCHAR, definitions_digest VARCHAR, rule_count INTEGER)",
    "CREATE TABLE IF NOT EXISTS sfsync.audit_rules (audit_id VARCHAR, position INTEGER, rule_id VARCHAR,"
    " state VARCHAR, severity VARCHAR, confidence VARCHAR, finding_count BIGINT, eligible BIGINT, reason VARCHAR,"
    " enable VARCHAR, sql_text VARCHAR, details VARCHAR)",
    "CREATE TABLE IF NOT EXISTS sfsync.findings (audit_id VARCHAR, position INTEGER, rule_id VARCHAR, object VARCHAR,"
    " record_id VARCHAR, severity VARCHAR, discriminator VARCHAR, breakdown VARCHAR, message VARCHAR,"
    " fingerprint VARCHAR)",
    # What the first version did not have; its tables get the columns, empty.
    "ALTER TABLE sfsync.audits ADD COLUMN IF NOT EXISTS unfit VARCHAR",
    "ALTER TABLE sfsync.audits ADD COLUMN IF NOT EXISTS details VARCHAR",
    "ALTER TABLE sfsync.audit_rules ADD COLUMN IF NOT EXISTS judged_as VARCHAR",
    *(f"ALTER TABLE sfsync.audit_rules ADD COLUMN IF NOT EXISTS {state.value}_count BIGINT" for state in FindingState),
    "ALTER TABLE sfsync.findings ADD COLUMN IF NOT EXISTS number BIGINT",
    "ALTER TABLE sfsync.findings ADD COLUMN IF NOT EXISTS state VARCHAR",
    "ALTER TABLE sfsync.findings ADD COLUMN IF NOT EXISTS waiver INTEGER",
    "ALTER TABLE sfsync.findings ADD COLUMN IF NOT EXISTS first_seen TIMESTAMP",
    *history.TABLES,
    *fixes.TABLES,
)


def prepare_audits(session: Session) -> None:
    """Make the tables of audits where they are missing."""
    for statement in _TABLES:
        session.execute(statement)


def new_audit_id() -> str:
    """A fresh name for an audit, sortable by the time it was made."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"


def insert_findings(
    session: Session, audit_id: str, position: int, rule: Rule, findings_sql: str, standing: Standing = NOTHING_KNOWN
) -> None:
    """Run a rule's statement and store what it finds, without a row leaving the database.

    May be called several times for one rule, with statements that find different things.
    """
    statement, params = insert_statement(findings_sql, rule.id, standing)
    stored = session.execute(
        "SELECT count(*) FROM sfsync.findings WHERE audit_id = ? AND position = ?", [audit_id, position]
    ).scalar()
    own = {"audit_id": audit_id, "position": position, "stored": stored, "rule_id": rule.id}
    session.execute(statement, own | params)


def grade_findings(session: Session, audit_id: str, position: int, severity: Severity) -> None:
    """Give everything a rule found in this audit the same severity."""
    session.execute(
        "UPDATE sfsync.findings SET severity = ? WHERE audit_id = ? AND position = ?",
        [severity.value, audit_id, position],
    )


def drop_findings(session: Session, audit_id: str, position: int) -> None:
    """Forget what a rule found in this audit."""
    session.execute("DELETE FROM sfsync.findings WHERE audit_id = ? AND position = ?", [audit_id, position])


def read_findings(
    session: Session, audit_id: str, *, rule_id: str | None = None, limit: int | None = None, waived: bool = True
) -> list[Finding]:
    """Stored findings, in the order of rules, records and discriminators.

    Args:
        session: Of the mirror.
        audit_id: Of which audit.
        rule_id: Of this rule alone.
        limit: At most so many.
        waived: Those, too, that a waiver covers.
    """
    one_rule = "" if rule_id is None else " AND rule_id = ?"
    one_rule += "" if waived else " AND state <> 'waived'"
    at_most = "" if limit is None else f" LIMIT {int(limit)}"
    rows = session.execute(
        "SELECT rule_id, severity, object, record_id, message, fingerprint, state, discriminator, first_seen, waiver"
        f" FROM sfsync.findings WHERE audit_id = ?{one_rule} ORDER BY position, number, fingerprint{at_most}",
        [audit_id] if rule_id is None else [audit_id, rule_id],
    )
    return [Finding(rule, Severity(severity), *others) for rule, severity, *others in rows]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the findings of one rule, in numbers.

    Attributes:
        total: All that is stored, waived ones too.
        distinct: Different fingerprints among them.
        with_id: Those that name a record.
        by_state: State → severity (as it stands there) → findings.
    """

    total: int
    distinct: int
    with_id: int
    by_state: Mapping[FindingState, Mapping[str, int]]


def tally(session: Session, audit_id: str, position: int) -> Tally:
    """Count the findings of one rule."""
    of_rule = "FROM sfsync.findings WHERE audit_id = ? AND position = ?"
    key = [audit_id, position]
    total, distinct, with_id = session.execute(
        f"SELECT count(*), count(DISTINCT fingerprint), count(record_id) {of_rule}", key
    ).rows[0]
    by_state: dict[FindingState, dict[str, int]] = {}
    if total:
        for state, severity, n in session.execute(f"SELECT state, severity, count(*) {of_rule} GROUP BY 1, 2", key):
            by_state.setdefault(FindingState(state), {})[severity] = int(n)
    return Tally(int(total), int(distinct), int(with_id), by_state)


def waiver_uses(session: Session, audit_id: str) -> dict[int, int]:
    """Number of a waiver → findings of this audit it covers."""
    return dict(
        session.execute(
            "SELECT waiver, count(*) FROM sfsync.findings WHERE audit_id = ? AND waiver IS NOT NULL GROUP BY waiver",
            [audit_id],
        ).rows
    )


@dataclass(frozen=True, slots=True)
class LastJudgement:
    """The last fit audit of the same org that judged a rule.

    Attributes:
        audit_id: Its name.
        as_of: The mirror's time then.
        judged_as: Digest of the rule and its settings then.
    """

    audit_id: str
    as_of: datetime
    judged_as: str | None


def last_judgements(session: Session, org_id: str | None) -> dict[str, LastJudgement]:
    """Rule → when it was judged last."""
    rows = session.execute(
        "SELECT rule_id, audit_id, as_of, judged_as FROM (SELECT r.rule_id, r.audit_id, a.as_of, r.judged_as,"
        " row_number() OVER (PARTITION BY r.rule_id ORDER BY r.audit_id DESC) AS age"
        " FROM sfsync.audit_rules AS r JOIN sfsync.audits AS a ON a.audit_id = r.audit_id"
        " WHERE r.state <> 'not_evaluable' AND a.unfit IS NULL AND COALESCE(a.org_id, '') = ?) AS judged"
        " WHERE age = 1",
        [org_id or ""],
    )
    return {rule_id: LastJudgement(*others) for rule_id, *others in rows}


def judged_as(rule: Rule, values: Mapping[str, Any], definitions_digest: str) -> str:
    """A digest of everything that decides what a rule finds in the same records."""
    parts = [rule.sql, rule.eligible, json.dumps(dict(values), default=str, sort_keys=True), definitions_digest]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def save_audit(session: Session, result: AuditResult) -> None:
    """Write down an audit and what became of every rule, passes too: a trend needs them."""
    session.execute(
        "INSERT INTO sfsync.audits (audit_id, as_of, audited_at, org_id, timezone, definitions_digest, rule_count,"
        " unfit, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(result.audit_id, result.as_of, datetime.now(UTC).replace(tzinfo=None), result.org, result.timezone),
            *(result.definitions_digest, len(result.rules), "; ".join(result.fitness.unfit) or None),
            json.dumps(_audit_details(result), default=str),
        ],
    )
    for position, each in zip(result.positions, result.rules, strict=True):
        _save_rule(session, result, position, each)
    _forget_old_findings(session)


def _audit_details(result: AuditResult) -> dict[str, Any]:
    return {
        "sfsync": __version__,
        "instance_url": result.instance_url,
        "disabled": result.disabled,
        "warnings": result.warnings,
        "fitness": {"blind": result.fitness.blind, "even_if_unfit": result.fitness.ignored},
        "metrics": [asdict(metric) for metric in result.metrics],
        "waivers": [
            {
                "number": each.number,
                "place": each.place,
                **each.waiver.model_dump(mode="json"),
                "expired": each.expired,
                "expires_soon": each.expires_soon,
                "findings": each.findings,
                "unused": each.unused,
            }
            for each in result.waivers.listed
        ],
        "malformed_waivers": [
            {"place": problem.place, "message": problem.message, "hint": problem.hint}
            for problem in result.waivers.malformed
        ],
        "baseline": None if result.baseline is None else asdict(result.baseline),
        "compared_with": result.compared_with,
        "profile": result.profile,
    }


def _save_rule(session: Session, audit: AuditResult, position: int, result: RuleResult) -> None:
    rule = result.rule
    details = {
        "breakdown": result.breakdown,
        "severities": {severity.value: count for severity, count in result.severities.items()},
        "states": {
            state.value: {severity.value: n for severity, n in counts.items()}
            for state, counts in result.states.items()
        },
        "values": dict(result.values),
        "thresholds": [[t.parameter, t.segment, t.value, t.n, t.origin] for t in result.thresholds],
        "compared_with": result.compared_with,
        "changed": result.changed,
        "not_judged": result.not_judged,
        "broken": result.broken,
        "rule": rule.model_dump(
            mode="json",
            include={"name", "title", "group", "since", "object", "population", "why", "remedy", "caveats"},
        ),
    }
    counts = [result.in_finding_state(state) for state in FindingState]
    names = ", ".join(f"{state.value}_count" for state in FindingState)
    session.execute(
        "INSERT INTO sfsync.audit_rules (audit_id, position, rule_id, state, severity, confidence, finding_count,"
        f" eligible, reason, enable, sql_text, details, judged_as, {names})"
        f" VALUES ({', '.join('?' * (13 + len(counts)))})",
        [
            *(audit.audit_id, position, rule.id, result.state.value, result.severity.value, rule.confidence.value),
            *(result.count, result.eligible, result.reason, result.enable, result.sql),
            json.dumps(details, default=str),
            None
            if result.state is RuleState.NOT_EVALUABLE
            else judged_as(rule, result.values, audit.definitions_digest),
            *counts,
        ],
    )


def _forget_old_findings(session: Session) -> None:
    """Drop the findings, texts and statements of all but the newest audits; their numbers stay."""
    old = f"audit_id NOT IN (SELECT audit_id FROM sfsync.audits ORDER BY audit_id DESC LIMIT {KEPT_AUDITS})"
    if not session.execute(f"SELECT audit_id FROM sfsync.audits WHERE {old} AND details IS NOT NULL LIMIT 1").rows:
        return
    session.execute(f"DELETE FROM sfsync.findings WHERE {old}")
    session.execute(f"DELETE FROM sfsync.fixes WHERE {old}")
    session.execute(
        f"UPDATE sfsync.audit_rules SET sql_text = NULL, details = NULL WHERE {old} AND details IS NOT NULL"
    )
    session.execute(f"UPDATE sfsync.audits SET details = NULL WHERE {old} AND details IS NOT NULL")
