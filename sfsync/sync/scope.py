"""How an object's selection bears on a pull: what must be read again, and which records have left it since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sfsync.errors import GuardRefused
from sfsync.records import ObjectDescribe
from sfsync.store import Session
from sfsync.store.leavers import Listed, take_out_leavers
from sfsync.store.mirror import ObjectState
from sfsync.store.selections import EVERYTHING, KeptSelection, save_selection
from sfsync.sync.events import Event, OnEvent, PageRead
from sfsync.sync.job_note import JobNote
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.reconcile import identity
from sfsync.sync.selection import Selection
from sfsync.sync.window import Window

#: Folder, within an object's, of the listing that is compared with its records.
_FOLDER = "everyone"


@dataclass(frozen=True, slots=True)
class Everyone:
    """The records of a window as if nothing were left out, by Id.

    Attributes:
        spooled: The records.
        window: Which were asked for.
    """

    spooled: SpooledRead
    window: Window


@dataclass(frozen=True, slots=True)
class Scope:
    """An object's selection in one pull.

    Attributes:
        selection: What is wanted of the object now.
        before: What was wanted when the mirror's records were stored, in words; empty for everything.
        changed: Those are other records.
        anew: Every record is to be looked at anew, because they are other records or because the user wants it.
        held: The mirror has records of the object.
        kept: What the ledger keeps of the selection.
    """

    selection: Selection
    before: str = ""
    changed: bool = False
    anew: bool = False
    held: bool = False
    kept: KeptSelection = EVERYTHING

    @classmethod
    def of(cls, describe: ObjectDescribe, state: ObjectState | None, options: PullOptions) -> Scope:
        """Of one object in this pull.

        Args:
            describe: The object.
            state: What the last finished pull left, or None before the first.
            options: With its selection.
        """
        selection = options.selection(describe.name)
        if state is None:
            return cls(selection)
        changed = state.selection.digest != selection.digest
        anew = changed or options.full
        return cls(selection, str(state.selection), changed, anew=anew, held=True, kept=state.selection)

    @property
    def reads_all(self) -> bool:
        """Whether every record must be read, because some may be wanted that have not changed."""
        return self.anew or bool(self.selection.unstamped)

    @property
    def is_kept(self) -> bool:
        """Whether the ledger keeps this very selection."""
        kept = self.selection.kept
        return self.kept == kept or (self.kept.is_everything and kept.is_everything)

    def unfinished(self, reader: Reader, describe: ObjectDescribe, after: datetime | None) -> JobNote | None:
        """The Bulk job that a killed pull left, if its answer is still the one that is wanted.

        Where records meet the filter without any change of their stamp, only a job begun now tells which do.
        """
        return None if self.selection.unstamped else reader.unfinished(describe, after, self.selection.where)

    def everyone(self, reader: Reader, describe: ObjectDescribe, window: Window) -> Everyone | None:
        """Read a window once more without the filter; None when no record of it can have left the selection.

        To be called after the window itself was read: a record that changes in between then shows in neither answer,
        and waits for the next pull. (SOQL has no reliable opposite of a filter: without a value in a field, a record
        may meet neither the filter nor its NOT.)

        Args:
            reader: Who read the window; its pages stay untouched.
            describe: The object.
            window: Which was read.
        """
        # The day a record was created never changes: without a filter none leaves, unless another day is chosen.
        if not self.held or not self.selection.where or (self.selection.filter is None and not self.anew):
            return None
        unfiltered = replace(window, where="" if self.anew else self.selection.born)
        apart = replace(reader, spool=reader.spool / describe.name / _FOLDER, on_event=_but_pages(reader.on_event))
        return Everyone(apart.read(identity(describe), unfiltered, None), unfiltered)

    def take_out(
        self,
        session: Session,
        describe: ObjectDescribe,
        spooled: SpooledRead,
        everyone: Everyone | None,
        history_at: datetime | None,
    ) -> int:
        """Take the records that left out of the mirror, before those that were read are stored; returns how many."""
        if everyone is None:
            return 0
        window = everyone.window
        return take_out_leavers(
            session,
            Listed(identity(describe), everyone.spooled.pages, everyone.spooled.rows),
            Listed(describe, spooled.pages, spooled.rows),
            (window.lower, window.upper),
            history_at,
        )

    def settle(self, session: Session, name: str, left: int, total: int, *, wanted: bool) -> None:
        """Keep the selection in the ledger, in the transaction that stores the records.

        Args:
            session: A writing session.
            name: The object.
            left: How many records were taken out.
            total: How many remain.
            wanted: The user asked for every record to be read again, so the result is meant.

        Raises:
            GuardRefused: Another selection would leave nothing of what the mirror has.
        """
        if self.changed and left and not total and not wanted:
            raise GuardRefused(
                f"the org has no record that the new selection takes ({self.selection}), so all {left:,} would be "
                "taken out of the mirror; it stays as it was",
                hint=f"correct the selection; if it is meant, run `sfsync pull {name} --full`",
            )
        if not self.is_kept:
            save_selection(session, name, self.selection.kept)

    def notes(self, left: int) -> list[str]:
        """What the user should know."""
        told = []
        now = str(self.selection)
        if self.changed:
            gone = f"; {left:,} records outside it were taken out of the mirror" if left else ""
            before = self.before or "every record"
            told.append(f"now mirrored: {now or 'every record'} (before: {before}); all were read again{gone}")
        if self.selection.unstamped:
            told.append(
                f"the filter depends on {', '.join(self.selection.unstamped)}, which can change while the record's "
                "SystemModstamp does not: every record under it was read again"
            )
        return told


def _but_pages(on_event: OnEvent) -> OnEvent:
    """A listener that is not told of pages: they are not counted among the object's records."""

    def tell(event: Event) -> None:
        if not isinstance(event, PageRead):
            on_event(event)

    return tell
