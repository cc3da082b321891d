"""The one place where a name becomes part of an SQL text."""

from __future__ import annotations


def quote(identifier: str) -> str:
    """The identifier as SQL wants it, whatever characters it holds; a NUL, which no database takes, is refused."""
    if not identifier or "\0" in identifier:
        raise ValueError(f"not a usable SQL name: {identifier!r}")
    return '"' + identifier.replace('"', '""') + '"'


def table(schema: str, name: str) -> str:
    """The quoted, qualified name of a table or view."""
    return f"{quote(schema)}.{quote(name)}"


def literal(text: str) -> str:
    """The text as an SQL string literal, for the few statements (DDL) that take no parameters."""
    if "\0" in text:
        raise ValueError("a NUL character cannot be part of an SQL text")
    return "'" + text.replace("'", "''") + "'"
