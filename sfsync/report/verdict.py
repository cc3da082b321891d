"""The audit in a sentence and five numbers, and the rules that have no section of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.audit.result import AuditResult, RuleResult
from sfsync.audit.standing import FindingState
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
    """A rule told in one line: what became of it."""

    id: str
    title: str
    told: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Rules that could not look, and what would let all of them."""

    lines: tuple[Line, ...]
    enable: str | None


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
    clean = sum(each.state is RuleState.PASS for each in evaluated) - idle
    told += f" {counted(clean, 'rule')} looked and found nothing." if clean else ""
    return told + (f" {counted(idle, 'rule')} had nothing to judge." if idle else "")


def tiles(result: AuditResult) -> list[Tile]:
    """Five numbers: each means one thing, and none is a score."""
    strip = result.strip
    baselined = result.in_finding_state(FindingState.BASELINED)
    reappeared = result.in_finding_state(FindingState.REAPPEARED)
    if result.compared_with is None:
        new = "the first audit: nothing to compare with"
    else:
        new = "since the last audit" + (f"; {number(reappeared)} of them had been gone" if reappeared else "")
    persisting = "there before" + (f"; {number(baselined)} of them in the baseline" if baselined else "")
    return [
        Tile("error", number(strip.new), "New", new),
        Tile("warning", number(strip.persisting), "Persisting", persisting),
        Tile("passed", number(strip.fixed), "Fixed", "there before, and gone"),
        Tile("waived", number(strip.waived), "Waived", "to live with, until a day"),
        Tile("blind", number(strip.not_evaluable), "Not evaluable", "rules; not the same as passed"),
    ]


def touched(rules: Sequence[RuleResult], records: int) -> str | None:
    """How many findings there are, and how many records they touch."""
    kinds = [(sum(each.severities.get(severity, 0) for each in rules), noun) for severity, noun in _NOUNS]
    told = ", ".join(f"{number(n)} {noun}" for n, noun in kinds if n)
    return f"{told}; {counted(records, 'record is', 'records are')} touched by at least one of them." if told else None


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


def unevaluated(rules: Sequence[RuleResult]) -> list[Gap]:
    """The rules that could not look, under what would change that; the remedy for most of them first."""
    lines: dict[str, list[Line]] = {}
    for each in rules:
        if each.state is RuleState.NOT_EVALUABLE:
            told = visible(each.reason or "no reason given", LONGEST)
            if each.not_judged:
                told += f"; {counted(each.not_judged, 'finding')} of earlier audits could not be looked for"
            lines.setdefault(each.enable or "", []).append(Line(each.rule.id, each.rule.title, told))
    gaps = [Gap(tuple(of_remedy), visible(enable, LONGEST) or None) for enable, of_remedy in lines.items()]
    return sorted(gaps, key=lambda gap: -len(gap.lines))
