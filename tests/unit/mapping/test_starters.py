"""The starter mappings are valid, fit a standard org, and are found however sfsync is installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import sfsync
from sfsync.errors import SfsyncError
from sfsync.mapping import starters
from sfsync.mapping.check import check_mappings
from sfsync.mapping.load import load_mappings, parse_mapping
from sfsync.records import FieldDescribe, ObjectDescribe

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("SFSYNC_TEST_DATA", ROOT.parent / "shared" / "data")) / "describes"


def test_there_is_one_for_each_object_that_conversion_is_about():
    texts = starters.starter_mappings()
    objects = {name: parse_mapping(text, name).object for name, text in texts.items()}
    assert objects == {
        "account.yml": "Account",
        "contact.yml": "Contact",
        "lead.yml": "Lead",
        "opportunity.yml": "Opportunity",
        "user.yml": "User",
        "more/campaign.yml": "Campaign",
        "more/campaign_member.yml": "CampaignMember",
        "more/opportunity_contact_role.yml": "OpportunityContactRole",
        "more/task.yml": "Task",
    }
    tables = {str(parse_mapping(text, name).local_table) for name, text in texts.items()}
    assert len(tables) == len(texts)
    assert all(table.startswith("crm.") for table in tables)


def test_they_write_nothing_and_use_standard_fields_only():
    for name, text in starters.starter_mappings().items():
        mapping = parse_mapping(text, name)
        assert mapping.direction == "pull"
        assert not [field for field in (*mapping.fields, *mapping.lookups) if field.endswith("__c")]


def test_they_are_the_ones_of_the_repository():
    assert [mapping.object for mapping in load_mappings(ROOT / "mappings")] == [
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "User",
    ]


def real_describes() -> dict[str, ObjectDescribe]:
    """What real orgs said; of some objects only the fields' names are known."""
    found = {}
    for name in ("Lead", "Opportunity", "Account", "Contact", "OpportunityContactRole"):
        body = json.loads((DATA / f"{name}.json").read_text())
        fields = [FieldDescribe(f["name"], f["type"], reference_to=tuple(f["referenceTo"])) for f in body["fields"]]
        found[name] = ObjectDescribe(name, name, tuple(fields))
    known = json.loads((DATA / "standard_field_lists.json").read_text())
    references = {
        "ParentId": ("Campaign",),
        "CampaignId": ("Campaign",),
        "LeadId": ("Lead",),
        "ContactId": ("Contact",),
    }
    references |= {"OwnerId": ("User",), "WhoId": ("Contact", "Lead")}
    for name in ("User", "Campaign", "CampaignMember", "Task"):
        listed = known[name]["fields"]
        fields = (FieldDescribe(each, "string", reference_to=references.get(each, ())) for each in listed)
        found[name] = ObjectDescribe(name, name, tuple(fields))
    return found


@pytest.mark.skipif(not DATA.exists(), reason="needs the recorded describes of the shared test data")
def test_they_fit_the_describes_of_real_orgs():
    mappings = [parse_mapping(text, name) for name, text in starters.starter_mappings().items()]
    assert [str(problem) for problem in check_mappings(mappings, real_describes())] == []


def test_an_installation_without_them_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sfsync, "__file__", str(tmp_path / "sfsync" / "__init__.py"))
    with pytest.raises(SfsyncError, match="missing from this installation"):
        starters.starter_mappings()
    (tmp_path / "sfsync" / "starter_mappings").mkdir(parents=True)
    (tmp_path / "sfsync" / "starter_mappings" / "lead.yml").write_text("# from the wheel")
    assert starters.starter_mappings() == {"lead.yml": "# from the wheel"}
