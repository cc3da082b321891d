"""What definitions say about qualification is held against the mirror: every name that does not exist is told, at its line."""

from __future__ import annotations

from typing import Any

import pytest

from sfsync.audit.context import context_of
from sfsync.audit.definitions import check_definitions
from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError
from sfsync.records import FieldDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import read_state
from tests.unit.audit.conftest import MakeMirror, lead

STATUSES = [{"ApiName": "Open", "MasterLabel": "Offen"}, {"ApiName": "Qualified", "MasterLabel": "Qualifiziert"}]
STAGES = [{"ApiName": "Proposal", "MasterLabel": "Angebot"}]
ROLE = {"OpportunityId": "006", "Role": "Boss", "CreatedDate": None}
DESCRIBED = {
    "Lead.Industry": FieldDescribe("Industry", "picklist", picklist_values=("Banking", "Retail")),
    "OpportunityContactRole.Role": FieldDescribe("Role", "picklist", picklist_values=("Decision Maker", "Boss")),
}


def told(store: DuckDBStore, text: str) -> list[str]:
    """What is wrong with a `definitions:` block."""
    document = parse_yaml(f"version: 1\ndefinitions:\n{text}", "sfsync.yml")
    settings = settings_from(document)
    with store.reading() as session:
        context = context_of(session, read_state(session), settings, "duckdb")
        try:
            check_definitions(session, context, document)
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
    return []


@pytest.fixture
def org(mirror: MakeMirror) -> DuckDBStore:
    person: dict[str, Any] = {"Industry": "Banking", "Score__c": 5, "Size__c": "big", "Country": "DE"}
    return mirror(
        described=DESCRIBED,
        Lead=[lead(1, Status="Open", **person)],
        LeadStatus=STATUSES,
        Opportunity=[{"Id": "006", "IsDeleted": False, "Amount": 5, "StageName": "Proposal"}],
        OpportunityStage=STAGES,
        OpportunityContactRole=[ROLE],
        Task=[{"Id": "00T", "IsDeleted": False}],
        User=[{"Id": "005000000000001AAA", "Username": "ana@x.example"}],
        Group=[{"Id": "00G000000000001AAA", "DeveloperName": "Inbound"}],
    )


RIGHT = """\
  scoring: {field: Score__c, hot: 80}
  icp: {Industry: [banking], Score__c: {min: 3}}
  required_by_status: {Open: [Country]}
  lead_path: [Qualified]
  stage_exit: {Proposal: [Amount, {field: Amount, min: 3}, {contact_role: [Decision Maker]}]}
  pricing: [Size__c, {activity: {subject: quote}}]
  reasons: {disqualified: Size__c, lost: StageName}
  assignment: [{when: {Country: [DE]}, owners: [Ana@x.example]}, {queue: inbound}]
  reachable_by: [Country]
"""


def test_names_that_exist_are_taken(org: DuckDBStore) -> None:
    assert told(org, RIGHT) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("scoring: {field: Scor__c, hot: 1}", "3:20: the mirror has no field Lead.Scor__c"),
        ("scoring: {field: Country, hot: 1}", "3:20: a score is a number, and Lead.Country is none"),
        ("icp: {Industri: [Banking]}", "3:9: the mirror has no field Lead.Industri"),
        ("icp: {Industry: [Bankng]}", "Industry has no value `Bankng` (did you mean `Banking`?)"),
        ("icp: {Industry: {min: 5}}", "a range compares numbers, and Lead.Industry is none"),
        ("icp: {Score__c: [A]}", "a list compares texts, and Lead.Score__c is none"),
        ("required_by_status: {Opne: [Country]}", "3:24: the org has no lead status `Opne` (did you mean `Open`?)"),
        ("required_by_status: {Offen: [Country]}", "that is a label; its API name is `Open`"),
        ("required_by_status: {Open: [Contry]}", "3:31: the mirror has no field Lead.Contry"),
        ("lead_path: [Qualifed]", "3:15: the org has no lead status `Qualifed`"),
        ("waits_until: Size__c", "3:16: a date is needed here, and Lead.Size__c is none"),
        ("origin_detail: [UTM__c]", "the mirror has no field Lead.UTM__c"),
        ("stage_exit: {Propsal: [Amount]}", "the org has no opportunity stage `Propsal` (did you mean `Proposal`?)"),
        ("stage_exit: {Proposal: [Amont]}", "the mirror has no field Opportunity.Amont"),
        ("stage_exit: {Proposal: [{field: Country, object: Lead}]}", "only fields of Opportunity are looked at here"),
        ("stage_exit: {Proposal: [{contact_role: [Bos]}]}", "Role has no value `Bos` (did you mean `Boss`?)"),
        ("pricing: [{contact_role: [Boss]}]", "a contact role tells nothing of a price"),
        ("pricing: [Prise__c]", "the mirror has no field Lead.Prise__c"),
        ("reasons: {lost: Why__c}", "the mirror has no field Opportunity.Why__c"),
        ("assignment: [{when: {Contry: [DE]}, owners: [ana@x.example]}]", "the mirror has no field Lead.Contry"),
        ("assignment: [{when: {Industry: [Retial]}, queue: Inbound}]", "Industry has no value `Retial`"),
        ("assignment: [{owners: [anna@x.example]}]", "3:26: the org has no user `anna@x.example`"),
        ("assignment: [{queue: Inbund}]", "the org has no queue `Inbund` (did you mean `Inbound`?)"),
        ("frameworks: {M: {x: [{field: Amont, object: Opportunity}]}}", "the mirror has no field Opportunity.Amont"),
    ],
)
def test_a_name_that_does_not_exist_is_told_at_its_place(org: DuckDBStore, wrong: str, message: str) -> None:
    (problem,) = told(org, f"  {wrong}\n")
    assert message in problem
    assert problem.startswith("sfsync.yml:3:")


def test_evidence_in_what_is_not_mirrored_names_the_command(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    text = "  frameworks: {M: {x: [{contact_role: [Boss]}], y: [{activity: {kind: call}}]}}\n"
    roles, activities = told(store, text)
    assert "the mirror holds no contact roles" in roles
    assert "OpportunityContactRole" in roles
    assert "the mirror holds no activities" in activities
