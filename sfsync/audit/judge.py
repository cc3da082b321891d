"""Settles what a rule has found: stores it, counts it, and holds it to the project's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sfsync.audit.context import AuditContext
from sfsync.audit.find import Found, FoundPart
from sfsync.audit.fixes import keep_fixes
from sfsync.audit.ledger import grade_findings, insert_findings, tally
from sfsync.audit.needs import missed_options
from sfsync.audit.overrides import ResolvedRule
from sfsync.audit.result import RuleResult, SegmentResult
from sfsync.audit.standing import FindingState
from sfsync.errors import Problem, RuleError
from sfsync.records import RuleState, Severity
from sfsync.store.interface import Session

#: Buckets shown of a breakdown; a rule that makes more breaks nothing down.
MOST_BUCKETS = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where findings are stored.

    Attributes:
        session: A writing session, with the temporary tables of what was found.
        audit_id: Under which they are stored.
        position: Of the rule among those that run.
        context: The mirror's time and definitions, and what findings are held against.
    """

    session: Session
    audit_id: str
    position: int
    context: AuditContext


def judge(found: Found, place: Place) -> RuleResult:
    """Store what a rule has found, and say what became of it.

    Raises:
        RuleError: The rule finds something twice, or in words nobody knows.
    """
    resolved = found.resolved
    if found.unmet is not None:
        return RuleResult(
            resolved.rule,
            RuleState.NOT_EVALUABLE,
            reason=found.unmet.reason,
            enable=found.unmet.enable,
            values=resolved.values,
            override=resolved.severity,
            owner=resolved.owner,
            where=resolved.where,
            broken=found.broken,
        )
    segments = tuple(_segment(part, found, place) for part in found.parts[:-1])
    _store(found.parts[-1], found, place)
    eligible = sum(part.eligible for part in found.parts)
    counts = _count(resolved, place)
    level = resolved.level(counts.findings, eligible)
    if level is not None and set(counts.severities) - {level}:
        grade_findings(place.session, place.audit_id, place.position, level)
        counts = _count(resolved, place)
    severity = level or resolved.severity
    return RuleResult(
        resolved.rule,
        RuleState.FINDING if counts.findings else RuleState.PASS,
        count=counts.findings,
        eligible=eligible,
        reason="; ".join(_reasons(resolved, place.context, counts.findings, eligible)) or None,
        sql=found.sql,
        breakdown=counts.breakdown,
        severities=counts.severities,
        values=resolved.values,
        thresholds=found.thresholds,
        override=severity,
        states=counts.states,
        owner=resolved.owner,
        where=resolved.where,
        segments=segments,
    )


def _segment(part: FoundPart, found: Found, place: Place) -> SegmentResult:
    segment = part.segment
    assert segment is not None  # noqa: S101 - only the last part is of no segment
    if part.table is None:
        return SegmentResult(segment.name, segment.values, None)
    return SegmentResult(segment.name, segment.values, part.eligible, _store(part, found, place))


def _store(part: FoundPart, found: Found, place: Place) -> int:
    """Store what was found among some of the records; how much it is."""
    session = place.session
    count = int(session.execute(f"SELECT count(*) FROM {part.table}").scalar())
    if count:
        rule, statement = found.resolved.rule, f"SELECT * FROM {part.table}"
        insert_findings(session, place.audit_id, place.position, rule, statement, place.context.standing)
    session.execute(f"DROP TABLE {part.table}")
    if part.fixes is not None:
        keep_fixes(session, place.audit_id, found.resolved.rule, part.fixes)
        session.execute(f"DROP TABLE {part.fixes}")
    return count


def _reasons(resolved: ResolvedRule, context: AuditContext, count: int, eligible: int) -> Iterator[str]:
    if not eligible:
        yield f"nothing to judge: no {resolved.rule.population}"
    yield from missed_options(resolved.rule, context)
    left_out = [segment.name for segment in resolved.segments if not segment.enabled]
    if left_out:
        yield f"left out by sfsync.yml: {', '.join(left_out)}"
    limits = [
        f"{name} from {limit}" for name, limit in (("error", resolved.error), ("warning", resolved.warn)) if limit
    ]
    if limits and count and eligible:
        yield f"{count * 100 / eligible:.1f} % of {eligible:,}; {', '.join(limits)}"


@dataclass(frozen=True, slots=True)
class _Counts:
    findings: int
    breakdown: dict[str, int]
    severities: dict[Severity, int]
    states: Mapping[FindingState, Mapping[Severity, int]] = field(default_factory=dict)


def _count(resolved: ResolvedRule, place: Place) -> _Counts:
    """Count what a rule found, waived findings apart."""
    rule_id = resolved.rule.id
    found = tally(place.session, place.audit_id, place.position)
    if found.total != found.distinct or found.total != found.with_id:
        fault = "finds a record twice" if found.total == found.with_id else "finds something without a record_id"
        hint = "a rule that finds several faults in one record tells them apart by a column `discriminator`"
        raise RuleError([Problem(f"rule {rule_id}", None, None, f"the SQL {fault}", hint)])
    unknown = {name for counts in found.by_state.values() for name in counts} - {s.value for s in Severity}
    if unknown:
        message = f"the column `severity` holds {min(unknown)!r}"
        raise RuleError([Problem(f"rule {rule_id}", None, None, message, "error, warning or info")])
    states = {state: {Severity(name): n for name, n in counts.items()} for state, counts in found.by_state.items()}
    severities: dict[Severity, int] = {}
    for state, counts in states.items():
        for severity, n in counts.items() if state is not FindingState.WAIVED else ():
            severities[severity] = severities.get(severity, 0) + n
    buckets = place.session.execute(
        "SELECT breakdown, count(*) FROM sfsync.findings WHERE audit_id = ? AND position = ?"
        f" AND breakdown IS NOT NULL AND state <> 'waived' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_BUCKETS}",
        [place.audit_id, place.position],
    )
    return _Counts(sum(severities.values()), dict(buckets.rows), severities, states)
