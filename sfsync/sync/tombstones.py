"""What a pull learns of deletions and merges beside the changed records, and how that becomes part of the mirror."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.store import Session, ledger
from sfsync.store.compare import Claim
from sfsync.store.coverage import Coverage, read_coverage, save_coverage
from sfsync.store.rekey import follow_merges
from sfsync.store.tombstones import Named, bury
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.reconcile import Guard, Reconciliation, read_ids
from sfsync.sync.upper_bound import Bound
from sfsync.sync.window import Chosen


@dataclass(frozen=True, slots=True)
class Deletions:
    """What was read of one object's deletions.

    Attributes:
        bound: The object's upper bound, and what the org's log names.
        listing: The Ids of every record, read because the log is no proof this time; else None.
        filtered: The mirror has some of these records only, so that one it lacks proves nothing.
    """

    bound: Bound
    listing: SpooledRead | None = None
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it: records marked as deleted, merges seen for the first time, and what to tell."""

    deleted: int
    merged: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Storing:
    """How to store it.

    Attributes:
        upper: The object's upper bound after this pull (naive UTC).
        history: Whether superseded versions are kept.
        guard: When absence is not taken for deletion.
        changed: Storing the rows of this pull has changed something.
    """

    upper: datetime
    history: bool
    guard: Guard
    changed: bool = True


def read_deletions(
    reader: Reader, describe: ObjectDescribe, bound: Bound, selection: Chosen, expected: int | None
) -> Deletions:
    """List all Ids where the org's log is no proof, and this user would see every record; the log itself is in `bound`.

    Args:
        reader: The pull's reader.
        describe: The object.
        bound: Its upper bound.
        selection: Which of its records are mirrored at all.
        expected: About how many records it has, or None when nobody knows.
    """
    if bound.reconcile is None or bound.begins is None or bound.sees_all is not True:
        return Deletions(bound)
    return Deletions(bound, read_ids(reader, describe, selection, expected), filtered=selection.born != selection.where)


def store_deletions(session: Session, describe: ObjectDescribe, read: Deletions, how: Storing) -> Taken:
    """Mark what was deleted, follow merges, and write down how far that is proven; after the rows of the same pull."""
    history_at = how.upper if how.history else None
    deleted, notes = 0, list(read.bound.notes)
    if read.bound.deleted is not None:
        deleted += bury(session, describe, Named(read.bound.deleted.ids, how.upper), history_at)
    before = read_coverage(session).get(describe.name, Coverage())
    began = before.began or how.upper
    since, because = before.unproven_since, before.unproven_because
    if read.bound.reconcile is not None and read.bound.begins is not None:
        notes.append(f"{read.bound.reconcile}: every Id was compared" if read.listing else read.bound.reconcile)
        count, refusal = _reconcile(session, describe, read, how, began, notes)
        deleted += count
        since, because = (since or read.bound.begins, refusal) if refusal else (None, None)
    if since is not None:
        notes.append(
            f"records deleted for good since {since:%Y-%m-%d %H:%M} UTC may still be in the mirror ({because}): "
            "`sfsync verify --deletes` looks"
        )
    merged = follow_merges(session, describe, how.upper) if how.changed or deleted else 0
    save_coverage(session, describe.name, Coverage(read.bound.covered, since, because, began))
    if deleted:
        ledger.recount(session, describe.name)
    return Taken(deleted, merged, tuple(notes))


def _reconcile(
    session: Session, describe: ObjectDescribe, read: Deletions, how: Storing, began: datetime, notes: list[str]
) -> tuple[int, str | None]:
    """How many records vanished and are marked as deleted now, or why they were left as they were."""
    if read.listing is None:
        return 0, "this user may not see every record"
    spared = [] if read.bound.deleted is None else [i for i, at in read.bound.deleted.ids.items() if at >= how.upper]
    claim = Claim(how.upper, began, spared)
    history_at = how.upper if how.history else None
    found = Reconciliation(describe, read.listing, claim, how.guard, read.bound.sees_all).store(session, history_at)
    if found.late and not read.filtered:
        notes.append(
            f"{found.late:,} records were committed later than the lag allows: `sfsync verify --repair` brings them"
        )
    return found.deleted, found.refusal
