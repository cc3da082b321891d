"""Record Ids: 15 case-sensitive characters, or 18 with a checksum over the capitals among them."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
#: The characters an Id may end with, by the capitals of five characters read as bits.
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_id(text: str) -> bool:
    """Whether this has the shape of an Id."""
    return _ID.fullmatch(text) is not None


def checksum(id15: str) -> str:
    """The three characters that make an 18-character Id out of a 15-character one."""
    blocks = (id15[start : start + 5] for start in (0, 5, 10))
    return "".join(
        CHECKSUM[sum(1 << bit for bit, character in enumerate(block) if "A" <= character <= "Z")] for block in blocks
    )


def long_id(text: str) -> str:
    """The 18-character form of an Id in either form; the first 15 characters decide."""
    return text[:15] + checksum(text[:15])
