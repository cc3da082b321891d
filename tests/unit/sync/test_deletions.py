"""Upper bounds, tombstones, merges and Id reconciliation, in pulls against the fake org."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.dml.merging import merge
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.weather import LateCommit
from sfsync.salesforce import connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.coverage import read_coverage
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import read_state
from sfsync.sync.events import ObjectResult
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.verify import VerifyOptions, verify


class Bench:
    """A fake org and its mirror."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        self.fake, self.folder, self.store = fake, folder, DuckDBStore(folder / "mirror.duckdb")
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.org = connect(env=env, transport=transport)

    def pull(self, *objects: str, **options: Any) -> PullResult:
        return pull(
            self.org, self.store, workspace=self.folder, objects=objects or None, options=PullOptions(**options)
        )

    def lead(self, **options: Any) -> ObjectResult:
        (result,) = self.pull("Lead", **options).objects
        return result

    def pass_time(self, **span: float) -> None:
        self.fake.clock.advance(timedelta(**(span or {"minutes": 6})))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.store.query(sql).rows().rows

    def value(self, sql: str) -> Any:
        return self.store.query(sql).rows().scalar()

    def ids(self, name: str = "Lead") -> list[str]:
        return [row[0] for row in self.rows(f'SELECT "Id" FROM sf."{name}" ORDER BY "Id"')]

    def forbid_view_all(self) -> None:
        (record_id,) = self.query('SELECT "Id" FROM "PermissionSet"')
        self.fake.update(
            "PermissionSet", record_id, {"PermissionsViewAllData": False, "PermissionsModifyAllData": False}
        )

    def query(self, sql: str) -> list[Any]:
        self.fake.settle_permissions()
        with self.fake.database.reading() as cursor:
            return [row[0] for row in cursor.execute(sql).fetchall()]

    def merge(self, name: str, master: str, *losers: str) -> None:
        outcome = merge(self.fake, name, {"Id": master}, losers, WriteOptions(self.fake.admin_id))
        assert not outcome.errors


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=60) as fake:
        yield Bench(fake, tmp_path)


def unconverted(bench: Bench) -> list[str]:
    return [row[0] for row in bench.rows("SELECT Id FROM sf.Lead WHERE NOT IsConverted ORDER BY Id")]


# --- upper bounds ----------------------------------------------------------------------------------------------------


def test_every_object_says_up_to_when_it_is_mirrored(bench: Bench) -> None:
    result = bench.pull()
    done = [each for each in result.objects if each.state == "done"]
    assert all(each.upper_bound is not None for each in done)
    assert result.as_of == min(each.upper_bound for each in done if each.upper_bound is not None)


def test_a_transaction_under_way_holds_the_bound_of_its_object_back_and_nothing_is_lost(bench: Bench) -> None:
    bench.pull("Lead", "Account")
    bench.pass_time()
    rule = bench.fake.weather.add(LateCommit(seconds=1800), object_name="Lead")
    bench.pass_time(hours=2)
    lead, account = bench.pull("Lead", "Account").objects
    assert lead.upper_bound is not None
    assert account.upper_bound is not None
    assert lead.upper_bound < account.upper_bound
    assert lead.upper_bound <= bench.fake.clock.stamp() - timedelta(seconds=1799)
    assert "a transaction has been under way" in " ".join(lead.notes)
    bench.org.post_json(bench.org.data_path("sobjects", "Lead"), {"LastName": "Late", "Company": "X"})
    assert rule.struck == 1
    bench.pass_time()
    assert bench.lead().inserted == 1
    stamp = bench.value("SELECT SystemModstamp FROM sf.Lead WHERE LastName = 'Late'")
    assert lead.upper_bound <= stamp < account.upper_bound


def test_the_oldest_bound_is_the_as_of_of_answers(bench: Bench) -> None:
    bench.pull("Lead", "Account")
    bench.fake.weather.add(LateCommit(seconds=1800), object_name="Lead")
    bench.pass_time(hours=2)
    result = bench.pull("Lead", "Account")
    with bench.store.reading() as session:
        state = read_state(session)
    assert state.as_of == state.objects["Lead"].upper_bound == result.as_of
    assert state.objects["Account"].upper_bound > state.as_of


def test_a_cursor_that_passed_a_transaction_reads_back_to_where_that_began(bench: Bench) -> None:
    bench.pull("Lead")
    bench.pass_time(hours=2)
    passed = bench.lead().upper_bound
    assert passed is not None
    # It began before the cursor and only now shows: the cursor stays, and what is uncovered is remembered.
    rule = bench.fake.weather.add(LateCommit(seconds=3600), object_name="Lead")
    bench.pass_time(minutes=1)
    assert bench.lead().upper_bound == passed
    with bench.store.reading() as session:
        covered = read_coverage(session)["Lead"].covered
    assert covered is not None
    assert covered < passed - timedelta(minutes=40)
    bench.org.post_json(bench.org.data_path("sobjects", "Lead"), {"LastName": "Late", "Company": "X"})
    assert rule.struck == 1
    bench.pass_time()
    assert bench.lead().inserted == 1


@pytest.mark.parametrize("lag", [0, 20, 60, 300])
def test_a_lag_of_any_length_loses_nothing(bench: Bench, lag: int) -> None:
    bench.fake.clock.freeze()
    bench.lead(lag=timedelta(seconds=lag))
    bench.fake.insert("Lead", [{"LastName": "Ada", "Company": "X"}])
    bench.fake.clock.advance(timedelta(seconds=lag + 1))
    assert bench.lead(lag=timedelta(seconds=lag)).inserted == 1


def test_an_object_without_a_log_is_mirrored_up_to_the_lag(bench: Bench) -> None:
    status, lead = bench.pull("LeadStatus", "Lead").objects
    assert status.upper_bound == lead.upper_bound


def test_nothing_changed_over_the_default_objects_costs_less_than_two_calls_an_object(bench: Bench) -> None:
    bench.pull(formulas_every=None)
    bench.pass_time()
    calls = bench.org.usage.calls
    sent = len(bench.fake.requests)
    result = bench.pull(formulas_every=None)
    objects = sum(each.state == "done" for each in result.objects)
    assert objects == 8
    assert bench.org.usage.calls - calls == result.api_calls <= 2 * objects
    # The clock is asked without a token, which costs nothing.
    assert len(bench.fake.requests) - sent <= 2 * objects + 1


# --- tombstones ------------------------------------------------------------------------------------------------------


def test_a_record_deleted_for_good_within_the_logs_reach_is_a_tombstone(bench: Bench) -> None:
    bench.pull("Lead")
    first = bench.pull("Lead").as_of
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.pass_time()
    result = bench.lead()
    assert result.deleted == 1
    assert gone not in bench.ids()
    assert bench.value(f"SELECT IsDeleted FROM sf_all.Lead WHERE Id = '{gone}'") is True
    then = as_of_sql(bench.store, f"SELECT count(*) FROM sf.Lead WHERE Id = '{gone}'", first)
    assert bench.value(then) == 1


def test_a_record_deleted_after_the_bound_is_still_there(bench: Bench) -> None:
    bench.pull("Lead")
    bench.pass_time()
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    assert bench.lead().deleted == 0
    assert gone in bench.ids()
    bench.pass_time()
    assert bench.lead().deleted == 1


def test_a_record_that_was_taken_back_from_the_bin_is_live(bench: Bench) -> None:
    bench.pull("Lead")
    one = unconverted(bench)[3]
    bench.fake.delete("Lead", one)
    bench.pass_time(minutes=2)
    bench.fake.undelete("Lead", one)
    bench.pass_time()
    bench.pull("Lead")
    assert one in bench.ids()


def test_a_tombstone_is_buried_once(bench: Bench) -> None:
    bench.pull("Lead")
    bench.fake.delete("Lead", bench.ids()[3], hard=True)
    bench.pass_time()
    assert bench.lead().deleted == 1
    assert bench.lead().deleted == 0
    assert bench.value("SELECT count(*) FROM sf_history.Lead WHERE existed") == 1


# --- reconciliation --------------------------------------------------------------------------------------------------


def test_after_fifteen_days_every_id_is_compared(bench: Bench) -> None:
    bench.pull("Lead")
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.pass_time(days=40)
    result = bench.lead()
    assert result.deleted >= 1
    assert gone not in bench.ids()
    assert "every Id was compared" in " ".join(result.notes)
    bench.pass_time()
    assert "compared" not in " ".join(bench.lead().notes)


def test_without_view_all_absence_proves_nothing_and_that_is_said_until_it_is_settled(bench: Bench) -> None:
    bench.pull("Lead")
    bench.forbid_view_all()
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.pass_time(days=40)
    assert "sfsync verify --deletes" in " ".join(bench.lead().notes)
    assert gone in bench.ids()
    bench.pass_time()
    assert "sfsync verify --deletes" in " ".join(bench.lead().notes)
    refused = verify(bench.org, bench.store, workspace=bench.folder, options=VerifyOptions(deletes=True))
    assert "View All on Lead" in (refused.objects[0].reason or "")
    assert {each.kind for each in refused.objects[0].differences} == {"permission"}
    assert gone in bench.ids()
    trusting = VerifyOptions(deletes=True, trust_absence=True)
    settled = verify(bench.org, bench.store, workspace=bench.folder, options=trusting)
    assert settled.objects[0].repaired
    assert gone not in bench.ids()
    bench.pass_time()
    assert not bench.lead().notes


def test_too_many_absent_records_are_left_as_they_were(bench: Bench) -> None:
    bench.pull("Lead")
    before = bench.ids()
    for record_id in before[:20]:
        bench.fake.delete("Lead", record_id, hard=True)
    bench.pass_time(days=40)
    result = bench.lead()
    assert "lost permission" in " ".join(result.notes)
    assert set(before[:20]) <= set(bench.ids())


def test_late_commits_beyond_the_lag_are_told_by_the_reconciliation(bench: Bench) -> None:
    bench.pull("Lead")
    bench.pass_time(hours=2)
    bench.pull("Lead")
    bench.fake.insert_late("Lead", [{"LastName": "Late", "Company": "X"}], timedelta(hours=1))
    bench.pass_time(days=20)
    assert "committed later than the lag allows" in " ".join(bench.lead().notes)


# --- merges ----------------------------------------------------------------------------------------------------------


def accounts_with_contacts(bench: Bench) -> list[str]:
    return [
        row[0]
        for row in bench.rows(
            "SELECT a.Id FROM sf.Account AS a WHERE EXISTS (SELECT 1 FROM sf.Contact AS c WHERE c.AccountId = a.Id) "
            "ORDER BY a.Id"
        )
    ]


def test_children_follow_a_merge_even_before_they_are_read_again(bench: Bench) -> None:
    first = bench.pull("Account", "Contact")
    master, loser = accounts_with_contacts(bench)[:2]
    bench.merge("Account", master, loser)
    bench.pass_time()
    (account,) = bench.pull("Account").objects
    assert account.merged == 1
    assert account.deleted == 1
    assert bench.value(f"SELECT count(*) FROM sf.Contact WHERE AccountId = '{loser}'") == 0
    assert bench.value(f"SELECT IsDeleted FROM sf_all.Account WHERE Id = '{loser}'") is True
    then = as_of_sql(bench.store, f"SELECT count(*) FROM sf.Contact WHERE AccountId = '{loser}'", first.as_of)
    assert bench.value(then) > 0
    (contact,) = bench.pull("Contact").objects
    assert contact.merged == 0
    held = verify(bench.org, bench.store, workspace=bench.folder, options=VerifyOptions(values=True))
    assert held.equal


def test_chains_of_merges_lead_to_the_last_master(bench: Bench) -> None:
    bench.pull("Account", "Contact")
    one, two, three = accounts_with_contacts(bench)[:3]
    bench.merge("Account", two, one)
    bench.pass_time()
    assert bench.pull("Account").objects[0].merged == 1
    bench.merge("Account", three, two)
    bench.pass_time()
    assert bench.pull("Account").objects[0].merged == 1
    rows = bench.rows("SELECT loser_id, master_id, final_id FROM sfsync.merged WHERE object = 'Account'")
    assert {(one, two, three), (two, three, three)} <= set(rows)
    assert bench.value(f"SELECT count(*) FROM sf.Contact WHERE AccountId IN ('{one}', '{two}')") == 0


def test_a_merge_is_followed_once_and_a_child_that_is_read_later_wins(bench: Bench) -> None:
    bench.pull("Account", "Contact")
    master, loser = accounts_with_contacts(bench)[:2]
    bench.merge("Account", master, loser)
    bench.pass_time()
    bench.pull("Account")
    child = bench.value(f"SELECT min(Id) FROM sf.Contact WHERE AccountId = '{master}'")
    with bench.store.writing() as session:
        session.execute("UPDATE sf_all.Contact SET AccountId = ? WHERE Id = ?", [loser, child])
    assert bench.pull("Account").objects[0].merged == 0
    assert bench.value(f"SELECT AccountId FROM sf.Contact WHERE Id = '{child}'") == loser


def test_a_merged_lead_is_followed_in_bulk_too(bench: Bench) -> None:
    bench.pull("Lead", api="bulk")
    master, loser = unconverted(bench)[:2]
    bench.merge("Lead", master, loser)
    bench.pass_time()
    assert bench.lead(api="bulk").merged == 1
    assert bench.value("SELECT count(*) FROM sfsync.merged") >= 1


def test_a_merge_circle_in_broken_data_ends(bench: Bench) -> None:
    bench.pull("Account")
    one, two, three = bench.ids("Account")[:3]
    with bench.store.writing() as session:
        session.execute(
            "UPDATE sf_all.Account SET IsDeleted = TRUE, MasterRecordId = CASE WHEN Id = ? THEN ? ELSE ? END "
            "WHERE Id IN (?, ?)",
            [one, two, one, one, two],
        )
    bench.fake.update("Account", three, {"Website": "https://example.com"})
    bench.pass_time()
    assert bench.pull("Account").objects[0].merged >= 2


def test_an_older_mirror_without_these_tables_is_pulled_on(bench: Bench) -> None:
    bench.pull("Lead")
    with bench.store.writing() as session:
        for name in ("coverage", "merged", "proofs"):
            session.execute(f"DROP TABLE sfsync.{name}")
    bench.pass_time()
    assert bench.lead().state == "done"


def test_what_was_uncovered_is_told_in_utc(bench: Bench) -> None:
    bench.fake.weather.add(LateCommit(seconds=1800), object_name="Lead")
    note = " ".join(bench.lead().notes)
    assert datetime.strptime(note.split("since ")[1][:19], "%Y-%m-%d %H:%M:%S")
