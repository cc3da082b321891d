"""Fields whose values no two live records may share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.fake.catalog import FieldFacts
from sfsync.fake.dml import refusals
from sfsync.fake.dml.call import Call
from sfsync.fake.dml.keys import as_key, matching
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.storage import among


def check_uniqueness(call: Call, rows: Sequence[PendingRow]) -> None:
    """Refuse rows whose unique values another record has, or an earlier row of the same call."""
    if call.shape.name == "CampaignMember":
        _check_members(call, [row for row in rows if row.is_new])
    for field in call.shape.unique:
        changing = [row for row in rows if row.after[field.name] is not None and row.changed(field.name)]
        if changing:
            _check_field(call, field, changing)


def _check_field(call: Call, field: FieldFacts, rows: Sequence[PendingRow]) -> None:
    taken = matching(call.cursor, call.facts, field, {row.after[field.name] for row in rows})
    seen: dict[Any, str] = {}
    for row in rows:
        key = as_key(field, row.after[field.name])
        others = [other for other in taken.get(key, ()) if other != row.record_id]
        other = others[0] if others else seen.get(key)
        if other is not None:
            row.errors.append(refusals.duplicate_value(field, other))
        elif not row.errors:
            seen[key] = row.record_id


def _check_members(call: Call, rows: Sequence[PendingRow]) -> None:
    """Refuse to put a lead or contact into a campaign again."""
    people = {row.after["LeadOrContactId"] for row in rows} - {None}
    if not people:
        return
    member = 'coalesce("ContactId", "LeadId")'
    condition, values = among(member, people)
    found = call.cursor.execute(
        f'SELECT "CampaignId", {member} FROM "CampaignMember" WHERE NOT "IsDeleted" AND {condition}', values
    ).fetchall()
    members = set(found)
    for row in rows:
        pair = (row.after["CampaignId"], row.after["LeadOrContactId"])
        if pair in members:
            row.errors.append(refusals.already_a_member())
        elif not row.errors and pair[1] is not None:
            members.add(pair)
