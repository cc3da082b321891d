"""How pages from the org become rows of the mirror: newest version per Id, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store.columns import column_types, table_columns
from sfsync.store.history import keep_versions, note_births, shape_history
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: Says which of two versions of a record is newer.
STAMP = "SystemModstamp"

#: The temporary table into which pages are loaded before they are merged.
INCOMING = "incoming"


#: A listing of up to so many records is held against all that is stored before anything is merged.
MOST_COMPARED = 2000

#: Up to so many records are merged by way of a copy of their stored versions; more would be too large a copy.
MOST_COPIED = 100_000


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """What a merge did: records read, new, changed, newly deleted, and gone from a full listing."""

    read: int
    inserted: int
    updated: int
    deleted: int
    vanished: int = 0

    def __add__(self, other: MergeCounts) -> MergeCounts:
        """What two merges did together."""
        return MergeCounts(
            self.read + other.read,
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.vanished + other.vanished,
        )

    @property
    def changed(self) -> bool:
        """Whether any record of the mirror is not as it was."""
        return bool(self.inserted or self.updated or self.deleted or self.vanished)


NOTHING = MergeCounts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """How to merge.

    Attributes:
        expected: How many records the org says the pages hold.
        listing: The pages hold *every* record of the object, so one that is missing from them is gone.
        history_at: The upper bound of this pull, to keep superseded versions; None where no history is kept.
        refilled: Columns that are being filled for the first time: a record that differs in nothing else has not
            changed, and leaves no version behind.
        versioned: A table keeps the object's superseded versions already.
    """

    expected: int
    listing: bool = False
    history_at: datetime | None = None
    refilled: tuple[str, ...] = ()
    versioned: bool = False

    @property
    def begins_history(self) -> bool:
        """Whether versions are kept from this pull on: records that come later are new to it."""
        return self.history_at is not None and not self.versioned


def merge_pages(
    session: Session, describe: ObjectDescribe, pages: Sequence[Path], options: MergeOptions
) -> MergeCounts:
    """Store the pages' records; a version older than the stored one, or equal to it, changes nothing.

    Args:
        session: A writing session; the merge is part of its transaction.
        describe: Its stored fields are the pages' columns, in that order.
        pages: CSV files.
        options: What is known of them.

    Raises:
        IncompleteAnswer: The pages hold another number of records than was announced.
    """
    target, columns = table("sf_all", describe.name), column_types(describe)
    begun = options.versioned
    if options.begins_history:
        begun = shape_history(session, describe.name, table_columns(session, "sf_all", describe.name))
    if not options.expected and not pages and not options.listing:
        return NOTHING
    empty = not session.execute(f"SELECT 1 FROM {target} LIMIT 1").rows
    landing = target if empty else "incoming"
    if not empty:
        types = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
        session.execute(f"CREATE TEMP TABLE incoming ({types})")
    loaded = session.load_csv(landing, columns, pages)
    if loaded != options.expected:
        raise IncompleteAnswer(
            f"{describe.name}: {loaded} records arrived where the org announced {options.expected}",
            hint="run the pull again; nothing of this answer was kept",
        )
    if empty:
        counts = _settle_first_load(session, describe, loaded)
        if begun and options.history_at is not None:
            note_births(session, describe.name, f'SELECT "Id" FROM {target}', options.history_at)
        return counts
    if options.listing and loaded <= MOST_COMPARED and _is_stored(session, describe):
        counts = MergeCounts(loaded, 0, 0, 0)
    else:
        counts = merge_loaded(session, describe, loaded, options)
    session.execute("DROP TABLE incoming")
    return counts


def _is_stored(session: Session, describe: ObjectDescribe) -> bool:
    """Whether the mirror has exactly the records that came: mostly so for small objects, which are listed each time."""
    columns = ", ".join(quote(name) for name in column_types(describe))
    came, stored = f"SELECT {columns} FROM {INCOMING}", f"SELECT {columns} FROM {table('sf_all', describe.name)}"
    new, gone = f"SELECT 1 FROM ({came} EXCEPT {stored}) AS new", f"SELECT 1 FROM ({stored} EXCEPT {came}) AS gone"
    return not session.execute(f"SELECT 1 FROM ({new} UNION ALL {gone}) AS differing LIMIT 1").rows


def merge_loaded(session: Session, describe: ObjectDescribe, loaded: int, options: MergeOptions) -> MergeCounts:
    """Store the records that the caller has loaded into the temporary table `incoming`; see `merge_pages`."""
    if options.history_at is not None:
        shape_history(session, describe.name, table_columns(session, "sf_all", describe.name))
    return _merge_incoming(session, describe, loaded, options)


def _settle_first_load(session: Session, describe: ObjectDescribe, loaded: int) -> MergeCounts:
    """Count a first load, after dropping the older version of a record that changed while its pages were read."""
    target = table("sf_all", describe.name)
    distinct = int(session.execute(f'SELECT count(DISTINCT "Id") FROM {target}').scalar())
    if distinct != loaded:
        columns = ", ".join(quote(name) for name in column_types(describe))
        session.execute(f"CREATE TEMP TABLE newest AS {_newest(describe, target)}")
        session.execute(f"DELETE FROM {target}")
        session.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM newest")
        session.execute("DROP TABLE newest")
    return MergeCounts(read=loaded, inserted=distinct, updated=0, deleted=0)


def _newest(describe: ObjectDescribe, source: str) -> str:
    """A SELECT of the newest version of each record in `source`."""
    columns = ", ".join(quote(name) for name in column_types(describe))
    order = f"{quote(STAMP)} DESC" if describe.field(STAMP) else quote("Id")
    return (
        f'SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY "Id" ORDER BY {order}) AS version_rank '
        f"FROM {source}) AS ranked WHERE version_rank = 1"
    )


def _merge_incoming(session: Session, describe: ObjectDescribe, loaded: int, options: MergeOptions) -> MergeCounts:
    target = table("sf_all", describe.name)
    stored = _stage_stored(session, target, loaded)
    columns = _stage_fresh(session, describe, _newest_incoming(session, describe, loaded), stored, options.refilled)
    marked = describe.field("IsDeleted") is not None
    gone = f'SELECT "Id" FROM {target} AS t WHERE NOT EXISTS (SELECT 1 FROM incoming AS i WHERE i."Id" = t."Id")'
    if marked:
        gone += ' AND t."IsDeleted" IS NOT TRUE'  # a record long deleted has left the Recycle Bin: nothing new
    now_deleted = '(was_live AND "IsDeleted")' if marked else "FALSE"
    fresh, inserted, updated, deleted = session.execute(
        "SELECT count(*), count(*) FILTER (WHERE is_new), "
        f"count(*) FILTER (WHERE is_change AND NOT is_new AND NOT {now_deleted}), "
        f"count(*) FILTER (WHERE NOT is_new AND {now_deleted}) FROM fresh"
    ).rows[0]
    if options.history_at is not None and updated + deleted:
        changed = 'SELECT "Id" FROM fresh WHERE is_change AND NOT is_new'
        keep_versions(session, describe.name, changed, options.history_at, source=stored)
    if options.history_at is not None and inserted:
        note_births(session, describe.name, 'SELECT "Id" FROM fresh WHERE is_new', options.history_at)
    vanished = int(session.execute(f"SELECT count(*) FROM ({gone}) AS gone").scalar()) if options.listing else 0
    if vanished:
        if options.history_at is not None:
            keep_versions(session, describe.name, gone, options.history_at)
        # A record deleted for good stays as a deleted one, where the object knows that state.
        end = f'UPDATE {target} SET "IsDeleted" = TRUE' if marked else f"DELETE FROM {target}"
        session.execute(f'{end} WHERE "Id" IN ({gone})')
    if fresh:  # mostly nothing has changed, and each statement has its price
        session.execute(f'DELETE FROM {target} WHERE "Id" IN (SELECT "Id" FROM fresh)')
        session.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM fresh")
    session.execute("DROP TABLE fresh")
    if stored != target:
        session.execute(f"DROP TABLE {stored}")
    return MergeCounts(loaded, inserted, updated, deleted, vanished)


def _stage_stored(session: Session, target: str, loaded: int) -> str:
    """The table in which to look for the stored versions of what came: a copy of those alone when they are few."""
    if loaded > MOST_COPIED:
        return target
    session.copy_rows("stored", target, f'SELECT "Id" FROM {INCOMING}')
    return "stored"


def _newest_incoming(session: Session, describe: ObjectDescribe, loaded: int) -> str:
    """A relation of the newest version of each record that came; they are ranked only where any came twice."""
    distinct = int(session.execute(f'SELECT count(DISTINCT "Id") FROM {INCOMING}').scalar())
    return INCOMING if distinct == loaded else f"({_newest(describe, INCOMING)})"


def _stage_fresh(
    session: Session, describe: ObjectDescribe, newest: str, stored: str, refilled: tuple[str, ...]
) -> str:
    """Put what must be stored into the temporary table `fresh`, and return its record columns."""
    names = list(column_types(describe))
    # A column that the org no longer shows keeps the value it had: absence of a field is not an empty field.
    kept = [name for name in table_columns(session, "sf_all", describe.name) if name not in names]
    not_older = f"i.{quote(STAMP)} >= t.{quote(STAMP)} AND " if STAMP in names else ""
    changed = _differs([name for name in names if name not in refilled])
    was_live = 't."IsDeleted" IS NOT TRUE' if "IsDeleted" in names else "TRUE"
    values = ", ".join([*(f"i.{quote(name)}" for name in names), *(f"t.{quote(name)}" for name in kept)])
    session.execute(
        f'CREATE TEMP TABLE fresh AS SELECT {values}, t."Id" IS NULL AS is_new, {was_live} AS was_live, '
        f't."Id" IS NULL OR {changed} AS is_change '
        f'FROM {newest} AS i LEFT JOIN {stored} AS t ON t."Id" = i."Id" '
        f'WHERE t."Id" IS NULL OR ({not_older}{_differs(names)})'
    )
    return ", ".join(quote(name) for name in [*names, *kept])


def _differs(names: list[str]) -> str:
    return "(" + " OR ".join(f"i.{quote(name)} IS DISTINCT FROM t.{quote(name)}" for name in names) + ")"
