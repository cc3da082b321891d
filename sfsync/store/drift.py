"""How an object's fields differ from what the mirror holds of them, and the book that is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.columns import column_types, mirror_columns, table_columns
from sfsync.store.compounds import Compounds, remembered, unknown_parts
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.drifts (run_id VARCHAR, object VARCHAR, field VARCHAR, kind VARCHAR,"
    " detail VARCHAR, noticed_at TIMESTAMP)"
)

NEW, RETURNED, GONE, DESELECTED, RENAMED = "new", "readable again", "gone", "no longer selected", "renamed"
RETYPED, SHORTENED, LENGTHENED = "retyped", "shortened", "lengthened"
VALUES_ADDED, VALUES_REMOVED = "values added", "values removed"
REQUIRED, OPTIONAL, LEFT_OUT = "made required", "made optional", "left out"


#: So many pairs of fields are held against each other, record by record, to find one that was renamed.
_MOST_COMPARED = 20


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that is not as it was.

    Attributes:
        field: API name.
        kind: One of this module's constants.
        detail: What exactly, e.g. "80 → 40".
    """

    field: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """How an object's fields differ from what the mirror holds.

    Attributes:
        created: The table is new.
        added: Fields the mirror did not have.
        gone: Fields that the last pull read and this one does not (removed, no longer readable, or no longer wanted);
            their columns and values stay.
        retyped: Field → "old type → new type".
        returned: Fields that can be read again: their columns hold what they held when they went.
        shortened: Fields that take less than before; the org may have cut their values.
        recast: Retyped fields whose column must change its type.
        respelled: Column → the same field's API name as it is spelled now.
        regrouped: A compound field, or a part of one, is not in the view yet.
        alike: A field that is gone and a new one of its type: perhaps one field that was renamed.
        changes: All of it, field by field, and what touches no value besides: what people are told.
        described: The ledger has this very describe.
    """

    created: bool = False
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    retyped: dict[str, str] = field(default_factory=dict)
    returned: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    recast: tuple[str, ...] = ()
    respelled: dict[str, str] = field(default_factory=dict)
    regrouped: bool = False
    alike: tuple[tuple[str, str], ...] = ()
    changes: tuple[FieldChange, ...] = field(default=(), compare=False)
    described: bool = field(default=False, compare=False)

    @property
    def stale(self) -> tuple[str, ...]:
        """Fields that must be read for every record, because their columns do not hold what the org does."""
        return tuple(dict.fromkeys((*self.added, *self.returned, *self.retyped, *self.shortened)))

    @property
    def is_none(self) -> bool:
        """Whether the object is exactly as the last pull found and stored it."""
        return self.described and not self.changes and self == Drift()

    @property
    def empty(self) -> tuple[str, ...]:
        """Columns that hold nothing before they are filled, so that filling them is no change of a record."""
        return (*self.added, *self.recast)


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the mirror holds of one object: its columns, what the last pull read, was told, and knew of its parts."""

    columns: dict[str, str]
    fields: set[str] | None
    describe: ObjectDescribe | None
    compounds: Compounds


def find_drift(session: Session, describe: ObjectDescribe) -> Drift:
    """How an object's fields differ from the mirror's columns; changes nothing."""
    return find_drifts(session, {describe.name: describe})[describe.name]


def find_drifts(session: Session, describes: Mapping[str, ObjectDescribe]) -> dict[str, Drift]:
    """The drift of several objects, with the questions that the database is slow to answer asked once for all."""
    columns, compounds = mirror_columns(session), remembered(session)
    fields: dict[str, set[str]] = {}
    if ledger.has_ledger(session):
        read = session.execute("SELECT object, field_names FROM sfsync.cursors")
        fields = {name: set(str(names).casefold().split(",")) for name, names in read}
    bodies = ledger.describe_bodies(session)
    drifts = {}
    for name, describe in describes.items():
        body = bodies.get(name)
        # Mostly nothing has changed, and comparing the texts takes less than reading one.
        described = body == ledger.describe_body(describe)
        before = describe if described else None if body is None else ledger.describe_from(body)
        held = _Held(columns.get(name, {}), fields.get(name), before, compounds.get(name, {}))
        drifts[name] = replace(_drift(held, describe), described=described)
    return drifts


def _drift(held: _Held, describe: ObjectDescribe) -> Drift:
    regrouped = bool(unknown_parts(held.compounds, describe))
    present, mirrored, before = held.columns, held.fields, held.describe
    if not present:
        return Drift(created=True, regrouped=regrouped, changes=tuple(_left_out(None, describe)))
    wanted = column_types(describe)
    spelled = {name.casefold(): name for name in present}
    known = {name: spelled[name.casefold()] for name in wanted if name.casefold() in spelled}
    names = {name.casefold() for name in wanted}
    retyped = dict(_retyped(before, describe, {name: present[column] for name, column in known.items()}))
    returned = tuple(name for name in known if mirrored is not None and name.casefold() not in mirrored)
    gone = tuple(
        column
        for column in present
        if column.casefold() not in names and (mirrored is None or column.casefold() in mirrored)
    )
    found = Drift(
        added=tuple(name for name in wanted if name not in known),
        gone=gone,
        retyped=retyped,
        returned=returned,
        shortened=tuple(change.field for change in _resized(before, describe) if change.kind == SHORTENED),
        recast=tuple(name for name in retyped if present[known[name]] != wanted[name]),
        respelled={column: name for name, column in known.items() if column != name},
        regrouped=regrouped,
    )
    return _told(found, before, describe)


def note_drifts(session: Session, run_id: str, object_name: str, changes: Sequence[FieldChange], at: datetime) -> None:
    """Keep in the ledger how an object's fields changed, in the transaction that took the change over."""
    for each in changes:
        session.execute(
            "INSERT INTO sfsync.drifts VALUES (?, ?, ?, ?, ?, ?)",
            [run_id, object_name, each.field, each.kind, each.detail, at],
        )


def probable_renames(session: Session, object_name: str, drift: Drift) -> list[FieldChange]:
    """Fields that are gone, each with the one new field that holds the same values, once the new ones are filled."""
    told = {change.field for change in drift.changes if change.kind == RENAMED}
    name, found = table("sf_all", object_name), []
    for old, new in drift.alike[:_MOST_COMPARED]:
        if old in told:
            continue
        differing, filled = session.execute(
            f"SELECT count(*) FILTER (WHERE {quote(old)} IS DISTINCT FROM {quote(new)}), count({quote(old)}) "
            f"FROM {name}"
        ).rows[0]
        if filled and not differing:
            told.add(old)
            found.append(FieldChange(old, RENAMED, new))
    return found


def unreadable_fields(session: Session) -> dict[str, tuple[str, ...]]:
    """Object → fields that it has in the mirror and the last pull could not read: removed, or hidden from the user."""
    rows = session.execute("SELECT object, field_names FROM sfsync.cursors ORDER BY object")
    found, describes = {}, ledger.read_describes(session)
    for name, fields in rows:
        unwanted = describes[name].left_out if name in describes else ()
        read = {each.casefold() for each in (*fields.split(","), *unwanted)}
        gone = tuple(column for column in table_columns(session, "sf_all", name) if column.casefold() not in read)
        if gone:
            found[name] = gone
    return found


def _told(found: Drift, before: ObjectDescribe | None, describe: ObjectDescribe) -> Drift:
    """The drift with everything that people are told of it."""
    unwanted = {name.casefold() for name in describe.left_out}
    changes = [
        *(FieldChange(name, NEW) for name in found.added),
        *(FieldChange(name, RETURNED) for name in found.returned),
        *(FieldChange(name, RETYPED, how) for name, how in found.retyped.items()),
        *(FieldChange(name, DESELECTED if name.casefold() in unwanted else GONE) for name in found.gone),
        *(FieldChange(old, RENAMED, new) for old, new in _same_label(found, before, describe)),
        *_resized(before, describe),
        *_redefined(before, describe),
        *_left_out(before, describe),
    ]
    return replace(found, alike=tuple(_alike(found, before, describe)), changes=tuple(changes))


def _alike(found: Drift, before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[tuple[str, str]]:
    """Each custom field that is gone with each new one of its type: only those can be renamed."""
    unwanted = {name.casefold() for name in describe.left_out}
    for name in found.gone:
        old = before.field(name) if before and name.casefold() not in unwanted else None
        for new in found.added:
            now = describe.field(new)
            if old and now and old.custom and now.custom and _kind(old) == _kind(now):
                yield name, new


def _same_label(found: Drift, before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[tuple[str, str]]:
    """Pairs of `_alike` that people know by one name, which the API name alone had to change."""
    for name, new in _alike(found, before, describe):
        old, now = before.field(name) if before else None, describe.field(new)
        if old and now and old.label == now.label:
            yield name, new


def _shared(before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[tuple[FieldDescribe, FieldDescribe]]:
    """Each field that the last pull read too: as it was, and as it is."""
    then = {f.name.casefold(): f for f in before.stored_fields} if before else {}
    for now in describe.stored_fields:
        if now.name.casefold() in then:
            yield then[now.name.casefold()], now


def _retyped(
    before: ObjectDescribe | None, describe: ObjectDescribe, columns: dict[str, str]
) -> Iterator[tuple[str, str]]:
    then = {now.name: old for old, now in _shared(before, describe)}
    wanted = column_types(describe)
    for now in describe.stored_fields:
        old = then.get(now.name)
        if old is not None and _kind(old) != _kind(now):
            yield now.name, f"{_kind(old)} → {_kind(now)}"
        elif now.name in columns and columns[now.name] != wanted[now.name]:
            yield now.name, f"{columns[now.name]} → {wanted[now.name]}"


def _kind(described: FieldDescribe) -> str:
    return f"formula ({described.type})" if described.calculated else described.type


def _resized(before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[FieldChange]:
    for old, now in _shared(before, describe):
        if _kind(old) != _kind(now):
            continue
        then, room = _room(old), _room(now)
        if then != room:
            kind = SHORTENED if any(one < other for one, other in zip(room, then, strict=True)) else LENGTHENED
            yield FieldChange(now.name, kind, f"{_size(old)} → {_size(now)}")


def _room(described: FieldDescribe) -> tuple[int, int, int]:
    """Characters, digits before the point, digits after it."""
    return described.length, described.precision - described.scale, described.scale


def _size(described: FieldDescribe) -> str:
    return str(described.length) if described.length else f"{described.precision},{described.scale}"


def _redefined(before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[FieldChange]:
    """What changes no stored value, but may surprise whoever reads them."""
    for old, now in _shared(before, describe):
        if old.type == now.type:
            added = [value for value in now.picklist_values if value not in old.picklist_values]
            removed = [value for value in old.picklist_values if value not in now.picklist_values]
            if added:
                yield FieldChange(now.name, VALUES_ADDED, ", ".join(added))
            if removed:
                yield FieldChange(now.name, VALUES_REMOVED, ", ".join(removed))
        if old.nillable != now.nillable:
            yield FieldChange(now.name, OPTIONAL if now.nillable else REQUIRED)


def _left_out(before: ObjectDescribe | None, describe: ObjectDescribe) -> Iterator[FieldChange]:
    """Fields with the content of files, when they are seen for the first time: they are not mirrored."""
    seen = {f.name for f in before.fields} if before else set()
    for each in describe.fields:
        if each.type == "base64" and each.name not in seen:
            yield FieldChange(each.name, LEFT_OUT)
