"""A rule as a page to read: what it looks for, why, what to do, when it is wrong, and the exact SQL that runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.audit.context import AuditContext
from sfsync.audit.needs import Unmet, missed_options, unmet_needs, unmet_notions
from sfsync.audit.overrides import Origin, ResolvedRule, Segment
from sfsync.audit.parameter import AUTO, Parameter, Value
from sfsync.audit.result import Threshold
from sfsync.audit.sql import RuleSql, render_whole

_WIDTH = 100
_WAIVER = "{{rule: {rule}, record: ID, reason: why it may stay, expires: YYYY-MM-DD}}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule, with everything resolved that can be.

    Attributes:
        resolved: The rule and what is set.
        sql: The statements as they run; `$as_of` and `$today` stay where no mirror is at hand.
        segments: Segment → its findings' statement, where the project sets something else for some records.
        unmet: Why it cannot judge; without a mirror only the definitions are looked at. None when it can.
        missed: What it cannot see in this mirror.
        has_mirror: Whether a mirror was at hand.
        thresholds: Numbers the data of the mirror decides.
    """

    resolved: ResolvedRule
    sql: RuleSql
    segments: Mapping[str, str]
    unmet: Unmet | None
    missed: tuple[str, ...]
    has_mirror: bool
    thresholds: tuple[Threshold, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        rule, resolved = self.resolved.rule, self.resolved
        page = rule.model_dump(mode="json", exclude={"version", "sql", "eligible", "params", "examples"})
        return page | {
            "severity": (resolved.severity or rule.severity).value,
            "enabled": resolved.enabled,
            "owner": resolved.owner,
            "where": resolved.where,
            "limits": {
                name: limit.model_dump(exclude_none=True)
                for name, limit in (("warn", resolved.warn), ("error", resolved.error))
                if limit is not None
            },
            "params": {name: self._parameter_json(name, parameter) for name, parameter in rule.params.items()},
            "segments": [self._segment_json(segment) for segment in resolved.segments],
            "thresholds": [
                {"param": t.parameter, "segment": t.segment, "value": t.value, "n": t.n, "origin": t.origin}
                for t in self.thresholds
            ],
            "relations": {relation.name: relation.about for relation in rule.relations},
            "sql": self.sql.findings,
            "eligible_sql": self.sql.eligible,
            "threshold_sql": dict(self.sql.thresholds),
            "fix_sql": self.sql.fixes,
            "examples": [example.name for example in rule.examples],
            "reason": self.unmet.reason if self.unmet else "; ".join(self.missed) or None,
            "enable": self.unmet.enable if self.unmet else None,
        }

    def _parameter_json(self, name: str, parameter: Parameter) -> dict[str, Any]:
        return {
            "type": parameter.type,
            "value": self.resolved.values[name],
            "default": parameter.default,
            "fallback": parameter.fallback,
            "unit": parameter.unit,
            "about": parameter.about.strip(),
            "origin": str(self.resolved.origins.get(f"params.{name}", Origin())),
        }

    def _segment_json(self, segment: Segment) -> dict[str, Any]:
        return {
            "name": segment.name,
            "enabled": segment.enabled,
            "severity": segment.severity,
            "params": dict(segment.values),
            "sql": self.segments.get(segment.name),
        }

    def as_text(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        rule = self.resolved.rule
        severity = self.resolved.severity or rule.severity
        off = "" if self.resolved.enabled else " · off"
        yield f"{rule.id} {rule.name}"
        yield rule.title
        yield f"{rule.group} · {severity} · {rule.confidence} · since {rule.since}{off}"
        yield from _section("Judges", [f"{rule.population} ({rule.object})"])
        if self.unmet:
            yield from _section("Cannot judge yet", [self.unmet.reason, f"To enable: {self.unmet.enable}"])
        elif self.missed:
            yield from _section("Cannot see in this mirror", self.missed)
        yield from _section("Why it matters", [rule.why])
        yield from _section("What to do", [rule.remedy])
        yield from self._fix()
        yield from _section("When it may be wrong", rule.caveats, bullet="- ")
        yield from _section("Needs", [f"{name}: {', '.join(fields)}" for name, fields in rule.every_need.items()])
        yield from _section("Needs to be bound in definitions:", rule.every_notion, bullet="- ")
        yield from _section("Reads", [f"{each.name}: {each.about}" for each in rule.relations], bullet="- ")
        yield from self._parameters(rule.params)
        yield from self._thresholds()
        yield from self._settings()
        yield from _section("A finding says", [rule.message])
        yield from _section("To live with a finding (sfsync.yml)", [f"waivers: [{_WAIVER.format(rule=rule.id)}]"])
        yield from _section("Tried on", [example.name for example in rule.examples], bullet="- ")
        yield from _section("References", rule.references, bullet="- ")
        for name, statement in self.sql.thresholds.items():
            yield from ("", f"SQL of {name}", statement)
        yield from ("", "SQL of what is judged", self.sql.eligible)
        yield from ("", "SQL of the findings", self.sql.findings)
        for name, statement in self.segments.items():
            yield from ("", f"SQL of the findings where {name}", statement)
        if self.sql.fixes is not None:
            yield from ("", "SQL of what is proposed", self.sql.fixes)
        if not self.has_mirror:
            yield from _section("Note", ["without a mirror, `$as_of` and `$today` are not known yet"])

    def _fix(self) -> Iterator[str]:
        fix = self.resolved.rule.fix
        if fix is not None:
            lines = [f"{field}: {{{column}}}" for field, column in fix.set.items()]
            yield from _section(
                "What it can propose (`sfsync audit --fix` writes a plan, nothing else)",
                [*lines, f"because: {fix.reason}"],
                bullet="- ",
            )

    def _parameters(self, params: Mapping[str, Parameter]) -> Iterator[str]:
        lines = [
            f"{name} = {shown_value(self.resolved.values[name], parameter)}{self._origin(f'params.{name}')}: "
            f"{parameter.about.strip()}"
            for name, parameter in params.items()
        ]
        heading = f"Parameters (sfsync.yml: `rules: {{{self.resolved.rule.id}: {{params: {{…}}}}}}`)"
        yield from _section(heading, lines, bullet="- ")

    def _thresholds(self) -> Iterator[str]:
        lines = []
        for each in sorted(self.thresholds, key=lambda each: (-each.n, each.segment)):
            unit = self.resolved.rule.params[each.parameter].unit
            shown = f"{each.value:,.1f}".removesuffix(".0")
            lines.append(f"{each.parameter} for {each.segment}: {shown} {unit or ''} (n={each.n:,}, {each.origin})")
        yield from _section("Numbers from the data of this mirror", lines, bullet="- ")

    def _settings(self) -> Iterator[str]:
        resolved = self.resolved
        lines = []
        if resolved.severity is not None:
            lines.append(f"every finding is of severity {resolved.severity}{self._origin('severity')}")
        if resolved.owner is not None:
            lines.append(f"looked after by {resolved.owner}{self._origin('owner')}")
        if resolved.where is not None:
            lines.append(f"only where {resolved.where}{self._origin('where')}")
        for name, limit in (("warn", resolved.warn), ("error", resolved.error)):
            if limit is not None:
                lines.append(f"{'warning' if name == 'warn' else 'error'} from {limit}{self._origin(name)}")
        lines += [f"where {each.name}: {self._segment(each)}" for each in resolved.segments]
        yield from _section("What this project sets", lines, bullet="- ")

    def _segment(self, segment: Segment) -> str:
        if not segment.enabled:
            return f"not judged{self._origin(f'by.{segment.field}.{segment.value}.enabled')}"
        changed = [
            f"{name} = {shown_value(value, self.resolved.rule.params[name])}"
            f"{self._origin(f'by.{segment.field}.{segment.value}.{name}')}"
            for name, value in segment.values.items()
            if value != self.resolved.values[name]
        ]
        if segment.severity != self.resolved.severity:
            changed.append(f"severity {segment.severity}")
        return ", ".join(changed) or "as elsewhere"

    def _origin(self, key: str) -> str:
        origin = self.resolved.origins.get(key, Origin())
        return f" [{origin.place}]" if origin.place else ""


def explain(
    resolved: ResolvedRule, context: AuditContext | None = None, thresholds: Iterable[Threshold] = ()
) -> Explanation:
    """Explain a rule, on this mirror where there is one.

    Args:
        resolved: The rule and what is set.
        context: Of the mirror.
        thresholds: The numbers that the mirror's data decides.
    """
    known = context or AuditContext(as_of=None)
    has_mirror = bool(known.columns)
    rule = resolved.rule

    return Explanation(
        resolved=resolved,
        sql=render_whole(rule, resolved.values, known, severity=resolved.severity, part=resolved.rest),
        segments={
            each.name: render_whole(
                rule, each.values, known, severity=each.severity, part=resolved.part_of(each)
            ).findings
            for each in resolved.segments
            if each.enabled
        },
        unmet=(unmet_needs if has_mirror else unmet_notions)(rule, known),
        missed=missed_options(rule, known) if has_mirror else (),
        has_mirror=has_mirror,
        thresholds=tuple(thresholds),
    )


def shown_value(value: Value, parameter: Parameter) -> str:
    """A parameter's value for people, with its unit."""
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    unit = f" {parameter.unit}" if parameter.unit and value != AUTO else ""
    fallback = f" (else {parameter.fallback:g} {parameter.unit or ''})" if value == AUTO and parameter.fallback else ""
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
