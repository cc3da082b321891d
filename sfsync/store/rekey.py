"""Merges: which records became part of which others, and the lookups that must follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.store.columns import mirror_columns
from sfsync.store.history import has_history, keep_versions, shape_history
from sfsync.store.interface import Session
from sfsync.store.ledger import read_describes
from sfsync.store.names import quote, table

MASTER = "MasterRecordId"

#: Lookups that keep what they said when they were filled.
LASTING = frozenset({MASTER, "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"})

#: Longest chain of merges that is followed; a record merged so often is a circle in broken data.
_LONGEST_CHAIN = 64

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.merged (object VARCHAR, loser_id VARCHAR, master_id VARCHAR, final_id VARCHAR,"
    " seen_at TIMESTAMP)"
)


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def follow_merges(session: Session, describe: ObjectDescribe, at: datetime) -> int:
    """Write down the merges that the stored records tell of, and let lookups to the losers point to the final master.

    Lookups are changed once, when a merge is first seen (or its master was merged in turn): a child record that is
    read again later has what the org says.

    Args:
        session: A writing session, after the object's records were stored in it.
        describe: The object; without MasterRecordId it knows no merges.
        at: The upper bound of this pull.

    Returns:
        How many merges are new.
    """
    if describe.field(MASTER) is None or describe.field("IsDeleted") is None:
        return 0
    new = _note_losers(session, describe.name, at)
    if not session.execute("SELECT 1 FROM sfsync.merged WHERE object = ? LIMIT 1", [describe.name]).rows:
        return 0
    session.execute(
        "CREATE TEMP TABLE finals AS SELECT loser_id, master_id AS final_id FROM sfsync.merged WHERE object = ?",
        [describe.name],
    )
    _follow_chains(session)
    session.execute(
        "CREATE TEMP TABLE moved AS SELECT f.loser_id, f.final_id FROM finals AS f JOIN sfsync.merged AS m "
        "ON m.object = ? AND m.loser_id = f.loser_id WHERE m.final_id IS DISTINCT FROM f.final_id",
        [describe.name],
    )
    session.execute(
        "UPDATE sfsync.merged SET final_id = (SELECT f.final_id FROM finals AS f WHERE f.loser_id = merged.loser_id) "
        "WHERE object = ? AND loser_id IN (SELECT loser_id FROM moved)",
        [describe.name],
    )
    if session.execute("SELECT 1 FROM moved LIMIT 1").rows:
        for child, field in _lookups_to(session, describe.name, read_describes(session).values()):
            _rekey(session, child, field, at)
    session.execute("DROP TABLE moved")
    session.execute("DROP TABLE finals")
    return new


def _note_losers(session: Session, name: str, at: datetime) -> int:
    """Merges that are not written down yet; those of records that were taken back are forgotten."""
    mirror = table("sf_all", name)
    session.execute(
        "DELETE FROM sfsync.merged WHERE object = ? AND NOT EXISTS (SELECT 1 FROM "
        f'{mirror} AS t WHERE t."Id" = merged.loser_id AND t."IsDeleted" AND t.{quote(MASTER)} = merged.master_id)',
        [name],
    )
    unknown = (
        f'FROM {mirror} AS t WHERE t."IsDeleted" AND t.{quote(MASTER)} IS NOT NULL AND t.{quote(MASTER)} <> t."Id" '
        'AND NOT EXISTS (SELECT 1 FROM sfsync.merged AS m WHERE m.object = $name AND m.loser_id = t."Id")'
    )
    new = int(session.execute(f"SELECT count(*) {unknown}", {"name": name}).scalar())
    if new:
        session.execute(
            f'INSERT INTO sfsync.merged SELECT $name, t."Id", t.{quote(MASTER)}, NULL, '
            f"CAST($at AS TIMESTAMP) {unknown}",
            {"name": name, "at": at},
        )
    return new


def _follow_chains(session: Session) -> None:
    """Let each final master be one that was not merged itself."""
    onward = "FROM finals AS n WHERE n.loser_id = finals.final_id AND n.final_id <> finals.loser_id"
    for _step in range(_LONGEST_CHAIN):
        left = session.execute(f"SELECT count(*) FROM finals WHERE EXISTS (SELECT 1 {onward})").scalar()
        if not left:
            return
        session.execute(f"UPDATE finals SET final_id = (SELECT n.final_id {onward}) WHERE EXISTS (SELECT 1 {onward})")


def _lookups_to(
    session: Session, name: str, describes: Iterable[ObjectDescribe]
) -> Iterator[tuple[ObjectDescribe, str]]:
    """The mirrored lookups that follow a merge: not those of histories, which stay with what they tell of."""
    held = mirror_columns(session)
    for child in describes:
        if not any(field.createable or field.updateable for field in child.fields):
            continue
        for field in child.stored_fields:
            if name in field.reference_to and field.name not in LASTING and field.name in held.get(child.name, {}):
                yield child, field.name


def _rekey(session: Session, child: ObjectDescribe, field: str, at: datetime) -> None:
    """Let one lookup of the live records of one object point to the final masters."""
    mirror, column = table("sf_all", child.name), quote(field)
    live = 't."IsDeleted" IS NOT TRUE AND ' if child.field("IsDeleted") else ""
    session.execute(
        f'CREATE TEMP TABLE followers AS SELECT t."Id" AS follower_id, m.final_id FROM {mirror} AS t JOIN moved AS m '
        f'ON m.loser_id = t.{column} WHERE {live}t."Id" <> m.final_id'
    )
    if session.execute("SELECT 1 FROM followers LIMIT 1").rows:
        if has_history(session, child.name):
            bound = session.execute("SELECT upper_bound FROM sfsync.cursors WHERE object = ?", [child.name]).scalar()
            shape_history(session, child.name, mirror_columns(session)[child.name])
            keep_versions(session, child.name, "SELECT follower_id FROM followers", max(at, bound or at))
        session.execute(
            f'UPDATE {mirror} SET {column} = (SELECT f.final_id FROM followers AS f WHERE f.follower_id = "Id") '
            'WHERE "Id" IN (SELECT follower_id FROM followers)'
        )
    session.execute("DROP TABLE followers")
