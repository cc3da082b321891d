"""How records that were deleted for good leave the mirror: as deleted ones, with the version they had kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.store.columns import table_columns
from sfsync.store.history import has_history, keep_versions, shape_history
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: Says which version of a record is stored.
STAMP = "SystemModstamp"


@dataclass(frozen=True, slots=True)
class Named:
    """What the org's log of deletions names.

    Attributes:
        ids: 18-character Id → when it was deleted (naive UTC).
        before: Later deletions wait for the next pull: the mirror is the org as of this instant.
    """

    ids: Mapping[str, datetime]
    before: datetime


def bury(session: Session, describe: ObjectDescribe, named: Named, history_at: datetime | None) -> int:
    """Mark live records as deleted that the log names and that were not stored in a later version.

    Call it after the rows of the same pull are stored, in the same transaction: a record that was deleted and taken
    back has a later stamp by then.

    Args:
        session: A writing session.
        describe: The object.
        named: What the log names.
        history_at: The upper bound of this pull, to keep superseded versions; None where no history is kept.

    Returns:
        How many records that were.
    """
    ids = {record_id: at for record_id, at in named.ids.items() if at < named.before}
    if not ids or describe.field(STAMP) is None:
        return 0
    session.execute("CREATE TEMP TABLE log_of_deletions (deleted_id VARCHAR, deleted_at TIMESTAMP)")
    session.execute(
        "INSERT INTO log_of_deletions SELECT unnest(CAST($ids AS VARCHAR[])), unnest(CAST($moments AS TIMESTAMP[]))",
        {"ids": list(ids), "moments": list(ids.values())},
    )
    live = 't."IsDeleted" IS NOT TRUE' if describe.field("IsDeleted") else "TRUE"
    try:
        return retire(
            session,
            describe,
            f'SELECT t."Id" FROM {table("sf_all", describe.name)} AS t '
            'JOIN log_of_deletions AS n ON n.deleted_id = t."Id" '
            f"WHERE {live} AND t.{quote(STAMP)} <= n.deleted_at",
            history_at,
        )
    finally:
        session.execute("DROP TABLE log_of_deletions")


def retire(session: Session, describe: ObjectDescribe, ids: str, history_at: datetime | None) -> int:
    """Mark records as deleted; one of an object without IsDeleted is removed.

    Args:
        session: A writing session.
        describe: The object.
        ids: A SELECT of their Ids.
        history_at: See `bury`.

    Returns:
        How many records that were.
    """
    target = table("sf_all", describe.name)
    session.execute(f'CREATE TEMP TABLE retired AS SELECT DISTINCT "Id" FROM ({ids}) AS found')
    count = int(session.execute("SELECT count(*) FROM retired").scalar())
    if count:
        if history_at is not None:
            shape_history(session, describe.name, table_columns(session, "sf_all", describe.name))
            keep_versions(session, describe.name, 'SELECT "Id" FROM retired', history_at)
        end = f'UPDATE {target} SET "IsDeleted" = TRUE' if describe.field("IsDeleted") else f"DELETE FROM {target}"
        session.execute(f'{end} WHERE "Id" IN (SELECT "Id" FROM retired)')
    session.execute("DROP TABLE retired")
    return count


def keeps_history(session: Session, object_name: str, at: datetime) -> datetime | None:
    """The instant for `history_at` of an object, outside a pull: None where no versions of it are kept."""
    return at if has_history(session, object_name) else None
