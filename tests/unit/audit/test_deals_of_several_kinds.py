"""Opportunities of several stages, record types and currencies: each is held against its own kind."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.records import FieldDescribe

AS_OF = datetime(2026, 5, 20, 12)
STAGES = [
    {"Id": f"01J{i}", "ApiName": name, "SortOrder": i, "IsActive": True, "IsClosed": closed, "IsWon": won,
     "DefaultProbability": probability, "ForecastCategory": "Pipeline"}
    for i, (name, closed, won, probability) in enumerate(
        [("Kontakt", False, False, 10), ("Muster", False, False, 20), ("Messe", False, False, 30),
         ("Angebot", False, False, 60), ("Gewonnen", True, True, 100), ("Verloren", True, False, 0)], 1,
    )
]  # fmt: skip
FIELDS = {
    "IsDeleted": False,
    "Amount": 1000.0,
    "CurrencyIsoCode": "EUR",
    "RecordTypeId": None,
    "LastActivityDate": date(2025, 1, 1),
    "CloseDate": date(2026, 6, 12),
}


class Deals:
    """Opportunities and the way each has gone."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []

    def add(self, *way: tuple[str, float], **values: Any) -> str:
        """An opportunity that entered each stage so many days ago; returns its Id."""
        number = len(self.rows)
        deal = f"006Fk{number:010}AAA"
        stage = way[-1][0]
        closed, won = stage in ("Gewonnen", "Verloren"), stage == "Gewonnen"
        created = AS_OF - timedelta(days=way[0][1])
        row = {
            "Id": deal,
            "StageName": stage,
            "IsClosed": closed,
            "IsWon": won,
            "CreatedDate": created,
            **FIELDS,
            **values,
        }
        self.rows.append(row)
        for step, (name, days) in enumerate(way):
            at = AS_OF - timedelta(days=days)
            entry = {"Id": f"008Fk{number:08}{step:02}AAA", "OpportunityId": deal, "IsDeleted": False}
            self.history.append({**entry, "StageName": name, "CreatedDate": at})
        return deal


@pytest.fixture
def deals() -> Deals:
    return Deals()


@pytest.fixture
def judged(mirror: Any, deals: Deals) -> Any:
    """Audits the opportunities with one rule."""

    def run(rule: str, **settings: Any) -> AuditResult:
        store = mirror(
            described={"Opportunity.LastActivityDate": FieldDescribe("LastActivityDate", "date")},
            as_of=AS_OF,
            Opportunity=deals.rows,
            OpportunityHistory=deals.history,
            OpportunityStage=STAGES,
        )
        return audit(store, Settings.model_validate(settings), select=[rule])

    return run


def _ids(result: AuditResult) -> set[str]:
    return {str(finding.record_id) for finding in result.findings()}


def test_how_long_is_too_long_is_told_by_won_deals_of_the_same_stage_and_record_type(deals: Deals, judged: Any) -> None:
    for days in range(1, 61):
        deals.add(("Kontakt", 200 + days), ("Angebot", 200), ("Gewonnen", 100), RecordTypeId="012A")
    for _ in range(60):
        deals.add(("Kontakt", 203), ("Angebot", 200), ("Verloren", 1), RecordTypeId="012A")
    slow = deals.add(("Kontakt", 49), RecordTypeId="012A")
    deals.add(("Kontakt", 48), RecordTypeId="012A")
    deals.add(("Kontakt", 60), ("Angebot", 99), RecordTypeId="012A")
    fallback = deals.add(("Kontakt", 31), RecordTypeId="012B")
    result = judged("PL001")
    thresholds = {each.segment: (each.value, each.n, each.origin) for each in result.rule("PL001").thresholds}
    assert thresholds["Kontakt · 012A"] == (48.2, 60, "auto")
    assert thresholds["Angebot · 012A"] == (100.0, 60, "auto")
    assert _ids(result) == {slow, fallback}


def test_a_stage_that_a_record_type_never_uses_is_not_left_out_by_it(deals: Deals, judged: Any) -> None:
    for _ in range(10):
        deals.add(("Kontakt", 90), ("Angebot", 50), ("Gewonnen", 9), RecordTypeId="012A")
        deals.add(("Kontakt", 90), ("Muster", 80), ("Messe", 70), ("Angebot", 50), ("Verloren", 9), RecordTypeId="012B")
    deals.add(("Kontakt", 20), ("Angebot", 10), RecordTypeId="012A")
    jumped = deals.add(("Kontakt", 20), ("Angebot", 10), RecordTypeId="012B")
    plain = deals.add(("Kontakt", 20), ("Angebot", 10))
    assert _ids(judged("PL005")) == {jumped, plain}


def test_an_amount_is_large_or_implausible_in_its_own_currency(deals: Deals, judged: Any) -> None:
    for number in range(120):
        deals.add(("Kontakt", 90), ("Gewonnen", 9), Amount=1000.0 + number)
        deals.add(("Kontakt", 90), ("Gewonnen", 9), Amount=150_000.0 + number, CurrencyIsoCode="JPY")
    typo = deals.add(("Kontakt", 20), Amount=150_000.0)
    deals.add(("Kontakt", 20), Amount=150_000.0, CurrencyIsoCode="JPY")
    assert _ids(judged("OP005")) == {typo}


def test_rates_bring_amounts_into_one_currency(deals: Deals, judged: Any) -> None:
    for number in range(120):
        deals.add(("Kontakt", 90), ("Gewonnen", 9), Amount=1000.0 + number)
    typo = deals.add(("Kontakt", 20), Amount=15_000_000.0, CurrencyIsoCode="JPY")
    deals.add(("Kontakt", 20), Amount=150_000.0, CurrencyIsoCode="JPY")
    definitions = {"metrics": {"rates": {"to": "EUR", "rates": {"JPY": 0.0065}}}}
    assert _ids(judged("OP005")) == set()
    assert _ids(judged("OP005", definitions=definitions)) == {typo}


def test_how_old_a_zombie_is_is_told_by_the_cycle_of_won_deals(deals: Deals, judged: Any) -> None:
    for days in range(1, 61):
        deals.add(("Kontakt", 300 + days), ("Gewonnen", 300))
        deals.add(("Gewonnen", 300))
    dead = deals.add(("Kontakt", 100))
    deals.add(("Kontakt", 100), ("Angebot", 90))
    deals.add(("Kontakt", 57))
    result = judged("PL012")
    assert [(each.value, each.n) for each in result.rule("PL012").thresholds] == [(57.05, 60)]
    assert _ids(result) == {dead}
