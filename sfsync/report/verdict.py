"""The audit in a sentence and five numbers, and the rules that have no section of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.audit.result import RuleResult
from sfsync.records import RuleState, Severity
from sfsync.report.text import counted, number, visible

#: Reasons and remedies are whole sentences, sometimes with lines to copy.
LONGEST = 2000

_NOUNS = ((Severity.ERROR, "errors"), (Severity.WARNING, "warnings"), (Severity.INFO, "advice"))


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at the top: `tone` chooses its colour."""

    tone: str
    figure: str
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A rule told in one line: what became of it, and what would change that."""

    id: str
    title: str
    told: str
    enable: str | None = None


def verdict(rules: Sequence[RuleResult]) -> str:
    """The audit in one or two sentences, without a score."""
    evaluated = [each for each in rules if each.state is not RuleState.NOT_EVALUABLE]
    found = [each for each in evaluated if each.state is RuleState.FINDING]
    idle = sum(each.vacuous for each in evaluated)
    if len(evaluated) == idle:
        return "No rule had anything to judge, so nothing can be said about this org yet."
    if found:
        kinds = [(sum(each.worst is severity for each in found), f"with {noun}") for severity, noun in _NOUNS]
        told = f"{len(found)} of {counted(len(evaluated), 'evaluated rule')} found something: "
        told += ", ".join(f"{n} {kind}" for n, kind in kinds if n) + "."
    else:
        told = f"None of the {counted(len(evaluated), 'evaluated rule')} found anything."
    return told + (f" {counted(idle, 'rule')} had nothing to judge." if idle else "")


def tiles(rules: Sequence[RuleResult], records_touched: int) -> list[Tile]:
    """Five numbers: each means one thing, and none is a score."""

    def rules_with(severity: Severity) -> int:
        return sum(each.state is RuleState.FINDING and each.worst is severity for each in rules)

    def findings(severity: Severity) -> str:
        return counted(sum(each.severities.get(severity, 0) for each in rules), "finding")

    advice = rules_with(Severity.INFO)
    warnings = findings(Severity.WARNING) + (f"; {counted(advice, 'more rule')} with advice" if advice else "")
    clean = sum(each.state is RuleState.PASS for each in rules)
    idle = sum(each.vacuous for each in rules)
    blind = sum(each.state is RuleState.NOT_EVALUABLE for each in rules)
    looked = f"{number(idle)} of them had nothing to judge" if idle else "looked, and found nothing"
    return [
        Tile("error", number(rules_with(Severity.ERROR)), "Rules with errors", findings(Severity.ERROR)),
        Tile("warning", number(rules_with(Severity.WARNING)), "Rules with warnings", warnings),
        Tile("passed", number(clean), "Rules passed", looked),
        Tile("blind", number(blind), "Not evaluable", "not the same as passed"),
        Tile("touched", number(records_touched), "Records touched", "by at least one finding"),
    ]


def passed(rules: Sequence[RuleResult]) -> list[Line]:
    """The rules that found nothing, with how much they judged."""
    return [
        Line(
            each.rule.id,
            each.rule.title,
            visible(each.reason or "nothing to judge", LONGEST)
            if each.vacuous
            else f"none of {number(each.eligible)} {each.rule.population}",
        )
        for each in rules
        if each.state is RuleState.PASS
    ]


def unevaluated(rules: Sequence[RuleResult]) -> list[Line]:
    """The rules that could not look, with what would change that."""
    return [
        Line(
            each.rule.id,
            each.rule.title,
            visible(each.reason or "no reason given", LONGEST),
            visible(each.enable, LONGEST) if each.enable else None,
        )
        for each in rules
        if each.state is RuleState.NOT_EVALUABLE
    ]
