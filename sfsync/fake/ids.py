"""Salesforce record Ids: 15 case-sensitive characters, or 18 with a checksum that survives case folding.

An Id is a key prefix of three characters (which object), then twelve characters that count up in base 62.
"""

from __future__ import annotations

import re

from sfsync.soql.salesforce_ids import checksum, long_id

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX_LENGTH = 3
_BODY_LENGTH = 12
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Z]{3})?", re.ASCII)

#: Characters 4 to 6 of every Id this org makes: real orgs have a pod identifier there.
_POD = "Fk0"


def make_id(prefix: str, number: int) -> str:
    """The 18-character Id of the `number`-th record (counted from 0) of the object with this key prefix."""
    if len(prefix) != _PREFIX_LENGTH or not all(character in _DIGITS for character in prefix):
        raise ValueError(f"a key prefix has three letters or digits, not {prefix!r}")
    if number < 0:
        raise ValueError(f"records are counted from 0, not from {number}")
    body = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, len(_DIGITS))
        body = _DIGITS[digit] + body
    if len(body) > _BODY_LENGTH - len(_POD):
        raise ValueError(f"an Id cannot count as far as {number}")
    return to_18(prefix + _POD + body.rjust(_BODY_LENGTH - len(_POD), "0"))


def to_18(record_id: str) -> str:
    """The 18-character form of an Id in either form; raises ValueError for anything else."""
    if not _SHAPE.fullmatch(record_id):
        raise ValueError(f"not a Salesforce Id: {record_id!r}")
    return long_id(record_id)


def to_15(record_id: str) -> str:
    """The 15-character form of an Id in either form, as Salesforce's error messages quote it."""
    return record_id[:15]


def is_valid_id(record_id: str, prefix: str | None = None) -> bool:
    """Whether this is an Id: 15 characters, or 18 with the right checksum; with `prefix`, of that object."""
    if not _SHAPE.fullmatch(record_id):
        return False
    if prefix is not None and not record_id.startswith(prefix):
        return False
    return len(record_id) == 15 or record_id[15:] == checksum(record_id[:15])
