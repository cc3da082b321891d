"""Trusted rows by the million: seeds, data folders and the furniture of a new org, completed by the database itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from sfsync.errors import UsageError
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.fake.database import ID_MACROS, Cursor, stage_rows
from sfsync.fake.dml.completion import completing_insert
from sfsync.fake.dml.state import state_of
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def load(org: FakeOrg, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add records that are known to be sound, each with its Id; no rule is asked and no history written."""
    if not rows:
        return
    names = dict.fromkeys(chain.from_iterable(rows))
    unknown = [name for name in names if (field := facts.field(name)) is None or field.name != name]
    if unknown:
        raise UsageError(f"{facts.name} has no field `{unknown[0]}` that can be loaded")
    org.database.teach(ID_MACROS)
    with org.database.writing() as cursor:
        table = stage_rows(cursor, list(names), rows)
        load_staged(org, cursor, facts, table, list(names))
        cursor.execute(f"DROP TABLE {table}")


def order(name: str) -> tuple[int, str]:
    """Who is pointed to comes first: users own everything, stages tell opportunities what they are."""
    first = ("Organization", "Profile", "UserRole", "User", "LeadStatus", "OpportunityStage")
    return (first.index(name) if name in first else len(first), name)


def load_staged(org: FakeOrg, cursor: Cursor, facts: ObjectFacts, table: str, given: Sequence[str]) -> None:
    """Add the rows of a staging table of text columns, whose names are spelled as the catalogue spells them.

    The database has to know `ID_MACROS`.
    """
    ids = [name for name in given if (field := facts.field(name)) is not None and field.type in ID_TYPES]
    short = " OR ".join(f"length({quote(name)}) = 15" for name in ids)
    short_ids = cursor.execute(f"SELECT 1 FROM {table} WHERE {short} LIMIT 1").fetchone() is not None
    statement = completing_insert(facts, table, given, admin=org.admin_id, short_ids=short_ids)
    cursor.execute(statement, {"now": org.clock.stamp()} if "$now" in statement else None)
    state = state_of(org)
    state.skip(facts.prefix)
    state.forget_stages()
