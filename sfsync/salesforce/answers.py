"""Answers that are JSON, but not of the form the API promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sfsync.errors import IncompleteAnswer


@contextmanager
def understood(who: str, what: str) -> Iterator[None]:
    """Taking an answer apart within this block either works or raises IncompleteAnswer, whatever is wrong with it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise IncompleteAnswer(f"{who} sent {what} in a form that cannot be read.", hint="Try again.") from None
