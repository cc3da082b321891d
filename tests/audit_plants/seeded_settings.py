"""What the org of 5,000 leads means by its own words, and what it sets otherwise about rules."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from clean_org import DEFINITIONS, DONE

from sfsync.config.settings import Settings

NEW, WORKING, QUALIFIED, JUNK = "Open - Not Contacted", "Working - Contacted", "Qualified", "Closed - Not Converted"
STATUSES = [NEW, WORKING, QUALIFIED, DONE, JUNK]

#: The sales process: all stages of the org but one, and one that is no longer used.
STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers")
LATE = ("Proposal/Price Quote", "Negotiation/Review")
WON, LOST, RETIRED, OUTSIDE = "Closed Won", "Closed Lost", "Old Stage", "Perception Analysis"

_DEFINITIONS: dict[str, Any] = {
    **DEFINITIONS,
    "lead_conversion": {**DEFINITIONS["lead_conversion"], "allow_owner_change": False},
    "lead_status": {"new": [NEW], "working": [WORKING], "qualified": [QUALIFIED], "disqualified": [JUNK]},
    "frameworks": {
        "BANT": {
            "min": 3,
            "budget": ["Budget__c"],
            "authority": [{"contact_role": ["Decision Maker"]}, "Title"],
            "need": ["Description"],
            "timeline": [{"activity": {"subject": "timeline", "kind": "call"}}],
        }
    },
    "scoring": {"field": "Score__c", "hot": 80, "floor": 20},
    "icp": {"Industry": ["Shipping", "Transportation"], "NumberOfEmployees": {"min": 5}},
    "required_by_status": {WORKING: ["Phone"], QUALIFIED: ["Industry"]},
    "lead_path": [WORKING],
    "pricing": [{"activity": {"subject": "quote"}}],
    "reasons": {"disqualified": "Reason__c", "lost": "Loss_Reason__c"},
    "business_hours": {"from": "08:00", "to": "18:00"},
    "stage_exit": {"Qualification": ["Pain__c"]},
    "deals": {
        "sales_processes": {"Sales": {"record_types": ["New_Business"], "stages": [*STAGES, *LATE, RETIRED, WON, LOST]}}
    },
    "assignment": [{"when": {"Industry": ["Banking"]}, "queue": "Banks"}],
    "duplicates": {"unique_keys": {"Lead": ["Crm_Id__c"]}},
}

#: Fields that are meant to stay on the lead.
_STAYS = ["Score__c", "Reason__c", "Crm_Id__c"]

_RULES: dict[str, Any] = {
    "LQ011": {"enabled": True},
    "LA005": {"params": {"days": 50}},
    "FM005": {"params": {"stays": _STAYS}},
    "MC001": {"params": {"stays": _STAYS}},
    "OP018": {"params": {"amount": 15_000}},
    "PL011": {"params": {"amount": 15_000}},
}

#: Pairs that only a drifted org has: wrong types, a shorter target, one target twice, a target that is gone.
_PAIRS = [
    {"lead": "Kind__c", "to": "Contact.Kind__c"},
    {"lead": "Note__c", "to": "Account.Note__c"},
    {"lead": "Want__c", "to": "Contact.Need__c"},
    {"lead": "Wish__c", "to": "Contact.Need__c"},
    {"lead": "Place__c", "to": "Account.Gone__c"},
]


def settings() -> Settings:
    """Of an org that is set up well."""
    return Settings.model_validate({"definitions": _DEFINITIONS, "rules": _RULES})


def flawed_settings() -> Settings:
    """With the flaws that only settings can have."""
    definitions = deepcopy(_DEFINITIONS)
    conversion = definitions["lead_conversion"]
    conversion["mapping"] += _PAIRS
    conversion["require_validation"] = False
    conversion["record_types"]["Outbound"] = {"Opportunity": ["New_Business"]}
    return Settings.model_validate({"definitions": definitions, "rules": _RULES})
