"""The rows every org is born with: Organization, profile and administrator, lead statuses, opportunity stages."""

from __future__ import annotations

from typing import Any

from sfsync.fake.ids import make_id

ORGANIZATION_ID = make_id("00D", 0)
ADMIN_PROFILE_ID = make_id("00e", 0)
ADMIN_ID = make_id("005", 0)
ADMIN_USERNAME = "admin@fake-org.example"

#: Statuses and stages share a key prefix; stages count from here.
_FIRST_STAGE = 100

_LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")

# Name, probability, forecast category, its label; closed and won follow from the category.
_STAGES = (
    ("Prospecting", 10, "Pipeline", "Pipeline"),
    ("Qualification", 10, "Pipeline", "Pipeline"),
    ("Needs Analysis", 20, "Pipeline", "Pipeline"),
    ("Value Proposition", 50, "Pipeline", "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline", "Pipeline"),
    ("Perception Analysis", 70, "BestCase", "Best Case"),
    ("Proposal/Price Quote", 75, "BestCase", "Best Case"),
    ("Negotiation/Review", 90, "Forecast", "Commit"),
    ("Closed Won", 100, "Closed", "Closed"),
    ("Closed Lost", 0, "Omitted", "Omitted"),
)


def organization() -> list[dict[str, Any]]:
    """The one row of Organization."""
    return [
        {
            "Id": ORGANIZATION_ID,
            "Name": "Fake Org",
            "OrganizationType": "Developer Edition",
            "InstanceName": "FAKE1",
            "IsSandbox": False,
            "DefaultLocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "TimeZoneSidKey": "GMT",
            "FiscalYearStartMonth": 1,
            "Country": "US",
        }
    ]


def profiles() -> list[dict[str, Any]]:
    """The administrator's profile."""
    permissions = ("ModifyAllData", "ViewAllData", "ApiEnabled", "ConvertLeads", "ViewSetup")
    allowed = {f"Permissions{name}": True for name in permissions}
    return [{"Id": ADMIN_PROFILE_ID, "Name": "System Administrator", "UserType": "Standard", **allowed}]


def administrator() -> list[dict[str, Any]]:
    """The user who logs in where the data brings no user along."""
    return [
        {
            "Id": ADMIN_ID,
            "Username": ADMIN_USERNAME,
            "FirstName": "Ada",
            "LastName": "Admin",
            "Name": "Ada Admin",
            "Email": "admin@fake-org.example",
            "Alias": "aadmi",
            "CommunityNickname": "admin",
            "ProfileId": ADMIN_PROFILE_ID,
            "TimeZoneSidKey": "GMT",
            "UserType": "Standard",
        }
    ]


def lead_statuses() -> list[dict[str, Any]]:
    """The four statuses of a new org."""
    return [
        {
            "Id": make_id("01J", number),
            "MasterLabel": name,
            "ApiName": name,
            "SortOrder": number + 1,
            "IsDefault": number == 0,
            "IsConverted": name == "Closed - Converted",
        }
        for number, name in enumerate(_LEAD_STATUSES)
    ]


def opportunity_stages() -> list[dict[str, Any]]:
    """The ten stages of a new org."""
    return [
        {
            "Id": make_id("01J", _FIRST_STAGE + number),
            "MasterLabel": name,
            "ApiName": name,
            "SortOrder": number + 1,
            "DefaultProbability": probability,
            "ForecastCategory": category,
            "ForecastCategoryName": label,
            "IsClosed": category in {"Closed", "Omitted"},
            "IsWon": category == "Closed",
        }
        for number, (name, probability, category, label) in enumerate(_STAGES)
    ]
