"""Holds what the org lists of an object against the mirror, in SQL: which records are missing, extra or different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store.columns import column_types
from sfsync.store.interface import Session
from sfsync.store.leavers import Listed, load_listed
from sfsync.store.merge import INCOMING, STAMP, MergeOptions, merge_loaded
from sfsync.store.names import quote, table
from sfsync.store.tombstones import retire

#: So many Ids of each kind are told; the counts are always whole.
MOST_IDS = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """Records that differ between org and mirror in one way.

    Attributes:
        kind: `missing` (in the org alone), `extra` (live in the mirror alone), `late commit` (a version that the org
            dated before the mirror's upper bound and that was not there yet when its time was read), `outdated` (other
            stamps that cannot be explained so), `stale formula` (same stamp, only calculated fields differ), `values`
            (same stamp, other fields differ), `permission` (fields, or records, that this user may not see).
        count: How many records, or fields.
        ids: The first of them, in order.
    """

    kind: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the mirror claims of an object, and so what may be held against it; instants are naive UTC.

    Attributes:
        upper: It is complete up to here: later changes are not held against it.
        began: The upper bound of its first pull: what is dated later and was not read then came late. None when that
            is not known.
        spared: Records that the org deleted for good after `upper`, or that may have left the selection since.
        sample: The pages hold some records only, so that none is extra.
        there: What else the org has, though it is not on the pages: Ids, stamps and deletions; None for nothing.
    """

    upper: datetime
    began: datetime | None = None
    spared: Sequence[str] = ()
    sample: bool = False
    there: Listed | None = None


@contextmanager
def listed(
    session: Session, describe: ObjectDescribe, pages: Sequence[Path], expected: int, claim: Claim
) -> Iterator[None]:
    """Load what the org listed into a temporary table for the time of the block.

    Args:
        session: A writing session.
        describe: Its stored fields are the pages' columns: all of them, or only Id, IsDeleted and SystemModstamp.
        pages: CSV files, deleted records included.
        expected: How many records the org says they hold.
        claim: What the mirror claims.

    Raises:
        IncompleteAnswer: They hold another number.
    """
    columns = column_types(describe)
    types = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
    session.execute(f"CREATE TEMP TABLE {INCOMING} ({types})")
    session.execute("CREATE TEMP TABLE spared (spared_id VARCHAR)")
    loaded = session.load_csv(INCOMING, columns, pages)
    if loaded != expected:
        raise IncompleteAnswer(
            f"{describe.name}: {loaded} records arrived where the org announced {expected}", hint="verify again"
        )
    if claim.spared:
        session.execute("INSERT INTO spared SELECT unnest(CAST(? AS VARCHAR[]))", [list(claim.spared)])
    if claim.there is not None and not claim.sample:
        _spare(session, claim.there, claim.upper)
    yield
    for name in (INCOMING, "spared"):  # an error has ended the transaction, and with it the tables
        session.execute(f"DROP TABLE {name}")


def _spare(session: Session, there: Listed, upper: datetime) -> None:
    """Let no record be extra that the org has: one that it has deleted since counts as there, too."""
    load_listed(session, "elsewhere", there)
    alive = ['e."IsDeleted" IS NOT TRUE'] if there.describe.field("IsDeleted") else ["TRUE"]
    if there.describe.field(STAMP):
        alive.append(f"e.{quote(STAMP)} >= TIMESTAMP '{upper:%Y-%m-%d %H:%M:%S}'")
    session.execute(f'INSERT INTO spared SELECT e."Id" FROM elsewhere AS e WHERE {" OR ".join(alive)}')
    session.execute("DROP TABLE elsewhere")


def compare(session: Session, describe: ObjectDescribe, claim: Claim) -> list[Difference]:
    """How the mirror differs from what is `listed`; nothing of the mirror changes."""
    return [found for kind, sql in _kinds(describe, claim) for found in _found(session, kind, sql, claim)]


def count_of(differences: Sequence[Difference], *kinds: str) -> int:
    """How many records differ in some ways."""
    return sum(found.count for found in differences if found.kind in kinds)


def retire_extra(session: Session, describe: ObjectDescribe, history_at: datetime | None) -> int:
    """Mark the records as deleted that are live in the mirror and not `listed`; returns how many."""
    return retire(session, describe, _extra(describe), history_at)


def take_over(session: Session, describe: ObjectDescribe, claim: Claim, history_at: datetime | None) -> None:
    """Store what is `listed`, without loading it again; what changed after the mirror's bound waits for the next pull.

    The org is right even where the mirror has a later stamp.
    """
    mirror = table("sf_all", describe.name)
    if describe.field(STAMP) is not None:
        stamp = quote(STAMP)
        session.execute(f"DELETE FROM {INCOMING} WHERE {stamp} >= ?", [claim.upper])
        session.execute(
            f'UPDATE {mirror} AS t SET {stamp} = (SELECT min(c.{stamp}) FROM {INCOMING} AS c WHERE c."Id" = t."Id") '
            f'WHERE EXISTS (SELECT 1 FROM {INCOMING} AS c WHERE c."Id" = t."Id" '
            f"AND (t.{stamp} > c.{stamp} OR t.{stamp} IS NULL))"
        )
    loaded = int(session.execute(f"SELECT count(*) FROM {INCOMING}").scalar())
    merge_loaded(session, describe, loaded, MergeOptions(expected=loaded, history_at=history_at))


def _kinds(describe: ObjectDescribe, claim: Claim) -> list[tuple[str, str]]:
    """Kind → SELECT of the Ids concerned; `$upper` and `$began` are the claim's."""
    mirror = table("sf_all", describe.name)
    stamped = describe.field(STAMP) is not None
    stamp = quote(STAMP)
    settled = f"c.{stamp} < $upper" if stamped else "TRUE"
    joined = f'{INCOMING} AS c JOIN {mirror} AS t ON t."Id" = c."Id"'
    absent = f'{INCOMING} AS c WHERE {settled} AND NOT EXISTS (SELECT 1 FROM {mirror} AS t WHERE t."Id" = c."Id")'
    kinds = [] if claim.sample else [("extra", _extra(describe))]
    same, is_late = settled, "FALSE"
    if stamped:
        differs = f"c.{stamp} IS DISTINCT FROM t.{stamp}"
        is_late = f"c.{stamp} >= $began" if claim.began is not None else "FALSE"
        newer = f"(t.{stamp} IS NULL OR c.{stamp} > t.{stamp})"
        changed = f'SELECT c."Id" FROM {joined} WHERE {settled} AND {differs}'
        kinds.append(("outdated", f"{changed} AND NOT ({is_late} AND {newer})"))
        kinds.append(
            ("late commit", f'SELECT c."Id" FROM {absent} AND {is_late} UNION {changed} AND {is_late} AND {newer}')
        )
        same = f"{settled} AND NOT ({differs})"
    kinds.insert(0, ("missing", f'SELECT c."Id" FROM {absent} AND NOT {is_late}'))
    plain = _differs([f.name for f in describe.stored_fields if not f.calculated])
    formulas = _differs([f.name for f in describe.stored_fields if f.calculated])
    kinds.append(("values", f'SELECT c."Id" FROM {joined} WHERE {same} AND {plain}'))
    kinds.append(("stale formula", f'SELECT c."Id" FROM {joined} WHERE {same} AND NOT {plain} AND {formulas}'))
    return kinds


def _extra(describe: ObjectDescribe) -> str:
    """The Ids of records that are live in the mirror alone."""
    # A deleted record leaves the Recycle Bin sooner or later; the mirror remembers it, and is right to.
    live = ' AND t."IsDeleted" IS NOT TRUE' if describe.field("IsDeleted") else ""
    return (
        f'SELECT t."Id" FROM {table("sf_all", describe.name)} AS t '
        f'WHERE NOT EXISTS (SELECT 1 FROM {INCOMING} AS c WHERE c."Id" = t."Id") '
        f'AND NOT EXISTS (SELECT 1 FROM spared WHERE spared_id = t."Id"){live}'
    )


def _differs(names: Sequence[str]) -> str:
    clauses = " OR ".join(f"c.{quote(name)} IS DISTINCT FROM t.{quote(name)}" for name in names)
    return f"({clauses})" if clauses else "FALSE"


def _found(session: Session, kind: str, sql: str, claim: Claim) -> list[Difference]:
    known = {"upper": claim.upper, "began": claim.began}
    params = {name: value for name, value in known.items() if f"${name}" in sql}
    count = int(session.execute(f"SELECT count(*) FROM ({sql}) AS found", params).scalar())
    if not count:
        return []
    ids = session.execute(f'SELECT "Id" FROM ({sql}) AS found ORDER BY "Id" LIMIT {MOST_IDS}', params)
    return [Difference(kind, count, tuple(record_id for (record_id,) in ids))]
