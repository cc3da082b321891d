"""Where audits are written down: schema `sfsync`, in portable SQL."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sfsync.audit.rule import Rule
from sfsync.records import Finding, Severity
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
)


def prepare_audits(session: Session) -> None:
    """Make the tables of audits where they are missing."""
    for statement in _TABLES:
        session.execute(statement)


def new_audit_id() -> str:
    """A fresh name for an audit, sortable by the time it was made."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"


def insert_findings(session: Session, audit_id: str, position: int, rule: Rule, findings_sql: str) -> None:
    """Run a rule's statement and store what it finds, without a row leaving the database."""
    session.execute(
        "INSERT INTO sfsync.findings (audit_id, position, rule_id, object, record_id, severity, discriminator,"
        " breakdown, message, fingerprint) SELECT $audit_id, $position, $rule_id, $object, f.record_id, f.severity,"
        f" f.discriminator, f.breakdown, f.message, f.fingerprint FROM (\n{findings_sql}\n) AS f",
        {"audit_id": audit_id, "position": position, "rule_id": rule.id, "object": rule.object},
    )


def read_findings(
    session: Session, audit_id: str, *, rule_id: str | None = None, limit: int | None = None
) -> list[Finding]:
    """Stored findings, in the order of rules, records and discriminators."""
    one_rule = "" if rule_id is None else " AND rule_id = ?"
    at_most = "" if limit is None else f" LIMIT {int(limit)}"
    rows = session.execute(
        "SELECT rule_id, severity, object, record_id, message, fingerprint FROM sfsync.findings"
        f" WHERE audit_id = ?{one_rule} ORDER BY position, record_id, discriminator, fingerprint{at_most}",
        [audit_id] if rule_id is None else [audit_id, rule_id],
    )
    return [Finding(rule, Severity(severity), *others) for rule, severity, *others in rows]


def save_audit(session: Session, result: AuditResult) -> None:
    """Write down an audit and what became of every rule, passes too: a trend needs them."""
    session.execute(
        "INSERT INTO sfsync.audits VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            *(result.audit_id, result.as_of, datetime.now(UTC).replace(tzinfo=None), result.org, result.timezone),
            *(result.definitions_digest, len(result.rules)),
        ],
    )
    for position, each in enumerate(result.rules):
        _save_rule(session, result.audit_id, position, each)
    _forget_old_findings(session)


def _save_rule(session: Session, audit_id: str, position: int, result: RuleResult) -> None:
    rule = result.rule
    details = {
        "breakdown": result.breakdown,
        "severities": {severity.value: count for severity, count in result.severities.items()},
        "values": dict(result.values),
        "thresholds": [[t.parameter, t.segment, t.value, t.n, t.origin] for t in result.thresholds],
    }
    session.execute(
        "INSERT INTO sfsync.audit_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(audit_id, position, rule.id, result.state.value, result.severity.value, rule.confidence.value),
            *(result.count, result.eligible, result.reason, result.enable, result.sql),
            json.dumps(details, default=str),
        ],
    )


def _forget_old_findings(session: Session) -> None:
    """Drop the findings of all but the newest audits."""
    session.execute(
        "DELETE FROM sfsync.findings WHERE audit_id NOT IN"
        f" (SELECT audit_id FROM sfsync.audits ORDER BY audit_id DESC LIMIT {KEPT_AUDITS})"
    )
