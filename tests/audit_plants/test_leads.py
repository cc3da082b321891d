"""Leads: nothing is found where they are worked as they should be, and each flaw is found by its rule, alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from clean_org import CONVERTED, DONE, TODAY, convert
from lead_plants import CAME_IN, JUNK, NEW, QUALIFIED, SETTINGS, WORKING, LeadOrg

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake.convert import LeadConvert
from sfsync.records import RuleState
from sfsync.store import Store

SELECT = ["LI", "LQ", "LA"]

FORM, INTERN, HUNTER = "005Fk00000000F1IAA", "005Fk00000000F2IAA", "005Fk00000000F3IAA"

DAY = timedelta(days=1)

#: One value of a lead in work is wrong, and nothing else.
WRONG_VALUES = {
    "LI001": {"LeadSource": None},
    "LI002": {"LeadSource": "Fair 1999"},
    "LI004": {"Status": NEW, "Email": None, "Phone": None, "MobilePhone": None},
    "LI005": {"Company": "n/a"},
    "LI006": {"Email": "lena@company.example."},
    "LI007": {"Email": "lena.somebody@gmail.com"},
    "LI008": {"Status": "Wrking"},
    "LI009": {"Phone": "12-34"},
    "LI010": {"LastName": "Test Person"},
    "LI013": {"Phone": None},
    "LI014": {"EmailBouncedDate": "2026-05-16T10:00:00Z", "EmailBouncedReason": "550 5.1.1 user unknown"},
    "LQ001": {"Status": QUALIFIED, "Budget__c": None, "Title": None, "Description": None},
    "LQ007": {"Status": JUNK},
    "LQ008": {"Status": NEW, "Score__c": 95},
    "LQ009": {"Status": QUALIFIED, "Rating": None},
    "LQ010": {"Status": QUALIFIED, "Industry": "Banking"},
    "LA006": {"IsUnreadByOwner": True},
}


class Plants(LeadOrg):
    """A flaw for every rule."""

    def __init__(self) -> None:
        super().__init__()
        for rule, values in WRONG_VALUES.items():
            self.plant(rule, self.open_lead(**values))
        self._intake()
        self._conversions()
        self._qualification()
        self._ageing()

    def _intake(self) -> None:
        self.form = [self.open_lead(LeadSource="Web") for _ in range(8)]
        self.plant("LI015", FORM)
        self.intern = [self.open_lead(LeadSource="Other") for _ in range(3)]
        self.plant("LI003", INTERN)
        self.plant("LI011", self.add_lead(TODAY - timedelta(hours=30), Status=NEW, Description=None))
        self.silenced = self.open_lead()
        self.done("Task", CAME_IN + 2 * DAY, WhoId=self.silenced, Subject="Email: Our offer", TaskSubtype="Email")
        self.plant("LI012", self.silenced)

    def _conversions(self) -> None:
        nothing_known = {"Budget__c": None, "Title": None, "Description": None}
        self.hunted = [self.converted_lead(**nothing_known) for _ in range(6)]
        self.plant("LQ002", *self.hunted)
        self.plant("LQ013", HUNTER)
        self.plant("LQ003", self.converted_lead(spoken=False))
        at_once = self.add_lead(CONVERTED - timedelta(hours=2))
        convert(self.org, [LeadConvert(at_once, DONE)])
        self.plant("LQ004", at_once)
        self.plant("LQ003", at_once)
        self.plant("LQ005", self.converted_lead(Status=NEW))
        self.plant("LQ008", self.converted_lead(Score__c=5))

    def _qualification(self) -> None:
        self.plant("LQ006", self.open_lead(TODAY - 20 * DAY, Status=QUALIFIED))
        quoted = self.open_lead(TODAY - 13 * DAY)
        self.done("Task", TODAY - 12 * DAY, WhoId=quoted, Subject="Sent the quote")
        self.plant("LQ011", quoted)
        looping = self.open_lead(Status=NEW)
        for day, status in enumerate((JUNK, NEW, JUNK), start=1):
            self.at(CAME_IN + day * DAY)
            self.org.update("Lead", looping, {"Status": status, "Reason__c": "No answer"})
        self.plant("LQ012", looping)

    def _ageing(self) -> None:
        waiting = self.add_lead()
        self.planned(CAME_IN, WhoId=waiting)
        self.plant("LA001", waiting)
        late = self.add_lead()
        self.done("Task", CAME_IN + 5 * DAY, WhoId=late, Subject="First call", TaskSubtype="Call")
        self.planned(CAME_IN + 5 * DAY, WhoId=late)
        self.plant("LA002", late)
        self.plant("LA003", self.open_lead(TODAY - 40 * DAY))
        old = self.open_lead(TODAY - 100 * DAY, Status=NEW)
        self._touch_again(old, WORKING)
        self.plant("LA004", old)
        stuck = self.open_lead(TODAY - 55 * DAY)
        self._touch_again(stuck)
        self.plant("LA005", stuck)
        forgotten = self.open_lead()
        self.plant("LA007", self.planned(CAME_IN, WhoId=forgotten, ActivityDate="2026-05-18"))
        aimless = self.add_lead()
        self.done("Task", CAME_IN + timedelta(hours=2), WhoId=aimless, Subject="First call")
        self.plant("LA008", aimless)
        self._back_again()
        early = self.open_lead()
        self.done("Task", CAME_IN - 3 * DAY, WhoId=early, Subject="Call before the lead", TaskSubtype="Call")
        self.plant("LA010", early)

    def _touch_again(self, lead_id: str, status: str | None = None) -> None:
        self.done("Task", TODAY - 9 * DAY, WhoId=lead_id, Subject="Call again")
        if status is not None:
            self.org.update("Lead", lead_id, {"Status": status})

    def _back_again(self) -> None:
        back = self.open_lead(Status=JUNK, Reason__c="No budget")
        self.at(CAME_IN + 3 * DAY)
        (campaign,) = self.org.insert("Campaign", [{"Name": "Second chance", "IsActive": True}])
        self.org.insert("CampaignMember", [{"LeadId": back, "CampaignId": campaign, "Status": "Responded"}])
        self.plant("LA009", back)

    def mirror(self, folder: Path) -> Store:
        """The mirror, with what only other people than the administrator do."""
        store = super().mirror(folder)
        with store.writing() as session:
            for field, user, leads in (
                ("CreatedById", FORM, self.form),
                ("CreatedById", INTERN, self.intern),
                ("OwnerId", HUNTER, self.hunted),
            ):
                for one in leads:
                    session.execute(f'UPDATE sf_all."Lead" SET "{field}" = ? WHERE "Id" = ?', [user, one])
            session.execute('UPDATE sf_all."Lead" SET "HasOptedOutOfEmail" = TRUE WHERE "Id" = ?', [self.silenced])
            since = datetime.fromisoformat("2026-05-15T08:00:00")
            session.execute(
                'INSERT INTO sf_all."LeadHistory" ("Id", "IsDeleted", "LeadId", "Field", "OldValue", "NewValue",'
                " \"CreatedDate\") VALUES ('017Fk00000000F1IAA', FALSE, ?, 'HasOptedOutOfEmail', 'false', 'true', ?)",
                [self.silenced, since],
            )
        return store


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it finds."""
    each = {one.rule.id: {str(finding.record_id) for finding in result.findings(one.rule.id)} for one in result.rules}
    return {rule: ids for rule, ids in each.items() if ids and rule[:2] in SELECT}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    store = LeadOrg().mirror(tmp_path_factory.mktemp("clean"))
    return audit(store, Settings.model_validate(SETTINGS), select=[*SELECT, "LQ011"])


def test_leads_in_order_give_no_finding(clean: AuditResult) -> None:
    assert found(clean) == {}


def test_every_rule_of_leads_can_judge_the_org(clean: AuditResult) -> None:
    blind = {one.rule.id: one.reason for one in clean.rules if one.state is RuleState.NOT_EVALUABLE}
    assert {rule: reason for rule, reason in blind.items() if rule[:2] in SELECT} == {}


def test_each_flaw_of_a_lead_is_found_by_its_rule_and_by_no_other(tmp_path: Path) -> None:
    plants = Plants()
    result = audit(plants.mirror(tmp_path), Settings.model_validate(SETTINGS), select=[*SELECT, "LQ011"])
    assert found(result) == plants.planted
    judged = {one.rule.id for one in result.rules if one.rule.id[:2] in SELECT}
    assert judged == set(plants.planted)
