from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sfsync.audit import audit
from sfsync.config.settings import Settings, settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError
from sfsync.records import FieldDescribe, RuleState
from tests.unit.audit.conftest import MakeMirror, converted, lead

STATUSES = [
    {"ApiName": "Open", "MasterLabel": "Offen"},
    {"ApiName": "Qualified", "MasterLabel": "Qualifiziert"},
]


def settings(**definitions: Any) -> Settings:
    return Settings.model_validate({"definitions": definitions})


def bant(**criteria: list[Any]) -> dict[str, Any]:
    return {"frameworks": {"BANT": criteria}}


def test_statuses_and_fields_that_exist_are_taken(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="Qualified", Budget__c=None)], LeadStatus=STATUSES)
    result = audit(store, settings(lead_status={"qualified": ["Qualified"]}, **bant(budget=["Budget__c"])))
    assert result.rule("LQ001").count == 1


def test_a_status_the_org_does_not_have_is_an_error_with_a_suggestion(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="Open")], LeadStatus=STATUSES)
    with pytest.raises(ConfigError, match=r"no lead status `Qualifed` \(did you mean `Qualified`\?\)") as error:
        audit(store, settings(lead_status={"qualified": ["Qualifed"]}))
    assert error.value.exit_code == 2


def test_a_label_in_place_of_an_api_name_is_recognised(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="Open")], LeadStatus=STATUSES)
    with pytest.raises(ConfigError, match="that is a label; its API name is `Qualified`"):
        audit(store, settings(lead_status={"qualified": ["Qualifiziert"]}))


def test_a_retired_status_that_old_leads_still_have_is_known(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="Retired")], LeadStatus=STATUSES)
    assert audit(store, settings(lead_status={"disqualified": ["Retired"]})).rule("LA004").eligible == 0


def test_statuses_come_from_the_describe_where_there_is_no_status_table(mirror: MakeMirror) -> None:
    described = {"Lead.Status": FieldDescribe("Status", "picklist", picklist_values=("Open", "Qualified"))}
    store = mirror(Lead=[lead(1, Status="Open")], described=described)
    with pytest.raises(ConfigError, match="no lead status `Odd`"):
        audit(store, settings(lead_status={"qualified": ["Odd"]}))


def test_every_fault_is_told_at_once_at_its_line(mirror: MakeMirror) -> None:
    text = """\
version: 1
definitions:
  lead_status:
    qualified: [Qualified, Qualifed]
  frameworks:
    BANT:
      budget: [Budgt__c]
      need: [{field: Need__c, in: [Speed, Sped]}]
      timeline: [{field: Need__c, min: 3}]
      authority: [{field: Size__c, in: [a]}]
"""
    document = parse_yaml(text, "sfsync.yml")
    described = {"Lead.Need__c": FieldDescribe("Need__c", "picklist", picklist_values=("Speed",))}
    store = mirror(
        Lead=[lead(1, Status="Open", Budget__c=1, Need__c="Speed", Size__c=5)], LeadStatus=STATUSES, described=described
    )
    with pytest.raises(ConfigError) as error:
        audit(store, settings_from(document), settings_file=document)
    told = [str(problem) for problem in error.value.problems]
    assert told[0].startswith("sfsync.yml:4:28: the org has no lead status `Qualifed`")
    assert "sfsync.yml:7:16: the mirror has no field Lead.Budgt__c" in told[1]
    assert "did you mean `Budget__c`?" in told[1]
    assert told[2].startswith("sfsync.yml:8:43: Need__c has no value `Sped` (did you mean `Speed`?)")
    assert "sfsync.yml:9:" in told[3]
    assert "`min` compares numbers" in told[3]
    assert "sfsync.yml:10:" in told[4]
    assert "`in` compares texts" in told[4]
    assert len(told) == 5


def test_a_value_of_a_free_text_cannot_be_checked(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Need__c="Speed")], LeadStatus=STATUSES)
    audit(store, settings(**bant(need=[{"field": "Need__c", "in": ["Anything"]}])))


def test_without_leads_there_is_nothing_to_hold_definitions_against(mirror: MakeMirror) -> None:
    deal = {"Id": "006000000000001AAA", "IsDeleted": False, "IsClosed": False, "CloseDate": date(2026, 5, 10)}
    result = audit(mirror(Opportunity=[deal]), settings(**bant(need=["Nope__c"])))
    assert result.rule("LQ002").state is RuleState.NOT_EVALUABLE
    assert result.rule("OP007").state is RuleState.PASS


def test_evidence_may_lie_in_a_field_only_the_opportunity_has(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[converted(1, ConvertedOpportunityId="006A"), converted(2, ConvertedOpportunityId="006B")],
        Opportunity=[
            {"Id": "006A", "IsDeleted": False, "Plan__c": "x"},
            {"Id": "006B", "IsDeleted": False, "Plan__c": None},
        ],
    )
    result = audit(store, settings(**bant(timeline=["Plan__c"])), select=["LQ002"])
    assert [finding.record_id for finding in result.findings()] == [converted(2)["Id"]]


def test_a_standard_field_of_the_same_name_elsewhere_is_no_evidence(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[converted(1, ConvertedOpportunityId="006A", Description=None)],
        Opportunity=[{"Id": "006A", "IsDeleted": False, "Description": "x"}],
    )
    assert audit(store, settings(**bant(need=["Description"])), select=["LQ002"]).rule("LQ002").count == 1


def test_evidence_is_compared_without_regard_to_case(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[converted(1, Need__c="SPEED"), converted(2, Need__c="price;Speed"), converted(3, Need__c="Speedy")]
    )
    result = audit(store, settings(**bant(need=[{"field": "Need__c", "in": ["speed"]}])), select=["LQ002"])
    assert [finding.record_id for finding in result.findings()] == [converted(3)["Id"]]


def test_stages_and_record_types_of_a_sales_process_that_the_org_does_not_have_are_named(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[lead(1)],
        Opportunity=[{"Id": "006A", "IsDeleted": False, "StageName": "Discovery", "IsClosed": False}],
        OpportunityStage=[{"Id": "01JA", "ApiName": "Discovery", "MasterLabel": "Erkundung"}],
        RecordType=[{"Id": "012A", "IsDeleted": False, "DeveloperName": "Renewal"}],
    )
    processes = {"Renewals": {"record_types": ["Renewals"], "stages": ["Discovery", "Erkundung", "Discovry"]}}
    with pytest.raises(ConfigError) as error:
        audit(store, settings(deals={"sales_processes": processes}))
    told = [str(problem) for problem in error.value.problems]
    assert len(told) == 3
    assert "no opportunity stage `Erkundung`" in told[0]
    assert "its API name is `Discovery`" in told[0]
    assert "no opportunity stage `Discovry`" in told[1]
    assert "no record type `Renewals` (did you mean `Renewal`?)" in told[2]
