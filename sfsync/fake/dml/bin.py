"""The recycle bin: deleting with everything that goes along, taking back, and giving up what lay there too long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Undone
from sfsync.fake.dml import refusals
from sfsync.fake.dml.call import Call, writing
from sfsync.fake.dml.cascade import (
    Doomed,
    DoomedRecord,
    doomed_with,
    empty_lookups,
    histories_of_records,
    refill_lookups,
)
from sfsync.fake.dml.keys import object_of
from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
from sfsync.fake.dml.saving import refresh
from sfsync.fake.dml.state import BIN_TIME, state_of
from sfsync.fake.dml.storage import among
from sfsync.fake.ids import to_18
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_Act = Callable[[Call, Sequence[str]], Mapping[str, RowError]]


def delete(org: FakeOrg, ids: Sequence[str], options: WriteOptions, *, hard: bool = False) -> list[RowOutcome]:
    """Put records into the recycle bin with what belongs to them, or with `hard` remove them without a trace."""
    return _each_object(org, ids, options, _hard_delete if hard else _delete)


def undelete(org: FakeOrg, ids: Sequence[str], options: WriteOptions) -> list[RowOutcome]:
    """Take records back from the recycle bin, with what was deleted along with them."""
    return _each_object(org, ids, options, _undelete)


def purge(org: FakeOrg) -> None:
    """Remove for good what has been in the recycle bin for longer than Salesforce keeps it."""
    if org.clock.stamp() < state_of(org).next_purge:
        return
    with writing(org, "Organization", WriteOptions(org.admin_id, system=True)) as call:
        expired = _expired(call, call.now - BIN_TIME)
        doomed = Doomed({one: DoomedRecord(name, one, one) for name, ids in expired.items() for one in ids})
        empty_lookups(call, doomed, for_good=True)
        for name, ids in expired.items():
            _remove(call.on(name), ids)
        call.state.next_purge = _oldest(call) + BIN_TIME


def _expired(call: Call, latest: datetime) -> dict[str, list[str]]:
    """Object → the records that went to the recycle bin at `latest`, and the histories of those."""
    expired: dict[str, list[str]] = {}
    for facts, stamp in _binned(call):
        query = f'SELECT "Id" FROM {quote(facts.name)} WHERE "IsDeleted" AND {quote(stamp)} <= ?'
        ids = [row[0] for row in call.cursor.execute(query, [latest]).fetchall()]
        if ids:
            expired[facts.name] = ids
            for history, entries in histories_of_records(call, facts.name, ids):
                expired.setdefault(history, []).extend(entries)
    return expired


def _oldest(call: Call) -> datetime:
    """When the oldest record in the recycle bin went there."""
    oldest = [call.now]
    for facts, stamp in _binned(call):
        query = f'SELECT min({quote(stamp)}) FROM {quote(facts.name)} WHERE "IsDeleted"'
        oldest += [row[0] for row in call.cursor.execute(query).fetchall() if row[0] is not None]
    return min(oldest)


def _binned(call: Call) -> list[tuple[ObjectFacts, str]]:
    """The objects whose records lie in the recycle bin by themselves, and the field that tells since when."""
    stamp = "SystemModstamp"
    return [(f, stamp) for f in call.org.catalog if _has_bin(f) and f.field(stamp) and f.field("LastModifiedDate")]


def _each_object(org: FakeOrg, ids: Sequence[str], options: WriteOptions, act: _Act) -> list[RowOutcome]:
    """Act on records of several objects, and tell what came of each in the order of the call."""
    purge(org)
    errors: dict[int, RowError] = {}
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(ids):
        facts = object_of(org, one)
        if facts is None:
            errors[place] = refusals.malformed_id(one)
        else:
            places[facts.name].append(place)
    if places:
        with org.database.together():
            for name, group in places.items():
                _act_on(org, name, {place: to_18(ids[place]) for place in group}, options, act, errors)
            if options.all_or_none and errors:
                raise Undone
    rolled_back = bool(options.all_or_none and errors)
    return [_outcome(one, errors.get(place), rolled_back=rolled_back) for place, one in enumerate(ids)]


def _act_on(
    org: FakeOrg, name: str, records: Mapping[int, str], options: WriteOptions, act: _Act, errors: dict[int, RowError]
) -> None:
    with writing(org, name, options) as call:
        refused = dict(act(call, list(dict.fromkeys(records.values()))))
        seen: set[str] = set()
        for place, record_id in records.items():
            if record_id in refused:
                errors[place] = refused[record_id]
            elif record_id in seen:  # the same Id again finds the work done
                errors[place] = refusals.not_in_bin() if act is _undelete else refusals.deleted_record()
            seen.add(record_id)


def _outcome(record_id: Any, error: RowError | None, *, rolled_back: bool) -> RowOutcome:
    known = to_18(record_id) if error is None or error.code != "MALFORMED_ID" else None
    if error is None and rolled_back:
        error = refusals.rolled_back()
    return RowOutcome(known, errors=() if error is None else (error,))


# --- deleting ------------------------------------------------------------------------------------------------------


def _delete(call: Call, ids: Sequence[str]) -> Mapping[str, RowError]:
    errors = _undeletable(call, ids, hard=False)
    chosen = [one for one in ids if one not in errors]
    if not chosen:
        return errors
    if not _has_bin(call.facts):
        _remove(call, chosen)
        return errors
    doomed = doomed_with(call, chosen)
    for name, records in doomed.by_object():
        _mark(call.on(name), [one.record_id for one in records], deleted=True)
    along = [(one.root, one.object_name, one.record_id) for one in doomed if one.root != one.record_id]
    call.cursor.execute(*_into("deleted_along", ("root", "object", "id"), along))
    empty_lookups(call, doomed)
    for name, records in doomed.by_object():
        refresh(call.on(name), [one.record_id for one in records])
    call.state.next_purge = min(call.state.next_purge, call.now + BIN_TIME)
    return errors


def _hard_delete(call: Call, ids: Sequence[str]) -> Mapping[str, RowError]:
    errors = _undeletable(call, ids, hard=True)
    chosen = [one for one in ids if one not in errors]
    if chosen:
        binned = {one for one, deleted in _states(call, chosen).items() if deleted}
        doomed = doomed_with(call, [one for one in chosen if one not in binned], among_deleted=None)
        doomed.records |= doomed_with(call, [one for one in chosen if one in binned], among_deleted=True).records
        empty_lookups(call, doomed, for_good=True)
        for name, records in doomed.by_object():
            _remove(call.on(name), [one.record_id for one in records])
        for name, records in doomed.by_object():
            refresh(call.on(name), [one.record_id for one in records])
    return errors


def _undeletable(call: Call, ids: Sequence[str], *, hard: bool) -> dict[str, RowError]:
    """Id → why it cannot be deleted."""
    states = _states(call, ids)
    errors: dict[str, RowError] = {}
    for one in ids:
        if one not in states:
            errors[one] = refusals.unknown_record()
        elif states[one] and not hard:
            errors[one] = refusals.deleted_record()
        elif not call.options.system and not call.facts.has("D"):
            errors[one] = refusals.not_deletable(call.facts)
        elif not call.options.system and not call.shape.facts.has("D"):
            errors[one] = refusals.no_access()
    if call.options.system:
        return errors
    if call.facts.name == "Account" and not hard:
        errors.update(_sold_to(call, [one for one in ids if one not in errors]))
    chosen = [one for one in ids if one not in errors]
    locked = call.org.weather.row_errors(call.facts.name, chosen) if chosen else {}
    errors.update((chosen[place], error) for place, error in locked.items())
    return errors


def _sold_to(call: Call, accounts: Sequence[str]) -> Iterator[tuple[str, RowError]]:
    """Accounts with closed won opportunities cannot be deleted."""
    if not accounts:
        return
    condition, values = among('"AccountId"', accounts)
    rows = call.cursor.execute(
        f'SELECT "AccountId", list("Name" ORDER BY "Id") FROM "Opportunity" WHERE {condition} AND "IsWon"'
        ' AND NOT "IsDeleted" GROUP BY ALL',
        values,
    ).fetchall()
    for account, names in rows:
        yield account, refusals.closed_won(names)


def _mark(call: Call, ids: Sequence[str], *, deleted: bool) -> None:
    """Put records into the bin or take them out, and stamp them."""
    stamps = {
        "IsDeleted": deleted,
        "LastModifiedDate": call.now,
        "LastModifiedById": call.options.user_id,
        "SystemModstamp": call.now,
    }
    known = {name: value for name, value in stamps.items() if call.facts.field(name) is not None}
    if "CreatedDate" in call.shape.stamps and "LastModifiedDate" not in call.shape.stamps:
        known.pop("SystemModstamp", None)  # histories do not tell when they were deleted
    condition, values = among('"Id"', ids)
    assignments = ", ".join(f"{quote(name)} = ?" for name in known)
    call.cursor.execute(
        f"UPDATE {quote(call.facts.name)} SET {assignments} WHERE {condition}", [*known.values(), *values]
    )


def _remove(call: Call, ids: Sequence[str]) -> None:
    """Remove records for good; only that they were there is remembered."""
    if not ids:
        return
    condition, values = among('"Id"', ids)
    call.cursor.execute(f"DELETE FROM {quote(call.facts.name)} WHERE {condition}", values)
    call.cursor.execute(
        "INSERT INTO gone_records SELECT $1, unnest($2::VARCHAR[]), $3", [call.facts.name, list(ids), call.now]
    )
    by_id, one = among("id", ids)
    by_root, other = among("root", ids)
    call.cursor.execute(f"DELETE FROM deleted_along WHERE {by_id} OR {by_root}", [*one, *other])
    if call.facts.name == "OpportunityStage":
        call.state.forget_stages()


# --- taking back ---------------------------------------------------------------------------------------------------


def _undelete(call: Call, ids: Sequence[str]) -> Mapping[str, RowError]:
    states = _states(call, ids)
    errors = {one: refusals.not_in_bin() for one in ids if not states.get(one)}
    if not call.options.system:
        errors.update({one: refusals.no_access() for one in ids if one not in errors and not call.shape.facts.has("N")})
    chosen = [one for one in ids if one not in errors]
    if not chosen:
        return errors
    _mark(call, chosen, deleted=False)
    if call.facts.field("MasterRecordId") is not None:
        condition, values = among('"Id"', chosen)
        call.cursor.execute(f'UPDATE {quote(call.facts.name)} SET "MasterRecordId" = NULL WHERE {condition}', values)
    condition, values = among("root", chosen)
    along = call.cursor.execute(f"SELECT object, id FROM deleted_along WHERE {condition}", values).fetchall()
    by_id, one = among("id", chosen)
    call.cursor.execute(f"DELETE FROM deleted_along WHERE {condition} OR {by_id}", [*values, *one])
    back: defaultdict[str, list[str]] = defaultdict(list)
    back[call.facts.name] += chosen
    for name, record_id in along:
        back[name].append(record_id)
    for name, records in back.items():
        if name != call.facts.name:
            _mark(call.on(name), records, deleted=False)
        elif len(records) > len(chosen):
            _mark(call, records, deleted=False)
    refill_lookups(call, chosen)
    for name, records in back.items():
        refresh(call.on(name), records)
    return errors


def _states(call: Call, ids: Sequence[str]) -> dict[str, bool]:
    """Id → whether it is in the recycle bin, for the records there are."""
    deleted = '"IsDeleted"' if _has_bin(call.facts) else "false"
    condition, values = among('"Id"', ids)
    rows = call.cursor.execute(f'SELECT "Id", {deleted} FROM {quote(call.facts.name)} WHERE {condition}', values)
    return {record_id: bool(gone) for record_id, gone in rows.fetchall()}


def _has_bin(facts: ObjectFacts) -> bool:
    return facts.field("IsDeleted") is not None


def _into(table: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> tuple[str, list[Any]]:
    """A statement that adds text rows to one of the books, and its parameters."""
    lists = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    marks = ", ".join("unnest(?::VARCHAR[])" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {marks}", lists
