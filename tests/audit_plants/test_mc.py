"""Mapping and schema: nothing is found in an org that is set up well, and each fault is found by its rule, alone."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from clean_org import DEFINITIONS, TODAY, add_fields, add_object, clean_org, mirror

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake.ids import make_id
from sfsync.records import FieldDescribe, PicklistEntry
from sfsync.store import Store
from sfsync.store.interface import Session
from sfsync.store.mirror import read_describes

SELECT = ["FM", "MC"]


def _text(name: str, length: int = 80) -> FieldDescribe:
    return FieldDescribe(name, "string", label=name, custom=True, length=length)


def _picklist(name: str, *values: str, restricted: bool = False) -> FieldDescribe:
    entries = tuple(PicklistEntry(value, value) for value in values)
    listed = {"picklist_values": values, "picklist_entries": entries, "restricted_picklist": restricted}
    return FieldDescribe(name, "picklist", label=name, custom=name.endswith("__c"), length=255, **listed)


#: Pairs that only a drifted org has: wrong types, a shorter target, one target twice, a target that is gone.
PAIRS = [
    {"lead": "Kind__c", "to": "Contact.Kind__c"},
    {"lead": "Note__c", "to": "Account.Note__c"},
    {"lead": "Pain__c", "to": "Contact.Need__c"},
    {"lead": "Wish__c", "to": "Contact.Need__c"},
    {"lead": "Place__c", "to": "Account.Gone__c"},
]


def _plant(session: Session) -> None:
    lead_fields = (_text("Kind__c"), _text("Note__c", 255), _text("Pain__c"), _text("Wish__c"), _text("Place__c"))
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
    session.execute('DELETE FROM sf_all."LeadHistory" WHERE "Field" = \'Status\'')


def _history(session: Session) -> None:
    """Every history that is watched has a row, but that of the lead's status."""
    kept = {
        "LeadHistory": ("Owner",),
        "OpportunityFieldHistory": ("Owner", "ForecastCategoryName", "NextStep", "StageName", "Amount", "CloseDate"),
    }
    for name, fields in kept.items():
        for number, field in enumerate(fields):
            session.execute(
                f'INSERT INTO sf_all."{name}" ("Id", "Field", "IsDeleted") VALUES (?, ?, false)',
                [make_id("017", 9000 + number), field],
            )


def planted(folder: Path) -> Store:
    """A mirror of the clean org with every fault in it."""
    org = clean_org()
    store = mirror(org, folder)
    stages = store.query('SELECT "Id" FROM sf."OpportunityStage" WHERE "MasterLabel" = \'Prospecting\'').rows().rows
    org.update("OpportunityStage", stages[0][0], {"DefaultProbability": 15})
    org.clock.set(TODAY + timedelta(hours=1))
    mirror(org, folder)
    with store.writing() as session:
        _plant(session)
        _history(session)
        members = read_describes(session)["CampaignMember"]
        add_object(
            session,
            "CampaignMember",
            {one.name: one.type for one in members.stored_fields if one.name != "CreatedDate"},
        )
    return store


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it finds."""
    each = {one.rule.id: {str(finding.record_id) for finding in result.findings(one.rule.id)} for one in result.rules}
    return {rule: ids for rule, ids in each.items() if ids and rule[:2] in SELECT}


def test_each_plant_is_found_by_its_rule_and_by_no_other(tmp_path: Path) -> None:
    store = planted(tmp_path)
    definitions: dict[str, Any] = deepcopy(DEFINITIONS)
    definitions["lead_conversion"]["mapping"] += PAIRS
    definitions["lead_conversion"]["require_validation"] = False
    definitions["lead_conversion"]["record_types"]["Outbound"] = {"Opportunity": ["New_Business"]}
    rules = {"MC009": {"params": {"enough": 4}}}
    settings = Settings.model_validate({"definitions": definitions, "rules": rules})
    stage = store.query('SELECT "Id" FROM sf."OpportunityStage" WHERE "MasterLabel" = \'Prospecting\'').rows().rows
    status = store.query('SELECT "Id" FROM sf."LeadStatus" WHERE "IsConverted"').rows().rows
    assert found(audit(store, settings, select=SELECT)) == {
        "MC001": {"Lead.Unmapped__c"},
        "MC002": {"Lead.Kind__c"},
        "MC003": {"Lead.Note__c"},
        "MC004": {"Contact.Need__c"},
        "MC005": {"Account.Gone__c"},
        "MC006": {"Lead.Industry"},
        "MC007": {status[0][0]},
        "MC008": {"LeadConfig.require_validation"},
        "MC009": {"Lead.Status"},
        "MC010": {"Account.Segment__c"},
        "MC011": {"DuplicateRule"},
        "MC012": {stage[0][0]},
        "MC013": {"definitions.lead_conversion.record_types"},
        "MC014": {"CampaignMember.CreatedDate"},
    }
