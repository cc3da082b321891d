"""How audits of this mirror went over time: what each rule found in number is kept for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.audit.stored import recent_audits
from sfsync.errors import StoreMissing, UsageError
from sfsync.store.interface import Session


@dataclass(frozen=True, slots=True)
class AuditPoint:
    """One audit, or a part of its rules, in numbers.

    Attributes:
        audit_id: Its name.
        as_of: The mirror's time, naive UTC.
        unfit: Why the mirror could not be judged, or None.
        rules: Rules that ran.
        not_evaluable: Those of them that could not look.
        found: Findings, waived ones left out.
        eligible: Things judged; a sum over rules, so it says something of one rule alone.
        new: Findings that nobody has seen, or that were gone in between.
        fixed: Findings of earlier audits that were gone.
        waived: Findings that a waiver covered.
    """

    audit_id: str
    as_of: datetime
    unfit: str | None
    rules: int
    not_evaluable: int
    found: int
    eligible: int | None
    new: int
    fixed: int
    waived: int


@dataclass(frozen=True, slots=True)
class RuleTrend:
    """One rule over the newest audits.

    Attributes:
        rule_id: The rule.
        severity: In the newest of them.
        counts: Findings in each, oldest first; None where it did not run or could not look.
        first_seen: As of when the oldest finding that is still there was found first.
    """

    rule_id: str
    severity: str
    counts: tuple[int | None, ...]
    first_seen: datetime | None

    @property
    def change(self) -> int | None:
        """By how much the number has changed since it was known first; None with fewer than two numbers."""
        known = [count for count in self.counts if count is not None]
        return known[-1] - known[0] if len(known) > 1 else None


def audit_points(session: Session, codes: Sequence[str] = (), limit: int = 30) -> list[AuditPoint]:
    """The newest audits, oldest first.

    Args:
        session: Of the mirror.
        codes: Only these rules: ids, or how they begin.
        limit: So many audits at most.

    Raises:
        StoreMissing: The mirror was never audited.
        UsageError: No rule of any audit begins like one of the codes.
    """
    if not recent_audits(session):
        raise StoreMissing("this mirror was never audited", hint="run `sfsync audit` first")
    wanted = [code.strip().upper() for words in codes for code in words.split(",") if code.strip()]
    for code in wanted:
        known = session.execute(
            "SELECT rule_id FROM sfsync.audit_rules WHERE substr(rule_id, 1, length(?)) = ? LIMIT 1", [code, code]
        )
        if not known.rows:
            raise UsageError(f"no rule that was ever audited is called `{code}` or begins with it")
    of_rules = " OR ".join("substr(r.rule_id, 1, length(?)) = ?" for _ in wanted) or "TRUE"
    rows = session.execute(
        "SELECT a.audit_id, a.as_of, a.unfit, count(*), sum(CASE WHEN r.state = 'not_evaluable' THEN 1 ELSE 0 END),"
        " sum(r.finding_count), sum(r.eligible), sum(COALESCE(r.new_count, 0) + COALESCE(r.reappeared_count, 0)),"
        " sum(COALESCE(r.fixed_count, 0)), sum(COALESCE(r.waived_count, 0))"
        " FROM sfsync.audits AS a JOIN sfsync.audit_rules AS r ON r.audit_id = a.audit_id"
        f" WHERE {of_rules} GROUP BY a.audit_id, a.as_of, a.unfit ORDER BY a.audit_id DESC LIMIT {int(limit)}",
        [code for each in wanted for code in (each, each)],
    )
    return [_point(*row) for row in reversed(rows.rows)]


def _point(audit_id: str, as_of: datetime, unfit: str | None, *counts: int | None) -> AuditPoint:
    rules, blind, found, eligible, new, fixed, waived = (None if n is None else int(n) for n in counts)
    return AuditPoint(
        audit_id, as_of, unfit, rules or 0, blind or 0, found or 0, eligible, new or 0, fixed or 0, waived or 0
    )


def rule_trends(session: Session, points: Sequence[AuditPoint]) -> list[RuleTrend]:
    """Every rule that ran in these audits, in the order of the newest one."""
    places = {point.audit_id: index for index, point in enumerate(points)}
    marks = ", ".join("?" for _ in places)
    rows = session.execute(
        "SELECT audit_id, rule_id, severity, CASE WHEN state = 'not_evaluable' THEN NULL ELSE finding_count END"
        f" FROM sfsync.audit_rules WHERE audit_id IN ({marks}) ORDER BY audit_id DESC, position",
        list(places),
    )
    oldest = dict(
        session.execute(
            "SELECT rule_id, min(first_seen) FROM sfsync.finding_history WHERE gone_at IS NULL GROUP BY rule_id"
        ).rows
    )
    counts: dict[str, list[int | None]] = {}
    severities: dict[str, str] = {}
    for audit_id, rule_id, severity, count in rows:
        severities.setdefault(rule_id, severity)
        counts.setdefault(rule_id, [None] * len(points))[places[audit_id]] = None if count is None else int(count)
    return [RuleTrend(rule, severities[rule], tuple(told), oldest.get(rule)) for rule, told in counts.items()]
