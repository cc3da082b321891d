"""An org of 5,000 leads in which everything is in order, for all rules at once, and what plants are made with.

`SeededOrg()` is the org: leads in every stage of life, hundreds of real conversions, deals that were won, lost and are
open, forty sellers. `furnish.pulled()` mirrors it. Plants and traps are records that modules beside this one add to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from clean_org import CONVERTED, DONE, TODAY, address, clean_org, convert
from seeded_settings import JUNK, LOST, NEW, QUALIFIED, STAGES, STATUSES, WON, WORKING

from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert
from sfsync.fake.dml import writes
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.store.interface import Session

#: How many leads the org has before anything is planted.
LEADS = 5_000

SELLERS = 40
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Partner Referral")

#: When open leads came in, by default: a Thursday, some days before the day of the mirror.
CAME_IN = datetime.fromisoformat("2026-05-14T10:00:00+00:00")

DAY = timedelta(days=1)

_STARTS = (
    "Ba",
    "Cor",
    "Del",
    "Fen",
    "Gri",
    "Hol",
    "Jas",
    "Kel",
    "Lum",
    "Mor",
    "Nev",
    "Os",
    "Pra",
    "Quil",
    "Ros",
    "Sten",
)
_MIDDLES = ("a", "e", "i", "o", "u", "ar", "en", "il", "om", "ur", "ash", "eck", "ift", "ond", "ulp", "yst")
_ENDS = ("ba", "dek", "fin", "gor", "hil", "jam", "kov", "lund", "mer", "nox", "pel", "rik", "sum", "tag", "vic", "zet")


def word(number: int) -> str:
    """A name of its own for each number below 65,536, unlike that of its neighbours."""
    mixed = number * 40503 % 65536
    parts = (_STARTS[mixed & 15], _MIDDLES[mixed >> 4 & 15], _ENDS[mixed >> 8 & 15], _ENDS[mixed >> 12 & 15])
    return "".join(parts)


def parts(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def days_ago(days: float) -> datetime:
    """An instant so many days before the mirror's."""
    return TODAY - timedelta(days=days)


def in_days(days: int) -> str:
    """A day as the API writes it."""
    return (TODAY.date() + timedelta(days=days)).isoformat()


class SeededOrg:
    """The org, and what was planted in it.

    Attributes:
        org: The fake org.
        sellers: The users who own leads.
        queue: A queue with a member.
        planted: Rule → records that have just this flaw.
        implied: Rule → record → why a plant for another rule has this flaw, too.
        traps: Rule → record → why it only looks flawed.
        noted: Traps that are told for information only.
        uncalled: Leads whose activities a plant makes itself, or that have none.
        peopled: Deals that need a second person who may decide.
        drifts: What changes in the org after it was pulled, before it is pulled again.
        changes: What is done to the mirror, as no client could do it to an org.
    """

    def __init__(self) -> None:
        self.org: FakeOrg = clean_org()
        self.planted: dict[str, set[str]] = {}
        self.implied: dict[str, dict[str, str]] = {}
        self.traps: dict[str, dict[str, str]] = {}
        self.noted: set[str] = set()
        self.uncalled: set[str] = set()
        self.peopled: list[str] = []
        self.drifts: list[Callable[[], None]] = []
        self.changes: list[Callable[[Session], None]] = []
        self._numbers = count(100)
        self._called: set[str] = set()
        self._set_up()
        self._fill()

    # --- what plants are made with -----------------------------------------------------------------------------------

    def number(self) -> int:
        """A number that nothing else has."""
        return next(self._numbers)

    def plant(self, rule: str, *ids: str, also: Mapping[str, str] | None = None) -> str:
        """Expect these findings; `also` names the rules to which the same records are flawed by nature, and why."""
        self.planted.setdefault(rule, set()).update(ids)
        for other, reason in (also or {}).items():
            self.implied.setdefault(other, {}).update(dict.fromkeys(ids, reason))
        return ids[0]

    def trap(self, rule: str, why: str, record_id: str) -> str:
        """Expect no finding of this rule on a record that looks like one."""
        self.traps.setdefault(rule, {})[record_id] = why
        return record_id

    def imply(self, rule: str, record_id: str, reason: str) -> None:
        """Expect that a flaw planted elsewhere shows on this record, too."""
        self.implied.setdefault(rule, {})[record_id] = reason

    def the(self, name: str, record_id: str) -> dict[str, Any]:
        """A record."""
        found = self.org.record(name, record_id)
        assert found is not None, (name, record_id)
        return found

    def target(self, lead_id: str, name: str) -> str:
        """What a lead was converted to."""
        return str(self.the("Lead", lead_id)[f"Converted{name}Id"])

    def find(self, name: str, condition: str, *values: Any) -> list[str]:
        """The Ids of records."""
        with self.org.database.reading() as cursor:
            rows = cursor.execute(f'SELECT "Id" FROM "{name}" WHERE {condition} ORDER BY "Id"', values).fetchall()
        return [one for (one,) in rows]

    def at(self, moment: datetime) -> None:
        """Turn the org's clock."""
        self.org.clock.set(moment)

    def change(self, name: str, rows: Iterable[Mapping[str, Any]], by: str | None = None) -> None:
        """Change many records at once, each named by its `Id`, as one user."""
        for some in parts(list(rows), 200):
            rights = WriteOptions(by or self.org.admin_id, all_or_none=True, auto_assign=False, system=True)
            assert all(one.success for one in writes.update(self.org, name, some, rights))

    def lead_values(self, **values: Any) -> dict[str, Any]:
        """A lead of a person, a firm and an owner of its own, in which everything is filled in."""
        number = self.number()
        person, firm = word(number), word(number + 30_000)
        return {
            "FirstName": word(number + 15_000),
            "LastName": person,
            "Company": f"{firm} {word(number + 45_000)}",
            "Title": "Head of Logistics",
            "Email": f"{person}@{firm}.example".lower(),
            "Phone": f"+49 30 1{number:06}",
            "MobilePhone": f"+49 170 2{number:06}",
            "Website": f"https://{firm.lower()}.example",
            "LeadSource": SOURCES[number % len(SOURCES)],
            "Industry": "Shipping",
            "Rating": "Warm",
            "AnnualRevenue": 1_000_000 + 1_000 * number,
            "NumberOfEmployees": 10 + number,
            "Description": f"Wants an offer, number {number}",
            "Status": WORKING,
            "Budget__c": 10_000 + number,
            "Score__c": 50,
            "Crm_Id__c": f"K-{number}",
            "IsUnreadByOwner": False,
            "OwnerId": self.sellers[number % len(self.sellers)],
            **address(),
            **values,
        }

    def leads(self, came_in: Sequence[datetime], **values: Any) -> list[str]:
        """New leads, one for each of these moments."""
        self.at(max(came_in))
        rows = [{**self.lead_values(**values), **dict.fromkeys(_STAMPS, moment)} for moment in came_in]
        return self.org.insert("Lead", rows)

    def lead(self, came_in: datetime = CAME_IN, **values: Any) -> str:
        """A new lead; somebody will call it in time, and plan to call again."""
        self.at(came_in)
        (made,) = self.org.insert("Lead", [self.lead_values(**values)])
        return made

    def quiet_lead(self, came_in: datetime = CAME_IN, **values: Any) -> str:
        """A new lead with which nobody does anything."""
        made = self.lead(came_in, **values)
        self.uncalled.add(made)
        return made

    def convert(self, leads: Sequence[str], moment: datetime, by: str | None = None, **how: Any) -> None:
        """Convert leads."""
        self.at(moment)
        for some in parts(leads, 100):
            convert(self.org, [LeadConvert(one, DONE, **how) for one in some], by)

    def deals(self, leads: Sequence[str]) -> list[str]:
        """The opportunities that leads became."""
        with self.org.database.reading() as cursor:
            rows = cursor.execute('SELECT "Id", "ConvertedOpportunityId" FROM "Lead" WHERE "IsConverted"').fetchall()
        became = dict(rows)
        return [became[one] for one in leads]

    def work_on(self, lead_id: str, **values: Any) -> str:
        """Do with the opportunity of a converted lead what its owner does first."""
        number, deal = self.number(), self.target(lead_id, "Opportunity")
        row = {**worked_on(number, in_days(20 + number % 25)), **values, "Id": deal}
        self.change("Opportunity", [row], by=self.sellers[number % SELLERS])
        return deal

    def done(self, moment: datetime, **values: Any) -> str:
        """A task that was finished, or written down, at this moment."""
        self.at(moment)
        usual = {"Status": "Completed", "ActivityDate": f"{moment:%Y-%m-%d}", "Subject": "First call"}
        (made,) = self.org.insert("Task", [{**usual, **values}])
        return made

    def planned(self, moment: datetime, **values: Any) -> str:
        """A task that is due after the day of the mirror."""
        self.at(moment)
        due = {"ActivityDate": "2026-06-15", "Subject": "Call again", "Status": "Not Started"}
        (made,) = self.org.insert("Task", [{**due, **values}])
        return made

    def user(self, name: str, **values: Any) -> str:
        """One more user."""
        admin = self.the("User", self.org.admin_id)
        rights = {field: admin[field] for field in ("ProfileId", "TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey")}
        mail = f"{name.lower()}@seller.example"
        own = {"LastName": name, "Alias": name.lower()[:8], "Email": mail, "Username": mail, "UserRoleId": self.role}
        self.at(days_ago(500))
        (made,) = self.org.insert("User", [{**own, "EmailEncodingKey": "UTF-8", **rights, **values}])
        return made

    # --- the org -----------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        org = self.org
        for name, field in (("Lead", "Reason__c"), ("Opportunity", "Pain__c"), ("Opportunity", "Loss_Reason__c")):
            org.add_field(name, field, "string", field.removesuffix("__c"))
        org.add_field("Lead", "Score__c", "double", "Score")
        org.add_field("Lead", "Crm_Id__c", "string", "Key", length=20)
        org.track("Opportunity", *_TRACKED)
        self.at(days_ago(500))
        org.insert("LeadStatus", [{"MasterLabel": QUALIFIED, "SortOrder": 3}])
        org.set_picklist("Lead", "Status", STATUSES)
        (self.role,) = org.insert("UserRole", [{"Name": "Sales", "DeveloperName": "Sales"}])
        boss = {"ManagerId": org.admin_id, "ForecastEnabled": True}
        self.sellers = [self.user(f"Seller{number}", **boss) for number in range(SELLERS)]
        self.queue, self.dead_queue = org.insert(
            "Group", [{"Name": name, "DeveloperName": name, "Type": "Queue"} for name in ("Banks", "Nobody")]
        )
        (self.campaign,) = org.insert("Campaign", [{"Name": "Roadshow", "IsActive": True}])

    def _fill(self) -> None:
        self._close_what_was_there()
        self._deals_in_every_stage()
        self._passed_on()
        moments = [days_ago(30 + number % 370) + timedelta(minutes=number) for number in range(2_700)]
        self.leads(moments, Status=JUNK, Reason__c="No budget")
        for status, share in ((NEW, 0.2), (QUALIFIED, 0.2), (WORKING, 1)):
            size = int((LEADS - self.org.count("Lead")) * share)
            self.leads([days_ago(4 + number % 9) - timedelta(hours=2) for number in range(size)], Status=status)

    def _close_what_was_there(self) -> None:
        """The leads of the small org: some of them have been converted, the others are given up."""
        leads = self.find("Lead", "true")
        self.at(CONVERTED)
        for number, one in enumerate(leads):
            row = {"Crm_Id__c": f"C-{number}", "Score__c": 50, "IsUnreadByOwner": False}
            if self.the("Lead", one)["IsConverted"]:
                with self.org.database.writing() as cursor:  # it was so from the beginning: nobody edits it now
                    cursor.execute(
                        'UPDATE "Lead" SET "Crm_Id__c" = ?, "Score__c" = 50, "IsUnreadByOwner" = false WHERE "Id" = ?',
                        [f"C-{number}", one],
                    )
                self.org.clock.advance(3 * DAY)
                self.work_on(one)
                self.at(CONVERTED)
            else:
                # The first status that changes, so that statuses count as tracked from then on.
                self.at(CONVERTED - 29 * DAY)
                self.org.update("Lead", one, {**row, "Status": NEW})
                self.at(CONVERTED)
                self.org.update("Lead", one, {"Status": JUNK, "Reason__c": "No budget"})

    def _deals_in_every_stage(self) -> None:
        for number in range(22):
            still_open = number % 3 == 0
            day = 8 + number if still_open else 150 + 5 * number
            leads = self.leads([days_ago(day + 10 + (number * 7 + each * 8) % 70) for each in range(27)])
            self.convert(leads, days_ago(day))
            deals, close = self.deals(leads), in_days(20 + number if still_open else 95 - day)
            self._move(deals, day - 3, [worked_on(self.number(), close) for _ in deals])
            if not still_open:
                last = {"StageName": WON} if number % 3 == 1 else {"StageName": LOST, "Loss_Reason__c": "Price"}
                self._move(deals, day - 65, [{"StageName": STAGES[2]}] * len(deals))
                self._move(deals, day - 95, [last] * len(deals))

    def _move(self, deals: Sequence[str], days: float, values: Sequence[Mapping[str, Any]]) -> None:
        """Change deals so many days ago; no user changes ten of them on a day."""
        self.at(days_ago(days))
        rows = [{**each, "Id": one} for one, each in zip(deals, values, strict=True)]
        for number, some in enumerate(parts(rows, 9)):
            self.change("Opportunity", some, by=self.sellers[number])

    def _passed_on(self) -> None:
        """Owners change for good reasons."""
        waiting = self.lead(days_ago(6), OwnerId=self.queue)
        self.org.clock.advance(timedelta(hours=1))
        self.org.update("Lead", waiting, {"OwnerId": self.sellers[0]})
        deal = self.find("Opportunity", "\"StageName\" = 'Qualification'")[0]
        self.at(days_ago(2))
        self.org.update("Opportunity", deal, {"OwnerId": self.sellers[1]})

    # --- before it is mirrored ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let somebody call every lead that came in, and plan to call the open ones again."""
        self.at(TODAY - timedelta(hours=2))
        with self.org.database.reading() as cursor:
            rows = cursor.execute(
                'SELECT l."Id", l."CreatedDate", l."IsConverted", c."Id", l."ConvertedAccountId", l."Status", l."OwnerId"'
                ' FROM "Lead" AS l LEFT JOIN "Contact" AS c ON c."Id" = l."ConvertedContactId" AND NOT c."IsDeleted"'
                ' WHERE NOT l."IsDeleted" ORDER BY l."Id"'
            ).fetchall()
        tasks: list[dict[str, Any]] = []
        for one, came_in, converted, contact, account, status, owner in rows:
            if one in self.uncalled or one in self._called:
                continue
            self._called.add(one)
            whom = {
                "WhoId": contact if converted else one,
                "WhatId": None if contact else account,
                "OwnerId": owner if owner.startswith("005") else None,
            }
            whom = {name: value for name, value in whom.items() if value}
            for hours, subject in ((3, "First call"), (4, "Call about timeline")):
                moment = came_in + timedelta(hours=hours)
                stamps = {"CreatedDate": moment, "LastModifiedDate": moment, "CompletedDateTime": moment}
                task = {
                    "Subject": subject,
                    "Status": "Completed",
                    "TaskSubtype": "Call",
                    "ActivityDate": f"{moment:%Y-%m-%d}",
                }
                tasks.append({**task, **stamps, **whom})
            if not converted and status not in (JUNK, DONE):
                due = {"Subject": "Call again", "Status": "Not Started", "ActivityDate": "2026-06-15"}
                tasks.append({**due, **whom, "CreatedDate": came_in + timedelta(hours=5)})
        self.org.insert("Task", tasks)
        self.at(TODAY)

    def expected(self) -> dict[str, set[str]]:
        """Rule → the records it must find, and no others."""
        return {
            rule: self.planted.get(rule, set()) | set(self.implied.get(rule, ()))
            for rule in sorted({*self.planted, *self.implied})
        }


_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_TRACKED = ("Pain__c", "StageName", "Amount", "CloseDate", "OwnerId", "ForecastCategoryName", "NextStep")


def worked_on(number: int, close: str) -> dict[str, Any]:
    """What an owner writes into the opportunity of a converted lead."""
    values = {"StageName": STAGES[1], "Amount": 9_000 + 10 * (number % 200), "CloseDate": close}
    return {**values, "Description": f"Wants offer {number}", "Pain__c": "Slow", "NextStep": "Call on Monday"}
