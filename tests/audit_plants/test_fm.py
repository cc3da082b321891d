"""Carry-over at conversion: nothing is found where all arrived, and each loss is found by the rule that knows it, alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clean_org import CONVERTED, DEFINITIONS, DONE, TODAY, add_fields, clean_org, convert, lead, mirror, work_on

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert
from sfsync.fake.ids import make_id
from sfsync.records import FieldDescribe, PicklistEntry, RuleState
from sfsync.store.interface import Session

SELECT = ["FM", "MC"]

#: A rule a lead, made for its plant alone; the others have one of their own kind.
NEW = ("FM001", "FM002", "FM009", "FM012", "FM013", "FM014", "FM015", "FM016", "FM017", "FM018", "FM006")
ATTACHED = ("FM003", "FM004", "FM010", "FM011")
OPEN = {"FM007": {"Rating": "Tepid"}, "FM008": {"Company": "Long & Sons " * 12}}

FLAG = FieldDescribe("HasOptedOutOfEmail", "boolean")


class Plants:
    """The clean org with a flaw for every rule, each on records of its own."""

    def __init__(self, folder: Path) -> None:
        self.org = clean_org()
        self.leads: dict[str, str] = {}
        self._lead_the_leads()
        self.store = mirror(self.org, folder)
        self.became = {
            rule: {
                name: self.org.record("Lead", one)[f"Converted{name}Id"]
                for name in ("Account", "Contact", "Opportunity")
            }  # type: ignore[index]
            for rule, one in self.leads.items()
        }
        with self.store.writing() as session:
            self._plant(session)

    def _lead_the_leads(self) -> None:
        org = self.org
        org.clock.set(CONVERTED - timedelta(days=9))
        rules = [*NEW, *ATTACHED, *OPEN]
        made = org.insert("Lead", [lead(20 + i, **OPEN.get(rule, {})) for i, rule in enumerate(rules)])
        self.leads = dict(zip(rules, made, strict=True))
        org.insert("CampaignMember", [{"LeadId": self.leads["FM012"], "CampaignId": _campaign(org), "Status": "Sent"}])
        org.clock.set(CONVERTED)
        convert(org, [LeadConvert(self.leads[rule], DONE) for rule in NEW])
        convert(org, [self._into_old_records(rule) for rule in ATTACHED])
        org.clock.advance(timedelta(days=3))
        for number, (rule, one) in enumerate(self.leads.items()):
            if rule not in ("FM016", *OPEN):
                work_on(org, one, number)
        org.clock.set(TODAY)

    def _into_old_records(self, rule: str) -> LeadConvert:
        org = self.org
        org.clock.set(CONVERTED - timedelta(days=20))
        (account,) = org.insert("Account", [{"Name": f"Old {rule}"}])
        (contact,) = org.insert("Contact", [{"LastName": f"Old {rule}", "AccountId": account}])
        org.clock.set(CONVERTED)
        return LeadConvert(self.leads[rule], DONE, account_id=account, contact_id=contact)

    def _plant(self, session: Session) -> None:
        def change(rule: str, name: str, field: str, value: Any) -> None:
            session.execute(
                f'UPDATE sf_all."{name}" SET "{field}" = ? WHERE "Id" = ?', [value, self.became[rule][name]]
            )

        change("FM001", "Contact", "Title", None)
        change("FM002", "Contact", "Title", "Gatekeeper")
        self._history(session, "FM003", "Contact", "Phone", "+49 30 999")
        change("FM004", "Contact", "MobilePhone", None)
        add_fields(session, "Lead", FieldDescribe("Pain__c", "string", custom=True, length=80))
        session.execute('UPDATE sf_all."Lead" SET "Pain__c" = ? WHERE "IsConverted"', ["Slow"])
        change("FM006", "Opportunity", "Budget__c", None)
        values = tuple(PicklistEntry(value, value) for value in ("Hot", "Warm", "Cold"))
        add_fields(session, "Account", FieldDescribe("Rating", "picklist", picklist_entries=values))
        change("FM009", "Opportunity", "LeadSource", None)
        self._history(session, "FM010", "Contact", "LeadSource", "Other")
        session.execute(
            'INSERT INTO sf_all."AccountHistory" ("Id", "AccountId", "Field", "NewValue", "CreatedDate") VALUES (?, ?, ?, ?, ?)',
            [
                "017Fk0000000001AAA",
                self.became["FM011"]["Account"],
                "AccountSource",
                "Web",
                CONVERTED.replace(tzinfo=None),
            ],
        )
        change("FM012", "Opportunity", "CampaignId", None)
        session.execute('UPDATE sf_all."Lead" SET "HasOptedOutOfEmail" = true WHERE "Id" = ?', [self.leads["FM013"]])
        change("FM014", "Opportunity", "RecordTypeId", None)
        change("FM015", "Opportunity", "CurrencyIsoCode", "USD")
        session.execute(
            'UPDATE sf_all."Opportunity" SET "Description" = ? WHERE "Id" = ?',
            ["Not yet", self.became["FM016"]["Opportunity"]],
        )
        change("FM017", "Opportunity", "Description", None)
        session.execute(
            'INSERT INTO sf_all."ContentDocumentLink" ("Id", "LinkedEntityId", "ContentDocumentId") VALUES (?, ?, ?)',
            ["06AFk0000000001AAA", self.leads["FM018"], "069Fk0000000001AAA"],
        )

    def _history(self, session: Session, rule: str, name: str, field: str, old: str) -> None:
        new = self.org.record("Lead", self.leads[rule])[field]  # type: ignore[index]
        session.execute(
            'INSERT INTO sf_all."ContactHistory" ("Id", "ContactId", "Field", "OldValue", "NewValue", "CreatedDate")'
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                make_id("017", 9000 + int(rule[-3:])),
                self.became[rule][name],
                field,
                old,
                new,
                CONVERTED.replace(tzinfo=None),
            ],
        )

    def expected(self) -> dict[str, set[str]]:
        """Rule → the records it must find, and no others."""
        on_the_lead = {
            "FM001",
            "FM002",
            "FM003",
            "FM004",
            "FM007",
            "FM008",
            "FM009",
            "FM010",
            "FM011",
            "FM014",
            "FM018",
        }
        on_the_deal = {"FM012", "FM015", "FM016", "FM017"}
        found = {rule: {self.leads[rule]} for rule in on_the_lead}
        found |= {rule: {self.became[rule]["Opportunity"]} for rule in on_the_deal}
        found["FM013"] = {self.became["FM013"]["Contact"]}
        found["FM005"], found["FM006"] = {"Lead.Pain__c"}, {"Lead.Budget__c"}
        return found


def _campaign(org: FakeOrg) -> str:
    (one,) = org.insert("Campaign", [{"Name": "Roadshow", "IsActive": True}])
    return one


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it finds."""
    each = {one.rule.id: {str(finding.record_id) for finding in result.findings(one.rule.id)} for one in result.rules}
    return {rule: ids for rule, ids in each.items() if ids and rule[:2] in SELECT}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    store = mirror(clean_org(), tmp_path_factory.mktemp("clean"))
    return audit(store, Settings.model_validate({"definitions": DEFINITIONS}), select=SELECT)


def test_a_clean_org_has_no_finding(clean: AuditResult) -> None:
    assert found(clean) == {}


def test_every_rule_can_judge_the_clean_org(clean: AuditResult) -> None:
    blind = {one.rule.id: one.reason for one in clean.rules if one.state is RuleState.NOT_EVALUABLE}
    assert {rule: reason for rule, reason in blind.items() if rule[:2] in SELECT} == {}


def test_each_plant_is_found_by_its_rule_and_by_no_other(tmp_path: Path) -> None:
    plants = Plants(tmp_path)
    params = {"FM006": {"params": {"enough": 5}}}
    settings = Settings.model_validate({"definitions": DEFINITIONS, "rules": params})
    assert found(audit(plants.store, settings, select=SELECT)) == plants.expected()
