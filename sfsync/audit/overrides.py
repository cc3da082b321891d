"""What a project changes about rules: `rules:` in sfsync.yml, held against the rules there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sfsync.audit.parameter import Value
from sfsync.audit.rule import Rule
from sfsync.config.document import Document, KeyPath
from sfsync.config.settings import RuleSettings
from sfsync.config.spelling import suggestion
from sfsync.errors import ConfigError, Problem
from sfsync.records import Severity


@dataclass(frozen=True, slots=True)
class ResolvedRule:
    """A rule with what is set for this project.

    Attributes:
        rule: As its file says it.
        values: All of its parameters.
        severity: Of every finding, where the project says so; None leaves it to the rule.
        enabled: Whether it runs when nothing else is selected.
    """

    rule: Rule
    values: Mapping[str, Value]
    severity: Severity | None = None
    enabled: bool = True


def resolve_rules(
    rules: Sequence[Rule], settings: Mapping[str, RuleSettings], document: Document | None = None
) -> tuple[ResolvedRule, ...]:
    """Every rule with its settings.

    Args:
        rules: All rules there are.
        settings: The `rules:` block.
        document: sfsync.yml as read, so that problems name their line.

    Raises:
        ConfigError: A rule or parameter does not exist, or a value does not fit.
    """
    known = {rule.id: rule for rule in rules}
    problems: list[Problem] = []
    for rule_id, changed in settings.items():
        rule = known.get(rule_id)
        if rule is None:
            hint = suggestion(rule_id, known) or "`sfsync rule list` shows all of them"
            problems.append(_problem(document, (rule_id,), f"there is no rule `{rule_id}`", hint, key=True))
            continue
        for name, value in changed.params.items():
            problems += _parameter_problems(rule, name, value, document)
    if problems:
        raise ConfigError(problems)
    return tuple(_resolve(rule, settings.get(rule.id, RuleSettings())) for rule in rules)


def default_values(rule: Rule, changed: Mapping[str, object] | None = None) -> dict[str, Value]:
    """All parameters of a rule: the defaults, with what is changed (which must fit)."""
    changed = changed or {}
    return {name: p.check(changed.get(name, p.default)) for name, p in rule.params.items()}


def _resolve(rule: Rule, changed: RuleSettings) -> ResolvedRule:
    return ResolvedRule(rule, default_values(rule, changed.params), changed.severity, changed.enabled)


def _parameter_problems(rule: Rule, name: str, value: object, document: Document | None) -> list[Problem]:
    path: KeyPath = (rule.id, "params", name)
    parameter = rule.params.get(name)
    if parameter is None:
        hint = suggestion(name, rule.params) or f"`sfsync rule explain {rule.id}` shows what can be set"
        return [_problem(document, path, f"{rule.id} has no parameter `{name}`", hint, key=True)]
    try:
        parameter.check(value)
    except ValueError as error:
        return [_problem(document, path, f"`{name}` {error}", parameter.about.strip())]
    return []


def _problem(document: Document | None, path: KeyPath, message: str, hint: str | None, *, key: bool = False) -> Problem:
    if document is None:
        return Problem("sfsync.yml", None, None, f"rules: {message}", hint)
    return document.problem("rules", *path, message=message, hint=hint, key=key)
