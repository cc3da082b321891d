"""What an audit says: one result a rule, the metrics, and the findings where they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.audit.baseline import BaselineUse
from sfsync.audit.ledger import read_findings
from sfsync.audit.parameter import Value
from sfsync.audit.rule import Rule
from sfsync.audit.standing import FRESH, FindingState
from sfsync.audit.waive import Waivers
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
class SegmentResult:
    """What became of the records for which sfsync.yml sets something else.

    Attributes:
        name: e.g. `LeadSource = Trade Show`.
        values: Parameters used for them.
        eligible: How many were judged; None where they are left out.
        count: Findings among them, waived ones too.
    """

    name: str
    values: Mapping[str, Value]
    eligible: int | None
    count: int = 0


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule.

    Attributes:
        rule: The rule.
        state: `pass`, `finding` or `not_evaluable`. A pass with `eligible` 0 judged nothing: see `vacuous`.
        count: Number of findings, without the waived ones.
        eligible: Number of things judged (the denominator of `count`); None when not evaluable.
        reason: Why it is not evaluable, why nothing was judged, or what it could not see; None when all is said.
        enable: What would make it evaluable.
        sql: The exact statement that finds; empty when not evaluable.
        breakdown: Bucket → findings.
        severities: Severity → findings, without the waived ones.
        values: Parameters used.
        thresholds: Numbers the data decided.
        override: The severity the project gives all of its findings, where it does.
        states: State → severity → findings, waived ones too.
        fixed: How many findings of earlier audits are gone.
        not_judged: How many known findings nobody looked for this time.
        compared_with: The audit that judged it last, or None where this one is the first.
        changed: The rule, its settings or the definitions are others than then, so what is gone need not be mended.
        position: Among the rules of the audit.
        owner: Who looks after its findings, where the project says so.
        where: The condition that a record had to meet to be judged, where the project has one.
        segments: Parts of the records for which the project sets something else.
        broken: It is not evaluable because the database refuses its SQL, which no rule should come to.
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
    states: Mapping[FindingState, Mapping[Severity, int]] = field(default_factory=dict)
    fixed: int = 0
    not_judged: int = 0
    compared_with: str | None = None
    changed: bool = False
    position: int = 0
    owner: str | None = None
    where: str | None = None
    segments: tuple[SegmentResult, ...] = ()
    broken: bool = False

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

    def in_finding_state(self, state: FindingState) -> int:
        """How many findings are in this state."""
        return self.fixed if state is FindingState.FIXED else sum(self.states.get(state, {}).values())

    def open_at_least(self, severity: Severity) -> int:
        """How many findings are of this severity or worse, the waived ones left out."""
        return sum(self.severities.get(worse, 0) for worse in _from(severity))

    def at_least(self, severity: Severity, *, only_new: bool = False) -> int:
        """How many findings are of this severity or worse, waived and baselined ones left out.

        Args:
            severity: The mildest that counts.
            only_new: Count those alone that no earlier audit has seen, or that were gone in between.
        """
        if only_new:
            return sum(self.states.get(state, {}).get(worse, 0) for state in FRESH for worse in _from(severity))
        settled = self.states.get(FindingState.BASELINED, {})
        return self.open_at_least(severity) - sum(settled.get(worse, 0) for worse in _from(severity))


def _from(severity: Severity) -> tuple[Severity, ...]:
    """This severity and all that are worse."""
    return SEVERITIES[: SEVERITIES.index(severity) + 1]


@dataclass(frozen=True, slots=True)
class Strip:
    """The audit in five numbers, none of which is a score.

    Attributes:
        new: Findings that no earlier audit has seen, or that were gone in between.
        persisting: Findings that were there before, those of the baseline too.
        fixed: Findings of earlier audits that are gone.
        waived: Findings that a waiver covers.
        not_evaluable: Rules that could not look.
    """

    new: int
    persisting: int
    fixed: int
    waived: int
    not_evaluable: int


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether the mirror can be judged.

    Attributes:
        unfit: Why not, one sentence a rule; empty when it can.
        blind: Rules that would have to say so and are not evaluable.
        ignored: The mirror is unfit, and was judged all the same.
    """

    unfit: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    ignored: bool = False

    @property
    def fit(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.unfit


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
        fitness: Whether the mirror can be judged at all.
        waivers: Those of the project, with what they cover.
        baseline: What the baseline did, where there is one.
        compared_with: The last audit of the same org before this one, or None where this one is the first.
        profile: Name of the profile that held, or None.
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
    fitness: Fitness = field(default_factory=Fitness)
    waivers: Waivers = field(default_factory=Waivers)
    baseline: BaselineUse | None = None
    compared_with: str | None = None
    profile: str | None = None
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

    def at_least(self, severity: Severity, *, only_new: bool = False) -> int:
        """How many findings count against a run: of this severity or worse, neither waived nor in the baseline.

        Those of heuristic rules never count.
        """
        return sum(
            result.at_least(severity, only_new=only_new)
            for result in self.rules
            if result.rule.confidence is not Confidence.HEURISTIC
        )

    @property
    def positions(self) -> tuple[int, ...]:
        """Where each rule stood when it was judged."""
        return tuple(result.position for result in self.rules)

    @property
    def judged(self) -> tuple[str, ...]:
        """Ids of the rules that could look."""
        return tuple(result.rule.id for result in self.rules if result.state is not RuleState.NOT_EVALUABLE)

    def in_finding_state(self, state: FindingState) -> int:
        """How many findings are in this state."""
        return sum(result.in_finding_state(state) for result in self.rules)

    @property
    def strip(self) -> Strip:
        """The audit in five numbers."""
        return Strip(
            new=sum(self.in_finding_state(state) for state in FRESH),
            persisting=sum(self.in_finding_state(state) for state in (FindingState.PERSISTING, FindingState.BASELINED)),
            fixed=self.in_finding_state(FindingState.FIXED),
            waived=self.in_finding_state(FindingState.WAIVED),
            not_evaluable=sum(1 for _ in self.in_state(RuleState.NOT_EVALUABLE)),
        )
