"""Leads that are worked as they should be, and a plant for every rule about them.

It begins with the clean org, adds what people do with leads, and puts flaws into leads made for that purpose alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from clean_org import CONVERTED, DEFINITIONS, DONE, TODAY, clean_org, convert, lead, mirror

from sfsync.fake.convert import LeadConvert
from sfsync.store import Store

NEW, WORKING, QUALIFIED, JUNK = "Open - Not Contacted", "Working - Contacted", "Qualified", "Closed - Not Converted"

#: When open leads came in, by default: a Thursday, some days before the day of the mirror.
CAME_IN = datetime.fromisoformat("2026-05-14T10:00:00+00:00")

#: What the org means by its own words, besides what the clean org says.
LEAD_DEFINITIONS: dict[str, Any] = {
    **DEFINITIONS,
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
    "reasons": {"disqualified": "Reason__c"},
    "business_hours": {"from": "08:00", "to": "18:00"},
}

#: Thresholds that a small org can cross.
RULES: dict[str, Any] = {
    "LI003": {"params": {"min_leads": 3, "wide": []}},
    "LI015": {"params": {"near": 8}},
    "LQ011": {"enabled": True},
    "LQ013": {"params": {"min_leads": 6}},
    "LA005": {"params": {"days": 50}},
}


class LeadOrg:
    """The clean org with leads that are worked, and the Ids of those that plants have been put on.

    Attributes:
        org: The fake org.
        planted: Rule → the records it must find.
    """

    def __init__(self) -> None:
        self.org = clean_org()
        self.planted: dict[str, set[str]] = {}
        self._number = 100
        self.org.add_field("Lead", "Score__c", "double", "Score")
        self.org.add_field("Lead", "Reason__c", "string", "Reason")
        self.at(CONVERTED - timedelta(days=40))
        self.org.insert("LeadStatus", [{"MasterLabel": QUALIFIED, "SortOrder": 3}])
        statuses = [NEW, WORKING, QUALIFIED, DONE, JUNK]
        self.org.set_picklist("Lead", "Status", statuses)
        self._settle_the_clean_org()
        self.open_lead()
        self.open_lead(Status=NEW)
        self.open_lead(Status=QUALIFIED, Score__c=90)

    def at(self, moment: datetime) -> None:
        """Turn the org's clock."""
        self.org.clock.set(moment)

    def _settle_the_clean_org(self) -> None:
        """Speak with the leads of the clean org before they were converted, and give up the others."""
        leads = self._all("Lead")
        for one in leads:
            who = one["ConvertedContactId"] or one["Id"]
            self.done("Task", CONVERTED - timedelta(days=28, hours=-22), WhoId=who, Subject="First call")
            self.done(
                "Task", CONVERTED - timedelta(days=1), WhoId=who, Subject="Call about timeline", TaskSubtype="Call"
            )
        for one in leads:
            if not one["IsConverted"]:
                # One of them is the first whose status changes, so that the status counts as tracked from then on.
                self.at(CONVERTED - timedelta(days=29))
                self.org.update("Lead", one["Id"], {"Status": NEW})
                self.at(CONVERTED)
                self.org.update("Lead", one["Id"], {"Status": JUNK, "Reason__c": "No budget"})

    def _all(self, name: str) -> list[dict[str, Any]]:
        with self.org.database.reading() as cursor:
            ids = cursor.execute(f'SELECT "Id" FROM "{name}" ORDER BY "Id"').fetchall()
        return [dict(self.org.record(name, one) or {}) for (one,) in ids]

    def add_lead(self, came_in: datetime = CAME_IN, **values: Any) -> str:
        """A lead in which everything is filled in, and nothing has been done yet."""
        self._number += 1
        self.at(came_in)
        row = {**lead(self._number), "LeadSource": "Partner Referral", "Score__c": 50, **values}
        (made,) = self.org.insert("Lead", [{"IsUnreadByOwner": False, **row}])
        return made

    def open_lead(self, came_in: datetime = CAME_IN, **values: Any) -> str:
        """An open lead that was called in time and has a next step."""
        made = self.add_lead(came_in, **values)
        self.done("Task", came_in + timedelta(hours=3), WhoId=made, Subject="First call", TaskSubtype="Call")
        self.planned(came_in + timedelta(hours=4), WhoId=made)
        return made

    def converted_lead(self, spoken: bool = True, **values: Any) -> str:
        """A lead that was called, and converted ten days after it came in."""
        came_in = CONVERTED - timedelta(days=10)
        made = self.add_lead(came_in, **values)
        if spoken:
            self.done("Task", came_in + timedelta(hours=3), WhoId=made, Subject="First call", TaskSubtype="Call")
        self.at(CONVERTED)
        convert(self.org, [LeadConvert(made, DONE)])
        return made

    def done(self, name: str, moment: datetime, **values: Any) -> str:
        """A task that was finished, or written down, at this moment."""
        self.at(moment)
        (made,) = self.org.insert(name, [{"Status": "Completed", "ActivityDate": f"{moment:%Y-%m-%d}", **values}])
        return made

    def planned(self, moment: datetime, **values: Any) -> str:
        """A task that is due after the day of the mirror."""
        self.at(moment)
        due = {"ActivityDate": "2026-06-15", "Subject": "Call again", "Status": "Not Started"}
        (made,) = self.org.insert("Task", [{**due, **values}])
        return made

    def plant(self, rule: str, *ids: str) -> None:
        """Note that the rule must find these."""
        self.planted.setdefault(rule, set()).update(ids)

    def mirror(self, folder: Path) -> Store:
        """The org as it is mirrored."""
        self.at(TODAY)
        return mirror(self.org, folder)


SETTINGS: dict[str, Any] = {"definitions": LEAD_DEFINITIONS, "rules": RULES}
