"""Pulls one object: reads its window, takes up what a killed pull left, and stores rows and cursor together."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store import Store, ledger
from sfsync.store.merge import MergeCounts, MergeOptions, merge_pages
from sfsync.store.mirror import Drift, ObjectState, shape_table
from sfsync.sync.events import ObjectResult, ObjectStarted
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.window import next_window


@dataclass(frozen=True, slots=True)
class ObjectPull:
    """What the pulls of every object of a run share."""

    store: Store
    reader: Reader
    run_id: str
    upper: datetime
    options: PullOptions

    def pull(
        self, describe: ObjectDescribe, drift: Drift, state: ObjectState | None, expected: int | None
    ) -> ObjectResult:
        """Bring one object up to date.

        Args:
            describe: The object as the org describes it now.
            drift: How that differs from the mirror.
            state: What the last finished pull left, or None before the first.
            expected: About how many records the object has, or None when nobody knows.
        """
        self.reader.on_event(ObjectStarted(describe.name, expected))
        # A clock that went backwards (a longer lag, say) must not move the cursor backwards.
        upper = self.upper if state is None else max(state.upper_bound, self.upper)
        # New or retyped fields are empty in every stored record, so the cursor may not stand: read all again.
        reread = drift.created or drift.added or drift.retyped
        saved = None if state is None or reread else state.upper_bound
        notes, counts = list(_notes(drift)), MergeCounts(0, 0, 0, 0)
        unfinished = self.reader.unfinished(describe, saved)
        resumed = self.reader.read_unfinished(describe, unfinished) if unfinished else None
        if unfinished is not None and resumed is not None:
            counts += self._store(describe, drift, resumed, unfinished.upper_bound)[0]
            notes.append(f"took up Bulk job {unfinished.job_id} of a pull that was stopped")
            drift, saved, expected = Drift(gone=drift.gone), unfinished.upper_bound, None
            upper = max(upper, saved)
        window = next_window(describe, saved, upper, self.options.overlap)
        spooled = self.reader.read(describe, window, expected)
        stored, total = self._store(describe, drift, spooled, upper)
        return _result(describe, spooled, counts + stored, total, notes)

    def _store(
        self, describe: ObjectDescribe, drift: Drift, spooled: SpooledRead, upper: datetime
    ) -> tuple[MergeCounts, int]:
        """Rows and cursor in one transaction; only then may the job go and the pages.

        Returns:
            What changed, and how many records the object has now.
        """
        history = self.options.keeps_history(describe.name)
        merging = MergeOptions(
            expected=spooled.rows,
            listing=spooled.listing,
            history_at=upper if history else None,
            refilled=(*drift.added, *drift.retyped),
        )
        try:
            with self.store.writing() as session:
                shape_table(session, describe, drift)
                counts = merge_pages(session, describe, spooled.pages, merging)
                ledger.save_describe(session, describe, upper)
                total = ledger.save_cursor(session, describe, upper, self.run_id, history=history)
        except IncompleteAnswer:
            self._clear_spool(describe)  # pages that cannot be stored must not be taken up again
            raise
        spooled.after_commit()
        self._clear_spool(describe)
        return counts, total

    def _clear_spool(self, describe: ObjectDescribe) -> None:
        shutil.rmtree(self.reader.spool / describe.name, ignore_errors=True)


def _result(
    describe: ObjectDescribe, spooled: SpooledRead, counts: MergeCounts, total: int, notes: list[str]
) -> ObjectResult:
    return ObjectResult(
        describe.name,
        "done",
        api=spooled.api,
        read=counts.read,
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted,
        vanished=counts.vanished,
        total=total,
        notes=tuple(notes),
    )


def _notes(drift: Drift) -> list[str]:
    notes = []
    if drift.added:
        notes.append(f"new fields, every record read again: {', '.join(drift.added)}")
    if drift.retyped:
        notes.append("fields of a new type: " + ", ".join(f"{name} ({how})" for name, how in drift.retyped.items()))
    if drift.gone:
        notes.append(f"no longer readable, values kept as they were: {', '.join(drift.gone)}")
    return notes
