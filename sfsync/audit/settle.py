"""What an audit knows before it begins, and what is settled when it ends: states, waivers, baseline, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.audit.baseline import baseline_use, load_baseline
from sfsync.audit.context import AuditContext
from sfsync.audit.history import Moment, fixed_by, remember, standing_open
from sfsync.audit.ledger import LastJudgement, judged_as, last_judgements, save_audit, waiver_uses
from sfsync.audit.result import AuditResult, RuleResult
from sfsync.audit.rule import Rule
from sfsync.audit.standing import NOTHING_KNOWN, Standing, standing_of
from sfsync.audit.waive import count_uses, resolve_waivers, store_waivers
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.records import MetricResult, RuleState
from sfsync.store.interface import Session
from sfsync.store.mirror import MirrorState


@dataclass(frozen=True, slots=True)
class Before:
    """What is known when an audit begins.

    Attributes:
        standing: What findings are held against.
        last: Rule → when it was judged last.
        baseline: The file of the baseline, or None.
    """

    standing: Standing = NOTHING_KNOWN
    last: Mapping[str, LastJudgement] | None = None
    baseline: Path | None = None


def look_back(
    session: Session,
    state: MirrorState,
    context: AuditContext,
    rules: Sequence[Rule],
    settings: tuple[Settings, Document | None],
) -> Before:
    """Read the past, the waivers and the baseline.

    Args:
        session: A writing session with the tables of audits.
        state: The mirror.
        context: Gives the day on which waivers are held.
        rules: All rules there are.
        settings: sfsync.yml, which names the baseline too, and the file behind it.

    Raises:
        ConfigError: A waiver names a rule that does not exist; the baseline is none.
        UsageError: There is no such baseline.
    """
    waivers = resolve_waivers(settings[0], rules, settings[1], context.today)
    store_waivers(session, waivers)
    session.execute("DROP TABLE IF EXISTS audit_baseline")
    baseline = None if settings[0].baseline is None else Path(settings[0].baseline)
    baselined = frozenset[str]() if baseline is None else load_baseline(session, baseline)
    standing = standing_of(session, org_id=state.org_id, as_of=state.as_of, baselined=baselined, waivers=waivers)
    return Before(standing, last_judgements(session, state.org_id), baseline)


def settle(
    session: Session,
    before: Before,
    result: AuditResult,
    measure: Callable[[Sequence[RuleResult]], tuple[MetricResult, ...]] = lambda _: (),
) -> AuditResult:
    """Hold an audit against the past, remember it, and write it down.

    An unfit mirror teaches nothing: what it does not show need not be gone, and what it shows need not be there. So its
    audit is written down, marked, and the memory of findings stays as it was.

    Args:
        session: A writing session.
        before: What was known before.
        result: The audit.
        measure: Computes the metrics, one of which speaks of what became of the rules.
    """
    standing, last = before.standing, before.last or {}
    moment = Moment(result.audit_id, standing.org_id, result.as_of)
    fixed: Mapping[str, int] = {}
    if result.fitness.fit:
        remember(session, moment, result.judged)
        fixed = fixed_by(session, result.audit_id)
    left = standing_open(session, standing.org_id)
    rules = tuple(_held_against(each, last, fixed, left, result.definitions_digest) for each in result.rules)
    waivers = count_uses(standing.waivers, waiver_uses(session, result.audit_id), result.judged)
    use = None
    if before.baseline is not None:
        use = baseline_use(session, before.baseline, result.audit_id, result.judged)
    settled = replace(
        result,
        rules=rules,
        metrics=measure(rules),
        waivers=waivers,
        baseline=use,
        compared_with=max((each.audit_id for each in last.values()), default=None),
    )
    save_audit(session, settled)
    for table in ("audit_waivers", "audit_baseline"):
        session.execute(f"DROP TABLE IF EXISTS {table}")
    return settled


def _held_against(
    result: RuleResult,
    last: Mapping[str, LastJudgement],
    fixed: Mapping[str, int],
    left: Mapping[str, int],
    definitions_digest: str,
) -> RuleResult:
    rule_id = result.rule.id
    before = last.get(rule_id)
    then = None if before is None else before.audit_id
    if result.state is RuleState.NOT_EVALUABLE:
        return replace(result, not_judged=int(left.get(rule_id, 0)), compared_with=then)
    return replace(
        result,
        fixed=int(fixed.get(rule_id, 0)),
        compared_with=then,
        changed=before is not None
        and before.judged_as is not None
        and before.judged_as != judged_as(result.rule, result.values, definitions_digest),
    )
