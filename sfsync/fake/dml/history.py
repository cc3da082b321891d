"""The trail that changes leave: stage history of opportunities, and field history of whatever is tracked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sfsync.fake.catalog import FieldFacts
from sfsync.fake.dml.call import Call
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.storage import among
from sfsync.fake.dml.tracking import FIELD_HISTORIES
from sfsync.fake.sql_names import quote
from sfsync.fake.wire import json_datetime

Entry = dict[str, Any]

#: A change of one of these makes a row of OpportunityHistory.
_STAGE_FIELDS = ("StageName", "Amount", "Probability", "CloseDate")


def histories_of(call: Call, rows: Sequence[PendingRow]) -> dict[str, list[Entry]]:
    """History object → the rows that this save adds to it."""
    entries: dict[str, list[Entry]] = {}
    if call.shape.name == "Opportunity":
        entries["OpportunityHistory"] = _stage_history(call, rows)
    history = FIELD_HISTORIES.get(call.shape.name)
    if history is not None and call.org.catalog.facts(history[0]) is not None:
        entries[history[0]] = _field_history(call, rows, *history)
    return {name: listed for name, listed in entries.items() if listed}


def _stage_history(call: Call, rows: Sequence[PendingRow]) -> list[Entry]:
    moved = [row for row in rows if row.is_new or any(row.changed(name) for name in _STAGE_FIELDS)]
    if not moved:
        return []
    facts = call.on("OpportunityHistory").facts
    entries = []
    for row, new_id in zip(moved, call.state.new_ids(call.org, facts, len(moved)), strict=True):
        after, before = row.after, row.before or {}
        entry = {name: after[name] for name in (*_STAGE_FIELDS, "ExpectedRevenue", "ForecastCategory")}
        entry |= {"Id": new_id, "OpportunityId": row.record_id, "IsDeleted": False, **_written(row)}
        entry["SystemModstamp"] = entry["CreatedDate"]
        entry["PrevAmount"], entry["PrevCloseDate"] = before.get("Amount"), before.get("CloseDate")
        if not row.is_new:
            for changed in ("Amount", "CloseDate"):
                if row.changed(changed):
                    after[f"Last{changed}ChangedHistoryId"] = new_id
        entries.append(entry)
    return entries


def _written(row: PendingRow) -> Entry:
    """When and by whom, as the history tells it."""
    when, who = ("CreatedDate", "CreatedById") if row.is_new else ("LastModifiedDate", "LastModifiedById")
    return {"CreatedDate": row.after[when], "CreatedById": row.after[who]}


def tracked_fields(call: Call) -> list[FieldFacts]:
    """The fields of the object whose changes are written down."""
    names = call.org.tracked_fields.get(call.shape.name, frozenset())
    return [field for field in call.facts.stored_fields if field.name in names]


def _field_history(call: Call, rows: Sequence[PendingRow], history: str, lookup: str) -> list[Entry]:
    tracked = tracked_fields(call)
    if not tracked:
        return []
    changes: list[tuple[PendingRow, str, str | None, Any, Any]] = []
    names = _names_of(call, tracked, rows)
    for row in rows:
        if row.is_new:
            changes.append((row, "created", None, None, None))
            continue
        for field in tracked:
            if row.changed(field.name):
                changes += _field_changes(row, field, names)
    if not changes:
        return []
    facts = call.on(history).facts
    ids = call.state.new_ids(call.org, facts, len(changes))
    return [
        {
            "Id": new_id,
            "IsDeleted": False,
            lookup: row.record_id,
            "Field": field_name,
            "DataType": kind,
            "OldValue": old,
            "NewValue": new,
            **_written(row),
        }
        for new_id, (row, field_name, kind, old, new) in zip(ids, changes, strict=True)
    ]


_KINDS = {
    "boolean": "Boolean",
    "currency": "Currency",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "int": "Int",
    "percent": "Percent",
    "email": "Email",
    "phone": "PhoneNumber",
    "picklist": "Text",
    "multipicklist": "MultiEnum",
    "textarea": "TextArea",
    "url": "Url",
}

#: Of these only the fact of a change is kept.
_LONG = 255


def _field_changes(
    row: PendingRow, field: FieldFacts, names: Mapping[str, str]
) -> list[tuple[PendingRow, str, str | None, Any, Any]]:
    """A change as history rows: one, or two for a lookup (by name, and by Id)."""
    old, new = (row.before or {}).get(field.name), row.after[field.name]
    if field.type == "reference":
        label = field.name if field.custom else field.name.removesuffix("Id")
        return [
            (row, label, "Text", names.get(old or ""), names.get(new or "")),
            (row, label, "EntityId", old, new),
        ]
    kind = _KINDS.get(field.type, "Text")
    if field.length > _LONG:
        return [(row, field.name, kind, None, None)]
    return [(row, field.name, kind, _text(old), _text(new))]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return json_datetime(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _names_of(call: Call, tracked: Sequence[FieldFacts], rows: Sequence[PendingRow]) -> dict[str, str]:
    """Id → name of every record that tracked lookups moved from or to."""
    names: dict[str, str] = {}
    for field in tracked:
        if field.type != "reference":
            continue
        changed = [row for row in rows if not row.is_new and row.changed(field.name)]
        ids = {one for row in changed for one in ((row.before or {}).get(field.name), row.after[field.name]) if one}
        for target_name in field.points_to if ids else ():
            target = call.org.catalog.facts(target_name)
            if target is not None and target.field("Name") is not None:
                condition, values = among('"Id"', ids)
                query = f'SELECT "Id", "Name" FROM {quote(target.name)} WHERE {condition}'
                names.update({row[0]: row[1] for row in call.cursor.execute(query, values).fetchall()})
    return names
