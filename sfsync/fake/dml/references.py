"""Lookups of pending rows: parents named by external IDs, and whether what is pointed to is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.dml import refusals
from sfsync.fake.dml.call import Call
from sfsync.fake.dml.coercion import Refused, converter
from sfsync.fake.dml.incoming import Incoming
from sfsync.fake.dml.keys import as_key, identifies, matching
from sfsync.fake.dml.outcome import RowError, WriteOptions
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.storage import among
from sfsync.fake.ids import to_15
from sfsync.fake.sql_names import quote

#: Values that only look for records are not measured against a field's length.
_LENIENT = WriteOptions("", system=True)


@dataclass(frozen=True, slots=True)
class _Named:
    """A parent that a row names by an external ID."""

    row: Incoming
    lookup: FieldFacts
    target: ObjectFacts
    key: FieldFacts
    value: Any


def resolve_parents(call: Call, incoming: Sequence[Incoming]) -> None:
    """Turn parents that are named by external IDs into Ids."""
    waiting: defaultdict[tuple[str, str], list[_Named]] = defaultdict(list)
    for row in incoming:
        for lookup, named in row.parents.items():
            found = _read_parent(call, row, lookup, named)
            if found is not None:
                waiting[found.target.name, found.key.name].append(found)
    for group in waiting.values():
        target, key = group[0].target, group[0].key
        ids = matching(call.cursor, target, key, {one.value for one in group})
        for one in group:
            _settle_parent(one, ids.get(as_key(key, one.value), []))


def _read_parent(call: Call, row: Incoming, lookup: FieldFacts, named: Mapping[str, Any]) -> _Named | None:
    """Which parent a row means; None when it means none, or makes no sense."""
    kind = named.get("attributes", {})
    wanted = str(kind.get("type", "")).casefold() if isinstance(kind, Mapping) else ""
    names = [name for name in named if name.casefold() not in {"attributes", "type"}]
    targets = [facts for name in lookup.points_to if (facts := call.org.catalog.facts(name)) is not None]
    if wanted:
        targets = [facts for facts in targets if facts.name.casefold() == wanted]
    for target in targets:
        for name in names:
            key = target.field(name)
            if key is None or not identifies(key):
                continue
            return _named(row, lookup, target, key, named[name])
    # from memory
    message = (
        f"Relationship {lookup.parent} of {call.shape.name} needs exactly one external ID field:"
        f" {', '.join(names) or 'none given'}"
    )
    row.errors.append(RowError("INVALID_FIELD", message, (lookup.name,)))
    return None


def _named(row: Incoming, lookup: FieldFacts, target: ObjectFacts, key: FieldFacts, value: Any) -> _Named | None:
    if value is None or value == "":
        row.values[lookup.name] = None
        return None
    try:
        kept = converter(key, _LENIENT)(value)
    except Refused as refused:
        row.errors.append(refused.error)
        return None
    return _Named(row, lookup, target, key, kept)


def _settle_parent(one: _Named, ids: Sequence[str]) -> None:
    if len(ids) == 1:
        one.row.values[one.lookup.name] = ids[0]
    elif ids:
        one.row.errors.append(refusals.several_matches(one.key, ids))
    else:
        one.row.errors.append(refusals.no_foreign_key(one.key, one.value, one.target.name))


def check_references(call: Call, rows: Sequence[PendingRow]) -> None:
    """Refuse rows that point to nothing, to deleted records, or to the wrong kind of record."""
    # Besides the client, only assignment rules and record types set lookups.
    touched = {"OwnerId", "RecordTypeId"}.union(*{row.given for row in rows})
    for lookup in call.facts.stored_fields:
        if lookup.type != "reference" or not lookup.points_to or lookup.name not in touched:
            continue
        pointing = [row for row in rows if row.after[lookup.name] is not None and row.changed(lookup.name)]
        own = call.options.user_id
        strangers = [row for row in pointing if row.after[lookup.name] != own or "User" not in lookup.points_to]
        if strangers:
            _check_lookup(call, lookup, strangers)


def _check_lookup(call: Call, lookup: FieldFacts, rows: Sequence[PendingRow]) -> None:
    targets = [call.org.catalog.facts(name) for name in lookup.points_to]
    by_prefix = {target.prefix: target for target in targets if target is not None}
    for prefix, group in _by_prefix(rows, lookup.name):
        target = by_prefix.get(prefix)
        if target is None:
            if None not in targets or any(facts.prefix == prefix for facts in call.org.catalog):
                for row in group:
                    row.errors.append(refusals.wrong_id(lookup.label, to_15(row.after[lookup.name]), lookup.name))
            continue
        known = _standing(call, target, {row.after[lookup.name] for row in group})
        for row in group:
            error = _error_of(call, lookup, row.after[lookup.name], known)
            if error is not None:
                row.errors.append(error)


def _by_prefix(rows: Sequence[PendingRow], name: str) -> Iterator[tuple[str, list[PendingRow]]]:
    groups: defaultdict[str, list[PendingRow]] = defaultdict(list)
    for row in rows:
        groups[row.after[name][:3]].append(row)
    yield from groups.items()


def _standing(call: Call, target: ObjectFacts, ids: Collection[str]) -> dict[str, tuple[bool, bool]]:
    """Id → (deleted, retired): a user who left or a lead that was converted is retired."""
    deleted = '"IsDeleted"' if target.field("IsDeleted") else "false"
    retired = {"User": 'NOT "IsActive"', "Lead": '"IsConverted"'}.get(target.name, "false")
    condition, values = among('"Id"', ids)
    found = call.cursor.execute(
        f'SELECT "Id", {deleted}, {retired} FROM {quote(target.name)} WHERE {condition}', values
    ).fetchall()
    return {row[0]: (bool(row[1]), bool(row[2])) for row in found}


def _error_of(
    call: Call, lookup: FieldFacts, record_id: str, known: Mapping[str, tuple[bool, bool]]
) -> RowError | None:
    standing = known.get(record_id)
    if standing is None:
        return refusals.unknown_parent(record_id)
    deleted, retired = standing
    if deleted:
        return refusals.deleted_record()
    if retired and lookup.name == "OwnerId":
        return refusals.inactive_owner(record_id, call.shape.name)
    if retired and lookup.name in {"LeadId", "WhoId"}:
        return refusals.converted_lead()
    return None
