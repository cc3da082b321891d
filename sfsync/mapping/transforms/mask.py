"""Masks: values that may leave a production org for a sandbox, the same value always becoming the same mask."""

from __future__ import annotations

import hashlib
from typing import Literal

from sfsync.mapping.transforms.stage import Kind, Stage, plain, trimmed
from sfsync.records import FieldDescribe
from sfsync.store.names import literal

Mask = Literal["hash", "fake", "null", "keep-domain"]

#: Digits in front of a domain that is kept.
_LONGEST, _SHORTEST = 16, 12

_FIRST = ("Alex", "Blake", "Casey", "Dana", "Ellis", "Finley", "Gray", "Harper", "Indigo", "Jules", "Kai", "Lane")
_LAST = ("Archer", "Baker", "Carter", "Dyer", "Fisher", "Glover", "Hunter", "Mason", "Porter", "Sawyer", "Tailor")
_COMPANY = ("Acorn", "Beacon", "Cedar", "Delta", "Ember", "Fjord", "Garnet", "Harbor", "Iris", "Juniper", "Lumen")
_STREET = ("Birch", "Cherry", "Elm", "Hazel", "Linden", "Maple", "Oak", "Pine", "Rowan", "Willow")


def mask_stages(mask: Mask, described: FieldDescribe, salt: str) -> tuple[Stage, ...]:
    """The stages that hide a typed value. The salt makes masks of two projects differ, and guesses fail."""
    if mask == "null":
        return (Stage(Kind.TEXT, lambda _x, _: "CAST(NULL AS VARCHAR)"),)
    if mask == "fake":
        return (plain(lambda x: _fake_sql(x, described, salt)),)
    if mask == "keep-domain":
        return (plain(lambda x: _keep_domain_sql(x, described, salt)),)
    # An e-mail field takes nothing but addresses.
    tail = " || '@example.com'" if described.type == "email" else ""
    width = min(described.length or 32, 32)
    return (plain(lambda x: f"substr({_digest(x, salt)}, 1, {width}){tail}"),)


def _digest(sql: str, salt: str) -> str:
    """SQL of 64 hexadecimal digits that are the same for what means the same, in whichever object it stands."""
    # Salted before and behind with a key derived from the salt: without it, hashes of known addresses could be listed.
    key = hashlib.sha256(salt.encode()).hexdigest()
    text = trimmed(sql)  # as the org keeps it: blanks around a text are none of it
    text = f"CASE WHEN contains({sql}, '@') THEN lower({text}) ELSE {text} END"  # capitals make no other address
    return f"sha256({literal(key)} || ({text}) || {literal(key)})"


def _is_email(described: FieldDescribe) -> bool:
    return described.type == "email" or "email" in described.name.casefold()


def _pick(digest: str, start: int, words: tuple[str, ...]) -> str:
    listed = ", ".join(literal(word) for word in words)
    return f"list_extract([{listed}], 1 + CAST('0x' || substr({digest}, {start}, 7) AS INTEGER) % {len(words)})"


def _fake_sql(sql: str, described: FieldDescribe, salt: str) -> str:
    """A made-up value of the kind that the field's type and name ask for; its end keeps two values apart."""
    digest = _digest(sql, salt)
    made = _made_up(digest, described)
    cut = f"substr({made}, 1, {described.length})" if described.length else made
    return f"CASE WHEN {sql} IS NOT NULL THEN {cut} END"


def _made_up(digest: str, described: FieldDescribe) -> str:
    name, short = described.name.casefold(), f"substr({digest}, 57, 8)"
    long = f"substr({digest}, 53, 12)"  # of a million addresses no two may become one
    number = f"CAST('0x' || substr({digest}, 50, 7) AS INTEGER)"
    if _is_email(described):
        return f"lower({_pick(digest, 1, _FIRST)}) || '.' || {long} || '@example.com'"
    if described.type == "phone" or "phone" in name or "fax" in name:
        return f"'+1555' || lpad(CAST({number} % 10000000 AS VARCHAR), 7, '0')"
    if described.type == "url" or name == "website":
        return f"'https://' || {long} || '.example.com'"
    if "street" in name:
        return f"CAST(1 + {number} % 200 AS VARCHAR) || ' ' || {_pick(digest, 1, _STREET)} || ' Street'"
    # An account's `Name` is the `Company` of the lead that it was.
    words = _FIRST if name == "firstname" else _COMPANY if name in ("company", "name") else _LAST
    return f"{_pick(digest, 1, words)} || ' ' || {short}"


def _keep_domain_sql(sql: str, described: FieldDescribe, salt: str) -> str:
    domain = f"lower(regexp_extract({trimmed(sql)}, '@[^@]*$'))"
    # A shorter digest would make one address of two: where not even that has room, the text is too long.
    room = f"greatest({_SHORTEST}, least({_LONGEST}, {described.length or 80} - length({domain})))"
    return f"CASE WHEN {sql} IS NOT NULL THEN substr({_digest(sql, salt)}, 1, {room}) || {domain} END"
