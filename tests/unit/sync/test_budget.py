from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import BudgetReached, LimitReached, UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.weather import LimitExceeded, Unavailable
from sfsync.salesforce import Org, connect
from sfsync.salesforce.limits import Limit
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Call, Transport
from sfsync.salesforce.usage import ApiUsage
from sfsync.store import spending
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import recent_runs
from sfsync.store.spending import Spent
from sfsync.sync import forecast
from sfsync.sync.budget import Budget, BudgetLimits
from sfsync.sync.events import Event, ObjectStarted, PullStarted
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull

ASK = Call("GET", "https://org/services/data/v66.0/query")
JOB = Call("POST", "https://org/services/data/v66.0/jobs/query")


def budget(spent: Spent | None = None, usage: ApiUsage | None = None, **limits: Any) -> Budget:
    return Budget(BudgetLimits(**limits), spent or Spent(), lambda: usage or ApiUsage())


@dataclass
class Bench:
    """A fake org, and a mirror of it whose pulls have a budget."""

    fake: FakeOrg
    org: Org
    store: DuckDBStore
    workspace: Path
    events: list[Event] = field(default_factory=list)

    def pull(self, *objects: str, api: Any = "auto", bulk_threshold: int = 5000, **limits: Any) -> PullResult:
        options = PullOptions(api=api, bulk_threshold=bulk_threshold, budget=BudgetLimits(**limits))
        return pull(
            self.org,
            self.store,
            workspace=self.workspace,
            objects=objects or None,
            options=options,
            on_event=self.events.append,
        )

    @property
    def forecast(self) -> PullStarted:
        return next(event for event in reversed(self.events) if isinstance(event, PullStarted))

    def jobs_begun(self) -> int:
        return sum(call.method == "POST" and call.path.endswith("/jobs/query") for call in self.fake.requests)

    def pages_fetched(self) -> list[tuple[str, str]]:
        return [(call.path, call.query) for call in self.fake.requests if "/results" in call.path]

    def counted(self) -> int:
        return self.fake.app.used


def make_bench(fake: FakeOrg, folder: Path) -> Bench:
    transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
    env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
    return Bench(fake, connect(env=env, transport=transport), DuckDBStore(folder / "mirror.duckdb"), folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=60) as fake:
        yield make_bench(fake, tmp_path)


def test_the_call_after_the_last_one_is_refused_before_it_is_sent() -> None:
    limited = budget(calls_per_run=2)
    limited.spend(ASK)
    limited.spend(ASK)
    with pytest.raises(BudgetReached, match="2 API calls") as caught:
        limited.spend(ASK)
    assert caught.value.exit_code == 4
    assert "run it again" in (caught.value.hint or "")
    assert limited.calls == 2


def test_a_day_is_shared_with_the_runs_before_and_the_hint_says_when_it_ends() -> None:
    since = datetime(2026, 1, 30, 22, 15)
    limited = budget(Spent(calls=9, since=since), calls_per_day=10)
    limited.spend(ASK)
    with pytest.raises(BudgetReached, match="a day") as caught:
        limited.spend(ASK)
    assert "2026-01-31 22:15 UTC" in (caught.value.hint or "")


def test_bulk_jobs_are_counted_apart_and_leave_other_calls_alone() -> None:
    limited = budget(Spent(bulk_jobs=1), bulk_jobs_per_day=2)
    limited.spend(JOB)
    with pytest.raises(BudgetReached, match="2 Bulk jobs a day"):
        limited.spend(JOB)
    limited.spend(ASK)
    assert (limited.calls, limited.bulk_jobs) == (2, 1)


def test_a_share_of_the_orgs_allowance_is_left_for_people() -> None:
    limited = budget(usage=ApiUsage(used=899, allowed=1000), reserve=0.1)
    limited.spend(ASK)
    with pytest.raises(BudgetReached, match=r"used 899 of its 1,000 API calls.*10% are kept for people"):
        limited.spend(ASK)  # the org has not told of our own call yet, but it was made


def test_the_org_tells_of_our_calls_too_and_they_are_not_counted_twice() -> None:
    seen = [ApiUsage(used=100, allowed=200)]
    limited = Budget(BudgetLimits(reserve=0.0), Spent(), lambda: seen[-1])
    for used in range(101, 201):
        limited.spend(ASK)
        seen.append(ApiUsage(used=used, allowed=200))
    with pytest.raises(BudgetReached):
        limited.spend(ASK)


def test_bulk_jobs_too_are_left_for_people() -> None:
    limited = budget(reserve=0.5)
    limited.know_bulk_jobs(Limit(max=10, remaining=6))
    limited.spend(JOB)
    with pytest.raises(BudgetReached, match="Bulk query jobs"):
        limited.spend(JOB)


def test_a_connected_app_with_an_allowance_of_its_own_ends_at_it() -> None:
    with pytest.raises(BudgetReached, match="connected app"):
        budget(usage=ApiUsage(used=1, allowed=1000, app_used=250, app_allowed=250)).spend(ASK)


def test_many_threads_together_never_spend_more_than_there_is() -> None:
    limited = budget(calls_per_run=500)
    refused: list[int] = []

    def ask() -> None:
        for _number in range(100):
            try:
                limited.spend(ASK)
            except BudgetReached:
                refused.append(1)

    threads = [threading.Thread(target=ask) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limited.calls == 500
    assert len(refused) == 300


def test_a_pull_never_asks_more_than_its_budget_whatever_that_is(bench: Bench) -> None:
    whole = bench.pull().api_calls
    for most in range(1, whole, 4):
        with FakeOrg.seeded(seed=5, leads=50) as fake:
            other = make_bench(fake, bench.workspace / str(most))
            try:
                result = other.pull(calls_per_run=most)
            except BudgetReached:
                assert other.counted() <= most
                continue
            assert other.counted() <= most
            assert result.postponed
            assert not result.failed


def test_when_the_budget_is_spent_what_was_read_is_stored_and_the_rest_waits(bench: Bench) -> None:
    result = bench.pull(calls_per_run=9)
    states = {each.state for each in result.objects}
    assert states == {"done", "postponed"}
    assert not result.complete
    assert result.hint
    assert all("9 API calls" in (each.reason or "") for each in result.postponed)
    with bench.store.reading() as session:
        (run,) = recent_runs(session)
    assert run.state == "partial"
    assert run.api_calls == result.api_calls <= 9
    assert bench.pull().complete


def test_pull_after_pull_within_a_small_budget_everything_arrives_in_the_end(bench: Bench) -> None:
    bench.fake.bulk.settings.page = 40
    done: set[str] = set()
    for _number in range(20):
        result = bench.pull(calls_per_run=10, bulk_threshold=30)
        done |= {each.object for each in result.objects if each.state == "done"}
        if done == {each.object for each in result.objects}:
            break
    assert len(done) == 8
    for name in done:
        held = bench.store.query(f'SELECT count(*) FROM sf."{name}"').rows().scalar()
        assert held == bench.fake.count(name), name


def test_a_bulk_job_that_the_budget_cut_short_is_taken_up_and_not_paid_for_twice(bench: Bench) -> None:
    bench.fake.bulk.settings.page = 10
    cut = bench.pull("Lead", api="bulk", calls_per_run=10)
    assert [each.object for each in cut.postponed] == ["Lead"]
    assert bench.jobs_begun() == 1
    fetched = bench.pages_fetched()
    assert fetched
    done = bench.pull("Lead", api="bulk")
    assert done.complete
    assert "took up Bulk job" in done.objects[0].notes[0]
    again = bench.pages_fetched()[len(fetched) :]
    assert again
    assert not set(fetched) & set(again)


def test_a_budget_of_no_bulk_jobs_leaves_the_small_objects_to_rest(bench: Bench) -> None:
    result = bench.pull(bulk_threshold=30, bulk_jobs_per_run=0)
    assert bench.jobs_begun() == 0
    assert {"Lead"} <= {each.object for each in result.postponed} < {each.object for each in result.objects}
    assert "Bulk jobs" in (result.postponed[0].reason or "")


def test_the_days_budget_holds_over_several_pulls_and_killed_ones_count(bench: Bench) -> None:
    first = bench.pull("User")
    with bench.store.writing() as session:
        session.execute("UPDATE sfsync.runs SET state = 'running', finished_at = NULL, api_calls = 0")
    with pytest.raises(BudgetReached, match="a day"):
        bench.pull("User", calls_per_day=first.api_calls)
    with bench.store.writing() as session:
        old = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=25)
        session.execute("UPDATE sfsync.runs SET started_at = ?, finished_at = NULL", [old])
        session.execute("UPDATE sfsync.spending SET noted_at = ?", [old])
        assert spending.spent_of_a_day(session) == Spent()
    assert bench.pull("User", calls_per_day=first.api_calls + 1).complete


def test_bulk_jobs_of_the_day_stand_in_the_ledger(bench: Bench) -> None:
    assert bench.pull("Lead", api="bulk").bulk_jobs == 1
    with bench.store.reading() as session:
        assert spending.spent_of_a_day(session).bulk_jobs == 1
    assert bench.pull("Lead", api="bulk", bulk_jobs_per_day=1).postponed


def test_a_request_that_is_sent_again_is_paid_again(bench: Bench) -> None:
    bench.pull("User")  # counts its records and asks who it is
    undisturbed = bench.pull("User").api_calls
    bench.fake.weather.add(Unavailable(), path="/query", times=3)
    assert bench.pull("User").api_calls == undisturbed + 3


def test_the_orgs_own_count_stops_a_pull_before_the_people_are_locked_out(bench: Bench) -> None:
    bench.fake.settings.daily_api_requests = 40
    result = bench.pull(reserve=0.75)
    assert result.postponed
    assert bench.counted() <= 11
    assert "kept for people" in (result.postponed[0].reason or "")
    assert bench.pull(reserve=0.0).complete


def test_a_limit_of_the_org_keeps_what_was_stored_and_ends_partial(bench: Bench) -> None:
    bench.fake.weather.add(LimitExceeded(), path="/query", nth=6, times=None)
    result = bench.pull()
    assert result.postponed
    assert {"done", "postponed"} == {each.state for each in result.objects}
    assert "last 24 hours" in (result.hint or "")
    with bench.store.reading() as session:
        assert recent_runs(session)[0].state == "partial"


def test_a_limit_of_the_org_before_anything_is_stored_means_try_later(bench: Bench) -> None:
    bench.fake.weather.add(LimitExceeded(), path="/query", times=None)
    with pytest.raises(LimitReached) as caught:
        bench.pull()
    assert caught.value.exit_code == 75
    bench.fake.weather.clear()
    assert bench.pull().complete


def test_after_a_refusal_of_the_org_nothing_more_is_asked(bench: Bench) -> None:
    bench.fake.weather.add(LimitExceeded(), path="/query", times=None)
    with pytest.raises(LimitReached):
        bench.pull()
    assert sum("/query" in call.path for call in bench.fake.requests) <= 4  # one for each thread, at most


def test_the_forecast_is_told_before_anything_is_read(bench: Bench) -> None:
    result = bench.pull()
    kinds = [type(event).__name__ for event in bench.events]
    assert kinds[0] == "PullStarted"
    told = bench.forecast
    assert not told.over_budget
    assert told.expected_calls / 2 <= result.api_calls <= told.expected_calls * 2
    bench.pull(api="bulk")
    assert bench.forecast.expected_jobs == len(bench.forecast.objects)


def test_a_forecast_beyond_the_budget_says_so_and_the_cheapest_objects_come_first(bench: Bench) -> None:
    result = bench.pull(bulk_threshold=50, calls_per_run=12)
    assert bench.forecast.over_budget
    assert bench.forecast.calls_left == 12
    begun = [event.object for event in bench.events if isinstance(event, ObjectStarted)]
    large = [bench.fake.count(name) > 50 for name in begun]
    assert large == sorted(large)
    assert len(set(large)) == 2
    assert any(each.state == "done" for each in result.objects)


def test_within_a_budget_that_never_lasts_every_object_has_its_turn(bench: Bench) -> None:
    bench.pull()
    refreshed: set[str] = set()
    for _number in range(8):
        bench.fake.clock.advance(timedelta(minutes=10))
        result = bench.pull(calls_per_run=8)
        refreshed |= {each.object for each in result.objects if each.state == "done"}
    assert refreshed == {each.object for each in result.objects}


def test_an_object_that_no_run_can_read_by_rest_is_told_with_what_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "REST_PAGE", 10)
    result = bench.pull("Lead", api="rest", calls_per_run=4)
    assert [each.state for each in result.postponed] == ["postponed"]
    assert result.hint is not None
    assert "Lead takes about" in result.hint
    assert "without `--api rest`" in result.hint


def test_calls_of_a_pull_that_fails_before_it_reads_count_towards_the_day(bench: Bench) -> None:
    for _attempt in range(2):
        with pytest.raises(UsageError):
            bench.pull("Nonsense__c")
    with bench.store.reading() as session:
        assert spending.spent_of_a_day(session).calls == bench.counted() > 0
    with pytest.raises(BudgetReached, match="a day"):
        bench.pull("Lead", calls_per_day=bench.counted())
