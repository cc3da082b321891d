"""Regular expressions as DuckDB reads them, written so that PostgreSQL reads the same out of them."""

from __future__ import annotations

import re

#: An escaped character, a list of characters, or any one character.
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|.", re.DOTALL)

#: PostgreSQL takes letters and digits of every script where DuckDB takes those of ASCII.
_CLASSES = {"\\w": "A-Za-z0-9_", "\\d": "0-9", "\\s": " \\t\\n\\f\\r"}
_NEGATED = {"\\W": _CLASSES["\\w"], "\\D": _CLASSES["\\d"], "\\S": _CLASSES["\\s"]}
_IN_LIST = re.compile(r"\\.", re.DOTALL)


def for_postgres(pattern: str) -> str:
    """The pattern for PostgreSQL."""
    return _PART.sub(lambda part: _part(part.group()), pattern)


def _part(part: str) -> str:
    if part in _CLASSES:
        return f"[{_CLASSES[part]}]"
    if part in _NEGATED:
        return f"[^{_NEGATED[part]}]"
    if part == "\\b":
        return "\\y"
    if part == ".":
        return "[^\\n]"
    if part.startswith("["):
        return _IN_LIST.sub(lambda escape: _CLASSES.get(escape.group(), escape.group()), part)
    return part
