"""Id reconciliation: a record that the org no longer lists was deleted for good, if nothing speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sfsync.records import ObjectDescribe
from sfsync.salesforce.permissions import parent_of
from sfsync.store import Session
from sfsync.store.compare import Claim, Difference, compare, count_of, listed, retire_extra
from sfsync.store.merge import STAMP
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.window import Chosen, existing

#: Folder, within an object's, of the list of its Ids.
_IDS = "ids"


@dataclass(frozen=True, slots=True)
class Guard:
    """When absence is not taken for deletion.

    Attributes:
        most_vanished: Largest share (0 to 1) of an object's records that may vanish: beyond it a lost permission is
            likelier than so many deletions.
        trust_absence: Believe that a record does not exist even where it is not certain that this user would see it.
    """

    most_vanished: float = 0.05
    trust_absence: bool = False

    def refusal(self, object_name: str, vanished: int, records: int, sees_all: bool | None) -> str | None:
        """Why so many absent records may not be taken for deleted, or None.

        Args:
            object_name: API name.
            vanished: How many are live in the mirror and not listed by the org.
            records: How many the org lists.
            sees_all: Whether the user sees every record of the object; None when that cannot be told.
        """
        if not vanished:
            return None
        if sees_all is not True and not self.trust_absence:
            owner = parent_of(object_name)
            why = f"has no View All on {owner}" if sees_all is False else f"may or may not see every {owner}"
            return (
                f"the org does not list {vanished:,} records, and this user {why}: they may be hidden and not deleted; "
                "give the user View All Data, or repeat with --trust-absence"
            )
        if vanished > max(1, self.most_vanished * (records + vanished)):
            return (
                f"the org no longer lists {vanished:,} records, more than {self.most_vanished:.0%}: a lost permission "
                "is likelier than so many hard deletes; look into it, then repair with a higher --most-extra"
            )
        return None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What comparing the Ids brought.

    Attributes:
        differences: Between org and mirror, before anything was changed.
        deleted: Records that are marked as deleted now.
        refusal: Why those that vanished were left as they were, or None.
    """

    differences: Sequence[Difference]
    deleted: int
    refusal: str | None

    @property
    def late(self) -> int:
        """Records, or versions of them, that were committed too late for the pulls that read their time."""
        return count_of(self.differences, "late commit", "missing", "outdated")


def identity(describe: ObjectDescribe) -> ObjectDescribe:
    """The object with only the fields that tell whether a record is there and which version it is."""
    names = {"Id", "IsDeleted", STAMP}
    return replace(describe, fields=tuple(f for f in describe.fields if f.name in names))


def read_ids(reader: Reader, describe: ObjectDescribe, selection: Chosen, expected: int | None) -> SpooledRead:
    """List the Ids of all records of an object, deleted ones included, beside what else of it is in the spool."""
    apart = replace(reader, spool=reader.spool / describe.name / _IDS)
    return apart.read(identity(describe), existing(selection), expected)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The list of an object's Ids, and how to judge it."""

    describe: ObjectDescribe
    listing: SpooledRead
    claim: Claim
    guard: Guard
    sees_all: bool | None

    def store(self, session: Session, history_at: datetime | None) -> Reconciled:
        """Compare with the mirror, and mark as deleted what vanished, unless a guard objects."""
        shown = identity(self.describe)
        with listed(session, shown, self.listing.pages, self.listing.rows, self.claim):
            differences = compare(session, shown, self.claim)
            vanished = count_of(differences, "extra")
            refusal = self.guard.refusal(self.describe.name, vanished, self.listing.rows, self.sees_all)
            deleted = 0 if refusal or not vanished else retire_extra(session, self.describe, history_at)
        return Reconciled(differences, deleted, refusal)
