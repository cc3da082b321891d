"""Rules as the report shows them: what was found and where, why it matters, what to do, and how it was looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.audit.links import is_metadata_name
from sfsync.audit.result import SEVERITIES, RuleResult
from sfsync.audit.standing import FindingState
from sfsync.records import Finding, RuleState, Severity
from sfsync.report.metric_cards import Table
from sfsync.report.text import impersonal, is_record_id, number, percentage, record_link, visible

#: Findings listed for one rule, and for all of them; the rest is a command away, and a report must open at once.
MOST_FINDINGS = 40
MOST_IN_ALL = 1200
FEWEST_FINDINGS = 5

#: Characters of one statement, and of all: a command shows the others.
MOST_SQL = 4000
MOST_SQL_IN_ALL = 20_000

#: Buckets and data-driven thresholds listed for one rule.
MOST_BUCKETS = 12
MOST_THRESHOLDS = 40

#: What a person reads for a severity.
SEVERITY_NAMES = {Severity.ERROR: "Error", Severity.WARNING: "Warning", Severity.INFO: "Advice"}


@dataclass(frozen=True, slots=True)
class Record:
    """One finding's record.

    Attributes:
        id: The Id, or words in its place where it does not have the form of one.
        object: API name.
        link: Address of its page in the org, or None.
        message: What the finding says, or None where values are kept out of the report.
    """

    id: str
    object: str
    link: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class RuleCard:
    """One rule that was evaluated.

    Attributes:
        id: e.g. `CV001`.
        name: e.g. `no-account`.
        title: What a finding means, as a sentence.
        group: e.g. `conversion integrity`.
        severity: `error`, `warning` or `info`: of the worst finding.
        severity_name: The word for it.
        confidence: `certain`, `likely` or `heuristic`.
        count: Number of findings, as text.
        basis: `of 842 converted leads`, or an empty text where the rule counts no population.
        share: Findings ÷ population, as text, or None.
        bar: The same as a number of percent, at most 100, for a bar.
        why: Why it matters.
        remedy: What to do.
        caveats: When a finding may be wrong.
        unseen: What the rule could not see in this org, or None.
        severities: (severity, number of findings), where findings differ in it.
        states: (state, number of findings), since the last audit that judged the rule.
        since: Of what day the oldest of its findings is, in words, or None.
        breakdown: (bucket, number of findings), most first.
        records: The first findings.
        more: How many findings are not listed, as text, or None.
        settings: The parameters that were used, in words.
        thresholds: The numbers that the org's own data decided, or None.
        sql: The statement that found them; None where it is too long for the page.
        command: The command line that lists all of them.
    """

    id: str
    name: str
    title: str
    group: str
    severity: str
    severity_name: str
    confidence: str
    count: str
    basis: str
    share: str | None
    bar: float
    why: str
    remedy: str
    caveats: tuple[str, ...]
    unseen: str | None
    severities: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    since: str | None
    breakdown: tuple[tuple[str, str], ...]
    records: tuple[Record, ...]
    more: str | None
    settings: tuple[str, ...]
    thresholds: Table | None
    sql: str | None
    command: str


def by_weight(results: Sequence[RuleResult]) -> list[RuleResult]:
    """Rules that found something, worst severity first, then the largest share of what they judge."""
    found = [result for result in results if result.state is RuleState.FINDING]
    return sorted(found, key=lambda r: (SEVERITIES.index(r.worst), -(r.rate or 0), -r.count, r.rule.id))


def records_each(rules: int) -> int:
    """How many findings are listed for a rule when so many rules found something."""
    return min(MOST_FINDINGS, max(FEWEST_FINDINGS, MOST_IN_ALL // max(rules, 1)))


def with_statements(results: Sequence[RuleResult]) -> frozenset[str]:
    """The rules whose statement is shown: short ones, from the first on, as far as there is room for all of them."""
    shown, room = set(), MOST_SQL_IN_ALL
    for result in results:
        if len(result.sql) <= min(MOST_SQL, room):
            shown.add(result.rule.id)
            room -= len(result.sql)
    return frozenset(shown)


@dataclass(frozen=True, slots=True)
class Page:
    """What every card of a page is told.

    Attributes:
        audit_id: Whose findings are shown.
        host: Of the org, for links into it; None where it is not known.
        objects: What the mirror holds.
        include_values: Whether what fields hold may stand on it.
        oldest: Id of a rule → as of when the oldest of its findings was found first.
        with_sql: Ids of the rules for whose statement there is room.
    """

    audit_id: str
    host: str | None
    objects: frozenset[str]
    include_values: bool
    oldest: Mapping[str, datetime]
    with_sql: frozenset[str]

    @property
    def label(self) -> Callable[[object], str]:
        """How a value is written that may be about a person."""
        return visible if self.include_values else impersonal


def rule_card(result: RuleResult, findings: Sequence[Finding], page: Page) -> RuleCard:
    """The card of one rule, with the findings that are to be listed."""
    rule = result.rule
    severity = result.worst
    left = result.count - len(findings)
    share = None if result.rate is None else 100 * result.rate
    return RuleCard(
        id=rule.id,
        name=rule.name,
        title=rule.title,
        group=rule.group,
        severity=severity.value,
        severity_name=SEVERITY_NAMES[severity],
        confidence=rule.confidence.value,
        count=number(result.count),
        basis=f"of {number(result.eligible)} {rule.population}" if result.eligible is not None else "",
        share=None if share is None else percentage(share),
        bar=min(share or 0.0, 100.0),
        why=rule.why,
        remedy=rule.remedy,
        caveats=rule.caveats,
        unseen=visible(result.reason, 2000) if result.reason else None,
        severities=_severities(result),
        states=_states(result),
        since=_since(page.oldest.get(rule.id)),
        breakdown=_breakdown(result, page.label),
        records=tuple(_record(finding, page) for finding in findings),
        more=number(left) if left > 0 else None,
        settings=_settings(result),
        thresholds=_thresholds(result, page.label),
        sql=result.sql.strip() if rule.id in page.with_sql else None,
        command=_command(rule.id, page.audit_id),
    )


def _severities(result: RuleResult) -> tuple[tuple[str, str], ...]:
    graded = [
        (SEVERITY_NAMES[each], number(result.severities[each])) for each in SEVERITIES if result.severities.get(each)
    ]
    return tuple(graded) if len(graded) > 1 else ()


def _states(result: RuleResult) -> tuple[tuple[str, str], ...]:
    """What became of the findings; where nobody has looked before, only what is not plainly new."""
    plain = {FindingState.NEW} if result.compared_with is None else set()
    counts = [(state, result.in_finding_state(state)) for state in FindingState if state not in plain]
    return tuple((state.value, number(n)) for state, n in counts if n)


def _since(oldest: datetime | None) -> str | None:
    return None if oldest is None else f"{oldest:%d %B %Y}".lstrip("0")


def _breakdown(result: RuleResult, label: Callable[[object], str]) -> tuple[tuple[str, str], ...]:
    """The buckets with most findings, and the rest as one; a single bucket says nothing."""
    ordered = sorted(result.breakdown.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) < 2:
        return ()
    shown = [(label(bucket), number(n)) for bucket, n in ordered[:MOST_BUCKETS]]
    rest = sum(n for _, n in ordered[MOST_BUCKETS:])
    return (*shown, *([("all others", number(rest))] if rest else []))


def _settings(result: RuleResult) -> tuple[str, ...]:
    told = []
    for name, value in result.values.items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else "not set" if value is None else str(value)
        parameter = result.rule.params.get(name)
        unit = f" {parameter.unit}" if parameter and parameter.unit and isinstance(value, int | float) else ""
        told.append(f"{name} = {visible(shown)}{unit}" + (f": {parameter.about}" if parameter else ""))
    return tuple(told)


def _thresholds(result: RuleResult, label: Callable[[object], str]) -> Table | None:
    rows = tuple(
        (label(each.segment), each.parameter, f"{each.value:,g}", number(each.n), each.origin)
        for each in result.thresholds[:MOST_THRESHOLDS]
    )
    columns = ("For", "Parameter", "Value", "From records", "Origin")
    return Table("thresholds", "Numbers the org's own data decided", columns, rows) if rows else None


def _command(rule_id: str, audit_id: str) -> str:
    where = f"audit_id = '{audit_id}' AND rule_id = '{rule_id}'"
    return f'sfsync query --csv "SELECT object, record_id, message FROM sfsync.findings WHERE {where}"'


def _record(finding: Finding, page: Page) -> Record:
    # A rule of one's own may hand over anything as an Id, an e-mail address for one.
    named = is_record_id(finding.record_id) or is_metadata_name(finding.record_id, page.objects)
    return Record(
        id=visible(finding.record_id, 80) if named or page.include_values else "(not a record Id)",
        object=visible(finding.object, 80),
        link=record_link(page.host, finding.object, finding.record_id),
        message=visible(finding.message) if page.include_values else None,
    )
