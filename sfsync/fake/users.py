"""The people of the fake org, as far as logging in and identity need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_SHAPE = (
    '"Id", "Username", "Name", "FirstName", "LastName", "Email", "IsActive", "ProfileId", "UserRoleId", "UserType",'
    ' "LanguageLocaleKey", "LocaleSidKey", "TimeZoneSidKey", "SystemModstamp"'
)


def active_user(org: FakeOrg, username: str) -> dict[str, Any] | None:
    """The active user of this username, in any case, or None."""
    return _one(org, 'lower("Username") = lower(?) AND "IsActive"', username)


def user_of(org: FakeOrg, user_id: str) -> dict[str, Any]:
    """The user of this Id; with nothing but the Id where the org's data has no such user."""
    return _one(org, '"Id" = ?', user_id) or {"Id": user_id}


def organization_name(org: FakeOrg) -> str:
    """The name on the org's Organization row."""
    with org.database.reading() as cursor:
        row = cursor.execute('SELECT "Name" FROM "Organization" WHERE "Id" = ?', [org.org_id]).fetchone()
    return str(row[0]) if row and row[0] else ""


def _one(org: FakeOrg, condition: str, value: str) -> dict[str, Any] | None:
    with org.database.reading() as cursor:
        row = cursor.execute(f'SELECT {_SHAPE} FROM "User" WHERE {condition} ORDER BY "Id" LIMIT 1', [value]).fetchone()
        return dict(zip((column[0] for column in cursor.description or ()), row, strict=True)) if row else None
