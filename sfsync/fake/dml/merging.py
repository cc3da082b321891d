"""Merging records: up to two go to the recycle bin, and what pointed to them points to the one that stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.database import Undone
from sfsync.fake.dml import refusals
from sfsync.fake.dml.bin import delete
from sfsync.fake.dml.call import Call, writing
from sfsync.fake.dml.cascade import LASTING
from sfsync.fake.dml.coercion import long_form
from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
from sfsync.fake.dml.saving import refresh
from sfsync.fake.dml.storage import among, read_rows
from sfsync.fake.dml.writes import update
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_MOST_LOSERS = 2

#: Children of which two that point to the same two records are one too many: child → the other lookup.
_PAIRS = {"CampaignMember": "CampaignId", "OpportunityContactRole": "OpportunityId"}


@dataclass(frozen=True, slots=True)
class MergeOutcome(RowOutcome):
    """What came of a merge; `id` is the record that stays.

    Attributes:
        merged_ids: The records that went into it.
        updated_related_ids: Records that pointed to those, and now point to it.
    """

    merged_ids: tuple[str, ...] = ()
    updated_related_ids: tuple[str, ...] = ()


def merge(
    org: FakeOrg, object_name: str, master_values: Mapping[str, Any], loser_ids: Sequence[str], options: WriteOptions
) -> MergeOutcome:
    """Merge records into the one that `master_values` names by its `Id`, after setting its other values there."""
    given = next((value for name, value in master_values.items() if name.casefold() == "id"), None)
    master = long_form(given) if isinstance(given, str) else None
    losers = [long_form(one) if isinstance(one, str) else None for one in loser_ids]
    outcome = MergeOutcome(master, errors=(refusals.unknown_record(),))
    with org.database.together():
        with writing(org, object_name, options) as call:
            error = _refusal(call, master, losers)
        if error is not None:
            return MergeOutcome(master, errors=(error,))
        gone = tuple(one for one in losers if one is not None)
        outcome = _merge(call, str(master), master_values, gone)
        if outcome.errors:
            raise Undone
    return outcome


def _merge(call: Call, master: str, values: Mapping[str, Any], losers: tuple[str, ...]) -> MergeOutcome:
    org, name, options = call.org, call.facts.name, call.options
    [changed] = update(org, name, [values], options)
    if changed.errors:
        return MergeOutcome(master, errors=changed.errors)
    related: list[str] = []
    for child, lookup in _lookups_to(call):
        related += _repoint(call, child, lookup, master, losers)
    condition, ids = among('"Id"', losers)
    call.cursor.execute(f'UPDATE {quote(name)} SET "MasterRecordId" = ? WHERE {condition}', [master, *ids])
    system = WriteOptions(options.user_id, system=True)
    errors = [error for one in delete(org, losers, system) for error in one.errors]
    return MergeOutcome(
        master, errors=tuple(errors), merged_ids=losers, updated_related_ids=tuple(dict.fromkeys(related))
    )


def _refusal(call: Call, master: str | None, losers: Sequence[str | None]) -> RowError | None:
    """Why these records cannot be merged."""
    if not call.facts.has("M"):
        # from memory
        return RowError("INVALID_TYPE_FOR_OPERATION", f"entity type {call.facts.name} does not support merge")
    if len(losers) > _MOST_LOSERS:
        message = f"record limit reached. cannot submit more than {_MOST_LOSERS} records into this call"
        return RowError("EXCEEDED_ID_LIMIT", message)
    if master is None:
        return refusals.id_missing()
    if not losers or None in losers:
        return refusals.malformed_id(None)
    return _refusal_of_records(call, master, [one for one in losers if one is not None])


def _refusal_of_records(call: Call, master: str, losers: Sequence[str]) -> RowError | None:
    wanted = {master, *losers}
    if len(wanted) != len(losers) + 1:
        # from memory
        return RowError("INVALID_CROSS_REFERENCE_KEY", "master and records to merge must be different records")
    rows = read_rows(call.cursor, call.facts, wanted)
    if len(rows) != len(wanted):
        return refusals.unknown_record()
    if any(row["IsDeleted"] for row in rows.values()):
        return refusals.deleted_record()
    if any(row.get("IsConverted") for row in rows.values()):
        return refusals.converted_lead()
    if not call.options.system and not (call.shape.facts.has("U") and call.shape.facts.has("D")):
        return refusals.no_access()
    return None


def _lookups_to(call: Call) -> list[tuple[ObjectFacts, FieldFacts]]:
    """The lookups that follow a merge: those of all records but histories, which stay with what they tell of."""
    return [
        (child, lookup)
        for child in call.org.catalog
        for lookup in child.stored_fields
        if call.facts.name in lookup.points_to and lookup.name not in LASTING and child.has("U")
    ]


def _repoint(call: Call, child: ObjectFacts, lookup: FieldFacts, master: str, losers: Sequence[str]) -> list[str]:
    condition, values = among(quote(lookup.name), losers)
    live = ' AND NOT "IsDeleted"' if child.field("IsDeleted") else ""
    query = f'SELECT "Id" FROM {quote(child.name)} WHERE {condition}{live} AND "Id" <> ? ORDER BY "Id"'
    ids = [row[0] for row in call.cursor.execute(query, [*values, master]).fetchall()]
    twice = _doubled(call, child, lookup, master, ids)
    if twice:
        delete(call.org, twice, WriteOptions(call.options.user_id, system=True))
    moving = [one for one in ids if one not in twice]
    if moving:
        stamps = {"LastModifiedDate": call.now, "LastModifiedById": call.options.user_id, "SystemModstamp": call.now}
        known = {name: value for name, value in stamps.items() if child.field(name) is not None}
        assignments = ", ".join(f"{quote(name)} = ?" for name in (lookup.name, *known))
        condition, values = among('"Id"', moving)
        call.cursor.execute(
            f"UPDATE {quote(child.name)} SET {assignments} WHERE {condition}", [master, *known.values(), *values]
        )
        refresh(call.on(child.name), moving)
    return moving


def _doubled(call: Call, child: ObjectFacts, lookup: FieldFacts, master: str, ids: Sequence[str]) -> list[str]:
    """Which of these children would say again what one of the master's says already."""
    other = _PAIRS.get(child.name)
    if other is None or not ids or other == lookup.name:
        return []
    condition, values = among('"Id"', ids)
    rows = call.cursor.execute(
        f'SELECT "Id" FROM {quote(child.name)} WHERE {condition} AND {quote(other)} IN (SELECT {quote(other)}'
        f' FROM {quote(child.name)} WHERE {quote(lookup.name)} = ? AND NOT "IsDeleted")',
        [*values, master],
    ).fetchall()
    return [row[0] for row in rows]
