"""Every flaw is planted where it is said to be and nowhere else, by the rules' conditions written out in plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from statistics import quantiles

import pytest

from sfsync.fake.seed import SeedData, plant

AS_OF = datetime(2026, 1, 31, 12)
QUALIFIED_TIMELINES = {"This Quarter", "Next Quarter", "This Year"}


class Mirror:
    """The seeded org as an audit sees it: live rows by Id, and what lies in the recycle bin."""

    def __init__(self, data: SeedData, as_of: datetime = AS_OF) -> None:
        self.as_of = as_of
        self.all = {name: {row["Id"]: row for row in rows} for name, rows in data.tables.items()}
        self.leads = [row for row in data.tables["Lead"] if not row["IsDeleted"]]
        self.converted = [row for row in self.leads if row["IsConverted"]]
        self.opportunities = [row for row in data.tables["Opportunity"] if not row["IsDeleted"]]
        self.stages = {row["ApiName"]: row for row in data.tables["OpportunityStage"]}

    def live(self, name: str, record_id: str | None) -> dict | None:
        row = self.all[name].get(record_id)
        return None if row is None or row["IsDeleted"] else row

    def criteria(self, lead: dict) -> int:
        deal = self.live("Opportunity", lead["ConvertedOpportunityId"]) or {}
        budget = (
            lead["Budget_Confirmed__c"]
            or (lead["Budget_Amount__c"] or 0) >= 1
            or deal.get("Budget_Confirmed__c", False)
        )
        need = any((row.get("Need__c") or "").strip() for row in (lead, deal))
        authority = lead["Decision_Maker__c"] in {"Decision Maker", "Economic Buyer"}
        return sum((bool(budget), need, authority, lead["Timeline__c"] in QUALIFIED_TIMELINES))


def blank(value: str | None) -> bool:
    return value is None or not value.strip()


def li001(mirror: Mirror) -> set[str]:
    return {
        lead["Id"]
        for lead in mirror.leads
        if blank(lead["LeadSource"]) and lead["CreatedDate"] <= mirror.as_of - timedelta(hours=1)
    }


def lq001(mirror: Mirror) -> set[str]:
    return {lead["Id"] for lead in mirror.leads if lead["Status"] == "Qualified" and mirror.criteria(lead) < 4}


def lq002(mirror: Mirror) -> set[str]:
    def settled(lead: dict) -> bool:
        return lead["ConvertedDate"] is None or (mirror.as_of.date() - lead["ConvertedDate"]).days >= 2

    return {lead["Id"] for lead in mirror.converted if settled(lead) and mirror.criteria(lead) < 2}


def la004(mirror: Mirror) -> set[str]:
    days = defaultdict(list)
    for lead in mirror.converted:
        if (
            lead["ConvertedDate"] is not None
            and lead["CreatedDate"].date() <= lead["ConvertedDate"] <= mirror.as_of.date()
        ):
            days[lead["LeadSource"]].append((lead["ConvertedDate"] - lead["CreatedDate"].date()).days)
    limits = {name: quantiles(taken, n=20, method="inclusive")[-1] for name, taken in days.items() if len(taken) >= 50}
    return {
        lead["Id"]
        for lead in mirror.leads
        if not lead["IsConverted"]
        and lead["Status"] != "Closed - Not Converted"
        and (mirror.as_of.date() - lead["CreatedDate"].date()).days > limits.get(lead["LeadSource"], 90)
    }


def cv001(mirror: Mirror) -> set[str]:
    return {lead["Id"] for lead in mirror.converted if lead["ConvertedAccountId"] is None}


def cv002(mirror: Mirror) -> set[str]:
    return {lead["Id"] for lead in mirror.converted if lead["ConvertedContactId"] is None}


def cv003(mirror: Mirror) -> set[str]:
    return {
        lead["Id"]
        for lead in mirror.converted
        for name in ("Account", "Contact", "Opportunity")
        if lead[f"Converted{name}Id"] is not None and mirror.live(name, lead[f"Converted{name}Id"]) is None
    }


def cv006(mirror: Mirror) -> set[str]:
    def impossible(lead: dict) -> bool:
        day = lead["ConvertedDate"]
        created, latest = lead["CreatedDate"].date(), (mirror.as_of + timedelta(hours=14)).date()
        return day is None or day < created - timedelta(days=1) or day > latest

    return {lead["Id"] for lead in mirror.converted if impossible(lead)}


def fm009(mirror: Mirror) -> set[str]:
    found = set()
    for lead in mirror.converted:
        made = [
            row
            for name in ("Contact", "Opportunity")
            if (row := mirror.live(name, lead[f"Converted{name}Id"])) is not None
            and row["CreatedDate"] >= lead["CreatedDate"]
        ]
        if not blank(lead["LeadSource"]) and any(row["LeadSource"] != lead["LeadSource"] for row in made):
            found.add(lead["Id"])
    return found


def op001(mirror: Mirror) -> set[str]:
    return {deal["Id"] for deal in mirror.opportunities if deal["AccountId"] is None}


def op007(mirror: Mirror) -> set[str]:
    return {
        deal["Id"] for deal in mirror.opportunities if not deal["IsClosed"] and deal["CloseDate"] < mirror.as_of.date()
    }


def fc001(mirror: Mirror) -> set[str]:
    def agrees(deal: dict) -> bool:
        stage = mirror.stages[deal["StageName"]]
        return deal["IsClosed"] == stage["IsClosed"] and deal["IsWon"] == stage["IsWon"]

    return {deal["Id"] for deal in mirror.opportunities if not agrees(deal)}


RULES = {
    "LI001": li001,
    "LQ001": lq001,
    "LQ002": lq002,
    "LA004": la004,
    "CV001": cv001,
    "CV002": cv002,
    "CV003": cv003,
    "CV006": cv006,
    "FM009": fm009,
    "OP001": op001,
    "OP007": op007,
    "FC001": fc001,
}

ORGS = [(seed, 50) for seed in range(1, 41)] + [(seed, 400) for seed in range(1, 13)] + [(7, 3000), (8, 20_000)]


@pytest.fixture(scope="module", params=ORGS, ids=lambda org: f"seed {org[0]}, {org[1]} leads")
def data(request: pytest.FixtureRequest) -> SeedData:
    seed, leads = request.param
    return plant(seed, leads, AS_OF)


def test_the_records_that_break_a_rule_are_those_said_to(data: SeedData) -> None:
    mirror = Mirror(data)
    assert {rule: found(mirror) for rule, found in RULES.items()} == data.planted


@pytest.mark.parametrize("drift", [timedelta(minutes=-10), timedelta(minutes=30), timedelta(hours=11)], ids=str)
def test_a_pull_somewhat_earlier_or_later_finds_the_same(data: SeedData, drift: timedelta) -> None:
    mirror = Mirror(data, AS_OF + drift)
    # Only the leads of the last hour grow out of their grace time.
    rules = set(RULES) if drift < timedelta(hours=1) else set(RULES) - {"LI001"}
    assert {rule: RULES[rule](mirror) for rule in rules} == {rule: data.planted[rule] for rule in rules}


def test_every_rule_has_a_few_flaws_and_a_trap(data: SeedData) -> None:
    leads = sum(1 for lead in data.tables["Lead"] if not lead["IsDeleted"])
    assert set(data.planted) == set(RULES)
    assert set(data.traps) == set(RULES)
    assert all(2 <= len(found) <= max(3, 0.03 * leads) for found in data.planted.values())
    assert all(data.traps.values())


def test_no_trap_breaks_its_rule(data: SeedData) -> None:
    assert all(not data.traps[rule] & data.planted[rule] for rule in RULES)


def test_traps_are_records_of_the_rules_own_object(data: SeedData) -> None:
    mirror = Mirror(data)
    for rule, ids in data.traps.items():
        name = "Opportunity" if rule in {"OP001", "OP007", "FC001"} else "Lead"
        assert ids <= mirror.all[name].keys()
        assert data.planted[rule] <= mirror.all[name].keys()


def test_missing_targets_are_missing_in_every_way(data: SeedData) -> None:
    mirror = Mirror(data)
    ways = set()
    for record_id in data.planted["CV003"]:
        lead = mirror.all["Lead"][record_id]
        for name in ("Account", "Contact", "Opportunity"):
            target = mirror.all[name].get(lead[f"Converted{name}Id"], {"IsDeleted": None})
            if target["IsDeleted"] is None:
                ways.add("absent")
            elif target["IsDeleted"]:
                ways.add("merged" if target.get("MasterRecordId") else "recycle bin")
    assert ways == {"absent", "merged", "recycle bin"}
