"""Writes pieces of a mapping file: scalars that mean exactly themselves, comments that stay on their line."""

from __future__ import annotations

import json
import re

from sfsync.config.scalars import plain_scalar
from sfsync.config.spelling import shown

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(?: [A-Za-z0-9_.]+)*")
_ESCAPED = re.compile("[\x7f-\xa0\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


def scalar(text: str) -> str:
    """A text as a YAML scalar, in quotes unless it needs none."""
    if _PLAIN.fullmatch(text) and plain_scalar(text) == text:
        return text
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", json.dumps(text, ensure_ascii=False))


def comment(text: str, limit: int = 200) -> str:
    """A text as a comment: one line, nothing in it that is obeyed by a terminal."""
    return "# " + shown(" ".join(text.split()), limit)
