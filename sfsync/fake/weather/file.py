"""Weather as people write it: a YAML or JSON list of rules, checked to the last word before any of it is in force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfsync.errors import ConfigError, Problem
from sfsync.fake.weather.forms import CONDITIONS, FORMS, Form, Trouble, Unfit, meant
from sfsync.fake.weather.places import Placed, read_placed
from sfsync.fake.weather.rules import Rule, Weather

_TOP = frozenset({"seed", "weather"})


@dataclass(frozen=True)
class Planned:
    """One rule of a file: the trouble, when it strikes, and how it was written."""

    trouble: Trouble
    conditions: dict[str, Any]
    written: dict[str, Any]


@dataclass(frozen=True)
class Forecast:
    """What a file asks for."""

    rules: tuple[Planned, ...]
    seed: int | None = None

    def add_to(self, weather: Weather) -> list[Rule]:
        """Put the rules in force, after those that are."""
        if self.seed is not None:
            weather.seed = self.seed
        made = []
        for planned in self.rules:
            rule = weather.add(planned.trouble, **planned.conditions)
            rule.written = planned.written
            made.append(rule)
        return made


def read_weather(path: Path) -> Forecast:
    """Read a file; raises ConfigError with file, line and column of everything that is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        raise ConfigError([Problem(str(path), None, None, reason)]) from None
    return parse_weather(content, str(path))


def parse_weather(content: bytes, name: str) -> Forecast:
    """Read the text of a file; `name` is how messages call it."""
    placed = read_placed(content, name)
    data = placed.data
    root: tuple[str, ...] = ()
    seed: int | None = None
    if data is None:
        data = []
    elif isinstance(data, dict) and "trouble" not in data:
        seed = _seed(placed, data)
        data, root = data.get("weather") or [], ("weather",)
    elif isinstance(data, dict):
        data = [data]  # one rule by itself
        placed.places = {(0, *path): place for path, place in placed.places.items()}
    if not isinstance(data, list):
        placed.wrong(root, "a list of rules is wanted, each with a `trouble`")
        raise ConfigError(placed.problems)
    planned = [_rule(placed, rule, (*root, number)) for number, rule in enumerate(data)]
    if placed.problems:
        raise ConfigError(placed.problems)
    return Forecast(tuple(rule for rule in planned if rule is not None), seed)


def _seed(placed: Placed, data: dict[str, Any]) -> int | None:
    for key in data:
        if key not in _TOP:
            placed.wrong((key,), f"`{key}` is not known here", meant(key, _TOP))
    seed = data.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        placed.wrong(("seed",), "`seed`: a whole number is wanted")
        return None
    return seed


def _rule(placed: Placed, rule: Any, path: tuple[str | int, ...]) -> Planned | None:
    if not isinstance(rule, dict):
        placed.wrong(path, "a rule with a `trouble` is wanted")
        return None
    name = rule.get("trouble")
    form = FORMS.get(name) if isinstance(name, str) else None
    if form is None:
        known = ", ".join(FORMS)
        message = f"`{name}` is not a trouble" if "trouble" in rule else "the rule lacks its `trouble`"
        placed.wrong((*path, "trouble"), message, meant(name, FORMS) or f"there are {known}")
        return None
    details, conditions = _words(placed, rule, path, form)
    for lacking in sorted(form.required - rule.keys()):
        placed.wrong(path, f"`{name}` needs `{lacking}`")
    if placed.problems:
        return None
    return Planned(form.make(**details), conditions, rule)


def _words(
    placed: Placed, rule: dict[str, Any], path: tuple[str | int, ...], form: Form
) -> tuple[dict[str, Any], dict[str, Any]]:
    details: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    for word, value in rule.items():
        try:
            if word in form.details:
                details[word] = form.details[word](value)
            elif word in CONDITIONS:
                read, keyword = CONDITIONS[word]
                conditions[keyword] = read(value)
            elif word != "trouble":
                hint = meant(word, {**form.details, **CONDITIONS})
                placed.wrong((*path, word), f"`{word}` is not known here", hint)
        except Unfit as error:
            placed.wrong((*path, word), f"`{word}`: {error}")
    return details, conditions
