from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.weather import Truncated
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.refreshes import calculated_fields, last_refreshes
from sfsync.sync.budget import BudgetLimits
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection


class Bench:
    """An org whose opportunities know something of their account, and an account that sums its opportunities up."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        fake.add_formula("Opportunity", "Customer__c", "string", "Account.Name")
        fake.add_roll_up("Account", "Won__c", "Opportunity", "SUM", "Amount", where="IsWon = true")
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.fake = fake
        self.org: Org = connect(env=env, transport=transport)
        self.store = DuckDBStore(folder / "mirror.duckdb")
        self.folder = folder

    def pull(self, *objects: str, **options: Any) -> PullResult:
        return pull(
            self.org,
            self.store,
            workspace=self.folder,
            objects=objects or ["Account", "Opportunity"],
            options=PullOptions(**options),
        )

    def refreshes(self, **options: Any) -> dict[str, str]:
        return {each.object: each.state for each in self.pull(**options).formulas}

    def wait(self, **span: float) -> None:
        self.fake.clock.advance(timedelta(**span))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.store.query(sql).rows().rows

    def value(self, sql: str) -> Any:
        return self.store.query(sql).rows().scalar()

    def stale(self, name: str, field: str) -> int:
        """How many records of the mirror hold another value than the org."""
        rows = self.rows(f'SELECT "Id", "{field}" FROM sf_all."{name}"')
        return sum((self.fake.record(name, record_id) or {})[field] != value for record_id, value in rows)

    def move(self) -> tuple[str, str]:
        """Rename a customer, which moves the formula of its opportunities and no stamp; the Ids of both."""
        account, opportunity = self.rows(
            'SELECT "AccountId", min("Id") FROM sf."Opportunity" WHERE "AccountId" IS NOT NULL GROUP BY 1 ORDER BY 1'
        )[0]
        self.fake.update("Account", account, {"Name": "Moved Inc."})
        return account, opportunity


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=60) as fake:
        yield Bench(fake, tmp_path)


def test_a_first_pull_counts_as_a_refresh(bench: Bench) -> None:
    assert bench.pull().formulas == ()
    with bench.store.reading() as session:
        assert set(last_refreshes(session)) == {"Account", "Opportunity"}


def test_formulas_that_moved_without_a_stamp_are_fresh_again_a_day_later(bench: Bench) -> None:
    bench.pull()
    bench.move()
    bench.wait(minutes=10)
    assert bench.pull().formulas == ()
    assert bench.stale("Opportunity", "Customer__c") > 0
    bench.wait(days=1)
    result = bench.pull()
    assert {each.object: each.state for each in result.formulas} == {"Account": "done", "Opportunity": "done"}
    (opportunities,) = (each for each in result.formulas if each.object == "Opportunity")
    assert opportunities.changed > 0
    assert opportunities.rows == bench.value('SELECT count(*) FROM sf_all."Opportunity"')
    assert bench.stale("Opportunity", "Customer__c") == bench.stale("Account", "Won__c") == 0


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_refresh_can_be_forced_and_is_alike_by_rest_and_bulk(bench: Bench, api: str) -> None:
    bench.pull()
    bench.move()
    bench.wait(minutes=10)
    assert bench.refreshes(formulas_now=True, api=api) == {"Account": "done", "Opportunity": "done"}
    assert bench.stale("Opportunity", "Customer__c") == 0
    assert not list((bench.folder / "spool").iterdir())
    assert bench.org.get_json(bench.org.data_path("jobs", "query"))["records"] == []


def test_a_pull_that_runs_every_night_refreshes_every_night_though_it_never_begins_to_the_second(bench: Bench) -> None:
    bench.pull()
    for _ in range(3):
        bench.wait(hours=23, minutes=58)
        assert bench.refreshes() == {"Account": "done", "Opportunity": "done"}


def test_nothing_but_the_calculated_fields_is_touched_even_within_one_second_of_the_last_pull(bench: Bench) -> None:
    bench.fake.clock.freeze()
    bench.pull()
    _, opportunity = bench.move()
    # What was committed after the upper bound is the next pull's business, as a whole.
    bench.fake.update("Opportunity", opportunity, {"Name": "Renamed too"})
    before = bench.rows('SELECT * EXCLUDE ("Customer__c") FROM sf_all."Opportunity" ORDER BY "Id"')
    assert bench.refreshes(formulas_now=True)["Opportunity"] == "done"
    assert bench.rows('SELECT * EXCLUDE ("Customer__c") FROM sf_all."Opportunity" ORDER BY "Id"') == before
    moved = f"""SELECT "Customer__c" FROM sf_all."Opportunity" WHERE "Id" = '{opportunity}'"""
    assert bench.value(moved) != "Moved Inc."
    bench.wait(minutes=6)
    bench.pull()
    assert bench.value(moved) == "Moved Inc."


def test_the_values_before_a_refresh_can_be_asked_as_of_then(bench: Bench) -> None:
    first = bench.pull().as_of
    was = dict(bench.rows('SELECT "Id", "Customer__c" FROM sf."Opportunity"'))
    _, opportunity = bench.move()
    bench.wait(minutes=10)
    bench.pull(formulas_now=True)
    then = as_of_sql(bench.store, 'SELECT "Id", "Customer__c" FROM sf."Opportunity"', first)
    assert dict(bench.rows(then)) == was
    now = bench.value(f"""SELECT "Customer__c" FROM sf."Opportunity" WHERE "Id" = '{opportunity}'""")
    assert (now, was[opportunity]) == ("Moved Inc.", was[opportunity])
    assert was[opportunity] != now


def test_no_schedule_means_no_refresh(bench: Bench) -> None:
    bench.pull(formulas_every=None)
    bench.wait(days=30)
    assert bench.refreshes(formulas_every=None) == {}
    assert set(bench.refreshes(formulas_every=None, formulas_now=True)) == {"Account", "Opportunity"}


def test_an_object_may_be_left_out_of_the_schedule(bench: Bench) -> None:
    bench.pull()
    bench.wait(days=2)
    assert bench.refreshes(selections={"Account": Selection(formulas=False)}) == {"Opportunity": "done"}


def test_a_refresh_reads_only_the_records_that_are_mirrored(bench: Bench) -> None:
    won = {"Opportunity": Selection(filter="IsWon = true")}
    bench.pull(selections=won)
    bench.wait(days=2)
    (opportunities,) = (each for each in bench.pull(selections=won).formulas if each.object == "Opportunity")
    assert opportunities.rows == bench.value('SELECT count(*) FROM sf_all."Opportunity"')


def test_what_would_not_fit_the_budget_is_skipped_and_said(bench: Bench) -> None:
    bench.pull()
    bench.wait(days=2)
    result = bench.pull(formulas_calls=1)
    assert [each.state for each in result.formulas] == ["done", "skipped"]
    assert "left for formulas" in (result.formulas[1].reason or "")
    assert result.complete
    assert bench.refreshes(formulas_calls=1) == {result.formulas[1].object: "done"}


def test_a_budget_that_does_not_last_leaves_the_pull_unfinished(bench: Bench) -> None:
    bench.pull()
    bench.wait(days=2)
    calls = bench.org.usage.calls
    bench.pull(formulas_every=None)
    needed = bench.org.usage.calls - calls
    bench.wait(minutes=10)
    result = bench.pull(budget=BudgetLimits(calls_per_run=needed))
    assert {each.state for each in result.objects} == {"done"}
    assert {each.state for each in result.formulas} == {"postponed"}
    assert not result.complete


def test_a_refresh_that_fails_leaves_the_fields_as_they_were_and_the_rows_up_to_date(bench: Bench) -> None:
    bench.pull()
    bench.move()
    bench.wait(days=2)
    before = bench.rows('SELECT "Id", "Customer__c" FROM sf_all."Opportunity" ORDER BY 1')
    bench.fake.weather.add(Truncated(), path="/results", times=None)
    result = bench.pull(bulk_threshold=1)
    failed = {each.object: each for each in result.formulas}
    assert failed["Opportunity"].state == "failed"
    assert bench.rows('SELECT "Id", "Customer__c" FROM sf_all."Opportunity" ORDER BY 1') == before
    bench.fake.weather.clear()
    assert bench.refreshes()["Opportunity"] == "done"


def test_objects_without_calculated_fields_cost_nothing(bench: Bench) -> None:
    bench.pull("Lead")
    bench.wait(days=2)
    assert bench.pull("Lead", formulas_now=True).formulas == ()


def test_statuses_that_salesforce_works_out_from_the_date_count_as_calculated() -> None:
    fields = (FieldDescribe("Id", "id"), FieldDescribe("Status", "picklist"))
    assert calculated_fields(ObjectDescribe("ContractLineItem", "", fields)) == ("Status",)
    assert calculated_fields(ObjectDescribe("Lead", "", fields)) == ()


def test_the_ledger_says_when_and_how_much(bench: Bench) -> None:
    as_of = bench.pull().as_of
    bench.wait(days=2)
    later = bench.pull().as_of
    kept = bench.rows(
        "SELECT refreshed_at, changed FROM sfsync.formula_refreshes WHERE object = 'Account' ORDER BY refreshed_at"
    )
    assert kept == [(as_of, 0), (later, 0)]
    assert isinstance(later, datetime)
