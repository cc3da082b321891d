"""Annotations of a GitHub Actions run: at most ten of each kind, which is all that GitHub shows of a step."""

from __future__ import annotations

from typing import IO

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import github_data, github_property
from sfsync.audit.formats.sentences import changes, fitness_gap, preflight_line, stamp, strip_told
from sfsync.audit.stored import StoredRule

#: GitHub shows no more of a kind for a step.
MOST = 10

_KINDS = {"error": "error", "warning": "warning", "info": "notice"}


def write(shown: Shown, out: IO[str]) -> None:
    """Write an annotation a rule, the worst first; what finds no room is counted in the last one."""
    audit = shown.audit
    extra = {kind: [] for kind in _KINDS.values()}  # type: dict[str, list[tuple[str, str]]]
    if stamp(audit):
        extra["error"].append(("mirror unfit", stamp(audit) or ""))
    if preflight_line(audit):
        extra["notice"].append(("sfsync audit", preflight_line(audit) or ""))
    extra["notice"].append(("sfsync audit", strip_told(audit)))
    if fitness_gap(audit):
        extra["notice"].append(("fitness of the mirror", fitness_gap(audit) or ""))
    for severity, kind in _KINDS.items():
        rules = [rule for rule in audit.rules if _open(rule) and rule.worst == severity]
        rules.sort(key=lambda rule: (-shown.failing(rule), -rule.count, rule.id))
        told = extra[kind] + [(f"{rule.id} {rule.text('name')}", _message(rule)) for rule in rules]
        if len(told) > MOST:
            rest = len(told) - MOST + 1
            told = [*told[: MOST - 1], ("sfsync audit", f"{rest} more rules found something of severity {severity}")]
        for title, message in told:
            out.write(f"::{kind} title={github_property(title)}::{github_data(message)}\n")


def _open(rule: StoredRule) -> bool:
    """Whether a rule found anything that is not in the baseline."""
    return rule.count - rule.counts.get("baselined", 0) > 0


def _message(rule: StoredRule) -> str:
    of = "" if rule.eligible is None else f" of {rule.eligible:,} {rule.text('population')}"
    told = ", ".join(changes(rule))
    return f"{rule.text('title')}: {rule.count:,}{of}" + (f" ({told})" if told else "")
