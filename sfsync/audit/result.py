"""What an audit says: one result a rule, the metrics, and the findings where they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.audit.ledger import read_findings
from sfsync.audit.parameter import Value
from sfsync.audit.rule import Rule
from sfsync.records import Confidence, Finding, MetricResult, RuleState, Severity
from sfsync.store.interface import Store

#: Worst first.
SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that the data decided, or could not decide.

    Attributes:
        parameter: Name of the rule's parameter.
        segment: What it applies to, e.g. a lead source.
        value: The number used.
        n: How many records it rests on.
        origin: `auto` (from the data), `fallback` (too few records) or `set` (in sfsync.yml).
    """

    parameter: str
    segment: str
    value: float
    n: int
    origin: str


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule.

    Attributes:
        rule: The rule.
        state: `pass`, `finding` or `not_evaluable`. A pass with `eligible` 0 judged nothing: see `vacuous`.
        count: Number of findings.
        eligible: Number of things judged (the denominator of `count`); None when not evaluable.
        reason: Why it is not evaluable, why nothing was judged, or what it could not see; None when all is said.
        enable: What would make it evaluable.
        sql: The exact statement that finds; empty when not evaluable.
        breakdown: Bucket → findings.
        severities: Severity → findings.
        values: Parameters used.
        thresholds: Numbers the data decided.
        override: The severity the project gives all of its findings, where it does.
    """

    rule: Rule
    state: RuleState
    count: int = 0
    eligible: int | None = None
    reason: str | None = None
    enable: str | None = None
    sql: str = ""
    breakdown: dict[str, int] = field(default_factory=dict)
    severities: dict[Severity, int] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    override: Severity | None = None

    @property
    def severity(self) -> Severity:
        """How severe its findings are, the worst of them where they differ."""
        return self.override or self.rule.severity

    @property
    def worst(self) -> Severity:
        """How severe its worst finding is; without findings, how severe one would be."""
        return next((severity for severity in SEVERITIES if self.severities.get(severity)), self.severity)

    @property
    def vacuous(self) -> bool:
        """Whether the rule passed because there was nothing to judge."""
        return self.state is RuleState.PASS and self.eligible == 0

    @property
    def rate(self) -> float | None:
        """Findings among the things judged, or None when nothing was."""
        return self.count / self.eligible if self.eligible else None

    def at_least(self, severity: Severity) -> int:
        """How many findings are of this severity or worse."""
        return sum(self.severities.get(worse, 0) for worse in SEVERITIES[: SEVERITIES.index(severity) + 1])


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One audit of one mirror.

    Attributes:
        audit_id: Under which its findings are stored.
        as_of: The mirror's own time, naive UTC.
        rules: One result a rule that ran, in the order shown.
        metrics: The figures.
        org: 18-character Id of the org, or None when unknown.
        instance_url: Where the org is, for record links.
        timezone: In which days were counted.
        definitions_digest: Hash of the definitions used.
        disabled: Rules that sfsync.yml turns off.
        warnings: What a reader must know before believing the rest.
    """

    audit_id: str
    as_of: datetime
    rules: tuple[RuleResult, ...]
    metrics: tuple[MetricResult, ...]
    org: str | None
    instance_url: str | None
    timezone: str
    definitions_digest: str
    disabled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    store: Store | None = field(default=None, repr=False, compare=False)

    def rule(self, rule_id: str) -> RuleResult:
        """The result of one rule. Raises `KeyError` when it did not run."""
        for result in self.rules:
            if result.rule.id == rule_id:
                return result
        raise KeyError(rule_id)

    def findings(self, rule_id: str | None = None, limit: int | None = None) -> list[Finding]:
        """The stored findings, of one rule or of all, in a fixed order.

        Args:
            rule_id: Of this rule alone.
            limit: At most this many.
        """
        if self.store is None:
            return []
        with self.store.reading() as session:
            return read_findings(session, self.audit_id, rule_id=rule_id, limit=limit)

    def in_state(self, state: RuleState) -> Iterator[RuleResult]:
        """The rules of this state."""
        return (result for result in self.rules if result.state is state)

    def at_least(self, severity: Severity) -> int:
        """How many findings are of this severity or worse; those of heuristic rules never count against a run."""
        return sum(
            result.at_least(severity) for result in self.rules if result.rule.confidence is not Confidence.HEURISTIC
        )
