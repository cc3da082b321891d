"""Pulls one object in two steps: reading it into the spool (network only), and storing rows and cursor together."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store import Session, Store, ledger
from sfsync.store.coverage import Coverage, advance_coverage
from sfsync.store.merge import NOTHING, MergeCounts, MergeOptions, merge_pages
from sfsync.store.mirror import Drift, ObjectState, shape_table
from sfsync.store.refreshes import Refresh, calculated_fields, note_refresh
from sfsync.sync.columns import FieldValues, clear_values, fill_fields, read_fields, take_note
from sfsync.sync.events import ObjectResult, ObjectStarted
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.reconcile import Guard
from sfsync.sync.scope import Everyone, Scope
from sfsync.sync.tombstones import Deletions, Storing, Taken, read_deletions, store_deletions
from sfsync.sync.upper_bound import Bound
from sfsync.sync.window import next_window

#: Folder, within an object's, of what is read after a part that waits there to be stored.
_LATER = "later"


@dataclass(frozen=True, slots=True)
class ReadPart:
    """One window of an object, in the spool.

    Attributes:
        spooled: Its records.
        upper: Up to which instant (naive UTC) the object is mirrored once they are stored.
        reader: Who read them: it knows where they lie.
        everyone: What the window holds whatever the selection, where records may have left it.
    """

    spooled: SpooledRead
    upper: datetime
    reader: Reader
    everyone: Everyone | None = None

    def after_commit(self) -> None:
        """To be called once the records are safe in the store."""
        self.spooled.after_commit()
        if self.everyone is not None:
            self.everyone.spooled.after_commit()


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """One object as it was read, complete and counted, and not yet stored.

    Attributes:
        describe: The object as the org describes it now.
        drift: How that differs from the mirror.
        parts: To be stored one after the other: what a killed pull had left to fetch comes first.
        notes: What the user should know about the reading.
        scope: Which part of the object is wanted.
        deletions: What was read of the object's deletions.
        state: What the last finished pull left, or None before the first.
        whole: The parts hold every record of the object, formulas included, whatever was mirrored before.
        values: Of fields that the stored records lack, or None where the parts bring them or nothing is lacking.
    """

    describe: ObjectDescribe
    drift: Drift
    parts: tuple[ReadPart, ...]
    notes: tuple[str, ...]
    scope: Scope
    deletions: Deletions
    state: ObjectState | None = None
    whole: bool = False
    values: FieldValues | None = None


@dataclass(frozen=True, slots=True)
class ObjectPull:
    """What the pulls of every object of a run share.

    Attributes:
        store: Where the mirror is.
        reader: How objects are read.
        run_id: The run's row in the ledger.
        upper: The org's clock less the lag (naive UTC).
        options: How to pull.
        bounds: Object → how far it can be mirrored, and what the org's log of deletions names; `upper` where it has
            none.
        coverage: Object → how far the org has vouched for it, as the last finished pull left it.
    """

    store: Store
    reader: Reader
    run_id: str
    upper: datetime
    options: PullOptions
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)

    def pull(
        self, describe: ObjectDescribe, drift: Drift, state: ObjectState | None, expected: int | None
    ) -> ObjectResult:
        """Bring one object up to date: read it, then store it."""
        return self.store_object(self.read_object(describe, drift, state, expected))

    def read_object(
        self, describe: ObjectDescribe, drift: Drift, state: ObjectState | None, expected: int | None
    ) -> ObjectRead:
        """Read into the spool what brings one object up to date; touches no store, so several threads may read.

        Args:
            describe: The object as the org describes it now.
            drift: How that differs from the mirror.
            state: What the last finished pull left, or None before the first.
            expected: About how many records the object has, or None when nobody knows.
        """
        self.reader.on_event(ObjectStarted(describe.name, expected))
        bound = self._bound(describe, state)
        upper = bound.upper
        scope = Scope.of(describe, state, self.options)
        saved = None if state is None or drift.created or scope.reads_all else state.upper_bound
        whole, notes, parts = saved is None, list[str](), list[ReadPart]()
        reader = self.reader
        while note := scope.unfinished(reader, describe, saved):
            taken_up = reader.read_unfinished(describe, note)
            if taken_up is None:
                break
            window = next_window(describe, saved, note.upper_bound, self.options.overlap, scope.selection)
            parts.append(ReadPart(taken_up, note.upper_bound, reader, scope.everyone(reader, describe, window)))
            notes.append(f"took up Bulk job {note.job_id} of a pull that was stopped")
            saved, expected, upper = note.upper_bound, None, max(upper, note.upper_bound)
            # What comes after it lies within its folder: in the same one it would overwrite what is not stored yet.
            reader = replace(reader, spool=reader.spool / describe.name / _LATER)
        overlap = bound.overlap(saved, state, self.options.overlap)
        window = next_window(describe, saved, upper, overlap, scope.selection)
        spooled = reader.read(describe, window, expected)
        parts.append(ReadPart(spooled, upper, reader, scope.everyone(reader, describe, window)))
        whole, values = whole or spooled.listing, None
        if drift.stale and not whole:
            # The cursor moves in the transaction that fills them, or not at all.
            rows = state.rows if state else None
            values = read_fields(self.reader, describe, drift.stale, window, rows)
        deletions = read_deletions(reader, describe, bound, scope.selection, state.rows if state else None)
        return ObjectRead(describe, drift, tuple(parts), tuple(notes), scope, deletions, state, whole, values)

    def _bound(self, describe: ObjectDescribe, state: ObjectState | None) -> Bound:
        known = self.bounds.get(describe.name)
        if known is not None:
            return known
        # A clock that went backwards (a longer lag, say) must not move the cursor backwards.
        return Bound(self.upper if state is None else max(state.upper_bound, self.upper))

    def store_object(self, read: ObjectRead) -> ObjectResult:
        """Rows and cursor in one transaction; only then may the jobs go, and the pages."""
        if read.state is not None and self._is_unchanged(read, read.state):
            return self._store_unchanged(read, read.state)
        counts, left, total = NOTHING, 0, 0
        with self.store.writing() as session:
            self._shape(session, read)
            for part in read.parts:
                merged, gone, total = self._store(session, read, part)
                counts, left = counts + merged, left + gone
            read.scope.settle(session, read.describe.name, left, total, wanted=self.options.full)
            notes = (*self._take_over_fields(session, read), *read.scope.notes(left))
            taken = self._take_over_deletions(session, read, changed=counts.changed or left > 0)
        for part in read.parts:
            part.after_commit()
        if read.deletions.listing is not None:
            read.deletions.listing.after_commit()
        if read.values is not None:
            read.values.spooled.after_commit()
        clear_values(self.reader.spool, read.describe.name)
        _clear_spool(self.reader, read.describe)
        taken = replace(taken, notes=(*notes, *taken.notes))
        return replace(_result(read, counts, total, taken), left=left, selection=str(read.scope.selection))

    def _is_unchanged(self, read: ObjectRead, state: ObjectState) -> bool:
        """Whether nothing at all is new of an object, so that only its cursor moves."""
        name, bound, (part, *more) = read.describe.name, read.deletions.bound, read.parts
        known = self.coverage.get(name)
        return (
            not (more or part.spooled.rows or part.spooled.listing or (part.everyone and part.everyone.spooled.rows))
            and read.values is None
            and read.drift.is_none
            and read.scope.is_kept
            and bound.reconcile is None
            and not (bound.deleted and any(at < part.upper for at in bound.deleted.ids.values()))
            and known is not None
            and (known.began is not None and known.unproven_since is None)
            and (state.versioned or not self.options.keeps_history(name))
        )

    def _store_unchanged(self, read: ObjectRead, state: ObjectState) -> ObjectResult:
        (part,), name = read.parts, read.describe.name
        with self.store.writing() as session:
            history = self.options.keeps_history(name)
            ledger.advance_cursor(session, name, part.upper, self.run_id, history=history)
            advance_coverage(session, name, read.deletions.bound.covered)
        part.after_commit()
        _clear_spool(self.reader, read.describe)
        taken = Taken(0, 0, (*read.scope.notes(0), *read.deletions.bound.notes))
        return replace(_result(read, NOTHING, state.rows, taken), selection=str(read.scope.selection))

    def _shape(self, session: Session, read: ObjectRead) -> None:
        """Bring table and view into the shape of the describe, before anything is stored."""
        history = self.options.keeps_history(read.describe.name)
        shape_table(session, read.describe, read.drift, keep_at=read.parts[0].upper, history=history)

    def _take_over_fields(self, session: Session, read: ObjectRead) -> tuple[str, ...]:
        """Fill what the stored records lack, and write down how the fields changed; says it in words."""
        describe, upper = read.describe, read.parts[-1].upper
        if read.values is not None:
            history = self.options.keeps_history(describe.name)
            fill_fields(session, read.values, history_at=upper if history else None, drift=read.drift)
        if read.whole and calculated_fields(describe):
            note_refresh(session, Refresh(describe.name, read.parts[0].upper, read.parts[0].spooled.rows, 0))
        return take_note(session, self.run_id, describe, read.drift, upper)

    def _take_over_deletions(self, session: Session, read: ObjectRead, *, changed: bool) -> Taken:
        """Mark what the org's log names and what its list of Ids lacks, and follow merges."""
        history = self.options.keeps_history(read.describe.name)
        how = Storing(read.parts[-1].upper, history, Guard(self.options.most_vanished), changed)
        try:
            return store_deletions(session, read.describe, read.deletions, how)
        except IncompleteAnswer:
            _clear_spool(self.reader, read.describe)
            raise

    def _store(self, session: Session, read: ObjectRead, part: ReadPart) -> tuple[MergeCounts, int, int]:
        """What storing one part changed, how many records left the selection, and how many the object has now."""
        describe = read.describe
        history = self.options.keeps_history(describe.name)
        merging = MergeOptions(
            expected=part.spooled.rows,
            listing=part.spooled.listing,
            history_at=part.upper if history else None,
            refilled=read.drift.empty,
            versioned=read.state is not None and read.state.versioned,
        )
        try:
            left = read.scope.take_out(session, describe, part.spooled, part.everyone, merging.history_at)
            counts = merge_pages(session, describe, part.spooled.pages, merging)
        except IncompleteAnswer:
            _clear_spool(part.reader, describe)  # pages that cannot be stored must not be taken up again
            raise
        if not read.drift.described:
            ledger.save_describe(session, describe, part.upper)
        return counts, left, ledger.save_cursor(session, describe, part.upper, self.run_id, history=history)


def _clear_spool(reader: Reader, describe: ObjectDescribe) -> None:
    shutil.rmtree(reader.spool / describe.name, ignore_errors=True)


def _result(read: ObjectRead, counts: MergeCounts, total: int, taken: Taken) -> ObjectResult:
    return ObjectResult(
        read.describe.name,
        "done",
        api=read.parts[-1].spooled.api,
        read=counts.read,
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted + taken.deleted,
        vanished=counts.vanished,
        merged=taken.merged,
        total=total,
        upper_bound=read.parts[-1].upper,
        notes=(*taken.notes, *read.notes),
        # What a stopped pull had read is as old as that pull.
        whole=read.whole and len(read.parts) == 1,
    )
