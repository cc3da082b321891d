"""Java's properties files, which Data Loader keeps its maps in: escapes, continued lines, three ways to divide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_DIVIDER = re.compile(r"[ \t\f]*(?:[=:][ \t\f]*)?")
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*")
#: A constant in quotes with blanks in it, which Java would cut at the first of them.
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"(?=[ \t\f]*[=:])')


@dataclass(frozen=True, slots=True)
class Property:
    """One entry.

    Attributes:
        line: 1-based line that it begins on.
        key: Without escapes.
        value: Without escapes.
        raw: The line as it is written.
    """

    line: int
    key: str
    value: str
    raw: str


def read_properties(text: str) -> tuple[list[Property], list[str]]:
    """The entries of a properties file in their order, and its comments."""
    entries: list[Property] = []
    comments: list[str] = []
    for number, line in _logical_lines(text):
        if line[:1] in {"#", "!"}:
            comments.append(line[1:].strip())
            continue
        match = _QUOTED.match(line) or _KEY.match(line)
        end = match.end() if match else 0
        divider = _DIVIDER.match(line, end)
        value = line[divider.end() if divider else end :]
        entries.append(Property(number, _unescaped(line[:end]), _unescaped(value), line))
    return entries, comments


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, without blanks in front, with those that a backslash continues put together."""
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    number = 0
    while number < len(lines):
        first = number + 1
        line = lines[number].lstrip(" \t\f")
        number += 1
        if line and line[0] not in "#!":
            while _continues(line) and number < len(lines):
                line = line[:-1] + lines[number].lstrip(" \t\f")
                number += 1
        if line:
            yield first, line


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] is not None:
            return chr(int(match[1], 16))
        return _LETTERS.get(match[2], match[2])

    # Java writes what is beyond 16 bits as two surrogates.
    plain = _ESCAPE.sub(value, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
