"""Holds what the org lists of an object against the mirror, in SQL: which records are missing, extra or different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.merge import STAMP
from sfsync.store.mirror import column_types
from sfsync.store.names import quote, table

#: So many Ids of each kind are told; the counts are always whole.
MOST_IDS = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """Records that differ between org and mirror in one way.

    Attributes:
        kind: `missing` (in the org alone), `extra` (live in the mirror alone), `outdated` (changed in the org before
            the mirror's upper bound), `stale formula` (same stamp, only calculated fields differ), `values` (same
            stamp, other fields differ).
        count: How many records.
        ids: The first of them, in order of Id.
    """

    kind: str
    count: int
    ids: tuple[str, ...]


def compare(
    session: Session, describe: ObjectDescribe, pages: Sequence[Path], *, expected: int, upper: datetime
) -> list[Difference]:
    """How the mirror differs from what the org listed.

    Args:
        session: A writing session (for its temporary tables; nothing of the mirror changes).
        describe: Its stored fields are the pages' columns: all of them, or only Id, IsDeleted and SystemModstamp.
        pages: CSV files with every record of the object, deleted ones included.
        expected: How many records the org says they hold.
        upper: Up to which instant (naive UTC) the mirror claims to be complete: later changes are not held against it.
    """
    columns = column_types(describe)
    types = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
    session.execute(f"CREATE TEMP TABLE listed ({types})")
    try:
        loaded = session.load_csv("listed", columns, pages)
        if loaded != expected:
            raise IncompleteAnswer(
                f"{describe.name}: {loaded} records arrived where the org announced {expected}", hint="verify again"
            )
        return [found for kind, sql in _kinds(describe) for found in _found(session, kind, sql, upper)]
    finally:
        session.execute("DROP TABLE listed")


def _kinds(describe: ObjectDescribe) -> list[tuple[str, str]]:
    """Kind → SELECT of the Ids concerned; `$upper` is the mirror's upper bound."""
    mirror = table("sf_all", describe.name)
    stamped = describe.field(STAMP) is not None
    settled = f"c.{quote(STAMP)} < $upper" if stamped else "TRUE"
    joined = f'listed AS c JOIN {mirror} AS t ON t."Id" = c."Id"'
    # A deleted record leaves the Recycle Bin sooner or later; the mirror remembers it, and is right to.
    live = ' AND t."IsDeleted" IS NOT TRUE' if describe.field("IsDeleted") else ""
    unlisted = 'NOT EXISTS (SELECT 1 FROM listed AS c WHERE c."Id" = t."Id")'
    kinds = [
        (
            "missing",
            f'SELECT c."Id" FROM listed AS c WHERE {settled} '
            f'AND NOT EXISTS (SELECT 1 FROM {mirror} AS t WHERE t."Id" = c."Id")',
        ),
        ("extra", f'SELECT t."Id" FROM {mirror} AS t WHERE {unlisted}{live}'),
    ]
    same = settled
    if stamped:
        differs = f"c.{quote(STAMP)} IS DISTINCT FROM t.{quote(STAMP)}"
        kinds.append(("outdated", f'SELECT c."Id" FROM {joined} WHERE {settled} AND {differs}'))
        same = f"{settled} AND NOT ({differs})"
    plain = _differs([f.name for f in describe.stored_fields if not f.calculated])
    formulas = _differs([f.name for f in describe.stored_fields if f.calculated])
    kinds.append(("values", f'SELECT c."Id" FROM {joined} WHERE {same} AND {plain}'))
    kinds.append(("stale formula", f'SELECT c."Id" FROM {joined} WHERE {same} AND NOT {plain} AND {formulas}'))
    return kinds


def _differs(names: Sequence[str]) -> str:
    clauses = " OR ".join(f"c.{quote(name)} IS DISTINCT FROM t.{quote(name)}" for name in names)
    return f"({clauses})" if clauses else "FALSE"


def _found(session: Session, kind: str, sql: str, upper: datetime) -> list[Difference]:
    params = {"upper": upper} if "$upper" in sql else {}
    count = int(session.execute(f"SELECT count(*) FROM ({sql}) AS found", params).scalar())
    if not count:
        return []
    ids = session.execute(f'SELECT "Id" FROM ({sql}) AS found ORDER BY "Id" LIMIT {MOST_IDS}', params)
    return [Difference(kind, count, tuple(record_id for (record_id,) in ids))]
