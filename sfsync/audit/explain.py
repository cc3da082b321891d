"""A rule as a page to read: what it looks for, why, what to do, when it is wrong, and the exact SQL that runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.audit.context import AuditContext
from sfsync.audit.needs import Unmet, missed_options, unmet_needs, unmet_notions
from sfsync.audit.overrides import ResolvedRule
from sfsync.audit.parameter import Parameter, Value
from sfsync.audit.sql import RuleSql, render

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule, with everything resolved that can be.

    Attributes:
        resolved: The rule and what is set.
        sql: The statements as they run; `$as_of` and `$today` stay where no mirror is at hand.
        unmet: Why it cannot judge; without a mirror only the definitions are looked at. None when it can.
        missed: What it cannot see in this mirror.
        has_mirror: Whether a mirror was at hand.
    """

    resolved: ResolvedRule
    sql: RuleSql
    unmet: Unmet | None
    missed: tuple[str, ...]
    has_mirror: bool

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        rule = self.resolved.rule
        page = rule.model_dump(mode="json", exclude={"version", "sql", "eligible", "params", "examples"})
        return page | {
            "severity": (self.resolved.severity or rule.severity).value,
            "enabled": self.resolved.enabled,
            "params": {
                name: {
                    "type": parameter.type,
                    "value": self.resolved.values[name],
                    "default": parameter.default,
                    "fallback": parameter.fallback,
                    "unit": parameter.unit,
                    "about": parameter.about.strip(),
                }
                for name, parameter in rule.params.items()
            },
            "sql": self.sql.findings,
            "eligible_sql": self.sql.eligible,
            "threshold_sql": dict(self.sql.thresholds),
            "examples": [example.name for example in rule.examples],
            "reason": self.unmet.reason if self.unmet else "; ".join(self.missed) or None,
            "enable": self.unmet.enable if self.unmet else None,
        }

    def as_text(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        rule = self.resolved.rule
        severity = self.resolved.severity or rule.severity
        yield f"{rule.id} {rule.name}"
        yield rule.title
        yield f"{rule.group} · {severity} · {rule.confidence} · since {rule.since}"
        yield from _section("Judges", [f"{rule.population} ({rule.object})"])
        if self.unmet:
            yield from _section("Cannot judge yet", [self.unmet.reason, f"To enable: {self.unmet.enable}"])
        elif self.missed:
            yield from _section("Cannot see in this mirror", self.missed)
        yield from _section("Why it matters", [rule.why])
        yield from _section("What to do", [rule.remedy])
        yield from _section("When it may be wrong", rule.caveats, bullet="- ")
        yield from _section("Needs", [f"{name}: {', '.join(fields)}" for name, fields in rule.needs.items()])
        yield from _section("Needs to be bound in definitions:", rule.notions, bullet="- ")
        yield from self._parameters(rule.params)
        yield from _section("A finding says", [rule.message])
        yield from _section("Tried on", [example.name for example in rule.examples], bullet="- ")
        yield from _section("References", rule.references, bullet="- ")
        for name, statement in self.sql.thresholds.items():
            yield from ("", f"SQL of {name}", statement)
        yield from ("", "SQL of what is judged", self.sql.eligible)
        yield from ("", "SQL of the findings", self.sql.findings)
        if not self.has_mirror:
            yield from _section("Note", ["without a mirror, `$as_of` and `$today` are not known yet"])

    def _parameters(self, params: Mapping[str, Parameter]) -> Iterator[str]:
        lines = [
            f"{name} = {shown_value(self.resolved.values[name], parameter)}: {parameter.about.strip()}"
            for name, parameter in params.items()
        ]
        heading = f"Parameters (sfsync.yml: `rules: {{{self.resolved.rule.id}: {{params: {{…}}}}}}`)"
        yield from _section(heading, lines, bullet="- ")


def explain(resolved: ResolvedRule, context: AuditContext | None = None) -> Explanation:
    """Explain a rule, on this mirror where there is one."""
    known = context or AuditContext(as_of=None)
    has_mirror = bool(known.columns)
    return Explanation(
        resolved=resolved,
        sql=render(resolved.rule, resolved.values, known, severity=resolved.severity),
        unmet=(unmet_needs if has_mirror else unmet_notions)(resolved.rule, known),
        missed=missed_options(resolved.rule, known) if has_mirror else (),
        has_mirror=has_mirror,
    )


def shown_value(value: Value, parameter: Parameter) -> str:
    """A parameter's value for people, with its unit."""
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    unit = f" {parameter.unit}" if parameter.unit and value != "auto" else ""
    fallback = (
        f" (else {parameter.fallback:g} {parameter.unit or ''})" if value == "auto" and parameter.fallback else ""
    )
    return f"{value}{unit}{fallback.replace(' )', ')')}"


def _section(
    heading: str, paragraphs: Iterator[str] | list[str] | tuple[str, ...], *, bullet: str = ""
) -> Iterator[str]:
    written = [paragraph.strip() for paragraph in paragraphs]
    if not written:
        return
    yield ""
    yield heading
    for paragraph in written:
        yield textwrap.fill(
            paragraph,
            _WIDTH,
            initial_indent=f"  {bullet}",
            subsequent_indent="  " + " " * len(bullet),
            break_long_words=False,
            break_on_hyphens=False,
        )
