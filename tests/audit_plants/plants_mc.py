"""A fault for every rule on mapping and schema; those of settings are in `seeded_settings.flawed_settings`."""

from __future__ import annotations

from dataclasses import replace

from clean_org import add_fields
from seeded_org import SeededOrg
from seeded_settings import OUTSIDE

from sfsync.records import FieldDescribe, PicklistEntry
from sfsync.store.interface import Session
from sfsync.store.mirror import read_describes


def _text(name: str, length: int = 80) -> FieldDescribe:
    return FieldDescribe(name, "string", label=name, custom=True, length=length)


def _picklist(name: str, *values: str, restricted: bool = False) -> FieldDescribe:
    entries = tuple(PicklistEntry(value, value) for value in values)
    listed = {"picklist_values": values, "picklist_entries": entries, "restricted_picklist": restricted}
    return FieldDescribe(name, "picklist", label=name, custom=name.endswith("__c"), length=255, **listed)


class SchemaPlants:
    """A fault for every rule but MC014, whose fault makes another rule blind."""

    def __init__(self, seeded: SeededOrg) -> None:
        self.seeded = seeded
        (self.drifted,) = seeded.find("OpportunityStage", '"MasterLabel" = ?', OUTSIDE)
        (converted,) = seeded.find("LeadStatus", '"IsConverted"')
        for rule, record_id in {
            "MC001": "Lead.Unmapped__c",
            "MC002": "Lead.Kind__c",
            "MC003": "Lead.Note__c",
            "MC004": "Contact.Need__c",
            "MC005": "Account.Gone__c",
            "MC006": "Lead.Industry",
            "MC007": converted,
            "MC008": "LeadConfig.require_validation",
            "MC009": "Opportunity.ForecastCategoryName",
            "MC010": "Account.Segment__c",
            "MC011": "DuplicateRule",
            "MC012": self.drifted,
            "MC013": "definitions.lead_conversion.record_types",
        }.items():
            seeded.plant(rule, record_id)
        seeded.drifts.append(self._drift)
        seeded.changes.append(self._in_the_mirror)

    def _drift(self) -> None:
        """What changes in the org between one pull and the next."""
        self.seeded.org.update("OpportunityStage", self.drifted, {"DefaultProbability": 72})

    def _in_the_mirror(self, session: Session) -> None:
        lead_fields = (_text("Kind__c"), _text("Note__c", 255), _text("Want__c"), _text("Wish__c"), _text("Place__c"))
        industry = read_describes(session)["Lead"].field("Industry")
        assert industry is not None
        more = replace(industry, picklist_entries=(*industry.picklist_entries, PicklistEntry("Space", "Space")))
        add_fields(session, "Lead", *lead_fields, _text("Unmapped__c"), more)
        session.execute('UPDATE sf_all."Lead" SET "Unmapped__c" = ? WHERE NOT "IsConverted"', ["Left behind"])
        add_fields(session, "Contact", _picklist("Kind__c", "A", "B", restricted=True), _text("Need__c"))
        required = replace(_picklist("Segment__c", "Big", "Small"), nillable=False)
        add_fields(session, "Account", _text("Note__c", 80), required)
        session.execute('UPDATE sf_all."LeadStatus" SET "IsDefault" = "IsConverted"')
        session.execute('UPDATE sf_all."DuplicateRule" SET "IsActive" = false')
        session.execute('DELETE FROM sf_all."OpportunityFieldHistory" WHERE "Field" = \'ForecastCategoryName\'')
