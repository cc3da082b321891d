"""What an admin would have set up in the seeded org: statuses, stages, custom fields, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfsync.fake.ids import make_id
from sfsync.fake.seed.plan import LEAD_SOURCES

NEW = "Open - Not Contacted"
WORKING = "Working - Contacted"
QUALIFIED = "Qualified"
CONVERTED = "Closed - Converted"
DISQUALIFIED = "Closed - Not Converted"
LEAD_STATUSES = (NEW, WORKING, QUALIFIED, CONVERTED, DISQUALIFIED)

DECIDERS = ("Decision Maker", "Economic Buyer")
NOT_DECIDERS = ("Influencer", "End User")
TIMELINES = ("This Quarter", "Next Quarter", "This Year")
NO_TIMELINE = "No Plans Yet"

#: Custom fields of the lead that a conversion copies to the opportunity.
CARRIED_OVER = ("Budget_Confirmed__c", "Need__c")

#: Key prefixes of the objects the seed fills. Statuses and stages are both entries of setup picklists.
PREFIXES = {
    "Organization": "00D",
    "User": "005",
    "Lead": "00Q",
    "Account": "001",
    "Contact": "003",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "OpportunityContactRole": "00K",
    "Task": "00T",
    "LeadStatus": "01J",
    "OpportunityStage": "01J",
}

#: Records that were deleted for good had Ids from here on: far beyond any that a new record may get.
LONG_GONE = 20_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the sales process, with what it sets on an opportunity."""

    name: str
    probability: float
    forecast_category: str
    forecast_category_name: str
    is_closed: bool = False
    is_won: bool = False


STAGES = (
    Stage("Prospecting", 10.0, "Pipeline", "Pipeline"),
    Stage("Qualification", 10.0, "Pipeline", "Pipeline"),
    Stage("Needs Analysis", 20.0, "Pipeline", "Pipeline"),
    Stage("Value Proposition", 50.0, "Pipeline", "Pipeline"),
    Stage("Id. Decision Makers", 60.0, "Pipeline", "Pipeline"),
    Stage("Perception Analysis", 70.0, "BestCase", "Best Case"),
    Stage("Proposal/Price Quote", 75.0, "BestCase", "Best Case"),
    Stage("Negotiation/Review", 90.0, "Forecast", "Commit"),
    Stage("Closed Won", 100.0, "Closed", "Closed", is_closed=True, is_won=True),
    Stage("Closed Lost", 0.0, "Omitted", "Omitted", is_closed=True),
)
LAST_OPEN, WON, LOST = 7, 8, 9


def definitions() -> dict[str, Any]:
    """What the seeded org's own fields and values mean, ready for `definitions:` in sfsync.yml."""
    return {
        "lead_status": {
            "new": [NEW],
            "working": [WORKING],
            "qualified": [QUALIFIED],
            "disqualified": [DISQUALIFIED],
        },
        "frameworks": {
            "BANT": {
                "budget": ["Budget_Confirmed__c", {"field": "Budget_Amount__c", "min": 1}],
                "authority": [{"field": "Decision_Maker__c", "in": list(DECIDERS)}],
                "need": ["Need__c"],
                "timeline": [{"field": "Timeline__c", "in": list(TIMELINES)}],
            }
        },
        "framework": "BANT",
    }


def custom_fields() -> dict[str, list[dict[str, Any]]]:
    """Object → the custom fields of the seeded org, each as keyword arguments of `FieldDescribe`."""
    fields: list[dict[str, Any]] = [
        {"name": "Budget_Confirmed__c", "type": "boolean", "label": "Budget Confirmed", "nillable": False},
        {"name": "Budget_Amount__c", "type": "currency", "label": "Budget Amount", "precision": 18, "scale": 2},
        {
            "name": "Decision_Maker__c",
            "type": "picklist",
            "label": "Decision Maker",
            "length": 255,
            "picklist_values": (*DECIDERS, *NOT_DECIDERS),
        },
        {"name": "Need__c", "type": "textarea", "label": "Need", "length": 32768},
        {
            "name": "Timeline__c",
            "type": "picklist",
            "label": "Timeline",
            "length": 255,
            "picklist_values": (*TIMELINES, NO_TIMELINE),
        },
    ]
    lead_fields = [{**field, "custom": True} for field in fields]
    carried_over = [field for field in lead_fields if field["name"] in CARRIED_OVER]
    return {"Lead": lead_fields, "Opportunity": carried_over}


def lead_statuses(created: datetime, admin: str) -> list[dict[str, Any]]:
    """The rows of LeadStatus."""
    return [
        {
            "Id": make_id("01J", number - 1),
            "MasterLabel": name,
            "ApiName": name,
            "SortOrder": number,
            "IsDefault": name == NEW,
            "IsConverted": name == CONVERTED,
            **_stamps(created, admin),
        }
        for number, name in enumerate(LEAD_STATUSES, 1)
    ]


def opportunity_stages(created: datetime, admin: str) -> list[dict[str, Any]]:
    """The rows of OpportunityStage."""
    return [
        {
            "Id": make_id("01J", 99 + number),
            "MasterLabel": stage.name,
            "ApiName": stage.name,
            "IsActive": True,
            "SortOrder": number,
            "IsClosed": stage.is_closed,
            "IsWon": stage.is_won,
            "ForecastCategory": stage.forecast_category,
            "ForecastCategoryName": stage.forecast_category_name,
            "DefaultProbability": stage.probability,
            "Description": None,
            **_stamps(created, admin),
        }
        for number, stage in enumerate(STAGES, 1)
    ]


def organization(created: datetime, admin: str) -> dict[str, Any]:
    """The row of Organization: the firm whose Salesforce this is."""
    return {
        "Id": make_id("00D", 0),
        "Name": "Fernhill Systems",
        "Country": "US",
        "DefaultLocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "TimeZoneSidKey": "GMT",
        "FiscalYearStartMonth": 1,
        "OrganizationType": "Developer Edition",
        "InstanceName": "FAKE1",
        "IsSandbox": False,
        **_stamps(created, admin),
    }


def _stamps(created: datetime, admin: str) -> dict[str, Any]:
    return {
        "CreatedById": admin,
        "CreatedDate": created,
        "LastModifiedById": admin,
        "LastModifiedDate": created,
        "SystemModstamp": created,
    }


def picklist_values() -> dict[str, dict[str, tuple[str, ...]]]:
    """Object → standard field → the values its picklist has in the seeded org, where they are not the standard ones."""
    sources = {"LeadSource": LEAD_SOURCES}
    return {
        "Lead": {**sources, "Status": LEAD_STATUSES},
        "Account": {"AccountSource": LEAD_SOURCES},
        "Contact": sources,
        "Opportunity": sources,
    }
