"""Compound fields (addresses, locations) put together again from their parts, as text columns of the `sf` views.

Bulk API 2.0 refuses compound fields, and REST sends nothing in them that is not in their parts: so the parts are
mirrored, and the whole is an expression over them, the JSON that REST would have sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sfsync.records import COMPOUND_TYPES, ObjectDescribe
from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote

_TABLE = "CREATE TABLE IF NOT EXISTS sfsync.compounds (object VARCHAR, compound VARCHAR, part VARCHAR)"

#: Compound field → its parts.
Compounds = Mapping[str, Sequence[str]]


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def described(describe: ObjectDescribe) -> dict[str, list[str]]:
    """The compound fields that an object has now, each with those of its parts that are mirrored."""
    found: dict[str, list[str]] = {f.name: [] for f in describe.fields if f.type in COMPOUND_TYPES}
    for part in describe.stored_fields:
        if part.compound_field in found:
            found[part.compound_field].append(part.name)
    return {name: parts for name, parts in found.items() if parts}


def remembered(session: Session) -> dict[str, dict[str, list[str]]]:
    """Every compound field that was ever seen, by object: one that is hidden now keeps the values of its parts."""
    if not has_table(session, "sfsync", "compounds"):
        return {}
    found: dict[str, dict[str, list[str]]] = {}
    for name, compound, part in session.execute("SELECT object, compound, part FROM sfsync.compounds ORDER BY 1, 2, 3"):
        found.setdefault(name, {}).setdefault(compound, []).append(part)
    return found


def unknown_parts(known: Compounds, describe: ObjectDescribe) -> list[tuple[str, str]]:
    """Compound field and part of an object, for all that was not remembered yet."""
    return [
        (name, part) for name, parts in described(describe).items() for part in parts if part not in known.get(name, ())
    ]


def remember(session: Session, describe: ObjectDescribe) -> Compounds:
    """Keep what the compound fields of an object are made of; returns all that is known of them.

    The table must be there: see `prepare`.
    """
    rows = session.execute(
        "SELECT compound, part FROM sfsync.compounds WHERE object = ? ORDER BY 1, 2", [describe.name]
    )
    known: dict[str, list[str]] = {}
    for compound, part in rows:
        known.setdefault(compound, []).append(part)
    new = unknown_parts(known, describe)
    if new:
        values = [value for compound, part in new for value in (describe.name, compound, part)]
        session.execute(f"INSERT INTO sfsync.compounds VALUES {', '.join(['(?, ?, ?)'] * len(new))}", values)
    for compound, part in new:
        known.setdefault(compound, []).append(part)
    return known


def compound_columns(compounds: Compounds, columns: Collection[str]) -> dict[str, str]:
    """Compound field → SQL expression of its text, over the columns that there are; NULL when every part is.

    The members are named and ordered as in REST: `{"city": …, "country": …, …}`.
    """
    shown = {}
    for name, parts in compounds.items():
        present = {_member(name, part): quote(part) for part in parts if part in columns}
        if present and name not in columns:
            shown[name] = _json(dict(sorted(present.items())))
    return shown


def _json(members: Mapping[str, str]) -> str:
    """An SQL expression of a JSON object as text: `to_json` is what DuckDB and PostgreSQL both have."""
    texts = [
        f"{literal(('' if place == 0 else ', ') + _key(key))} || COALESCE(CAST(to_json({sql}) AS VARCHAR), 'null')"
        for place, (key, sql) in enumerate(members.items())
    ]
    filled = " OR ".join(f"{sql} IS NOT NULL" for sql in members.values())
    return f"CASE WHEN {filled} THEN '{{' || {' || '.join(texts)} || '}}' END"


def _key(member: str) -> str:
    return f'"{member}": '


def _member(compound: str, part: str) -> str:
    """What REST calls a part: `BillingPostalCode` of BillingAddress is `postalCode`, `Site__Latitude__s` `latitude`."""
    if compound.endswith("__c"):
        short = part.removeprefix(compound.removesuffix("c")).removesuffix("__s")
    else:
        short = part.removeprefix(compound.removesuffix("Address"))
    return short[:1].lower() + short[1:]
