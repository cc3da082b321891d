"""A flaw for every rule on opportunities, each on deals of its own; and healthy deals in every stage."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from clean_org import TODAY
from furnish import add_stage
from seeded_org import SeededOrg, days_ago, in_days
from seeded_settings import LATE, LOST, OUTSIDE, RETIRED, STAGES, WON

from sfsync.store.interface import Session


class Deals:
    """What opportunities are made with, each converted from a lead of its own."""

    def __init__(self, seeded: SeededOrg) -> None:
        self.seeded, self.org = seeded, seeded.org

    def convert(self, days: float, **values: Any) -> str:
        """Convert a lead so many days ago; returns the opportunity."""
        one = self.seeded.lead(days_ago(days + 20), **values)
        self.seeded.convert([one], days_ago(days) + timedelta(minutes=self.seeded.number() % 60))
        return self.seeded.target(one, "Opportunity")

    def move(self, deal: str, days: float, **values: Any) -> None:
        """Change an opportunity so many days ago."""
        self.org.clock.set(days_ago(days))
        seller = self.seeded.sellers[self.seeded.number() % 40]
        self.seeded.change("Opportunity", [{**values, "Id": deal}], by=seller)

    def start(self, created: float | None = None, *, still: bool = False, **values: Any) -> str:
        """An opportunity in Qualification; `still` if nothing happens in the last weeks."""
        spread = self.seeded.number() % 17
        created = 28 + spread if created is None else created
        owner = {"OwnerId": values.pop("OwnerId")} if "OwnerId" in values else {}
        deal = self.convert(created, **owner)
        usual = {"StageName": "Qualification", "Amount": 10_000, "CloseDate": in_days(55 - spread), "Pain__c": "Slow"}
        self.move(
            deal, created - 5, **{**usual, **values, "NextStep": "Call on Monday", "Description": "Wants an offer"}
        )
        if created > 25 and not still:
            self.move(deal, 20 + spread / 4, NextStep="Call on Friday")
        return deal

    def late(self, stages: Iterable[str] = STAGES[2:4], **values: Any) -> str:
        """An open opportunity in a late stage, with two people on it of whom one may decide."""
        deal = self.start(**values)
        for number, stage in enumerate(stages):
            self.move(deal, 20 - number, StageName=stage)
        self.seeded.peopled.append(deal)
        return deal

    def won(self, **values: Any) -> str:
        """A won opportunity."""
        return self._close(WON, **values)

    def lost(self, **values: Any) -> str:
        """A lost opportunity."""
        return self._close(LOST, **{"Loss_Reason__c": "Price", **values})

    def _close(self, stage: str, closed: float | None = None, **values: Any) -> str:
        closed = 8 + self.seeded.number() % 9 if closed is None else closed
        deal = self.start(created=closed + 33 + self.seeded.number() % 11)
        self.move(deal, closed + 20, StageName="Needs Analysis")
        self.move(deal, closed, StageName=stage, CloseDate=in_days(-int(closed)), **values)
        return deal

    def direct(self, **values: Any) -> str:
        """An opportunity that no lead came before, created now."""
        (account,) = self.org.insert("Account", [{"Name": f"Direct {self.seeded.number()}"}])
        usual = {"Name": "Direct", "AccountId": account, "StageName": "Qualification", "CloseDate": in_days(55)}
        usual["OwnerId"] = self.seeded.sellers[self.seeded.number() % 40]
        more = {"Amount": 10_000, "LeadSource": "Web", "NextStep": "Call on Monday", "Pain__c": "Slow"}
        (deal,) = self.org.insert("Opportunity", [{**usual, **more, **values}])
        return deal


class DealTraps(Deals):
    """Healthy deals in the stages that most rules look at."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self.start()
        self.late()
        self.late((*STAGES[2:], *LATE), Amount=18_000)
        self.won()
        self.lost()


class DealPlants(Deals):
    """A flaw for every rule."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        self.one: dict[str, str] = {}
        self._in_hygiene()
        self._in_forecast()
        self._in_movement()
        self._by_people()
        seeded.changes += [self._in_the_mirror, self._without_roles, self._in_the_history]

    def plant(self, rule: str, deal: str, **also: str) -> str:
        """Expect a finding."""
        self.one[rule] = deal
        return self.seeded.plant(rule, deal, also=also)

    def the(self, rule: str) -> str:
        """The one opportunity with this flaw."""
        return self.one[rule]

    def _lead_of(self, rule: str) -> str:
        (lead,) = self.seeded.find("Lead", '"ConvertedOpportunityId" = ?', self.the(rule))
        return lead

    def _in_hygiene(self) -> None:
        self.org.clock.set(days_ago(25))
        for rule in ("OP001", "OP013"):
            self.plant(rule, self.direct())
        for rule in ("OP006", "OP011"):
            self.plant(rule, self.start())
        self.plant("OP003", self.start(), CV010="no role of the deal is primary")
        self.plant("OP002", self.start())
        self.seeded.imply("CV009", self._lead_of("OP002"), "nobody on the deal: the lead's contact is not, either")
        self.move(self.the("OP002"), 20, StageName="Needs Analysis")
        self.plant("OP004", self.start(created=45, Amount=None))
        self.plant("OP005", self.start(Amount=-5))
        self.plant("OP007", self.start(CloseDate=in_days(-10)))
        self.plant("OP008", self.start(CloseDate=in_days(900)))
        self.plant("OP010", self.start())
        slow = "a deal in which nothing happens stays in its stage"
        silent = {"PL001": slow, "OP010": "nobody has written a next step, either"}
        self.plant("OP012", self.start(created=75, still=True), **silent)
        self.plant("OP014", self.lost(Loss_Reason__c=None))
        self.plant("OP015", self.won(Amount=None))
        self.plant("OP016", self.won())
        self.move(self.plant("OP017", self.start()), 21, StageName="Needs Analysis")
        self.move(self.the("OP017"), 18, Pain__c=None)
        self.plant("OP018", self.late(Amount=20_000))
        self.plant("OP019", self.late())
        self.plant("OP020", self.lost(closed=10))
        self.org.clock.set(days_ago(20))
        task = {"Subject": "Call", "Status": "Not Started", "Priority": "Normal", "WhatId": self.the("OP020")}
        self.org.insert("Task", [task])

    def _in_forecast(self) -> None:
        for rule in ("FC002", "FC005", "FC007", "FC011", "FC016"):
            self.plant(rule, self.start())
        self.plant("FC001", self.start(CloseDate=in_days(0)))
        self.plant("FC003", self.late())
        self.plant("FC004", self.start(Probability=60))
        for rule in ("FC006", "FC008"):
            self.plant(rule, self.won())
        self.plant("FC009", self.late(), FC007="an omitted deal in a late stage is off the category of its stage")
        self.plant("FC010", self.late((*STAGES[2:], *LATE), created=45))
        self.move(self.plant("FC013", self.start(Pain__c=None)), 21, StageName="Needs Analysis")
        self.move(self.the("FC013"), 18, Pain__c="Slow after all")
        self.plant("FC014", self.won(closed=1))
        self.plant("FC015", self.won(closed=10))

    def _in_movement(self) -> None:
        self.plant("PL001", self.start(created=75))
        pushed = self.plant("PL002", self.start())
        for days, closes in ((18, 60), (16, 65), (14, 70)):
            self.move(pushed, days, CloseDate=in_days(closes))
        self.move(self.plant("PL003", self.start(CloseDate=in_days(30))), 3, CloseDate=in_days(60))
        back = self.plant("PL004", self.start())
        self.move(back, 21, StageName="Needs Analysis")
        self.move(back, 19, StageName="Qualification")
        self.plant("PL005", self.late(["Id. Decision Makers"]))
        again = self.plant("PL006", self.start())
        self.move(again, 19, StageName=LOST, Loss_Reason__c="Budget")
        self.move(again, 13, StageName="Qualification")
        self.org.clock.set(days_ago(11))
        self.plant("PL007", self.direct(StageName=WON, CloseDate=in_days(-11)))
        swing = self.plant("PL008", self.late(Amount=4_000))
        self.move(swing, 5, Amount=12_000)
        self.move(self.plant("PL009", self.won(closed=17)), 5, Amount=9_000)
        self.plant("PL010", self._to_and_fro())
        quick = self.plant("PL011", self.convert(9))
        self.move(quick, 8.9, StageName="Qualification", Amount=20_000, Pain__c="Slow", Description="Wants an offer")
        self.move(quick, 8.8, StageName=WON, CloseDate=in_days(-9))
        idle = "nobody has done anything about a zombie for 90 days"
        self.plant("PL012", self.start(created=400), OP012=idle, PL001="a zombie has not moved for long")
        self.plant("PL015", self.start())

    def _to_and_fro(self) -> str:
        deal = self.start(created=50)
        for days in (40, 35):
            self.move(deal, days, StageName="Needs Analysis")
            self.move(deal, days - 2, StageName="Qualification")
        self.move(deal, 28, StageName="Needs Analysis")
        self.move(deal, 14, StageName=WON, CloseDate=in_days(-14))
        return deal

    def _by_people(self) -> None:
        dated, direct_one, self.mover, self.closer = (
            self.seeded.user(name) for name in ("Dated", "Direct", "Mover", "Closer")
        )
        self.seeded.plant("OP009", dated)
        month_end = (TODAY.date().replace(day=1) + timedelta(days=92)).replace(day=1) - timedelta(days=1)
        for number in range(10):
            self.start(OwnerId=dated, CloseDate=month_end.isoformat() if number < 7 else in_days(50))
        self.seeded.plant("OP022", direct_one)
        for number in range(10):
            self.org.clock.set(days_ago(20 + number))
            self.direct(OwnerId=direct_one)
        self.seeded.plant("PL013", self.mover)
        moved = [{"Id": self.start(CloseDate=in_days(30)), "CloseDate": in_days(58)} for _ in range(10)]
        self.org.clock.set(days_ago(9))
        self.seeded.change("Opportunity", moved, by=self.mover)
        self.seeded.plant("PL014", self.closer)
        given_up = {"StageName": LOST, "CloseDate": in_days(-7), "Loss_Reason__c": "Price"}
        closed = [{"Id": self.start(created=45), **given_up} for _ in range(10)]
        self.org.clock.set(days_ago(7))
        self.seeded.change("Opportunity", closed, by=self.closer)

    def _in_the_mirror(self, session: Session) -> None:
        def change(rule: str, **values: Any) -> None:
            columns = ", ".join(f'"{field}" = ?' for field in values)
            session.execute(
                f'UPDATE sf_all."Opportunity" SET {columns} WHERE "Id" = ?', [*values.values(), self.the(rule)]
            )

        change("OP001", AccountId=None)
        change("OP006", HasOpportunityLineItem=True)
        session.execute(
            'INSERT INTO sf_all."OpportunityLineItem" ("Id", "OpportunityId", "TotalPrice") VALUES (?, ?, ?)',
            ["00kFk0000000001AAA", self.the("OP006"), 9_000],
        )
        change("OP010", NextStep=None)
        change("OP011", HasOpenActivity=False)
        change("OP012", LastActivityDate=None)
        change("OP013", LeadSource=None)
        change("OP016", HasOpportunityLineItem=False)
        change("FC001", IsWon=True, HasOpportunityLineItem=True)
        change("FC002", StageName=RETIRED)
        change("FC003", StageName=OUTSIDE, Probability=72, ForecastCategory="BestCase", ExpectedRevenue=7_200)
        change("FC005", Probability=None)
        change("FC006", Probability=90, ExpectedRevenue=9_000)
        change("FC007", ForecastCategory="BestCase")
        change("FC008", ForecastCategory="Pipeline")
        change("FC009", ForecastCategory="Omitted")
        change("FC010", LastActivityDate=None)
        change("FC011", ExpectedRevenue=1)
        change("FC014", CloseDate=date.fromisoformat(in_days(3)))
        change("FC015", CloseDate=date.fromisoformat(in_days(-25)))
        change("FC016", FiscalQuarter=1)
        change("PL012", LastActivityDate=None)
        add_stage(session, "01JFk0000000902AAA", "Contradiction", is_won=True)

    def _without_roles(self, session: Session) -> None:
        roles = 'sf_all."OpportunityContactRole"'
        deal = 'WHERE "OpportunityId" = ?'
        session.execute(f"DELETE FROM {roles} {deal}", [self.the("OP002")])
        session.execute(f'UPDATE {roles} SET "IsPrimary" = false {deal}', [self.the("OP003")])
        session.execute(f'UPDATE {roles} SET "Role" = NULL {deal}', [self.the("OP019")])
        session.execute(f'DELETE FROM {roles} {deal} AND "Role" IS NULL', [self.the("OP018")])
        self.seeded.plant("FC012", "01JFk0000000902AAA")

    def _in_the_history(self, session: Session) -> None:
        session.execute(
            'DELETE FROM sf_all."OpportunityHistory" WHERE "OpportunityId" = ? AND "StageName" = ?',
            [self.the("PL015"), STAGES[0]],
        )
