"""What an unquoted word in a YAML file means: as little as possible, so that text stays the text that was written."""

from __future__ import annotations

import re

# Leading zeros, exponents, and digit strings as long as an Id (15) are Ids or codes, not numbers.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,13})")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,13})?\.[0-9]{1,14}|[-+]?(?:0|[1-9][0-9]{0,13})\.")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}

Scalar = str | int | float | bool | None


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Only `true`, `false`, `null`, `~`, nothing at all, whole numbers and decimal fractions are anything but text:
    `on`, `no`, `007`, `2026-01-31`, `12:30`, `1_000`, `1e5`, `0x1F` and an all-digit Id are text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return text
