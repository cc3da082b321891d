"""Text as XML takes it; the standard library's own way brings half of its HTTP client along."""

from __future__ import annotations

from collections.abc import Mapping


def escape(text: str, further: Mapping[str, str] | None = None) -> str:
    """The text with `&`, `<` and `>` written as XML wants them, and then whatever else is to be replaced."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character, written in (further or {}).items():
        text = text.replace(character, written)
    return text
