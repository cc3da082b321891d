"""Records that a filter no longer takes: they are missing from what is listed under it, and are there all the same."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.records import ObjectDescribe
from sfsync.salesforce.query import query_pages
from sfsync.soql import parse_condition
from sfsync.store.leavers import Listed
from sfsync.store.merge import STAMP
from sfsync.store.mirror import ObjectState
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.reconcile import identity, read_ids
from sfsync.sync.selection import unstamped_reasons
from sfsync.sync.window import Window


@dataclass(frozen=True, slots=True)
class Left:
    """What may have left the filter of one object since its last pull.

    Attributes:
        changed: Ids of records that changed since.
        listing: Ids of all records whatever the filter, where one may leave it without a change of its own; else None.
        describe: The object, with the fields of that listing.
    """

    changed: tuple[str, ...] = ()
    listing: SpooledRead | None = None
    describe: ObjectDescribe | None = None

    @classmethod
    def of(cls, reader: Reader, describe: ObjectDescribe, state: ObjectState) -> Left:
        """Ask the org; to be called after everything under the filter was listed.

        Args:
            reader: Who read that listing; its pages stay untouched.
            describe: The object, with all that the org shows of it.
            state: What the last finished pull left.
        """
        selection = state.selection
        if selection.filter is None:
            return cls()
        if describe.field(STAMP) is None or unstamped_reasons(parse_condition(selection.filter), describe):
            return cls(listing=read_ids(reader, describe, selection, state.rows), describe=identity(describe))
        shown = identity(describe)
        since = Window(state.upper_bound, None, where=selection.born).soql(shown, ordered=True)
        pages = query_pages(reader.org, since, deleted_too=describe.field("IsDeleted") is not None)
        return cls(tuple(str(record["Id"]) for page in pages for record in page.records))

    @property
    def there(self) -> Listed | None:
        """The listing, for the comparison."""
        if self.listing is None or self.describe is None:
            return None
        return Listed(self.describe, self.listing.pages, self.listing.rows)

    def after_commit(self) -> None:
        """To be called once the proof is kept."""
        if self.listing is not None:
            self.listing.after_commit()
