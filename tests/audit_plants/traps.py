"""Records that look guilty and are not, one for each trap of the catalogue that an org made through the API can hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clean_org import CONVERTED, TODAY
from plants_deals import Deals
from seeded_org import CAME_IN, DAY, SeededOrg, days_ago, in_days
from seeded_settings import JUNK, LOST, NEW, QUALIFIED, WON, WORKING

HOUR = timedelta(hours=1)

#: One value of a lead in work looks wrong.
ODD_VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "LI004": ("one way is enough", {"Email": None, "MobilePhone": None}),
    "LI005": ("a real name that contains such a word", {"LastName": "Nonesuch", "Company": "Testo Instruments"}),
    "LI006": ("an address with letters of other scripts", {"Email": "ida@müller-söhne.example"}),
    "LI009": ("an extension", {"Phone": "+49 30 5550-123 ext. 12"}),
    "LI010": ("a company with an odd name", {"Company": "Testament and Daughters"}),
    "LI014": ("a mailbox that was full for a day", {"EmailBouncedReason": "452 4.2.2 mailbox full"}),
    "LQ001": ("two criteria on the lead, and the third is a call", {"Status": QUALIFIED, "Budget__c": None}),
    "LQ008": ("hot, and somebody works on it", {"Score__c": 95, "Status": WORKING}),
    "LQ010": ("the other industry of the profile", {"Status": QUALIFIED, "Industry": "Transportation"}),
}


class Traps(Deals):
    """All of them, but those of conversions that stand in `plants_cv`."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self.trap = seeded.trap
        for rule, (why, values) in ODD_VALUES.items():
            bounced = {"EmailBouncedDate": "2026-05-16T10:00:00Z"} if rule == "LI014" else {}
            self.trap(rule, why, seeded.lead(**values, **bounced))
        self._young_and_gone()
        self._worked()
        self._in_time()
        self._converted()
        self._opportunities()
        self._duplicates()
        self._owners()

    def _young_and_gone(self) -> None:
        seeded = self.seeded
        young = seeded.quiet_lead(TODAY - HOUR / 2, LeadSource=None, Status=NEW, Description=None)
        self.trap("LI001", "may still be enriched", young)
        self.trap("LI011", "too young to have a story", young)
        self.trap("LA001", "too young to have been called", young)
        gone = seeded.quiet_lead(days_ago(9), LeadSource=None, Status=NEW)
        seeded.at(days_ago(3))
        self.org.delete("Lead", gone)
        self.trap("LI001", "deleted", gone)

    def _worked(self) -> None:
        seeded = self.seeded
        again = seeded.lead()
        for day, status in enumerate((JUNK, WORKING), start=1):
            seeded.at(CAME_IN + day * DAY)
            self.org.update("Lead", again, {"Status": status, "Reason__c": "No answer"})
        self.trap("LQ012", "one way back is no loop", again)
        self.trap("LQ006", "qualified for less than two weeks", seeded.lead(days_ago(11), Status=QUALIFIED))
        self.trap("LQ007", "a reason is given", seeded.lead(Status=JUNK, Reason__c="Bought elsewhere"))
        quoted = seeded.lead(days_ago(6))
        seeded.done(days_ago(5), WhoId=quoted, Subject="Sent the quote")
        self.trap("LQ011", "the price was named a few days ago", quoted)
        self.trap("LA008", "nobody has begun: a new lead needs no next step", self._called_once())
        added = seeded.lead(Status=JUNK, Reason__c="No budget")
        seeded.at(CAME_IN + 3 * DAY)
        self.org.insert("CampaignMember", [{"LeadId": added, "CampaignId": seeded.campaign, "Status": "Sent"}])
        self.trap("LA009", "added to a campaign, without an answer", added)

    def _called_once(self) -> str:
        lead = self.seeded.quiet_lead(Status=NEW)
        self.seeded.done(CAME_IN + 2 * HOUR, WhoId=lead)
        return lead

    def _in_time(self) -> None:
        seeded = self.seeded
        friday = CAME_IN + DAY + 7 * HOUR
        over_the_weekend = seeded.quiet_lead(friday)
        seeded.done(friday + 2 * DAY + 16 * HOUR, WhoId=over_the_weekend)
        seeded.planned(friday + 2 * DAY + 16 * HOUR, WhoId=over_the_weekend)
        self.trap("LA002", "called on the first working day", over_the_weekend)
        touched = seeded.lead(days_ago(40))
        seeded.done(days_ago(9), WhoId=touched, Subject="Call again")
        self.trap("LA003", "touched nine days ago", touched)
        self.trap("LA005", "less than the longest stay in a status", touched)
        self.trap("LA004", "younger than what is usual until conversion", touched)
        closed = seeded.lead(days_ago(200), Status=JUNK, Reason__c="No budget")
        for rule in ("LA004", "LA005"):
            self.trap(rule, "disqualified", closed)
        monday = TODAY - 2 * DAY - 3 * HOUR
        queued = seeded.lead(monday, OwnerId=seeded.queue, IsUnreadByOwner=True)
        self.trap("LA006", "nobody can open what lies in a queue", queued)
        self.trap("OW002", "not yet a day of business hours in the queue", queued)
        due = seeded.planned(CAME_IN, WhoId=seeded.lead(), ActivityDate=in_days(0))
        self.trap("LA007", "due today", due)
        brought = seeded.lead()
        seeded.done(CAME_IN - HOUR / 2, WhoId=brought, Subject="Called us", TaskSubtype="Call")
        self.trap("LA010", "the call that brought the lead", brought)

    def converted(self, came_in: timedelta = 10 * DAY, **values: Any) -> str:
        """A lead that was converted and whose opportunity is worked on."""
        lead = self.seeded.lead(CONVERTED - came_in, **values)
        self.seeded.convert([lead], CONVERTED + timedelta(minutes=self.seeded.number() % 60))
        self.seeded.at(CONVERTED + 3 * DAY)
        self.seeded.work_on(lead)
        return lead

    def _converted(self) -> None:
        seeded = self.seeded
        two = self.converted(Budget__c=None, Title=None)
        self.trap("LQ002", "two of four criteria", two)
        self.trap("LQ003", "the call has moved to the contact", two)
        self.trap("LQ005", "it was in every status of the path", two)
        self.trap("CV015", "one after the other", two)
        at_once = self.converted(8 * HOUR)
        self.trap("LQ004", "converted on its first day, after a call", at_once)
        self.org.clock.set(CONVERTED + HOUR)
        self.trap("FM001", "a field that was empty on the lead", self.converted(Title=None))
        self.trap("FM009", "a lead without a source of its own has none to lose", self._sourceless())
        late = self.converted()
        deal = seeded.target(late, "Opportunity")
        self.org.clock.set(CONVERTED + 20 * DAY)
        self.org.update("Opportunity", deal, {"OwnerId": seeded.sellers[7]})
        self.trap("OW008", "handed over weeks later", late)
        self.trap("FM016", "amount and date were chosen", deal)

    def _sourceless(self) -> str:
        lead = self.converted(LeadSource="Partner Referral")
        contact = self.seeded.target(lead, "Contact")
        self.org.clock.set(CONVERTED + 5 * DAY)
        self.org.update("Contact", contact, {"LeadSource": "PARTNER REFERRAL"})
        return lead

    def _opportunities(self) -> None:
        early, today = self.start(created=10, Amount=None), self.start(CloseDate=in_days(0))
        self.trap("OP004", "young", early)
        self.trap("OP002", "early, and somebody is on it", early)
        self.trap("OP007", "due today", today)
        lost = self.lost()
        self.trap("FC014", "a lost deal is not booked", lost)
        self.trap("OP012", "closed", lost)
        self.trap("OP014", "a reason is given", lost)
        self.trap("OP010", "closed", lost)
        forward = self.start(CloseDate=in_days(40))
        self.move(forward, 12, CloseDate=in_days(35))
        self.trap("PL002", "moved to an earlier day", forward)
        self.trap("PL003", "stays within the quarter", forward)
        slip = self.start()
        self.move(slip, 9, StageName=LOST, Loss_Reason__c="Price")
        self.org.clock.advance(timedelta(minutes=4))
        self.seeded.change("Opportunity", [{"Id": slip, "StageName": "Qualification"}], by=self.seeded.sellers[1])
        self.trap("PL006", "a slip of the mouse", slip)
        paid = self.won(closed=14)
        self.move(paid, 13, Amount=10_100)
        self.trap("PL009", "a true-up within three days", paid)
        self.trap("PL011", "it took a month", paid)
        small = self.late(Amount=9_000)
        self.trap("OP018", "a small deal may hang on one person", small)
        self.trap("PL001", "in its stage for less than what won deals need", small)
        swing = self.start(Amount=4_000)
        self.move(swing, 5, Amount=8_500)
        self.trap("PL008", "early deals may swing", swing)
        self.trap("PL012", "young", swing)
        assert self.seeded.the("Opportunity", paid)["StageName"] == WON

    def _duplicates(self) -> None:
        seeded = self.seeded
        for _ in range(2):
            closed = {"Status": JUNK, "Reason__c": "Bought elsewhere"}
            self.trap("DU001", "closed", seeded.lead(Email="both@gone.example", **closed))
        namesake = {"FirstName": "Anna", "LastName": "Schneider"}
        for _ in range(2):
            self.trap("DU004", "a namesake at another company", seeded.lead(**namesake))
        for name in ("Crew", "Team"):
            closed = {"Status": JUNK, "Reason__c": "Bought elsewhere", "Email": "crew@small.example"}
            self.trap("DU010", "two people with one mailbox", seeded.lead(FirstName=name, **closed))
        converted = self.converted()
        self.trap("DU002", "converted: this is the contact", converted)
        self.trap("DU006", "a contact like no other", seeded.target(converted, "Contact"))
        self.trap("DU005", "an account like no other", seeded.target(converted, "Account"))
        first = self.start(Amount=8_000)
        account = seeded.the("Opportunity", first)["AccountId"]
        self.org.clock.set(days_ago(5))
        self.trap("DU008", "another deal of the account", self.direct(Name="Spare parts", AccountId=account))

    def _owners(self) -> None:
        seeded = self.seeded
        leaver = seeded.user("Leaver")
        self.trap("OW001", "what somebody who left owns is closed", self._closed_of(leaver))
        self.org.update("User", leaver, {"IsActive": False})
        banked = seeded.lead(Industry="Banking", OwnerId=seeded.queue, came_in=TODAY - 9 * HOUR)
        self.trap("OW006", "in the queue that the rule names", banked)
        twice = seeded.lead(days_ago(12), OwnerId=seeded.sellers[0])
        for number, days in enumerate((9, 5), start=1):
            seeded.at(days_ago(days))
            self.org.update("Lead", twice, {"OwnerId": seeded.sellers[number]})
        self.trap("OW007", "two changes of its owner, which the history tells in four rows", twice)

    def _closed_of(self, user: str) -> str:
        return self.seeded.lead(days_ago(90), OwnerId=user, Status=JUNK, Reason__c="No budget")
