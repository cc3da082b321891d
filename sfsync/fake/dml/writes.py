"""Creating, updating and upserting records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.database import Undone
from sfsync.fake.dml import refusals
from sfsync.fake.dml.call import Call, behaviour_of, writing
from sfsync.fake.dml.incoming import Incoming, Row, understand
from sfsync.fake.dml.keys import as_key, key_field, matching
from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.references import resolve_parents
from sfsync.fake.dml.saving import outcome, save
from sfsync.fake.dml.storage import read_rows

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Salesforce saves so many records at a time; what disturbs each other within them is refused.
CHUNK = 200


def create(org: FakeOrg, object_name: str, rows: Sequence[Row], options: WriteOptions) -> list[RowOutcome]:
    """Make records; one outcome a row, in order."""
    with writing(org, object_name, options, adding=True) as call:
        incoming = understand(call, rows, creating=True)
        pending = _new_rows(call, incoming)
        save(call, pending)
    return _finish(options, pending)


def update(org: FakeOrg, object_name: str, rows: Sequence[Row], options: WriteOptions) -> list[RowOutcome]:
    """Change records that the rows' `Id` names; one outcome a row, in order."""
    pending: list[PendingRow] = []
    with writing(org, object_name, options) as call:
        incoming = understand(call, rows, creating=False)
        for part in _without_repeats(incoming, lambda row: row.values.get("Id")):
            changed = _changed_rows(call, part)
            save(call, changed)
            pending += changed
        _undo_when_mixed(call, pending)
    return _finish(options, pending)


def upsert(
    org: FakeOrg, object_name: str, key_name: str, rows: Sequence[Row], options: WriteOptions
) -> list[RowOutcome]:
    """Change the records that have the rows' key, and make those that are missing; one outcome a row, in order.

    Raises the fault that REST answers when `key_name` is no field that identifies records.
    """
    key = key_field(org, object_name, key_name, options)
    pending: list[PendingRow] = []
    matches: dict[int, tuple[str, ...]] = {}
    with writing(org, object_name, options) as call:
        incoming = understand(call, rows, creating=None, key=key.name)
        _refuse_repeated_keys(incoming, key)
        for part in _without_repeats(incoming, lambda row: as_key(key, row.values.get(key.name))):
            new, known = _sorted_by_key(call, part, key, matches)
            saved = [*_new_rows(call, new), *_changed_rows(call, known)]
            save(call, saved)
            pending += saved
        _undo_when_mixed(call, pending)
    pending.sort(key=lambda row: row.index)
    return _finish(options, pending, matches)


def _undo_when_mixed(call: Call, rows: Sequence[PendingRow]) -> None:
    """Undo what was written before a row was refused, when it is to be all or none."""
    if call.options.all_or_none and any(row.errors for row in rows):
        raise Undone


def _finish(
    options: WriteOptions, rows: Sequence[PendingRow], matches: Mapping[int, tuple[str, ...]] | None = None
) -> list[RowOutcome]:
    """The outcomes of a call."""
    undone = options.all_or_none and any(row.errors for row in rows)
    outcomes = [outcome(row, undone=undone) for row in rows]
    for place, row in enumerate(rows):
        found = (matches or {}).get(row.index)
        if found is not None:
            one = outcomes[place]
            outcomes[place] = RowOutcome(None, errors=one.errors, matches=found)
    return outcomes


# --- new records ---------------------------------------------------------------------------------------------------


def _new_rows(call: Call, incoming: Sequence[Incoming]) -> list[PendingRow]:
    """Rows of records to be made, with defaults and stamps."""
    if not incoming:
        return []
    refusal = _creation_refused(call)
    resolve_parents(call, [row for row in incoming if not row.errors])
    ids = _ids(call, incoming)
    defaults = _defaults(call)
    pending = []
    for row, record_id in zip(incoming, ids, strict=True):
        after = defaults.copy()
        after.update(row.values)
        after["Id"] = record_id
        pending.append(PendingRow(row.index, record_id, None, after, frozenset(row.values), row.errors))
    for one in pending:
        if refusal is not None:
            one.errors[:] = [refusal]
        _complete(call, one)
        if not call.options.system and not one.errors:
            missing = [name for name in call.shape.required if one.after[name] is None]
            if missing:
                one.errors.append(refusals.required_missing(missing))
    return pending


def _creation_refused(call: Call) -> RowError | None:
    if call.options.system or call.shape.facts.has("C"):
        return None
    return refusals.not_insertable(call.facts)


def _ids(call: Call, incoming: Sequence[Incoming]) -> list[str]:
    """The Ids that the rows chose (with system rights), or else new ones."""
    chosen = [row.values.get("Id") for row in incoming]
    lacking = sum(1 for one in chosen if one is None)
    if lacking < len(chosen):
        call.state.skip(call.facts.prefix)
    fresh = iter(_unchosen(call, lacking, {one for one in chosen if one is not None}) if lacking else ())
    return [one or next(fresh) for one in chosen]


def _unchosen(call: Call, wanted: int, taken: set[str]) -> Iterable[str]:
    ids: list[str] = []
    while len(ids) < wanted:
        made = call.state.new_ids(call.org, call.facts, wanted - len(ids))
        ids += [one for one in made if one not in taken]
    return ids


def _defaults(call: Call) -> dict[str, Any]:
    """A new record of this user before the client's values."""
    defaults = call.shape.template.copy()
    user, stamps = call.options.user_id, call.shape.stamps
    for name in ("CreatedById", "LastModifiedById"):
        if name in stamps:
            defaults[name] = user
    owner = call.facts.field("OwnerId")
    if owner is not None and not owner.has("n"):
        defaults["OwnerId"] = user
    behaviour = behaviour_of(call.org) if "RecordTypeId" in defaults else None
    if behaviour is not None:
        defaults["RecordTypeId"] = behaviour.default_record_type(user, call.shape.name)
    return defaults


def _complete(call: Call, row: PendingRow) -> None:
    """Put defaults where the client said null and the field cannot be empty, and the stamps in their order."""
    after, shape = row.after, call.shape
    if None in (after[name] for name in row.given):
        for name in row.given:
            if after[name] is None:
                facts = call.facts.field(name)
                if facts is not None and not facts.has("n"):
                    after[name] = shape.default(facts)
        if after.get("OwnerId", "") is None and not (call.facts.by_name["ownerid"]).has("n"):
            after["OwnerId"] = call.options.user_id
    _date(call, row)


def _date(call: Call, row: PendingRow) -> None:
    """Fill in the stamps. A client that may set audit fields dates a record back; that it came in now still shows."""
    backdated = "CreatedDate" in row.given and not call.options.system
    earlier, after = call.now, row.after
    for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
        if name in call.shape.stamps:
            earlier = after[name] = after[name] or (call.now if backdated else earlier)


# --- known records -------------------------------------------------------------------------------------------------


def _changed_rows(call: Call, incoming: Sequence[Incoming]) -> list[PendingRow]:
    """Rows of records to be changed, each with what it was."""
    if not incoming:
        return []
    refusal = _change_refused(call)
    resolve_parents(call, [row for row in incoming if not row.errors])
    known = read_rows(call.cursor, call.facts, {one for row in incoming if (one := row.values.get("Id"))})
    pending = []
    for row in incoming:
        record_id = row.values.get("Id") or ""
        before = known.get(record_id)
        after = {} if before is None else {**before, **row.values}
        one = PendingRow(row.index, record_id, before or {}, after, frozenset(row.values) - {"Id"}, row.errors)
        if refusal is not None:
            one.errors[:] = [refusal]
        if not one.errors:
            _check_known(call, one, before)
        if not one.errors:
            _stamp(call, one)
        pending.append(one)
    return pending


def _change_refused(call: Call) -> RowError | None:
    if call.options.system or call.shape.facts.has("U"):
        return None
    return refusals.no_access() if call.facts.has("U") else refusals.not_updatable(call.facts)


def _check_known(call: Call, row: PendingRow, before: Mapping[str, Any] | None) -> None:
    """Refuse what may not be changed, or not like this."""
    if not row.record_id:
        row.errors.append(refusals.id_missing())
    elif not row.record_id.startswith(call.facts.prefix):
        row.errors.append(refusals.wrong_id(call.facts.by_name["id"].label, row.record_id, "Id"))
    elif before is None:
        row.errors.append(refusals.unknown_record())
    elif call.options.system:
        pass
    elif before.get("IsDeleted"):
        row.errors.append(refusals.deleted_record())
    elif before.get("IsConverted") and call.shape.name == "Lead":
        row.errors.append(refusals.converted_lead())
    else:
        _check_untouched(call.options.unmodified_since, before)
        _check_cleared(call, row)


def _check_untouched(since: Any, before: Mapping[str, Any]) -> None:
    if isinstance(since, datetime) and before.get("LastModifiedDate") is not None:
        moment = since.astimezone(UTC).replace(tzinfo=None) if since.tzinfo else since
        if before["LastModifiedDate"] > moment:
            raise faults.precondition_failed()


def _check_cleared(call: Call, row: PendingRow) -> None:
    cleared = [name for name in row.given if row.after[name] is None]
    if not cleared:
        return
    for name in call.shape.booleans.intersection(cleared):
        row.after[name] = False  # from memory: a cleared checkbox is one that is not ticked
    missing = [f.name for f in call.facts.fields if f.name in cleared and f.name in call.shape.never_empty]
    owner = call.facts.field("OwnerId")
    if owner is not None and "OwnerId" in missing:
        row.errors.append(refusals.no_owner(owner))
        missing.remove("OwnerId")
    if missing:
        row.errors.append(refusals.required_missing(missing))


def _stamp(call: Call, row: PendingRow) -> None:
    """Move the stamps along, unless somebody set them: one that is set alone leaves the others where they are."""
    given, after, stamps = row.given, row.after, call.shape.stamps
    if given == {"SystemModstamp"}:
        return
    if "LastModifiedById" in stamps and "LastModifiedById" not in given:
        after["LastModifiedById"] = call.options.user_id
    if "LastModifiedDate" in stamps and "LastModifiedDate" not in given:
        after["LastModifiedDate"] = call.now
    if "SystemModstamp" in stamps and "SystemModstamp" not in given:
        after["SystemModstamp"] = after.get("LastModifiedDate", call.now)


# --- keys ----------------------------------------------------------------------------------------------------------


def _sorted_by_key(
    call: Call, incoming: Sequence[Incoming], key: Any, matches: dict[int, tuple[str, ...]]
) -> tuple[list[Incoming], list[Incoming]]:
    """Rows of records to be made, and rows of records that are there, these with their Ids."""
    wanted = {value for row in incoming if (value := row.values.get(key.name)) is not None}
    found = {} if key.name == "Id" else matching(call.cursor, call.facts, key, wanted)
    new, known = [], []
    for row in incoming:
        value = row.values.get(key.name)
        ids = found.get(as_key(key, value), []) if value is not None else []
        if key.name == "Id" and value is not None:
            known.append(row)
        elif key.name == "Id" or (value is not None and not ids):
            row.values.pop("Id", None)
            if call.options.update_only and not row.errors:
                row.errors.append(refusals.unknown_record())
            _only_writable(call, row, key.name, "c")
            new.append(row)
        elif not ids:
            if not row.errors:
                row.errors.append(refusals.key_missing(key))
            new.append(row)
        else:
            if len(ids) > 1 and not row.errors:
                row.errors.append(refusals.several_matches(key, ids))
                matches[row.index] = tuple(ids)
            row.values["Id"] = ids[0]
            known.append(row)
    for row in known:
        _only_writable(call, row, key.name, "u")
    return new, known


def _only_writable(call: Call, row: Incoming, key: str, flag: str) -> None:
    """Refuse fields that may be set only on new records, or only on known ones."""
    if call.options.system or row.errors:
        return
    given = {*row.values, *(lookup.name for lookup in row.parents)} - {key, "Id"}
    wrong = [f.name for f in call.shape.facts.fields if f.name in given and not f.has(flag)]
    if wrong:
        row.errors.append(refusals.not_writable(wrong))


def _refuse_repeated_keys(incoming: Sequence[Incoming], key: Any) -> None:
    """Refuse rows of one chunk that mean the same record."""
    for start in range(0, len(incoming), CHUNK):
        seen: dict[Any, list[Incoming]] = {}
        for row in incoming[start : start + CHUNK]:
            value = row.values.get(key.name)
            if value is not None:
                seen.setdefault(as_key(key, value), []).append(row)
        for rows in seen.values():
            for row in rows if len(rows) > 1 else ():
                row.errors.append(refusals.duplicate_key(key, row.values[key.name]))


def _without_repeats(incoming: Sequence[Incoming], key_of: Any) -> Iterable[list[Incoming]]:
    """The rows in parts within which no two mean the same record; later parts find what earlier ones wrote."""
    part: list[Incoming] = []
    seen: set[Any] = set()
    for row in incoming:
        key = None if row.errors else key_of(row)
        if key is not None and key in seen:
            yield part
            part, seen = [], set()
        if key is not None:
            seen.add(key)
        part.append(row)
    if part:
        yield part
