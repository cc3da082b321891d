"""How a source says what is wrong with it."""

from __future__ import annotations

from sfsync.errors import Problem, SourceError


def unreadable(source: str, message: str, hint: str | None = None, *, line: int | None = None) -> SourceError:
    """The error that a source cannot be read as it is.

    Args:
        source: What messages call it: the file as the user wrote it.
        message: What is wrong, in one sentence.
        hint: What to declare, or to mend.
        line: 1-based line of a file.
    """
    return SourceError([Problem(source, line, None, message, hint)])
