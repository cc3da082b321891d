"""How values, numbers and Ids become text in a report, safe against whatever an org may hold."""

from __future__ import annotations

import re
from datetime import datetime

from markupsafe import Markup, escape

from sfsync.audit.links import instance_host, is_record_id, record_link

# Control and direction characters can reorder or hide what a reader sees; characters XML refuses would break a chart.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"(?:\d[\s().-]*){9,}")

__all__ = [
    "counted",
    "impersonal",
    "instance_host",
    "instant",
    "interval",
    "is_record_id",
    "number",
    "percentage",
    "prose",
    "record_link",
    "visible",
]

LONGEST_LABEL = 80
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def visible(value: object, longest: int = 400) -> str:
    """The value as one line of text in which nothing is hidden: control and direction characters become �."""
    text = _INVISIBLE.sub(lambda match: " " if match.group() in "\t\r\n" else "\N{REPLACEMENT CHARACTER}", str(value))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def impersonal(label: object) -> str:
    """The label of a group (a lead source, say), unless it looks like an e-mail address or a phone number."""
    text = visible(label, LONGEST_LABEL)
    if _EMAIL.search(text) or _PHONE.search(text):
        return "(looks like personal data)"
    return text


def prose(text: str) -> Markup:
    """Our own sentences as HTML: what stands in backticks becomes code, everything is escaped."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(text)
    pairs = (Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts))
    return Markup("").join(pairs)


def number(value: float | None, decimals: int = 0) -> str:
    """With thousands separators, and a dash for what is not known."""
    if value is None:
        return DASH
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def percentage(value: float | None) -> str:
    """A percentage (already times 100)."""
    return DASH if value is None else f"{number(value, 1)}%"


def interval(ends: list[float] | None) -> str:
    """Both ends of an interval in percent, separated by a dash."""
    return DASH if ends is None else f"{number(ends[0], 1)}{DASH}{number(ends[1], 1)}%"


def counted(n: int, one: str, many: str | None = None) -> str:
    """The number and the noun in agreement: `1 record`, `2 records`."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def instant(moment: datetime) -> str:
    """An instant in naive UTC, for people."""
    return f"{moment:%d %B %Y, %H:%M} UTC".lstrip("0")
