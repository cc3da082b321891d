"""Opportunities: a clean org gives no finding, and each flaw is found by the rule that knows it, alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from clean_org import DEFINITIONS, DONE, TODAY, add_object, clean_org, convert, lead, mirror

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert
from sfsync.records import RuleState
from sfsync.store import Store
from sfsync.store.interface import Session

SELECT = ["OP", "FC", "PL"]

#: The sales process: all stages of the org but one, and one that is no longer used.
STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers")
LATE = ("Proposal/Price Quote", "Negotiation/Review")
WON, LOST, RETIRED, OUTSIDE = "Closed Won", "Closed Lost", "Old Stage", "Perception Analysis"

SETTINGS = Settings.model_validate(
    {
        "definitions": {
            **DEFINITIONS,
            "reasons": {"lost": "Loss_Reason__c"},
            "stage_exit": {"Qualification": ["Pain__c"]},
            "deals": {
                "sales_processes": {
                    "Sales": {"record_types": ["New_Business"], "stages": [*STAGES, *LATE, RETIRED, WON, LOST]}
                }
            },
        },
        "rules": {
            "OP018": {"params": {"amount": 15_000}},
            "PL001": {"params": {"days": 60}},
            "PL011": {"params": {"amount": 15_000}},
        },
    }
)

#: A flaw that is one for another rule, too, whatever one does.
IMPLIED = {"FC009": ("FC007",), "PL012": ("OP012", "PL001")}


def days_ago(days: float) -> datetime:
    """An instant so many days before the mirror's."""
    return TODAY - timedelta(days=days)


def in_days(days: int) -> str:
    """A day as the API writes it."""
    return (TODAY.date() + timedelta(days=days)).isoformat()


class Deals:
    """The clean org with healthy opportunities, each converted from a lead of its own."""

    def __init__(self) -> None:
        self.org: FakeOrg = clean_org()
        for name in ("Pain__c", "Loss_Reason__c"):
            self.org.add_field("Opportunity", name, "string", name.removesuffix("__c"))
        self.org.track("Opportunity", "Pain__c")
        self.numbers = count(100)
        self.peopled: list[str] = []
        self.open()
        self.late()
        self.won()
        self.lost()

    def convert(self, days: float) -> str:
        """Convert a lead so many days ago; returns the opportunity."""
        org = self.org
        org.clock.set(days_ago(days))
        (one,) = org.insert("Lead", [lead(next(self.numbers))])
        convert(org, [LeadConvert(one, DONE)])
        converted = org.record("Lead", one)
        assert converted is not None
        self.move(converted["ConvertedOpportunityId"], days, NextStep="Call on Monday")
        return str(converted["ConvertedOpportunityId"])

    def move(self, deal: str, days: float, **values: Any) -> None:
        """Change an opportunity so many days ago."""
        self.org.clock.set(days_ago(days))
        self.org.update("Opportunity", deal, values)

    def start(self, created: float | None = None, **values: Any) -> str:
        """An opportunity in Qualification; no ten of them were written on one day."""
        spread = next(self.numbers) % 17
        created = 28 + spread if created is None else created
        deal = self.convert(created)
        usual = {"StageName": "Qualification", "Amount": 10_000, "CloseDate": in_days(55), "Pain__c": "Slow"}
        self.move(deal, created - 5, **{**usual, **values})
        return deal

    def open(self, **values: Any) -> str:
        """An open opportunity."""
        return self.start(**values)

    def late(self, stages: Iterable[str] = STAGES[2:4], **values: Any) -> str:
        """An open opportunity in a late stage, with two people on it of whom one may decide."""
        deal = self.start(**values)
        for number, stage in enumerate(stages):
            self.move(deal, 20 - number, StageName=stage)
        self.peopled.append(deal)
        return deal

    def won(self, **values: Any) -> str:
        """A won opportunity."""
        return self._close(WON, **values)

    def lost(self, **values: Any) -> str:
        """A lost opportunity."""
        return self._close(LOST, **{"Loss_Reason__c": "Price", **values})

    def _close(self, stage: str, closed: float | None = None, **values: Any) -> str:
        closed = 8 + next(self.numbers) % 9 if closed is None else closed
        deal = self.start(created=closed + 33 + next(self.numbers) % 11)
        self.move(deal, closed + 20, StageName="Needs Analysis")
        self.move(deal, closed, StageName=stage, CloseDate=in_days(-int(closed)), **values)
        return deal

    def mirror(self, folder: Path) -> Store:
        """What a pull leaves; the fake org does not know activities that lie ahead, nor products."""
        self.org.clock.set(TODAY)
        store = mirror(self.org, folder)
        with store.writing() as session:
            session.execute(
                'UPDATE sf_all."Opportunity" SET "HasOpenActivity" = true, "LastActivityDate" = ? WHERE NOT "IsClosed"',
                [date.fromisoformat(in_days(-2))],
            )
            session.execute('UPDATE sf_all."Opportunity" SET "HasOpportunityLineItem" = true WHERE "IsWon"')
            session.execute('UPDATE sf_all."Opportunity" SET "NextStep" = ? WHERE "NextStep" IS NULL', ["Call"])
            add_stage(session, "01JFk0000000901AAA", RETIRED, is_active=False)
            self._add_people(session)
            product = {"Id": "id", "OpportunityId": "reference", "TotalPrice": "currency"}
            add_object(session, "OpportunityLineItem", product)
        return store

    def _add_people(self, session: Session) -> None:
        """In late stages, name who decides, and a second person."""
        for number, deal in enumerate(self.peopled):
            session.execute(
                'UPDATE sf_all."OpportunityContactRole" SET "Role" = ? WHERE "OpportunityId" = ?',
                ["Decision Maker", deal],
            )
            session.execute(
                'INSERT INTO sf_all."OpportunityContactRole" ("Id", "OpportunityId", "ContactId", "IsPrimary", "IsDeleted")'
                " VALUES (?, ?, ?, false, false)",
                [f"00KFk0000009{number:03}AAA", deal, f"003Fk0000009{number:03}AAA"],
            )


class Plants(Deals):
    """The same with a flaw for every rule, each on records of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.found: dict[str, set[str]] = {}
        self._in_hygiene()
        self._in_forecast()
        self._in_movement()
        self._by_people()
        self.store = self.mirror(folder)
        with self.store.writing() as session:
            self._in_the_mirror(session)
            self._in_the_history(session)
        for rule, others in IMPLIED.items():
            for other in others:
                self.found[other] |= self.found[rule]

    def plant(self, rule: str, deal: str) -> str:
        """Expect a finding."""
        self.found.setdefault(rule, set()).add(deal)
        return deal

    def the(self, rule: str) -> str:
        """The one opportunity with this flaw."""
        (deal,) = self.found[rule]
        return deal

    def _in_hygiene(self) -> None:
        for rule in ("OP001", "OP003", "OP006", "OP011", "OP013"):
            self.plant(rule, self.open())
        self.plant("OP002", self.open())
        self.move(self.the("OP002"), 20, StageName="Needs Analysis")
        self.plant("OP004", self.open(created=45, Amount=None))
        self.plant("OP005", self.open(Amount=-5))
        self.plant("OP007", self.open(CloseDate=in_days(-10)))
        self.plant("OP008", self.open(CloseDate=in_days(900)))
        self.plant("OP010", self.open())
        self.plant("OP012", self.start(created=45))
        self.plant("OP014", self.lost(Loss_Reason__c=None))
        self.plant("OP015", self.won(Amount=None))
        self.plant("OP016", self.won())
        self.move(self.plant("OP017", self.open()), 21, StageName="Needs Analysis")
        self.move(self.the("OP017"), 18, Pain__c=None)
        self.plant("OP018", self.late(Amount=20_000))
        self.plant("OP019", self.late())
        self.plant("OP020", self.lost(closed=10))
        self.org.clock.set(days_ago(20))
        task = {"Subject": "Call", "Status": "Not Started", "Priority": "Normal", "WhatId": self.the("OP020")}
        self.org.insert("Task", [task])
        for _ in range(20):
            self.won()

    def _in_forecast(self) -> None:
        for rule in ("FC002", "FC005", "FC007", "FC011", "FC016"):
            self.plant(rule, self.open())
        self.plant("FC001", self.open(CloseDate=in_days(0)))
        self.plant("FC003", self.late())
        self.plant("FC004", self.open(Probability=60))
        for rule in ("FC006", "FC008"):
            self.plant(rule, self.won())
        self.plant("FC009", self.late())
        self.plant("FC010", self.late((*STAGES[2:], *LATE), created=45))
        self.move(self.plant("FC013", self.open(Pain__c=None)), 21, StageName="Needs Analysis")
        self.move(self.the("FC013"), 18, Pain__c="Slow after all")
        self.plant("FC014", self.won(closed=1))
        self.plant("FC015", self.won(closed=10))

    def _in_movement(self) -> None:
        self.plant("PL001", self.start(created=75))
        pushed = self.plant("PL002", self.open())
        for days, closes in ((18, 60), (16, 65), (14, 70)):
            self.move(pushed, days, CloseDate=in_days(closes))
        self.move(self.plant("PL003", self.open(CloseDate=in_days(30))), 3, CloseDate=in_days(60))
        back = self.plant("PL004", self.open())
        self.move(back, 21, StageName="Needs Analysis")
        self.move(back, 19, StageName="Qualification")
        self.plant("PL005", self.late(["Id. Decision Makers"]))
        again = self.plant("PL006", self.open())
        self.move(again, 19, StageName=LOST, Loss_Reason__c="Budget")
        self.move(again, 13, StageName="Qualification")
        self.org.clock.set(days_ago(11))
        self.plant("PL007", self.direct(StageName=WON, CloseDate=in_days(-11)))
        swing = self.plant("PL008", self.late(Amount=4_000))
        self.move(swing, 5, Amount=12_000)
        self.move(self.plant("PL009", self.won(closed=17)), 5, Amount=9_000)
        self.plant("PL010", self._to_and_fro())
        quick = self.plant("PL011", self.convert(9))
        self.move(quick, 8.9, StageName="Qualification", Amount=20_000, Pain__c="Slow")
        self.move(quick, 8.8, StageName=WON, CloseDate=in_days(-9))
        self.plant("PL012", self.start(created=400))
        self.plant("PL015", self.open())

    def _to_and_fro(self) -> str:
        deal = self.start(created=50)
        for days in (40, 35):
            self.move(deal, days, StageName="Needs Analysis")
            self.move(deal, days - 2, StageName="Qualification")
        self.move(deal, 28, StageName="Needs Analysis")
        self.move(deal, 14, StageName=WON, CloseDate=in_days(-14))
        return deal

    def direct(self, **values: Any) -> str:
        """An opportunity that no lead came before, created now."""
        (account,) = self.org.insert("Account", [{"Name": f"Direct {next(self.numbers)}"}])
        usual = {"Name": "Direct", "AccountId": account, "StageName": "Qualification", "CloseDate": in_days(55)}
        more = {"Amount": 10_000, "LeadSource": "Web", "NextStep": "Call on Monday", "Pain__c": "Slow"}
        (deal,) = self.org.insert("Opportunity", [{**usual, **more, **values}])
        return deal

    def _by_people(self) -> None:
        self.dated, self.direct_one, self.mover, self.closer = self.org.insert(
            "User", [self._user(name) for name in ("Dated", "Direct", "Mover", "Closer")]
        )
        self.plant("OP009", self.dated)
        month_end = (TODAY.date().replace(day=1) + timedelta(days=92)).replace(day=1) - timedelta(days=1)
        for number in range(10):
            self.open(OwnerId=self.dated, CloseDate=month_end.isoformat() if number < 7 else in_days(50))
        self.plant("OP022", self.direct_one)
        for number in range(10):
            self.org.clock.set(days_ago(20 + number))
            self.direct(OwnerId=self.direct_one)
        self.plant("PL013", self.mover)
        for _ in range(10):
            self.move(self.open(), 9, CloseDate=in_days(50))
        self.plant("PL014", self.closer)
        for _ in range(10):
            self.lost(closed=7)

    def _user(self, name: str) -> dict[str, Any]:
        admin = self.org.record("User", self.org.admin_id)
        assert admin is not None
        return {
            "LastName": name,
            "Alias": name.lower()[:8],
            "Email": f"{name.lower()}@seller.example",
            "Username": f"{name.lower()}@seller.example",
            **{field: admin[field] for field in ("ProfileId", "TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey")},
        }

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
        change("FC003", StageName=OUTSIDE, Probability=70, ForecastCategory="BestCase", ExpectedRevenue=7_000)
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
        session.execute('DELETE FROM sf_all."OpportunityContactRole" WHERE "OpportunityId" = ?', [self.the("OP002")])
        session.execute(
            'UPDATE sf_all."OpportunityContactRole" SET "IsPrimary" = false WHERE "OpportunityId" = ?',
            [self.the("OP003")],
        )
        session.execute(
            'UPDATE sf_all."OpportunityContactRole" SET "Role" = NULL WHERE "OpportunityId" = ?', [self.the("OP019")]
        )
        session.execute(
            'DELETE FROM sf_all."OpportunityContactRole" WHERE "OpportunityId" = ? AND "Role" IS NULL',
            [self.the("OP018")],
        )
        add_stage(session, "01JFk0000000902AAA", "Contradiction", is_won=True)
        self.plant("FC012", "01JFk0000000902AAA")

    def _in_the_history(self, session: Session) -> None:
        session.execute(
            'UPDATE sf_all."OpportunityHistory" SET "CreatedById" = ? WHERE "CreatedDate" = ? AND NOT "StageName" = ?',
            [self.mover, days_ago(9).replace(tzinfo=None), WON],
        )
        session.execute(
            'UPDATE sf_all."OpportunityHistory" SET "CreatedById" = ? WHERE "CreatedDate" = ? AND "StageName" = ?',
            [self.closer, days_ago(7).replace(tzinfo=None), LOST],
        )
        session.execute(
            'DELETE FROM sf_all."OpportunityHistory" WHERE "OpportunityId" = ? AND "StageName" = ?',
            [self.the("PL015"), STAGES[0]],
        )


def add_stage(session: Session, stage_id: str, name: str, *, is_active: bool = True, is_won: bool = False) -> None:
    """Put a stage into the mirror."""
    session.execute(
        'INSERT INTO sf_all."OpportunityStage" ("Id", "ApiName", "MasterLabel", "SortOrder", "IsActive", "IsClosed",'
        ' "IsWon", "DefaultProbability", "ForecastCategory") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        [stage_id, name, name, 99, is_active, False, is_won, 10, "Pipeline"],
    )


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it finds."""
    each = {one.rule.id: {str(finding.record_id) for finding in result.findings(one.rule.id)} for one in result.rules}
    return {rule: ids for rule, ids in each.items() if ids and rule[:2] in SELECT}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return audit(Deals().mirror(tmp_path_factory.mktemp("clean")), SETTINGS, select=SELECT)


def test_a_clean_org_has_no_finding(clean: AuditResult) -> None:
    assert found(clean) == {}


def test_every_rule_can_judge_the_clean_org(clean: AuditResult) -> None:
    blind = {one.rule.id: one.reason for one in clean.rules if one.state is RuleState.NOT_EVALUABLE}
    assert {rule: reason for rule, reason in blind.items() if rule[:2] in SELECT} == {}


def test_each_plant_is_found_by_its_rule_and_by_no_other(tmp_path: Path) -> None:
    plants = Plants(tmp_path)
    assert found(audit(plants.store, SETTINGS, select=SELECT)) == plants.found
