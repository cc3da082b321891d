"""A flaw for every rule on leads, each put on leads made for that purpose alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from clean_org import CONVERTED, TODAY
from seeded_org import CAME_IN, DAY, SeededOrg
from seeded_settings import JUNK, NEW, QUALIFIED, WORKING

from sfsync.store.interface import Session

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
    "LQ010": {"Status": QUALIFIED, "Industry": "Agriculture"},
    "LA006": {"IsUnreadByOwner": True},
}

SUBTASK = {"TaskSubtype": "Call"}


class LeadPlants:
    """A flaw for every rule."""

    def __init__(self, seeded: SeededOrg) -> None:
        self.seeded, self.org = seeded, seeded.org
        for rule, values in WRONG_VALUES.items():
            seeded.plant(rule, seeded.lead(**values))
        self._intake()
        self._conversions()
        self._qualification()
        self._ageing()
        self._back_again()
        seeded.changes.append(self._silence)

    def _intake(self) -> None:
        seeded = self.seeded
        form, intern = seeded.user("Form"), seeded.user("Intern")
        minutes = [CAME_IN - 60 * DAY + timedelta(minutes=number) for number in range(400)]
        seeded.leads(minutes, LeadSource="Web", CreatedById=form, Status=JUNK, Reason__c="No answer")
        seeded.plant("LI015", form)
        seeded.leads([CAME_IN] * 30, LeadSource="Other", CreatedById=intern)
        seeded.plant("LI003", intern)
        seeded.plant("LI011", seeded.quiet_lead(TODAY - timedelta(hours=30), Status=NEW, Description=None))
        self.silenced = seeded.lead()
        mail = {"Subject": "Email: Our offer", "TaskSubtype": "Email"}
        seeded.done(CAME_IN + 2 * DAY, WhoId=self.silenced, **mail)
        seeded.plant("LI012", self.silenced)

    def _conversions(self) -> None:
        seeded, came_in = self.seeded, CONVERTED - 10 * DAY
        hunter = seeded.user("Hunter")
        nothing_known = {"Budget__c": None, "Title": None, "Description": None, "OwnerId": hunter}
        hunted = [seeded.lead(came_in, **nothing_known) for _ in range(20)]
        self._convert(hunted)
        seeded.plant("LQ002", *hunted)
        seeded.plant("LQ013", hunter)
        self._convert([seeded.quiet_lead(came_in)], "LQ003")
        at_once = seeded.quiet_lead(CONVERTED - timedelta(hours=2))
        seeded.convert([at_once], CONVERTED + timedelta(minutes=1))
        self._work_on([at_once])
        seeded.plant("LQ004", at_once, also={"LQ003": "converted at once is converted before anybody has called"})
        self._convert([seeded.lead(came_in, Status=NEW)], "LQ005")
        self._convert([seeded.lead(came_in, Score__c=5)], "LQ008")

    def _convert(self, leads: list[str], rule: str = "") -> None:
        self.seeded.convert(leads, CONVERTED + timedelta(minutes=self.seeded.number() % 600))
        self._work_on(leads)
        if rule:
            self.seeded.plant(rule, *leads)

    def _work_on(self, leads: list[str]) -> None:
        for one in leads:
            self.seeded.at(CONVERTED + (2 + self.seeded.number() % 5) * DAY)
            self.seeded.work_on(one)

    def _qualification(self) -> None:
        seeded = self.seeded
        seeded.plant("LQ006", seeded.lead(TODAY - 20 * DAY, Status=QUALIFIED))
        quoted = seeded.lead(TODAY - 13 * DAY)
        seeded.done(TODAY - 12 * DAY, WhoId=quoted, Subject="Sent the quote")
        seeded.plant("LQ011", quoted)
        looping = seeded.lead(Status=NEW)
        for day, status in enumerate((JUNK, NEW, JUNK), start=1):
            seeded.at(CAME_IN + day * DAY)
            self.org.update("Lead", looping, {"Status": status, "Reason__c": "No answer"})
        seeded.plant("LQ012", looping)

    def _ageing(self) -> None:
        seeded = self.seeded
        waiting = seeded.quiet_lead()
        seeded.planned(CAME_IN, WhoId=waiting)
        seeded.plant("LA001", waiting)
        late = seeded.quiet_lead()
        seeded.done(CAME_IN + 5 * DAY, WhoId=late, **SUBTASK)
        seeded.planned(CAME_IN + 5 * DAY, WhoId=late)
        seeded.plant("LA002", late)
        seeded.plant("LA003", seeded.lead(TODAY - 40 * DAY))
        old = seeded.lead(TODAY - 100 * DAY, Status=NEW)
        self._touch_again(old)
        self.org.update("Lead", old, {"Status": WORKING})
        seeded.plant("LA004", old)
        stuck = seeded.lead(TODAY - 55 * DAY)
        self._touch_again(stuck)
        seeded.plant("LA005", stuck)
        forgotten = seeded.lead()
        seeded.plant("LA007", seeded.planned(CAME_IN, WhoId=forgotten, ActivityDate="2026-05-18"))
        aimless = seeded.quiet_lead()
        seeded.done(CAME_IN + timedelta(hours=2), WhoId=aimless)
        seeded.plant("LA008", aimless)
        early = seeded.lead()
        seeded.done(CAME_IN - 3 * DAY, WhoId=early, Subject="Call before the lead", **SUBTASK)
        seeded.plant("LA010", early)

    def _touch_again(self, lead_id: str) -> None:
        self.seeded.done(TODAY - 9 * DAY, WhoId=lead_id, Subject="Call again")

    def _back_again(self) -> None:
        seeded = self.seeded
        back = seeded.lead(Status=JUNK, Reason__c="No budget")
        seeded.at(CAME_IN + 3 * DAY)
        (campaign,) = self.org.insert("Campaign", [{"Name": "Second chance", "IsActive": True}])
        self.org.insert("CampaignMember", [{"LeadId": back, "CampaignId": campaign, "Status": "Responded"}])
        seeded.plant("LA009", back)

    def _silence(self, session: Session) -> None:
        session.execute('UPDATE sf_all."Lead" SET "HasOptedOutOfEmail" = TRUE WHERE "Id" = ?', [self.silenced])
        since = datetime.fromisoformat("2026-05-15T08:00:00")
        session.execute(
            'INSERT INTO sf_all."LeadHistory" ("Id", "IsDeleted", "LeadId", "Field", "OldValue", "NewValue",'
            " \"CreatedDate\") VALUES ('017Fk00000000F1IAA', FALSE, ?, 'HasOptedOutOfEmail', 'false', 'true', ?)",
            [self.silenced, since],
        )
