"""What audits of one org have found over time: one row a fingerprint, with when it came and when it went.

Only what changes is written, so an audit that finds the same million faults again writes nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sfsync.store.interface import Session

#: A finding that was gone for so long and comes back is new.
REMEMBERED = timedelta(days=730)

TABLES = (
    "CREATE TABLE IF NOT EXISTS sfsync.finding_history (org_id VARCHAR, rule_id VARCHAR, fingerprint VARCHAR,"
    " object VARCHAR, record_id VARCHAR, severity VARCHAR, first_seen TIMESTAMP, first_audit VARCHAR,"
    " gone_at TIMESTAMP, gone_audit VARCHAR)",
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Which audit it is.

    Attributes:
        audit_id: Its name.
        org_id: Of the mirror, empty where unknown.
        as_of: The mirror's time, naive UTC.
    """

    audit_id: str
    org_id: str
    as_of: datetime


def remember(session: Session, moment: Moment, judged: Sequence[str]) -> None:
    """Write down what has come, come back and gone with this audit.

    Args:
        session: A writing session, with the audit's findings stored.
        moment: The audit.
        judged: Rules that looked; nothing is known to be gone of the others.
    """
    params = {"audit": moment.audit_id, "org": moment.org_id, "as_of": moment.as_of}
    session.execute(
        "INSERT INTO sfsync.finding_history (org_id, rule_id, fingerprint, object, record_id, severity, first_seen,"
        " first_audit) SELECT $org, f.rule_id, f.fingerprint, f.object, f.record_id, f.severity, f.first_seen, $audit"
        " FROM sfsync.findings AS f LEFT JOIN sfsync.finding_history AS k"
        " ON k.org_id = $org AND k.fingerprint = f.fingerprint WHERE f.audit_id = $audit AND k.fingerprint IS NULL"
        " AND f.first_seen = $as_of",
        params,
    )
    session.execute(
        "UPDATE sfsync.finding_history SET gone_at = NULL, gone_audit = NULL WHERE org_id = $org"
        " AND gone_at IS NOT NULL"
        " AND fingerprint IN (SELECT f.fingerprint FROM sfsync.findings AS f WHERE f.audit_id = $audit)",
        {"audit": moment.audit_id, "org": moment.org_id},
    )
    if judged:
        marks = ", ".join(f"$r{i}" for i in range(len(judged)))
        session.execute(
            "UPDATE sfsync.finding_history SET gone_at = $as_of, gone_audit = $audit WHERE org_id = $org"
            f" AND gone_at IS NULL AND rule_id IN ({marks}) AND fingerprint NOT IN"
            " (SELECT f.fingerprint FROM sfsync.findings AS f WHERE f.audit_id = $audit)",
            params | {f"r{i}": rule_id for i, rule_id in enumerate(judged)},
        )
    session.execute(
        "DELETE FROM sfsync.finding_history WHERE gone_at < $horizon", {"horizon": moment.as_of - REMEMBERED}
    )


def fixed_by(session: Session, audit_id: str) -> dict[str, int]:
    """Rule → how many of its findings went with this audit."""
    return dict(
        session.execute(
            "SELECT rule_id, count(*) FROM sfsync.finding_history WHERE gone_audit = ? GROUP BY rule_id", [audit_id]
        ).rows
    )


def standing_open(session: Session, org_id: str) -> Mapping[str, int]:
    """Rule → how many findings are known and not known to be gone."""
    return dict(
        session.execute(
            "SELECT rule_id, count(*) FROM sfsync.finding_history WHERE org_id = ? AND gone_at IS NULL"
            " GROUP BY rule_id",
            [org_id],
        ).rows
    )
