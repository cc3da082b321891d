"""What rules propose for their findings: kept with the audit, until somebody asks for a plan of it."""

from __future__ import annotations

from sfsync.audit.rule import Rule
from sfsync.audit.standing import FindingState
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote

TABLES = (
    "CREATE TABLE IF NOT EXISTS sfsync.fixes (audit_id VARCHAR, rule_id VARCHAR, object VARCHAR, record_id VARCHAR,"
    " fingerprint VARCHAR, field VARCHAR, value VARCHAR, reason VARCHAR)",
)


def keep_fixes(session: Session, audit_id: str, rule: Rule, proposed: str) -> None:
    """Keep what a rule proposes, a row a value, in the session's transaction.

    Args:
        session: A writing session.
        audit_id: Under which the findings are stored.
        rule: Has a `fix`.
        proposed: Temporary table of record_id, fingerprint, reason and a column for each field.
    """
    assert rule.fix is not None  # noqa: S101 - the table is made of it
    for field in rule.fix.set:
        session.execute(
            "INSERT INTO sfsync.fixes (audit_id, rule_id, object, record_id, fingerprint, field, value, reason)"
            f" SELECT ?, ?, ?, record_id, fingerprint, ?, CAST({quote(field)} AS VARCHAR), reason FROM {proposed}"
            f" WHERE {quote(field)} IS NOT NULL",
            [audit_id, rule.id, rule.object, field],
        )


def proposals_sql(audit_id: str) -> str:
    """A SELECT of what an audit proposes but for what is waived: object, record_id, field, value, rule_id, reason."""
    return (
        "SELECT DISTINCT p.object, p.record_id, p.field, p.value, p.rule_id, p.reason FROM sfsync.fixes AS p "
        "JOIN sfsync.findings AS f ON f.audit_id = p.audit_id AND f.fingerprint = p.fingerprint "
        f"WHERE p.audit_id = {literal(audit_id)} AND f.state <> {literal(FindingState.WAIVED.value)}"
    )
