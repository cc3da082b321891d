"""An opportunity has one primary contact at most: whoever becomes it takes over from whoever was."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.fake.dml.call import Call
from sfsync.fake.dml.pending import PendingRow

OBJECT = "OpportunityContactRole"

#: Stamps move along, as in any change that the org makes to a record.  # from memory
_STEP_DOWN = """
UPDATE "OpportunityContactRole" AS role
SET "IsPrimary" = false, "LastModifiedDate" = $now, "SystemModstamp" = $now, "LastModifiedById" = $user
FROM (SELECT unnest($deals::VARCHAR[]) AS deal, unnest($chosen::VARCHAR[]) AS chosen) AS led
WHERE role."OpportunityId" = led.deal AND role."Id" <> led.chosen AND role."IsPrimary" AND NOT role."IsDeleted"
RETURNING role."Id"
"""


def step_down(call: Call, rows: Sequence[PendingRow]) -> list[str]:
    """Take the mark off the former primary contacts of opportunities that just got new ones; their roles' Ids."""
    led = {
        row.after["OpportunityId"]: row.record_id
        for row in rows
        if row.after["IsPrimary"] and (row.changed("IsPrimary") or row.changed("OpportunityId"))
    }
    if not led:
        return []
    values = {"now": call.now, "user": call.options.user_id, "deals": list(led), "chosen": list(led.values())}
    return [record_id for (record_id,) in call.cursor.execute(_STEP_DOWN, values).fetchall()]
