"""A column that comes later is part of the past from then on, whatever else the pull that brought it had to store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.dml import merge
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.salesforce import connect
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection


class Bench:
    """A fake org whose clock stands still, and a mirror of it."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        self.fake, self.folder, self.store = fake, folder, DuckDBStore(folder / "mirror.duckdb")
        self.org = connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())

    def pull(self, *objects: str, **options: Any) -> PullResult:
        self.fake.clock.advance(timedelta(minutes=6))
        return pull(self.org, self.store, objects=objects, workspace=self.folder, options=PullOptions(**options))

    def then(self, sql: str, instant: datetime) -> list[tuple[Any, ...]]:
        return self.store.query(as_of_sql(self.store, sql, instant)).rows().rows


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.empty(clock=Clock(datetime(2026, 1, 31, 12), ticking=False)) as fake:
        yield Bench(fake, tmp_path)


@pytest.mark.parametrize("records", [0, 2])
def test_a_column_that_comes_with_no_record_can_be_asked_for_in_the_past(bench: Bench, records: int) -> None:
    bench.fake.insert("Lead", [{"LastName": "L", "Company": "C"}] * records)
    first = bench.pull("Lead")
    bench.fake.add_field("Lead", "Score__c", "double")
    second = bench.pull("Lead")
    for each in (first, second):
        assert bench.then("SELECT count(*), count(Score__c) FROM sf.Lead", each.as_of) == [(records, 0)]


def test_the_past_can_be_asked_where_a_column_came_while_no_history_was_kept(bench: Bench) -> None:
    bench.fake.insert("Lead", [{"LastName": "L", "Company": "C"}])
    bench.pull("Lead")
    bench.fake.add_field("Lead", "Score__c", "double")
    without = bench.pull("Lead", history=False)
    assert bench.then("SELECT Score__c FROM sf.Lead", without.as_of) == [(None,)]


def test_a_record_that_follows_a_merge_keeps_its_newest_columns_in_its_past(bench: Bench) -> None:
    bench.pull("Account", "Contact")
    bench.fake.add_field("Contact", "Score__c", "double")
    gone, stays = bench.fake.insert("Account", [{"Name": "Gone"}, {"Name": "Stays"}])
    bench.fake.insert("Contact", [{"LastName": "Child", "AccountId": gone, "Score__c": 7.5}])
    before = bench.pull("Account", "Contact")
    merge(bench.fake, "Account", {"Id": stays}, [gone], WriteOptions(bench.fake.admin_id, system=True))
    bench.pull("Account")  # the contacts follow in the mirror before they are read again
    bench.pull("Account", "Contact")
    assert bench.then("SELECT AccountId, Score__c FROM sf.Contact", before.as_of) == [(gone, 7.5)]
    assert bench.store.query("SELECT AccountId, Score__c FROM sf.Contact").rows().rows == [(stays, 7.5)]


def test_a_record_that_leaves_the_filter_keeps_its_newest_columns_in_its_past(bench: Bench) -> None:
    selections = {"Lead": Selection(filter="Company = 'C'")}
    bench.pull("Lead", selections=selections)
    bench.fake.add_field("Lead", "Score__c", "double")
    (record_id,) = bench.fake.insert("Lead", [{"LastName": "L", "Company": "C", "Score__c": 7.5}])
    before = bench.pull("Lead", selections=selections)
    bench.fake.update("Lead", record_id, {"Company": "D"})
    bench.pull("Lead", selections=selections)
    assert bench.store.query("SELECT count(*) FROM sf_all.Lead").rows().scalar() == 0
    assert bench.then("SELECT Score__c FROM sf.Lead", before.as_of) == [(7.5,)]
