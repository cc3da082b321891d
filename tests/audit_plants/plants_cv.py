"""A flaw for every rule on conversions, each on leads of its own; and conversions that only look faulty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clean_org import CONVERTED, DONE, TODAY
from seeded_org import DAY, SeededOrg

from sfsync.fake.dml.merging import merge
from sfsync.fake.dml.outcome import WriteOptions

GONE = "what a lead was converted to is missing, whoever deleted it"
UNTOUCHED = "a burst is one of leads that nobody had worked, so nobody had spoken with them"


class Conversions:
    """What conversions of plants and traps are made with."""

    def __init__(self, seeded: SeededOrg) -> None:
        self.seeded, self.org = seeded, seeded.org
        self.plant, self.target = seeded.plant, seeded.target

    def lead(self, ago: timedelta = timedelta(days=50), **values: Any) -> str:
        """A new lead."""
        return self.seeded.lead(TODAY - ago, **values)

    def convert(self, lead_id: str, ago: timedelta = timedelta(days=28), *, worked: bool = True, **how: Any) -> str:
        """Convert a lead, in a minute of its own, and let somebody work on its opportunity three days later."""
        at = TODAY - ago + timedelta(minutes=2 * (self.seeded.number() % 240))
        self.seeded.convert([lead_id], at, **how)
        if worked and self.seeded.the("Lead", lead_id)["ConvertedOpportunityId"]:
            self.org.clock.set(at + 3 * DAY)
            self.seeded.work_on(lead_id)
        self.org.clock.set(at + timedelta(minutes=1))
        return lead_id

    def converted(self, **values: Any) -> str:
        """A lead that was converted to an account, a contact and an opportunity of its own."""
        return self.convert(self.lead(**values))

    def customer(self, name: str, ago: timedelta = timedelta(days=58), **values: Any) -> str:
        """An account that is there before."""
        self.org.clock.set(TODAY - ago)
        (made,) = self.org.insert("Account", [{"Name": name, **values}])
        return made

    def deal(self, account: str, **values: Any) -> dict[str, Any]:
        """An open opportunity."""
        stage = {"StageName": "Qualification", "CloseDate": "2026-07-01", "Amount": 9_000, "NextStep": "Call"}
        return {"Name": "A deal", "AccountId": account, "LeadSource": "Web", "Pain__c": "Slow", **stage, **values}

    def person(self, name: str, account: str, **values: Any) -> dict[str, Any]:
        """A contact."""
        return {"LastName": name, "AccountId": account, "Email": f"{name.lower()}@people.example", **values}

    def merge(self, name: str, master: str, loser: str) -> None:
        """Let one record become part of another."""
        merge(self.org, name, {"Id": master}, [loser], WriteOptions(self.org.admin_id))


class ConversionTraps(Conversions):
    """Conversions that only look faulty."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self._joined()
        self._owned_by_others()
        self._followed()
        self._changed_since()

    def _joined(self) -> None:
        account = self.customer("Larkspur Bakery Holding", Website="https://larkspur.example")
        (deal,) = self.org.insert("Opportunity", [self.deal(account, CloseDate="2026-07-02")])
        old = self.lead(timedelta(days=68), Company="Larkspur Bakery GmbH", Email="ola@shop.larkspur.example")
        self.convert(old, account_id=account, opportunity_id=deal)
        self._trap(old, CV013="the deal was younger than the lead", CV019="one domain means one firm")
        # A contact that two leads of one day turned out to be, and one that is somebody else with the same mailbox.
        first = self.lead(Company="Wren Works", FirstName="Una", LastName="Wren", Email="una@wren.example")
        self.convert(first)
        shop, una = self.target(first, "Account"), self.target(first, "Contact")
        again = self.lead(timedelta(days=49), Company="Wren Works", LastName="Wren", Email="una@wren.example")
        self.convert(again, account_id=shop, contact_id=una)
        self._trap(again, CV023="two leads became one contact")

    def _owned_by_others(self) -> None:
        seller = self.seeded.sellers[0]
        account = self.customer("Quorn Metal Works")
        self.org.update("Account", account, {"OwnerId": seller})
        (contact,) = self.org.insert("Contact", [self.person("Quinn", account, OwnerId=seller)])
        known = self.lead(Company="Quorn Metal Works", LastName="Quinn", Email="quinn@home.example")
        self.convert(known, account_id=account, contact_id=contact)
        self._trap(known, CV016="records it was attached to keep their owner", FM004="the contact's own values stay")
        # Handed over after the conversion.
        late = self.converted(OwnerId=self.seeded.sellers[2])
        self.org.clock.advance(5 * DAY)
        self.org.update("Opportunity", self.target(late, "Opportunity"), {"OwnerId": seller})
        self.org.update("Contact", self.target(late, "Contact"), {"OwnerId": seller})
        self._trap(late, CV016="handed over after the conversion", OW008="handed over after the conversion")

    def _followed(self) -> None:
        one = self.lead()
        self.org.clock.set(TODAY - 40 * DAY)
        task = {"Subject": "Call", "Status": "Completed", "Priority": "Normal", "WhoId": one}
        event = {"Subject": "Visit", "WhoId": one, "DurationInMinutes": 30, "ActivityDateTime": "2026-05-01T08:00:00Z"}
        self.org.insert("Task", [task])
        self.org.insert("Event", [event])
        self.org.insert("CampaignMember", [{"LeadId": one, "CampaignId": self.seeded.campaign, "Status": "Sent"}])
        self.convert(one)
        self.org.insert("Task", [{**task, "TaskSubtype": "Cadence"}])
        self._trap(one, CV021="activities of cadences stay", CV022="the membership moved to the contact")

    def _changed_since(self) -> None:
        merged = self.converted(Company="Merged Away")
        survivor = self.customer("Merged Away Group")
        self.org.clock.set(TODAY - 3 * DAY)
        self.merge("Account", survivor, self.target(merged, "Account"))
        self.plant("CV003", merged)
        self.seeded.noted.add(merged)
        self._trap(merged, CV001="its account lives on in another", CV008="the survivor of a merge", RI001="merged")
        married = self.converted(LastName="Maiden", Email="mia@maiden.example")
        self.org.clock.advance(6 * DAY)
        self.org.update("Contact", self.target(married, "Contact"), {"LastName": "Wed", "Email": "mia@wed.example"})
        self._trap(married, CV020="somebody who married", FM002="changed later")

    def _trap(self, lead: str, **why: str) -> None:
        for rule, reason in why.items():
            self.seeded.trap(rule, reason, lead)


class ConversionPlants(Conversions):
    """A flaw for every rule."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self._on_the_lead()
        self._on_the_targets()
        self._at_the_conversion()
        self._into_others()
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
        self.plant("CV005", self.seeded.lead(Status=DONE))
        edited = self.converted()
        self.org.clock.advance(5 * DAY)
        self.org.update("Lead", edited, {"Rating": "Cold"})
        self.plant("CV017", edited, also={"FM002": "the rating is not tracked, so that the lead's is today's"})

    def _on_the_targets(self) -> None:
        elsewhere = self.customer("Somebody Else")
        for rule, name in (("CV007", "Contact"), ("CV008", "Opportunity")):
            made = self.converted()
            self.org.update(name, self.target(made, name), {"AccountId": elsewhere})
            self.plant(rule, made)
        no_primary = {"OP003": "the deal's only role is not primary"}
        for rule, values, also in (("CV009", None, None), ("CV010", {"IsPrimary": False}, no_primary)):
            made = self.converted()
            deal = self.target(made, "Opportunity")
            (role,) = self.seeded.find("OpportunityContactRole", '"OpportunityId" = ?', deal)
            if values is None:
                self.org.delete("OpportunityContactRole", role, hard=True)
            else:
                self.org.update("OpportunityContactRole", role, values)
            self.plant(rule, made if values is None else deal, also=also)
        gone = self.converted()
        self.org.delete("Opportunity", self.target(gone, "Opportunity"), hard=True)
        self.plant("CV003", gone)
        for name in ("Opportunity", "Contact"):
            # The recycle bin keeps records for 15 days; what is gone from it before the first pull was never there.
            binned = self.convert(self.lead(), 10 * DAY)
            self.org.clock.advance(4 * DAY)
            self.org.delete(name, self.target(binned, name))
            self.plant("CV012", binned, also={"CV003": GONE})

    def _at_the_conversion(self) -> None:
        alone = self.lead()
        self.convert(alone, do_not_create_opportunity=True)
        self.plant("CV011", alone)
        burst = [self.lead() for _ in range(25)]
        self.seeded.uncalled.update(burst)
        self.seeded.convert(burst, CONVERTED + timedelta(hours=5))
        for number, one in enumerate(burst):
            self.org.clock.set(CONVERTED + timedelta(days=3 + number % 5))
            self.seeded.work_on(one)
        self.plant("CV015", *burst, also={"LQ003": UNTOUCHED})
        queued, surprised = self.lead(OwnerId=self.seeded.queue), self.lead(OwnerId=self.seeded.sellers[3])
        new_owner = self.seeded.sellers[4]
        self.plant(
            "CV016", self.convert(queued, owner_id=self.org.admin_id), self.convert(surprised, owner_id=new_owner)
        )
        deal = self.target(surprised, "Opportunity")
        self.seeded.done(TODAY - 27 * DAY, WhatId=deal, OwnerId=new_owner, Subject="Said hello")
        for company in ("Twice", "Other half"):
            twin = self.converted(Company=company, LastName="Twin", Email="twin@twice.example")
            self.plant("CV023", twin)
        self.seeded.imply("DU006", self.target(twin, "Contact"), "two contacts of one address were born")

    def _into_others(self) -> None:
        account = self.customer("Older Deal")
        (older,) = self.org.insert("Opportunity", [self.deal(account, CloseDate="2026-07-03")])
        self.plant("CV013", self.convert(self.lead(Company="Older Deal"), account_id=account, opportunity_id=older))
        account, into = self.customer("Closed Deal"), self.lead(Company="Closed Deal")
        (closed,) = self.org.insert("Opportunity", [self.deal(account)])
        self.org.clock.set(TODAY - 45 * DAY)
        self.org.update("Opportunity", closed, {"StageName": "Closed Won", "CloseDate": "2026-04-05"})
        self.plant("CV014", self.convert(into, worked=False, account_id=account, opportunity_id=closed))
        for rule, values in (
            ("CV019", {"Company": "Other Firm", "Email": "otto@otherfirm.example"}),
            ("CV020", {"Company": "Attached", "LastName": "Otto", "Email": "otto@attached.example"}),
        ):
            account = self.customer(f"Attached {rule}", Website=f"https://www.attached-{rule.lower()}.example")
            (contact,) = self.org.insert("Contact", [self.person(f"Ito{rule}", account)])
            how = {"contact_id": contact} if rule == "CV020" else {}
            self.plant(rule, self.convert(self.lead(**values), account_id=account, **how))

    def _afterwards(self) -> None:
        lost = self.convert(self.lead(), worked=False)
        self.org.clock.advance(2 * DAY)
        deal = self.target(lost, "Opportunity")
        closed = {
            "Description": "Not for us",
            "StageName": "Closed Lost",
            "CloseDate": "2026-04-24",
            "Loss_Reason__c": "Price",
        }
        self.org.update("Opportunity", deal, closed)
        self.plant("CV018", lost, self._abandoned())
        left = self.converted()
        self.org.insert("Task", [{"Subject": "Call", "Status": "Completed", "Priority": "Normal", "WhoId": left}])
        self.plant("CV021", left)
        member = self.converted()
        self.org.clock.advance(timedelta(hours=1))
        (fair,) = self.org.insert("Campaign", [{"Name": "Late fair", "IsActive": True}])
        self.org.insert("CampaignMember", [{"LeadId": member, "CampaignId": fair, "Status": "Sent"}])
        self.plant("CV022", member)

    def _abandoned(self) -> str:
        """A conversion after which nobody has done anything."""
        lead = self.convert(self.lead(60 * DAY), timedelta(days=45), worked=False)
        deal = self.target(lead, "Opportunity")
        for rule in ("OP004", "OP010", "OP011", "OP012", "FM016", "FM017", "PL001"):
            self.seeded.imply(rule, deal, "nobody has turned to the opportunity since its conversion")
        silent = 'UPDATE sf_all."Opportunity" SET "HasOpenActivity" = false, "LastActivityDate" = NULL WHERE "Id" = ?'
        self.seeded.changes.append(lambda session: session.execute(silent, [deal]))
        return lead
