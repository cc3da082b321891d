"""The gate before everything: whether the mirror can be judged at all, by the rules on the mirror itself.

What an unfit mirror shows may be right or wrong, and nobody can tell which; so an audit of one stops here, or marks all
it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sfsync.audit.ledger import drop_findings
from sfsync.audit.overrides import ResolvedRule
from sfsync.audit.result import Fitness, RuleResult
from sfsync.records import Confidence, RuleState, Severity
from sfsync.store.interface import Session

Judge = Callable[[int, ResolvedRule], RuleResult]


def is_gate(resolved: ResolvedRule) -> bool:
    """Whether findings of this rule make a mirror unfit: its file says so, and the project calls them errors."""
    rule = resolved.rule
    severe = (resolved.severity or rule.severity) is Severity.ERROR
    return rule.gate and severe and rule.confidence is not Confidence.HEURISTIC


def judge_all(
    session: Session,
    audit_id: str,
    rules: Sequence[tuple[ResolvedRule, bool]],
    judge: Judge,
    *,
    even_if_unfit: bool,
) -> tuple[tuple[RuleResult, ...], Fitness]:
    """Judge rules in their order, those that decide on the mirror's fitness first, wanted or not.

    Args:
        session: A writing session.
        audit_id: Under which findings are stored.
        rules: All rules there are, and whether each is wanted.
        judge: Judges one, at its position.
        even_if_unfit: Go on when the mirror is unfit.

    Returns:
        The results of the wanted rules and of those that found the mirror unfit, and what that says of the mirror.
    """
    gates = [(each, wanted) for each, wanted in rules if is_gate(each) and (each.enabled or wanted)]
    first = {each.rule.id for each, _ in gates}
    results: list[RuleResult] = []
    unfit: list[str] = []
    blind: list[str] = []
    for position, (each, wanted) in enumerate(gates):
        result = replace(judge(position, each), position=position)
        faulty = result.open_at_least(Severity.ERROR)
        if faulty:
            unfit.append(f"{each.rule.id}: {each.rule.title} ({faulty:,})")
        elif result.state is RuleState.NOT_EVALUABLE:
            blind.append(each.rule.id)
        if wanted or faulty:
            results.append(result)
        else:
            drop_findings(session, audit_id, position)
    if not unfit or even_if_unfit:
        others = [each for each, wanted in rules if wanted and each.rule.id not in first]
        results += [replace(judge(i, each), position=i) for i, each in enumerate(others, len(gates))]
    return tuple(results), Fitness(tuple(unfit), tuple(blind), ignored=bool(unfit) and even_if_unfit)
