"""Whether this user sees every record of an object: only then does a record that is not listed no longer exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sfsync.errors import RequestRefused
from sfsync.salesforce.answers import understood
from sfsync.salesforce.org import Org
from sfsync.salesforce.query import query_pages

#: Objects without sharing: whoever may read them at all reads every record.
NO_SHARING = frozenset(
    {
        "Group",
        "LeadStatus",
        "OpportunityStage",
        "Organization",
        "PermissionSet",
        "Profile",
        "RecordType",
        "User",
        "UserRole",
    }
)

#: Objects whose records are seen by those who see the parent.
PARENTS = {
    "AccountContactRole": "Account",
    "AccountHistory": "Account",
    "CampaignMember": "Campaign",
    "ContactHistory": "Contact",
    "LeadHistory": "Lead",
    "OpportunityContactRole": "Opportunity",
    "OpportunityFieldHistory": "Opportunity",
    "OpportunityHistory": "Opportunity",
    "OpportunityLineItem": "Opportunity",
    "OpportunityPartner": "Opportunity",
    "Partner": "Account",
    "QuoteLineItem": "Quote",
}

#: A list of names in a WHERE clause may have 4,000 characters.
_NAMES_AT_ONCE = 60


def view_all(org: Org, names: Iterable[str]) -> dict[str, bool | None]:
    """Object → whether the user who is logged in sees every record of it; None when that cannot be told.

    It is read from the user's permission sets, of which a profile is one: View All Data, Modify All Data, or View All
    Records of the object. Histories and children follow the object they belong to; setup objects have no sharing.

    Args:
        org: Where the user is logged in.
        names: API names.
    """
    wanted = {name: parent_of(name) for name in names}
    found: dict[str, bool | None] = {name: True for name, parent in wanted.items() if parent in NO_SHARING}
    asked = sorted(set(wanted.values()) - NO_SHARING)
    if asked:
        seen = _seen(org, asked)
        found |= {name: seen[parent] for name, parent in wanted.items() if parent not in NO_SHARING}
    return {name: found[name] for name in wanted}


def parent_of(name: str) -> str:
    """The object whose sharing decides who sees records of this one; often itself."""
    if name.endswith("__History"):
        return f"{name.removesuffix('__History')}__c"
    return PARENTS.get(name, name)


def _seen(org: Org, names: Sequence[str]) -> dict[str, bool | None]:
    user = org.user_id
    if user is None:
        return dict.fromkeys(names)
    mine = f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{user}'"
    try:
        sets = _rows(
            org, f"SELECT PermissionsViewAllData, PermissionsModifyAllData FROM PermissionSet WHERE Id IN ({mine})"
        )
        if any(row.get("PermissionsViewAllData") or row.get("PermissionsModifyAllData") for row in sets):
            return dict.fromkeys(names, True)
        if not sets:
            return dict.fromkeys(names)  # every user has a profile: these are kept from this one
        granted = _granted(org, names, mine)
    except RequestRefused:
        return dict.fromkeys(names)
    return {name: name in granted for name in names}


def _granted(org: Org, names: Sequence[str], mine: str) -> set[str]:
    """The objects of which some permission set shows every record."""
    granted: set[str] = set()
    remaining = iter(names)
    while chunk := list(islice(remaining, _NAMES_AT_ONCE)):
        listed = ", ".join(f"'{name}'" for name in chunk)
        rows = _rows(
            org,
            f"SELECT SobjectType FROM ObjectPermissions WHERE SobjectType IN ({listed}) "
            f"AND PermissionsViewAllRecords = TRUE AND ParentId IN ({mine})",
        )
        granted |= {str(row.get("SobjectType")) for row in rows}
    return granted


def _rows(org: Org, soql: str) -> list[dict[str, Any]]:
    with understood(org.name, "the user's permissions"):
        return [row for page in query_pages(org, soql) for row in page.records]
