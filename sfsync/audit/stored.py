"""An audit as it is written down: what every output is made of, whether it was judged a moment ago or last week."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sfsync.audit.links import instance_host, record_link
from sfsync.audit.result import SEVERITIES, Strip
from sfsync.audit.standing import FRESH, FindingState
from sfsync.errors import StoreMissing, UsageError
from sfsync.records import Severity
from sfsync.store.interface import Session

#: Findings read at once; however many there are, no more of them are held.
BATCH = 2000


class StoredFinding(NamedTuple):
    """One finding."""

    rule_id: str
    severity: str
    object: str
    record_id: str
    message: str
    fingerprint: str
    state: str
    discriminator: str | None
    breakdown: str | None
    first_seen: datetime | None
    waiver: int | None


class FixedFinding(NamedTuple):
    """One finding of earlier audits that is gone."""

    rule_id: str
    severity: str
    object: str
    record_id: str
    fingerprint: str
    first_seen: datetime | None


@dataclass(frozen=True, slots=True)
class StoredRule:
    """What became of one rule; `count` and `severities` leave waived findings out.

    Attributes:
        id: e.g. `CV001`.
        position: Among the rules of its audit.
        state: `pass`, `finding` or `not_evaluable`.
        severity: How severe its findings are, the worst of them where they differ.
        confidence: `certain`, `likely` or `heuristic`.
        count: Number of findings.
        eligible: Number of things judged; None when not evaluable.
        reason: Why it is not evaluable, why nothing was judged, or what it could not see.
        enable: What would make it evaluable.
        sql: The exact statement that finds; None once the audit is old.
        counts: State of findings → number.
        details: The rest: texts of the rule, breakdown, parameters.
    """

    id: str
    position: int
    state: str
    severity: str
    confidence: str
    count: int
    eligible: int | None
    reason: str | None
    enable: str | None
    sql: str | None
    counts: Mapping[str, int]
    details: Mapping[str, Any]

    def text(self, name: str) -> str:
        """What the rule's file said, e.g. its `title`; empty once the audit is old."""
        value = self.details.get("rule", {}).get(name)
        return value if isinstance(value, str) else ""

    @property
    def severities(self) -> dict[str, int]:
        """Severity → findings."""
        return dict(self.details.get("severities", {}))

    @property
    def worst(self) -> str:
        """How severe its worst finding is; without findings, how severe one would be."""
        return next((s.value for s in SEVERITIES if self.severities.get(s.value)), self.severity)

    @property
    def vacuous(self) -> bool:
        """Whether it passed because there was nothing to judge."""
        return self.state == "pass" and self.eligible == 0

    @property
    def broken(self) -> bool:
        """Whether the database refused its SQL."""
        return bool(self.details.get("broken"))

    @property
    def stored(self) -> int:
        """How many findings of it are kept, waived ones too."""
        return sum(n for state, n in self.counts.items() if state != FindingState.FIXED)

    def at_least(self, severity: Severity, *, only_new: bool = False) -> int:
        """How many findings count against a run; see `AuditResult.at_least`."""
        if self.confidence == "heuristic":
            return 0
        worse = [s.value for s in SEVERITIES[: SEVERITIES.index(severity) + 1]]
        open_states = FRESH if only_new else (*FRESH, FindingState.PERSISTING)
        states: Mapping[str, Mapping[str, int]] = self.details.get("states", {})
        return sum(states.get(state, {}).get(name, 0) for state in open_states for name in worse)


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """One audit.

    Attributes:
        audit_id: Its name.
        as_of: The mirror's time, naive UTC.
        audited_at: When it was made, by this machine's clock, naive UTC.
        org: 18-character Id, or None.
        timezone: In which days were counted.
        definitions_digest: Hash of the definitions used.
        unfit: Why the mirror could not be judged, or None.
        details: Metrics, waivers, baseline, warnings.
        rules: In the order shown.
    """

    audit_id: str
    as_of: datetime
    audited_at: datetime
    org: str | None
    timezone: str
    definitions_digest: str
    unfit: str | None
    details: Mapping[str, Any]
    rules: tuple[StoredRule, ...]

    @property
    def instance_url(self) -> str | None:
        """Where the org is."""
        return self.details.get("instance_url")

    @property
    def strip(self) -> Strip:
        """The audit in five numbers."""

        def count(*states: FindingState) -> int:
            return sum(rule.counts.get(state, 0) for rule in self.rules for state in states)

        return Strip(
            new=count(*FRESH),
            persisting=count(FindingState.PERSISTING, FindingState.BASELINED),
            fixed=count(FindingState.FIXED),
            waived=count(FindingState.WAIVED),
            not_evaluable=sum(rule.state == "not_evaluable" for rule in self.rules),
        )

    @property
    def blind(self) -> list[str]:
        """Rules on the mirror's fitness that could not look."""
        return list(self.details.get("fitness", {}).get("blind", ()))

    @property
    def total(self) -> int:
        """How many findings are kept, waived ones too."""
        return sum(rule.stored for rule in self.rules)

    def at_least(self, severity: Severity, *, only_new: bool = False) -> int:
        """How many findings count against a run; see `AuditResult.at_least`."""
        return sum(rule.at_least(severity, only_new=only_new) for rule in self.rules)

    def link(self, object_name: str, record_id: str) -> str | None:
        """Address of a record's page in the org."""
        return record_link(instance_host(self.instance_url), object_name, record_id)


def read_audit(session: Session, audit_id: str | None = None) -> StoredAudit:
    """An audit, or the newest one. Raises `UsageError` when there is no such audit, and `StoreMissing` without any.

    Args:
        session: Of the mirror.
        audit_id: Its name, or the beginning of it.
    """
    names = recent_audits(session)
    if not names:
        raise StoreMissing("this mirror was never audited", hint="run `sfsync audit` first")
    matching = [name for name in names if audit_id is None or name.startswith(audit_id)]
    if not matching or (audit_id is not None and len(matching) > 1 and audit_id not in matching):
        what = "several audits begin" if matching else "no audit begins"
        raise UsageError(f"{what} with `{audit_id}`", hint="`sfsync audit trend` lists the audits there are")
    name = audit_id if audit_id in matching else matching[0]
    row = session.execute(
        "SELECT as_of, audited_at, org_id, timezone, definitions_digest, unfit, details FROM sfsync.audits"
        " WHERE audit_id = ?",
        [name],
    ).rows[0]
    if row[-1] is None:  # forgotten
        raise UsageError(
            f"of audit {name} only the numbers are left: findings are kept of the newest audits alone",
            hint="`sfsync audit trend` shows its numbers",
        )
    as_of, audited_at, org, timezone, digest, unfit, details = row
    rules = _read_rules(session, str(name))
    return StoredAudit(
        str(name), as_of, audited_at, org, timezone, digest, unfit=unfit, details=json.loads(details), rules=rules
    )


def recent_audits(session: Session) -> list[str]:
    """Names of all audits, newest first."""
    known = session.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'sfsync' AND table_name = 'audits'"
        " AND column_name = 'details'"
    )
    if not known.rows:
        return []
    return [name for (name,) in session.execute("SELECT audit_id FROM sfsync.audits ORDER BY audit_id DESC")]


_PLAIN = ("id", "position", "state", "severity", "confidence", "count", "eligible", "reason", "enable", "sql")


def _read_rules(session: Session, audit_id: str) -> tuple[StoredRule, ...]:
    names = [f"{state.value}_count" for state in FindingState]
    rows = session.execute(
        "SELECT rule_id, position, state, severity, confidence, finding_count, eligible, reason, enable, sql_text,"
        f" details, {', '.join(names)} FROM sfsync.audit_rules WHERE audit_id = ? ORDER BY position",
        [audit_id],
    )
    return tuple(
        StoredRule(
            **dict(zip(_PLAIN, row[:10], strict=True)),
            counts={state.value: int(n or 0) for state, n in zip(FindingState, row[11:], strict=True)},
            details=json.loads(row[10] or "{}"),
        )
        for row in rows
    )


_COLUMNS = (
    "rule_id, severity, object, record_id, message, fingerprint, state, discriminator, breakdown, first_seen, waiver"
)


def finding_batches(
    session: Session, audit: StoredAudit, *, rule: StoredRule | None = None, limit: int | None = None
) -> Iterator[list[StoredFinding]]:
    """The findings in their order, a batch at a time.

    Args:
        session: Of the mirror.
        audit: Whose findings.
        rule: Of this rule alone.
        limit: At most so many.
    """
    left = limit
    for each in audit.rules if rule is None else (rule,):
        first = 1
        while first <= each.stored and (left is None or left > 0):
            size = BATCH if left is None else min(BATCH, left)
            rows = session.execute(
                f"SELECT {_COLUMNS} FROM sfsync.findings WHERE audit_id = ? AND position = ?"
                " AND number BETWEEN ? AND ? ORDER BY number",
                [audit.audit_id, each.position, first, first + size - 1],
            ).rows
            if rows:
                yield [StoredFinding(*row) for row in rows]
            left = None if left is None else left - len(rows)
            first += size


def worst_findings(session: Session, audit: StoredAudit, limit: int) -> list[StoredFinding]:
    """So many findings at most: the worst first, and among them those that nobody has seen or settled."""
    rows = session.execute(
        f"SELECT {_COLUMNS} FROM sfsync.findings WHERE audit_id = ? ORDER BY"
        " CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,"
        " CASE state WHEN 'new' THEN 0 WHEN 'reappeared' THEN 0 WHEN 'persisting' THEN 1 ELSE 2 END,"
        f" position, number LIMIT {int(limit)}",
        [audit.audit_id],
    )
    return [StoredFinding(*row) for row in rows]


def fixed_batches(session: Session, audit: StoredAudit) -> Iterator[list[FixedFinding]]:
    """The findings of earlier audits that went with this one, a batch at a time."""
    last = ""
    while any(rule.counts.get(FindingState.FIXED) for rule in audit.rules):
        rows = session.execute(
            "SELECT rule_id, severity, object, record_id, fingerprint, first_seen FROM sfsync.finding_history"
            f" WHERE gone_audit = ? AND fingerprint > ? ORDER BY fingerprint LIMIT {BATCH}",
            [audit.audit_id, last],
        ).rows
        if rows:
            yield [FixedFinding(*row) for row in rows]
            last = rows[-1][4]
        if len(rows) < BATCH:
            return
