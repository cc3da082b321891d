"""Permission sets as an org keeps them: each profile is one, and each user is assigned that of the user's profile.

They are made when somebody first asks for them: few do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfsync.fake.dml.furniture import furnish
from sfsync.fake.ids import make_id

if TYPE_CHECKING:
    from sfsync.fake.database import Cursor
    from sfsync.fake.org import FakeOrg

#: In lower case: a SOQL text that names one of them has one of these in it.
OBJECTS = ("permissionset", "permissionsetassignment", "objectpermissions")

_FLAGS = tuple(
    f"Permissions{name}" for name in ("ModifyAllData", "ViewAllData", "ApiEnabled", "ConvertLeads", "ViewSetup")
)


def settle_permissions(org: FakeOrg) -> None:
    """Make the permission sets and assignments that follow from profiles and users, and are not there yet."""
    with org.database.reading() as cursor:
        sets = _missing_sets(cursor)
    furnish(org, org.catalog.objects["permissionset"], sets)
    with org.database.reading() as cursor:
        assignments = _missing_assignments(cursor)
    furnish(org, org.catalog.objects["permissionsetassignment"], assignments)


def _missing_sets(cursor: Cursor) -> list[dict[str, Any]]:
    columns = ", ".join(f'coalesce("{flag}", false)' for flag in _FLAGS)
    profiles = cursor.execute(
        f'SELECT "Id", {columns} FROM "Profile" AS p WHERE NOT EXISTS'
        ' (SELECT 1 FROM "PermissionSet" AS s WHERE s."ProfileId" = p."Id") ORDER BY "Id"'
    ).fetchall()
    begin = _count(cursor, "PermissionSet")
    return [
        {
            "Id": make_id("0PS", begin + number),
            "Name": f"X{profile_id}",  # what Salesforce calls the set behind a profile
            "Label": f"X{profile_id}",
            "ProfileId": profile_id,
            "IsOwnedByProfile": True,
            **dict(zip(_FLAGS, allowed, strict=True)),
        }
        for number, (profile_id, *allowed) in enumerate(profiles)
    ]


def _missing_assignments(cursor: Cursor) -> list[dict[str, Any]]:
    users = cursor.execute(
        'SELECT u."Id", s."Id" FROM "User" AS u JOIN "PermissionSet" AS s ON s."ProfileId" = u."ProfileId"'
        ' WHERE NOT EXISTS (SELECT 1 FROM "PermissionSetAssignment" AS a'
        ' WHERE a."AssigneeId" = u."Id" AND a."PermissionSetId" = s."Id") ORDER BY u."Id"'
    ).fetchall()
    begin = _count(cursor, "PermissionSetAssignment")
    return [
        {"Id": make_id("0Pa", begin + number), "PermissionSetId": set_id, "AssigneeId": user_id}
        for number, (user_id, set_id) in enumerate(users)
    ]


def _count(cursor: Cursor, name: str) -> int:
    row = cursor.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    return int(row[0]) if row else 0
