"""What a project changes about rules: every value of every rule, and where in sfsync.yml it comes from.

Later layers win: the rule's own file, the org's `rules:`, the profile's, the project's, and last what holds for a
segment alone. Within one layer the longer code wins: `LA004` over `LA`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.audit.narrow import Part, condition_faults
from sfsync.audit.parameter import Value
from sfsync.audit.rule import Rule
from sfsync.config.document import Document, KeyPath
from sfsync.config.rule_settings import Limit, RuleSettings, SegmentSettings
from sfsync.config.settings import Settings
from sfsync.config.spelling import suggestion
from sfsync.errors import ConfigError, Problem, UsageError
from sfsync.records import Severity


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    Attributes:
        layer: `default`, `org`, `profile`, `rule` or `segment`.
        place: File and line, e.g. `sfsync.yml:12`; the profile's name for one that is built in; empty for defaults.
    """

    layer: str = "default"
    place: str = ""

    def __str__(self) -> str:
        return f"{self.layer}, {self.place}" if self.place else self.layer


@dataclass(frozen=True, slots=True)
class Segment:
    """What is otherwise for the records that have one value in one field.

    Attributes:
        field: Path of the field, e.g. `LeadSource`.
        value: Its value.
        values: All parameters of the rule.
        severity: Of every finding, or None.
        enabled: False leaves the records out.
        path: Where it stands in sfsync.yml.
    """

    field: str
    value: str
    values: Mapping[str, Value]
    severity: Severity | None = None
    enabled: bool = True
    path: KeyPath = ()

    @property
    def name(self) -> str:
        """As people are told: `LeadSource = Trade Show`."""
        return f"{self.field} = {self.value}"


@dataclass(frozen=True, slots=True)
class ResolvedRule:
    """A rule with what is set for this project.

    Attributes:
        rule: As its file says it.
        values: All of its parameters.
        severity: Of every finding, where the project says so; None leaves it to the rule.
        enabled: Whether it runs when nothing else is selected.
        owner: Who looks after its findings.
        where: SQL condition over the rule's object; other records are not judged.
        warn: When the rule as a whole counts as a warning.
        error: When it counts as an error.
        segments: What is otherwise for some records; the first that fits a record holds for it.
        origins: `severity`, `params.days`, `by.LeadSource.Web.days`, … → where the value comes from.
        where_path: Where the condition stands in sfsync.yml.
    """

    rule: Rule
    values: Mapping[str, Value]
    severity: Severity | None = None
    enabled: bool = True
    owner: str | None = None
    where: str | None = None
    warn: Limit | None = None
    error: Limit | None = None
    segments: tuple[Segment, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    where_path: KeyPath = ()

    @property
    def rest(self) -> Part:
        """The records that no segment takes."""
        return Part(self.where, None, tuple((each.field, each.value) for each in self.segments))

    def part_of(self, segment: Segment) -> Part:
        """The records of a segment: those of earlier ones are taken already."""
        before = self.segments[: self.segments.index(segment)]
        # Two values of one field exclude each other anyway.
        without = tuple((each.field, each.value) for each in before if each.field != segment.field)
        return Part(self.where, (segment.field, segment.value), without)

    def level(self, count: int, eligible: int) -> Severity | None:
        """How severe so many findings are as a whole, by the project's limits; None where it has set none."""
        if self.warn is None and self.error is None:
            return None
        if self.error is not None and self.error.reached(count, eligible):
            return Severity.ERROR
        if self.warn is not None:
            return Severity.WARNING if self.warn.reached(count, eligible) else Severity.INFO
        own = self.severity or self.rule.severity
        return Severity.WARNING if own is Severity.ERROR else own


@dataclass(frozen=True, slots=True)
class _Layer:
    """One `rules:` block.

    Attributes:
        name: Of the layer.
        settings: The block.
        path: Where it stands in sfsync.yml.
        told: What stands for file and line when it is not in the file.
    """

    name: str
    settings: Mapping[str, RuleSettings]
    path: KeyPath
    told: str = ""


def resolve_rules(
    rules: Sequence[Rule], settings: Settings, document: Document | None = None, *, profile: str | None = None
) -> tuple[ResolvedRule, ...]:
    """Every rule with its settings.

    Args:
        rules: All rules there are.
        settings: sfsync.yml.
        document: The file as read, so that problems and origins name their line.
        profile: The profile that holds.

    Raises:
        ConfigError: A rule, parameter or field does not exist, or a value does not fit.
        UsageError: There is no such profile.
    """
    layers = _layers(settings, profile)
    problems = [problem for layer in layers for problem in _problems(rules, layer, document)]
    # A profile that does not hold now may not be wrong either.
    for name, each in settings.profiles.items():
        idle = _Layer("profile", each.rules, ("profiles", name, "rules"))
        if name != profile:
            problems += _problems(rules, idle, document)
        problems += _code_problems(rules, name, (*(each.select or ()), *each.ignore), document)
    if problems:
        raise ConfigError(problems)
    return tuple(_Resolver(rule, document).resolve(layers) for rule in rules)


def default_values(rule: Rule, changed: Mapping[str, object] | None = None) -> dict[str, Value]:
    """All parameters of a rule: the defaults, with what is changed (which must fit)."""
    changed = changed or {}
    return {name: p.check(changed.get(name, p.default)) for name, p in rule.params.items()}


def rule_values(resolved: ResolvedRule) -> Iterator[tuple[str, object, Origin]]:
    """Everything that holds for a rule: name as in sfsync.yml, value, and where it comes from."""
    values: dict[str, object] = {
        "enabled": resolved.enabled,
        "severity": resolved.severity or resolved.rule.severity,
        "owner": resolved.owner,
        "where": resolved.where,
        "warn": resolved.warn,
        "error": resolved.error,
        **{f"params.{name}": value for name, value in resolved.values.items()},
    }
    for segment in resolved.segments:
        said = {"enabled": segment.enabled, "severity": segment.severity, **segment.values}
        values |= {f"by.{segment.field}.{segment.value}.{name}": value for name, value in said.items()}
    for name, value in values.items():
        origin = resolved.origins.get(name)
        if origin is not None:
            yield name, value, origin


def check_profile(settings: Settings, profile: str | None) -> None:
    """Raise `UsageError` where there is no profile of this name."""
    known = settings.every_profile
    if profile is not None and profile not in known:
        hint = suggestion(profile, known) or f"known: {', '.join(known)}"
        raise UsageError(f"there is no profile `{profile}`", hint=hint)


def _layers(settings: Settings, profile: str | None) -> list[_Layer]:
    layers = []
    alias = settings.org_in_force
    if alias is not None and alias in settings.orgs:
        layers.append(_Layer("org", settings.orgs[alias].rules, ("orgs", alias, "rules")))
    check_profile(settings, profile)
    if profile is not None:
        told = "" if profile in settings.profiles else f"built-in profile {profile}"
        path = ("profiles", profile, "rules")
        layers.append(_Layer("profile", settings.every_profile[profile].rules, path, told))
    layers.append(_Layer("rule", settings.rules, ("rules",)))
    return layers


class _Resolver:
    """Puts the layers of one rule on top of each other."""

    def __init__(self, rule: Rule, document: Document | None) -> None:
        self.rule = rule
        self.document = document
        self.params: dict[str, Any] = {}
        self.plain: dict[str, Any] = {}
        self.segments: dict[tuple[str, str], dict[str, Any]] = {}
        self.paths: dict[tuple[str, str], KeyPath] = {}
        self.where_path: KeyPath = ()
        self.origins: dict[str, Origin] = {f"params.{name}": Origin() for name in rule.params}
        self.origins |= {"severity": Origin(), "enabled": Origin()}

    def resolve(self, layers: Sequence[_Layer]) -> ResolvedRule:
        """The rule with everything set."""
        for layer in layers:
            codes = sorted((code for code in layer.settings if self.rule.id.startswith(code)), key=len)
            for code in codes:
                self._lay(layer, code)
        own = self.plain
        enabled = own.get("enabled")
        return ResolvedRule(
            rule=self.rule,
            values=default_values(self.rule, self.params),
            severity=own.get("severity"),
            enabled=self.rule.enabled if enabled is None else enabled,
            owner=own.get("owner"),
            where=own.get("where"),
            warn=own.get("warn"),
            error=own.get("error"),
            segments=tuple(self._segment(*key) for key in self.segments),
            origins=self.origins,
            where_path=self.where_path,
        )

    def _lay(self, layer: _Layer, code: str) -> None:
        changed, path = layer.settings[code], (*layer.path, code)
        for name in ("severity", "enabled", "owner", "where", "warn", "error"):
            value = getattr(changed, name)
            if value is not None:
                self.plain[name] = value
                self.origins[name] = self._origin(layer, (*path, name))
                if name == "where":
                    self.where_path = (*path, name)
        for name, value in changed.params.items():
            if name in self.rule.params:
                self.params[name] = value
                self.origins[f"params.{name}"] = self._origin(layer, (*path, "params", name))
        for of_field, by_value in changed.by.items():
            for value, segment in by_value.items():
                self._lay_segment((of_field, value), segment, layer, (*path, "by", of_field, value))

    def _lay_segment(self, key: tuple[str, str], segment: SegmentSettings, layer: _Layer, path: KeyPath) -> None:
        known = self.segments.setdefault(key, {})
        self.paths[key] = path
        said: dict[str, Any] = {"severity": segment.severity, "enabled": segment.enabled}
        said = {name: value for name, value in said.items() if value is not None}
        said |= {f"params.{name}": value for name, value in segment.values.items() if name in self.rule.params}
        for name, value in said.items():
            known[name] = value
            plain = name.removeprefix("params.")
            at = (*path, "params", plain) if plain in segment.params else (*path, plain)
            self.origins[".".join(("by", *key, plain))] = self._origin(layer, at, "segment")

    def _segment(self, of_field: str, value: str) -> Segment:
        said = self.segments[of_field, value]
        params = {name.removeprefix("params."): each for name, each in said.items() if name.startswith("params.")}
        return Segment(
            field=of_field,
            value=value,
            values=default_values(self.rule, {**self.params, **params}),
            severity=said.get("severity", self.plain.get("severity")),
            enabled=said.get("enabled", True),
            path=self.paths[of_field, value],
        )

    def _origin(self, layer: _Layer, path: KeyPath, name: str | None = None) -> Origin:
        place = layer.told
        if not place and self.document is not None:
            place = f"{self.document.name}:{self.document.place(*path)[0]}"
        return Origin(name or layer.name, place)


def _problems(rules: Sequence[Rule], layer: _Layer, document: Document | None) -> Iterator[Problem]:
    for code, changed in layer.settings.items():
        path = (*layer.path, code)
        matching = [rule for rule in rules if rule.id.startswith(code)]
        if not matching:
            hint = suggestion(code, [rule.id for rule in rules]) or "`sfsync rule list` shows all of them"
            yield _problem(document, path, f"there is no rule `{code}`", hint, key=True)
            continue
        for name, value in changed.params.items():
            yield from _parameter_problems(matching, code, name, value, ((*path, "params", name), document))
        for of_field, by_value in changed.by.items():
            for text, segment in by_value.items():
                here = (*path, "by", of_field, text)
                for name, value in segment.values.items():
                    at = (*here, "params", name) if name in segment.params else (*here, name)
                    yield from _parameter_problems(matching, code, name, value, (at, document))
        if changed.where is not None:
            yield from _where_problems((*path, "where"), changed.where, document)


def _parameter_problems(
    rules: Sequence[Rule], code: str, name: str, value: object, place: tuple[KeyPath, Document | None]
) -> Iterator[Problem]:
    path, document = place
    having = [rule for rule in rules if name in rule.params]
    if not having:
        known = sorted({each for rule in rules for each in rule.params})
        hint = suggestion(name, known) or f"`sfsync rule explain {rules[0].id}` shows what can be set"
        whose = code if len(rules) == 1 else f"no rule {code}…"
        lacks = "has no" if len(rules) == 1 else "has a"
        yield _problem(document, path, f"{whose} {lacks} parameter `{name}`", hint, key=True)
    for rule in having:
        parameter = rule.params[name]
        try:
            parameter.check(value)
        except ValueError as error:
            yield _problem(document, path, f"`{name}` {error}", parameter.about.strip())
            return


def _where_problems(path: KeyPath, text: str, document: Document | None) -> Iterator[Problem]:
    for fault in condition_faults(text):
        if document is None:
            yield _problem(document, path, f"`where`: {fault.message}", fault.hint)
            continue
        line, column = document.place_in_text(path, fault.row, fault.column)
        yield Problem(document.name, line, column, f"`where`: {fault.message}", fault.hint)


def _code_problems(
    rules: Sequence[Rule], profile: str, codes: Sequence[str], document: Document | None
) -> Iterator[Problem]:
    for code in codes:
        if not any(rule.id.startswith(code) for rule in rules):
            hint = suggestion(code, {rule.id.rstrip("0123456789") for rule in rules} | {rule.id for rule in rules})
            yield _problem(document, _code_path(document, profile, code), f"no rule begins with `{code}`", hint)


def _code_path(document: Document | None, profile: str, code: str) -> KeyPath:
    """Where a profile names a code."""
    said = {} if document is None else document.data.get("profiles", {}).get(profile, {})
    for key in ("select", "ignore"):
        listed = said.get(key) if isinstance(said, dict) else None
        if isinstance(listed, list) and code in listed:
            return ("profiles", profile, key, listed.index(code))
    return ("profiles", profile)


def _problem(document: Document | None, path: KeyPath, message: str, hint: str | None, *, key: bool = False) -> Problem:
    if document is None:
        return Problem("sfsync.yml", None, None, f"{path[0]}: {message}", hint)
    return document.problem(*path, message=message, hint=hint, key=key)
