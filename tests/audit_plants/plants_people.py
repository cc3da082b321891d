"""A flaw for every rule on duplicates, owners and references, each on records of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clean_org import CONVERTED, TODAY
from plants_deals import Deals
from records_of_mirror import Records
from seeded_org import CAME_IN, DAY, SeededOrg
from seeded_settings import LATE, NEW, STAGES

from sfsync.fake.ids import make_id
from sfsync.store.interface import Session

LATER = CAME_IN + timedelta(hours=2)


class PeoplePlants(Deals):
    """A flaw for every rule."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self.one: dict[str, str] = {}
        self._duplicate_leads()
        self._duplicates_of_others()
        self._owners()
        self._owners_over_time()
        self._references()
        seeded.changes.append(self._in_the_mirror)

    def plant(self, rule: str, record_id: str, **also: str) -> str:
        """Expect a finding."""
        self.one[rule] = record_id
        return self.seeded.plant(rule, record_id, also=also)

    def converted(self, **values: Any) -> str:
        """A lead that was converted and whose opportunity is worked on."""
        lead = self.seeded.lead(CONVERTED - 10 * DAY, **values)
        self.seeded.convert([lead], CONVERTED + timedelta(minutes=self.seeded.number() % 60))
        self.seeded.at(CONVERTED + 3 * DAY)
        self.seeded.work_on(lead)
        return lead

    def account(self, name: str) -> str:
        """An account."""
        self.seeded.at(CONVERTED)
        (made,) = self.org.insert("Account", [{"Name": name}])
        return made

    def contact(self, name: str, **values: Any) -> str:
        """A contact."""
        (made,) = self.org.insert("Contact", [{"LastName": name, "AccountId": self.account(f"Of {name}"), **values}])
        return made

    def _duplicate_leads(self) -> None:
        seeded = self.seeded
        seeded.lead(Email="twin@one.example")
        self.plant("DU001", seeded.lead(LATER, Email="Twin@One.example"))
        self.contact("Annbert", Email="ann@two.example")
        self.plant("DU002", seeded.lead(Email="ann@two.example"))
        known = self.converted()
        self.plant("DU003", seeded.lead(Email=seeded.the("Lead", known)["Email"]))
        name = {
            "FirstName": "Jörg",
            "LastName": "Müller",
            "Company": "Acme GmbH",
            "Phone": "+49 30 7654321",
            "MobilePhone": None,
        }
        seeded.lead(**name, Email="joerg@acme.example")
        again = {**name, "FirstName": "Jorg", "LastName": "Mueller", "Company": "ACME"}
        self.plant("DU004", seeded.lead(LATER, **again, Email="j.mueller@acme.example"))
        self.plant("DU010", seeded.lead(Email="crew@three.example"))
        for _ in range(3):
            seeded.lead(LATER, Email="crew@three.example")
        seeded.plant("DU011", seeded.lead(Crm_Id__c="Twice"), seeded.lead(Crm_Id__c="TWICE"))

    def _duplicates_of_others(self) -> None:
        lead = self.converted(Company="Quince and Plum")
        self.account("Quince and Plum Ltd")
        self.plant("DU005", self.seeded.target(lead, "Account"))
        self.contact("Bernhild", Email=self.seeded.the("Lead", lead)["Email"])
        self.plant("DU006", self.seeded.target(lead, "Contact"))
        self.seeded.at(TODAY - 20 * DAY)
        first = self.direct(Name="One deal")
        account = self.seeded.the("Opportunity", first)["AccountId"]
        self.seeded.at(TODAY - 19 * DAY)
        self.plant("DU008", self.direct(Name="ONE-DEAL", AccountId=account))

    def _owners(self) -> None:
        seeded = self.seeded
        gone = seeded.user("Gone")
        self.plant("OW001", seeded.lead(OwnerId=gone))
        self.org.update("User", gone, {"IsActive": False})
        self.plant("OW002", seeded.lead(OwnerId=seeded.queue))
        seeded.quiet_lead(TODAY - timedelta(hours=3), OwnerId=seeded.dead_queue, Status=NEW)
        self.plant("OW003", seeded.dead_queue)
        self.plant("OW004", seeded.lead(OwnerId=seeded.user("Machine", UserType="AutomatedProcess")))
        hoarder = seeded.user("Hoarder")
        seeded.leads([CAME_IN] * 160, OwnerId=hoarder)
        self.plant("OW005", hoarder)
        self.plant("OW006", seeded.lead(Industry="Banking"))

    def _owners_over_time(self) -> None:
        seeded = self.seeded
        passed_on = self.plant("OW007", seeded.lead(TODAY - 13 * DAY, OwnerId=seeded.sellers[0]))
        for number, days in enumerate((12, 8, 4), start=1):
            seeded.at(TODAY - days * DAY)
            self.org.update("Lead", passed_on, {"OwnerId": seeded.sellers[number]})
        handed_over = self.plant("OW008", seeded.lead(CONVERTED - 10 * DAY, OwnerId=seeded.sellers[5]))
        seeded.convert([handed_over], CONVERTED + timedelta(minutes=5))
        self.org.clock.advance(timedelta(hours=1))
        self.org.update("Opportunity", seeded.target(handed_over, "Opportunity"), {"OwnerId": seeded.sellers[6]})
        self.org.clock.advance(2 * DAY)
        seeded.work_on(handed_over)
        lonely = seeded.user("Lonely", UserRoleId=None)
        self.plant("OW009", lonely)
        self.late((*STAGES[2:], *LATE), OwnerId=lonely)

    def _references(self) -> None:
        seeded = self.seeded
        self.seeded.at(TODAY - 20 * DAY)
        for rule in ("RI001", "RI006"):
            self.plant(rule, self.direct())
        self.dead = self.contact("Mortimer")
        seeded.at(TODAY - 3 * DAY)  # what lies in the recycle bin for longer is gone
        self.org.delete("Contact", self.dead)
        seeded.at(TODAY - 3 * DAY)
        self.closed = self.account("Closed down")
        seeded.at(TODAY - 3 * DAY)
        self.org.delete("Account", self.closed)
        self.role_of = self.start()
        self.plant("RI003", seeded.user("Lower"))
        self.plant("RI004", seeded.lead())
        lead = self.converted()
        self.plant("RI005", seeded.target(lead, "Contact"))
        seeded.imply("CV007", lead, "a contact without an account is not on that of the conversion")
        self.twice_of = self.start()

    def _in_the_mirror(self, session: Session) -> None:
        records, the = Records(session), self.one
        records.set("Opportunity", the["RI001"], CampaignId=make_id("701", 999))
        records.set("Opportunity", the["RI006"], AccountId=self.closed)
        role = records.one("OpportunityContactRole", f"r.\"OpportunityId\" = '{self.role_of}'")
        self.plant("RI002", records.copy("OpportunityContactRole", role, ContactId=self.dead, IsPrimary=False))
        role = records.one("OpportunityContactRole", f"r.\"OpportunityId\" = '{self.twice_of}'")
        self.plant("DU009", max(role, records.copy("OpportunityContactRole", role, IsPrimary=False)))
        profile = str(records.value("User", the["RI003"], "ProfileId"))
        records.set("User", the["RI003"], ProfileId=profile.lower())
        master = records.one("Lead", 'NOT r."IsConverted"')
        long_ago = (TODAY - 3 * DAY).replace(tzinfo=None)
        records.set("Lead", the["RI004"], MasterRecordId=master, SystemModstamp=long_ago)
        records.set("Contact", the["RI005"], AccountId=None)
