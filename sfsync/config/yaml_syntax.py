"""YAML's syntax errors in plain words, at the place where the writer can mend them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from sfsync.config.document import Lines
from sfsync.errors import Problem

_QUOTES = "put the text in quotes"


def syntax_problem(error: yaml.YAMLError, name: str, lines: Lines) -> Problem:
    """The problem behind an error of PyYAML's scanner or parser."""
    marked: Any = error
    mark = getattr(marked, "problem_mark", None)
    offset = mark.index if mark is not None else 0
    problem = str(getattr(marked, "problem", None) or "the text is not YAML")
    context = str(getattr(marked, "context", None) or "")
    opened = getattr(marked, "context_mark", None)
    case = _case(problem, context, lines.text[offset : offset + 1])
    if case.at_opening and opened is not None:
        offset = opened.index
    line, column = lines.place(offset)
    return Problem(name, line, column, case.message, case.hint)


@dataclass(frozen=True, slots=True)
class _Case:
    """One kind of syntax error: how PyYAML words it, how we do, and whether to show where the construct was opened."""

    problem: str
    context: str
    message: str
    hint: str | None
    at_opening: bool = False


_CASES = (
    _Case("tab character", "", "a tab stands where the indentation should be", "indent with spaces"),
    _Case(
        "mapping values are not allowed",
        "",
        "a `:` stands where no key can be",
        f"check the indentation, or {_QUOTES} if the `:` belongs to it",
    ),
    _Case("cannot start any token", "", "a text cannot start with this character", _QUOTES),
    _Case("node content", "", "a text cannot start with this character", _QUOTES),
    _Case("end of stream", "quoted", "the quote that opens here is never closed", None, at_opening=True),
    _Case("", "flow sequence", "this list in brackets is not closed by `]`, or misses a comma", None, at_opening=True),
    _Case("", "flow mapping", "this block in brackets is not closed by `}`, or misses a comma", None, at_opening=True),
    _Case("", "simple key", "a line without a `:`", "write `key: value`, and indent longer texts", at_opening=True),
    _Case("", "block ", "this line does not fit the lines above it", "check the indentation"),
    _Case("escape", "", "an unknown escape in double quotes", "use single quotes, or write `\\\\` for a backslash"),
)
_ENDS_EARLY = _Case("", "", "the text ends before this value is complete", "close the brackets")


def _case(problem: str, context: str, char: str) -> _Case:
    if char == "\t" and "cannot start any token" in problem:
        return _CASES[0]
    if not char.strip() and "node content" in problem:
        return _ENDS_EARLY
    for case in _CASES:
        if case.problem in problem and case.context in context:
            return case
    return _Case("", "", f"not YAML: {problem}", None)
