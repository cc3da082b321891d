"""Suggestions for misspelt names: the near one of those that exist, or the list of them when it is short."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 12


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """The known name most like `word`, ignoring case, or None when nothing is near."""
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """A hint: "did you mean `Email`?", else all known names when they are few, else None."""
    names = list(known)
    near = nearest_name(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    if names and len(names) <= _LISTED:
        return "known: " + ", ".join(f"`{name}`" for name in names)
    return None


def shown(value: object, limit: int = 60) -> str:
    """A value as it may stand in a message: one line, no control characters, not too long."""
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"
