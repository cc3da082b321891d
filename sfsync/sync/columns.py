"""Fields that are new, back, or of another kind: their values are read for every record, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store import drift as kinds
from sfsync.store.drift import Drift, FieldChange, note_drifts, probable_renames
from sfsync.store.fill import FillCounts, FillOptions, fill_columns
from sfsync.store.interface import Session
from sfsync.store.merge import STAMP
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.window import Window

#: What is read beside the fields themselves: which record, which version of it, and that deleted ones come along.
_IDENTITY = frozenset({"id", "isdeleted", STAMP.casefold()})


@dataclass(frozen=True, slots=True)
class FieldValues:
    """The values of some fields for every record, complete and counted, in the spool.

    Attributes:
        describe: The object with those fields alone, and what tells records and their versions apart.
        fields: Their API names.
        spooled: The records.
        reader: Who read them: it knows where they lie.
    """

    describe: ObjectDescribe
    fields: tuple[str, ...]
    spooled: SpooledRead
    reader: Reader


def only(describe: ObjectDescribe, fields: Sequence[str]) -> ObjectDescribe:
    """The object with these fields alone, and what tells records and their versions apart."""
    kept = _IDENTITY | {name.casefold() for name in fields}
    return replace(describe, fields=tuple(f for f in describe.stored_fields if f.name.casefold() in kept))


def read_fields(
    reader: Reader, describe: ObjectDescribe, fields: Sequence[str], window: Window, expected: int | None
) -> FieldValues:
    """Read some fields of every record: the Bulk job of a killed pull is taken up, everything else begins anew.

    Args:
        reader: The pull's reader; the pages lie in a folder of their own beside the object's.
        describe: The object.
        fields: API names.
        window: The pull's window. It is read from the beginning of time: what changed within it comes as a whole, and
            what changes after it does not match the version that is stored.
        expected: About how many records there are, or None when nobody knows.
    """
    narrow = only(describe, fields)
    own = replace(reader, spool=_folder(reader.spool, describe.name))
    note = own.unfinished(narrow, None, window.where)
    taken_up = own.read_unfinished(narrow, note) if note else None
    spooled = taken_up or own.read(narrow, replace(window, lower=None, after=None), expected)
    return FieldValues(narrow, tuple(fields), spooled, own)


def fill_fields(session: Session, values: FieldValues, *, history_at: datetime | None, drift: Drift) -> FillCounts:
    """Put the values into the stored records, in the transaction that stores the object's rows and cursor.

    Args:
        session: A writing session, after the pull's rows are stored.
        values: What was read.
        history_at: The pull's upper bound, to keep the versions that lose a value; None where no history is kept.
        drift: Which columns held nothing before.

    Raises:
        IncompleteAnswer: Other than the announced number of records had arrived; the pages are thrown away.
    """
    options = FillOptions(values.spooled.rows, history_at, drift.empty)
    try:
        return fill_columns(session, values.describe, values.fields, values.spooled.pages, options)
    except IncompleteAnswer:
        shutil.rmtree(values.reader.spool, ignore_errors=True)
        raise


def clear_values(spool: Path, object_name: str) -> None:
    """Throw away what was read of an object's fields, by this pull or by one that was killed."""
    shutil.rmtree(_folder(spool, object_name), ignore_errors=True)


def _folder(spool: Path, object_name: str) -> Path:
    return spool / f"{object_name}.fields"


def take_note(session: Session, run_id: str, describe: ObjectDescribe, drift: Drift, at: datetime) -> tuple[str, ...]:
    """Keep in the ledger how the object's fields changed; returns it in words.

    Args:
        session: The writing session that took the change over; the new columns are filled.
        run_id: The pull.
        describe: The object as it is now.
        drift: How its fields differ from what the mirror held.
        at: The pull's upper bound.
    """
    changes = (*drift.changes, *probable_renames(session, describe.name, drift))
    note_drifts(session, run_id, describe.name, changes, at)
    return tuple(_sentences(changes))


def _names(changes: Sequence[FieldChange]) -> str:
    return ", ".join(each.field for each in changes)


def _how(changes: Sequence[FieldChange]) -> str:
    return ", ".join(f"{each.field} ({each.detail})" for each in changes)


def _renamed(changes: Sequence[FieldChange]) -> str:
    return ", ".join(f"{each.field} → {each.detail}" for each in changes)


#: Kind → what is said of the fields concerned, and how they are listed.
_WORDS: dict[str, tuple[str, Callable[[Sequence[FieldChange]], str]]] = {
    kinds.NEW: ("new fields, filled for every record: ", _names),
    kinds.RETURNED: ("readable again, filled anew for every record: ", _names),
    kinds.GONE: ("removed, or no longer readable by this user; their values are kept as they were: ", _names),
    kinds.DESELECTED: ("no longer selected; their values are kept as they were: ", _names),
    kinds.RENAMED: ("probably renamed; both columns are kept: ", _renamed),
    kinds.RETYPED: ("fields of a new type, filled anew: ", _how),
    kinds.SHORTENED: ("fields that take less than before, filled anew: ", _how),
    kinds.LENGTHENED: ("fields that take more than before: ", _how),
    kinds.VALUES_ADDED: ("new picklist values: ", _how),
    kinds.VALUES_REMOVED: ("picklist values that are gone: ", _how),
    kinds.REQUIRED: ("must be filled from now on: ", _names),
    kinds.OPTIONAL: ("may be empty from now on: ", _names),
    kinds.LEFT_OUT: ("contents of files are not mirrored: ", _names),
}


def _sentences(changes: Sequence[FieldChange]) -> list[str]:
    sentences = []
    for kind, (words, listed) in _WORDS.items():
        concerned = [each for each in changes if each.kind == kind]
        if concerned:
            sentences.append(words + listed(concerned))
    return sentences
