"""Names and texts as parts of SQL that the fake org writes; the one place where they become that."""

from __future__ import annotations


def quote(identifier: str) -> str:
    """The identifier as SQL wants it."""
    if not identifier or "\0" in identifier:
        raise ValueError(f"not a usable SQL name: {identifier!r}")
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string literal, for the statements that take no parameters (paths, DDL)."""
    if "\0" in text:
        raise ValueError("a NUL character cannot be part of an SQL text")
    return "'" + text.replace("'", "''") + "'"
