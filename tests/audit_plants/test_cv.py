"""Conversions: nothing is found where they went well, and each flaw is found by its rule, alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from clean_org import CONVERTED, DEFINITIONS, DONE, TODAY, clean_org, convert, lead, mirror, work_on

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert
from sfsync.fake.dml.merging import merge
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.records import RuleState

DAY = timedelta(days=1)

#: Owners may not be changed here, and six conversions in one minute are a burst.
SETTINGS: Mapping[str, Any] = {
    "definitions": {
        **DEFINITIONS,
        "lead_conversion": {**DEFINITIONS["lead_conversion"], "allow_owner_change": False},
    },
    "rules": {"CV015": {"params": {"count": 6}}},
}

#: A flaw that is one for another rule, too, whatever one does: what was deleted is missing.
IMPLIED = {"CV012": ("CV003",)}


class Conversions:
    """The clean org, and leads that are converted in every way there is.

    Attributes:
        org: The fake org.
        planted: Rule → the records it must find.
    """

    def __init__(self) -> None:
        self.org: FakeOrg = clean_org()
        self.planted: dict[str, set[str]] = {}
        self._numbers = count(100)
        (self.seller,) = self.org.insert(
            "User",
            [
                {
                    "Username": "seller@fake.example",
                    "LastName": "Seller",
                    "Alias": "sell",
                    "Email": "seller@fake.example",
                    "ProfileId": self.the("User", self.org.admin_id)["ProfileId"],
                    "TimeZoneSidKey": "UTC",
                    "LocaleSidKey": "en_US",
                    "EmailEncodingKey": "UTF-8",
                    "LanguageLocaleKey": "en_US",
                }
            ],
        )

    def the(self, name: str, record_id: str) -> dict[str, Any]:
        """A record."""
        found = self.org.record(name, record_id)
        assert found is not None
        return found

    def lead(self, ago: timedelta = timedelta(days=50), **values: Any) -> str:
        """A new lead."""
        self.org.clock.set(TODAY - ago)
        (made,) = self.org.insert("Lead", [lead(next(self._numbers), **values)])
        return made

    def convert(self, lead_id: str, ago: timedelta = timedelta(days=28), *, worked: bool = True, **how: Any) -> str:
        """Convert a lead, in a minute of its own, and let somebody work on its opportunity three days later."""
        number = next(self._numbers)
        at = TODAY - ago + timedelta(minutes=2 * number)
        self.org.clock.set(at)
        convert(self.org, [LeadConvert(lead_id, DONE, **how)])
        if worked and self.the("Lead", lead_id)["ConvertedOpportunityId"]:
            self.org.clock.set(at + 3 * DAY)
            work_on(self.org, lead_id, number)
        self.org.clock.set(at + timedelta(minutes=1))
        return lead_id

    def converted(self, **values: Any) -> str:
        """A lead that was converted to an account, a contact and an opportunity of its own."""
        return self.convert(self.lead(**values))

    def customer(self, name: str, ago: timedelta = timedelta(days=100), **values: Any) -> str:
        """An account that is there before."""
        self.org.clock.set(TODAY - ago)
        (made,) = self.org.insert("Account", [{"Name": name, **values}])
        return made

    def target(self, lead_id: str, name: str) -> str:
        """What a lead was converted to."""
        return str(self.the("Lead", lead_id)[f"Converted{name}Id"])

    def plant(self, rule: str, *ids: str) -> None:
        """Note that the rule must find these."""
        for one in (rule, *IMPLIED.get(rule, ())):
            self.planted.setdefault(one, set()).update(ids)

    def audit(self, folder: Path) -> AuditResult:
        """What an audit says of the mirrored org."""
        self.org.clock.set(TODAY)
        return audit(mirror(self.org, folder), Settings.model_validate(SETTINGS), select=["CV"])


class Traps(Conversions):
    """Conversions that only look faulty."""

    def __init__(self) -> None:
        super().__init__()
        self._joined()
        self._owned_by_others()
        self._followed()
        self._changed_since()

    def _joined(self) -> None:
        account = self.customer("Larkspur Bakery Holding", Website="https://larkspur.example")
        (deal,) = self.org.insert("Opportunity", [self.deal(account)])
        self.org.clock.set(TODAY - 90 * DAY)
        old = self.lead(timedelta(days=110), Company="Larkspur Bakery GmbH", Email="ola@shop.larkspur.example")
        self.convert(old, account_id=account, opportunity_id=deal)
        # A contact that two leads of one day turned out to be, and one that is somebody else with the same mailbox.
        first = self.lead(Company="Wren Works", FirstName="Una", LastName="Wren", Email="una@wren.example")
        self.convert(first)
        shop, una = self.target(first, "Account"), self.target(first, "Contact")
        again = self.lead(timedelta(days=49), Company="Wren Works", LastName="Wren", Email="una@wren.example")
        self.convert(again, account_id=shop, contact_id=una)

    def _owned_by_others(self) -> None:
        account = self.customer("Quorn Metal Works")
        self.org.update("Account", account, {"OwnerId": self.seller})
        (contact,) = self.org.insert("Contact", [self.person("Quinn", account, OwnerId=self.seller)])
        known = self.lead(Company="Quorn Metal Works", LastName="Quinn", Email="quinn@home.example")
        self.convert(known, account_id=account, contact_id=contact)
        # Handed over after the conversion.
        late = self.converted()
        self.org.clock.advance(5 * DAY)
        self.org.update("Opportunity", self.target(late, "Opportunity"), {"OwnerId": self.seller})
        self.org.update("Contact", self.target(late, "Contact"), {"OwnerId": self.seller})

    def _followed(self) -> None:
        one = self.lead()
        self.org.clock.set(TODAY - 40 * DAY)
        task = {"Subject": "Call", "Status": "Completed", "Priority": "Normal", "WhoId": one}
        event = {"Subject": "Visit", "WhoId": one, "DurationInMinutes": 30, "ActivityDateTime": "2026-05-01T08:00:00Z"}
        self.org.insert("Task", [task])
        self.org.insert("Event", [event])
        (fair,) = self.org.insert("Campaign", [{"Name": "Fair", "IsActive": True}])
        self.org.insert("CampaignMember", [{"LeadId": one, "CampaignId": fair, "Status": "Sent"}])
        self.convert(one)
        self.org.insert("Task", [{**task, "TaskSubtype": "Cadence"}])

    def _changed_since(self) -> None:
        merged = self.converted(Company="Merged Away")
        survivor = self.customer("Merged Away Group")
        self.org.clock.set(TODAY - 3 * DAY)
        self.merge("Account", survivor, self.target(merged, "Account"))
        self.merged = merged
        married = self.converted(LastName="Maiden", Email="mia@maiden.example")
        self.org.clock.advance(6 * DAY)
        self.org.update("Contact", self.target(married, "Contact"), {"LastName": "Wed", "Email": "mia@wed.example"})

    def deal(self, account: str, **values: Any) -> dict[str, Any]:
        """An open opportunity."""
        stage = {"StageName": "Qualification", "CloseDate": "2026-07-01", "Amount": 9_000}
        return {"Name": "A deal", "AccountId": account, **stage, **values}

    def person(self, name: str, account: str, **values: Any) -> dict[str, Any]:
        """A contact."""
        return {"LastName": name, "AccountId": account, "Email": f"{name.lower()}@people.example", **values}

    def merge(self, name: str, master: str, loser: str) -> None:
        """Let one record become part of another."""
        merge(self.org, name, {"Id": master}, [loser], WriteOptions(self.org.admin_id))


class Plants(Traps):
    """The same with a flaw for every rule, each on leads of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.plant("CV003", self.merged)
        self._on_the_lead()
        self._on_the_targets()
        self._at_the_conversion()
        self._afterwards()

    def _on_the_lead(self) -> None:
        for rule, values in (
            ("CV001", {"ConvertedAccountId": None}),
            ("CV002", {"ConvertedContactId": None}),
            ("CV004", {"Status": "Working - Contacted"}),
            ("CV006", {"ConvertedDate": "2026-06-30"}),
        ):
            made = self.converted()
            self.org.update("Lead", made, values)
            self.plant(rule, made)
        self.plant("CV005", self.lead(Status=DONE))
        edited = self.converted()
        self.org.clock.advance(5 * DAY)
        self.org.update("Lead", edited, {"Rating": "Cold"})
        self.plant("CV017", edited)

    def _on_the_targets(self) -> None:
        elsewhere = self.customer("Somebody Else")
        for rule, name in (("CV007", "Contact"), ("CV008", "Opportunity")):
            made = self.converted()
            self.org.update(name, self.target(made, name), {"AccountId": elsewhere})
            self.plant(rule, made)
        for rule, values in (("CV009", None), ("CV010", {"IsPrimary": False})):
            made = self.converted()
            deal = self.target(made, "Opportunity")
            with self.org.database.reading() as cursor:
                (role,) = cursor.execute(
                    'SELECT "Id" FROM "OpportunityContactRole" WHERE "OpportunityId" = ?', [deal]
                ).fetchone()
            if values is None:
                self.org.delete("OpportunityContactRole", role, hard=True)
            else:
                self.org.update("OpportunityContactRole", role, values)
            self.plant(rule, made if values is None else deal)
        gone = self.converted()
        self.org.delete("Opportunity", self.target(gone, "Opportunity"), hard=True)
        self.plant("CV003", gone)
        for name in ("Opportunity", "Contact"):
            # The recycle bin keeps records for 15 days; what is gone from it before the first pull was never there.
            binned = self.convert(self.lead(), 10 * DAY)
            self.org.clock.advance(4 * DAY)
            self.org.delete(name, self.target(binned, name))
            self.plant("CV012", binned)

    def _at_the_conversion(self) -> None:
        alone = self.lead()
        self.convert(alone, do_not_create_opportunity=True)
        self.plant("CV011", alone)
        account = self.customer("Older Deal")
        (older,) = self.org.insert("Opportunity", [self.deal(account)])
        self.plant("CV013", self.convert(self.lead(Company="Older Deal"), account_id=account, opportunity_id=older))
        account, into = self.customer("Closed Deal"), self.lead(Company="Closed Deal")
        (closed,) = self.org.insert("Opportunity", [self.deal(account, StageName="Closed Won", CloseDate="2026-04-05")])
        self.plant("CV014", self.convert(into, worked=False, account_id=account, opportunity_id=closed))
        burst = [self.lead() for _ in range(6)]
        self.org.clock.set(CONVERTED + timedelta(hours=5))
        convert(self.org, [LeadConvert(one, DONE) for one in burst])
        self.org.clock.advance(3 * DAY)
        for number, one in enumerate(burst):
            work_on(self.org, one, number)
        self.plant("CV015", *burst)
        (queue,) = self.org.insert("Group", [{"Name": "Inbox", "DeveloperName": "Inbox", "Type": "Queue"}])
        queued, surprised = self.lead(OwnerId=queue), self.lead()
        self.plant(
            "CV016", self.convert(queued, owner_id=self.org.admin_id), self.convert(surprised, owner_id=self.seller)
        )
        for rule, values in (
            ("CV019", {"Company": "Other Firm", "Email": "otto@otherfirm.example"}),
            ("CV020", {"Company": "Attached", "LastName": "Otto", "Email": "otto@attached.example"}),
        ):
            account = self.customer("Attached", Website="https://www.attached.example")
            (contact,) = self.org.insert("Contact", [self.person("Ito", account)])
            how = {"contact_id": contact} if rule == "CV020" else {}
            self.plant(rule, self.convert(self.lead(**values), account_id=account, **how))
        for company in ("Twice", "Twice again"):
            self.plant("CV023", self.converted(Company=company, LastName="Twin", Email="twin@twice.example"))

    def _afterwards(self) -> None:
        lost = self.convert(self.lead(), worked=False)
        self.org.clock.advance(2 * DAY)
        deal = self.target(lost, "Opportunity")
        self.org.update("Opportunity", deal, {"StageName": "Closed Lost", "CloseDate": "2026-04-26"})
        self.plant("CV018", lost, self.convert(self.lead(), timedelta(days=45), worked=False))
        left = self.converted()
        task = {"Subject": "Call", "Status": "Completed", "Priority": "Normal", "WhoId": left}
        self.org.insert("Task", [task])
        self.plant("CV021", left)
        member = self.converted()
        (fair,) = self.org.insert("Campaign", [{"Name": "Late fair", "IsActive": True}])
        self.org.insert("CampaignMember", [{"LeadId": member, "CampaignId": fair, "Status": "Sent"}])
        self.plant("CV022", member)


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it finds."""
    each = {one.rule.id: {str(finding.record_id) for finding in result.findings(one.rule.id)} for one in result.rules}
    return {rule: ids for rule, ids in each.items() if ids and rule.startswith("CV")}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Traps, AuditResult]:
    org = Traps()
    return org, org.audit(tmp_path_factory.mktemp("clean"))


def test_conversions_in_order_give_no_finding_but_a_note_of_a_merge(clean: tuple[Traps, AuditResult]) -> None:
    org, result = clean
    assert found(result) == {"CV003": {org.merged}}
    assert [finding.severity.value for finding in result.findings("CV003")] == ["info"]


def test_every_rule_of_conversions_can_judge_the_org(clean: tuple[Traps, AuditResult]) -> None:
    rules = [one for one in clean[1].rules if one.rule.id.startswith("CV")]
    assert len(rules) == 23
    assert {one.rule.id: one.reason for one in rules if one.state is RuleState.NOT_EVALUABLE} == {}
    assert {one.rule.id for one in rules if not one.eligible} == set()


def test_each_flaw_of_a_conversion_is_found_by_its_rule_and_by_no_other(tmp_path: Path) -> None:
    plants = Plants()
    result = plants.audit(tmp_path)
    assert found(result) == plants.planted
    assert len(plants.planted) == 23
