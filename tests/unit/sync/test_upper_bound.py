from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.dml import replication as log
from sfsync.fake.weather import LateCommit, Refused
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org, connect
from sfsync.salesforce.describe import describe_objects
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.coverage import Coverage
from sfsync.store.mirror import ObjectState
from sfsync.sync.upper_bound import Asked, Bound, find_bounds

OVERLAP = timedelta(minutes=10)


class Bench:
    """A fake org whose clock stands still, and what a pull knows of it."""

    def __init__(self, fake: FakeOrg) -> None:
        fake.clock.freeze()
        self.fake = fake
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.org: Org = connect(env=env, transport=transport)
        self.describes = describe_objects(self.org, ["Lead", "LeadStatus"])

    @property
    def now(self) -> datetime:
        return self.fake.clock.stamp()

    def bound(
        self,
        last: datetime | None = None,
        *,
        lag: timedelta = timedelta(minutes=5),
        covered: datetime | None = None,
        name: str = "Lead",
    ) -> Bound:
        states = {name: ObjectState(name, last, last, 1, "run", frozenset())} if last else {}
        coverage = {name: Coverage(covered=covered)} if covered else {}
        describes: dict[str, ObjectDescribe] = {name: self.describes[name]}
        asked = Asked(describes, states, coverage, self.now, self.now - lag, OVERLAP)
        return find_bounds(self.org, asked)[name]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with FakeOrg.empty() as fake:
        yield Bench(fake)


@pytest.mark.parametrize("second", [0, 1, 31, 59])
@pytest.mark.parametrize("lag", [0, 1, 59, 61, 300])
def test_with_nothing_under_way_the_bound_is_the_clock_less_the_lag(bench: Bench, second: int, lag: int) -> None:
    bench.fake.clock.set(datetime(2026, 2, 3, 4, 5, second))
    for last in (None, bench.now - timedelta(hours=3)):
        bound = bench.bound(last, lag=timedelta(seconds=lag))
        assert bound.upper == bench.now - timedelta(seconds=lag)
        assert bound.covered is not None
        assert bound.covered <= bound.upper
        assert bound.upper - bound.covered < timedelta(minutes=1)
        assert bound.reconcile is None


def test_the_log_is_never_asked_about_the_future(bench: Bench) -> None:
    bench.fake.clock.set(datetime(2026, 2, 3, 4, 5, 59))
    bench.bound(bench.now - timedelta(hours=1), lag=timedelta(0))
    (call,) = [call for call in bench.fake.requests if call.path.endswith("/deleted")]
    assert "04%3A05%3A00" in call.query
    assert "04%3A06" not in call.query


def test_a_transaction_under_way_holds_the_bound_back(bench: Bench) -> None:
    bench.fake.weather.add(LateCommit(seconds=1000))
    bound = bench.bound(bench.now - timedelta(hours=3))
    assert bound.upper == bound.covered == bench.now - timedelta(seconds=1000)
    assert "under way since" in bound.notes[0]


def test_a_bound_never_moves_backwards_but_what_is_uncovered_is_known(bench: Bench) -> None:
    bench.fake.weather.add(LateCommit(seconds=7200))
    last = bench.now - timedelta(hours=1)
    bound = bench.bound(last)
    assert bound.upper == last
    assert bound.covered == bench.now - timedelta(seconds=7200)


def test_the_window_begins_where_the_last_one_was_not_covered(bench: Bench) -> None:
    last, covered = bench.now - timedelta(hours=1), bench.now - timedelta(hours=2)
    bound = bench.bound(last, covered=covered)
    state = ObjectState("Lead", last, last, 1, "run", frozenset())
    assert bound.begins == covered
    assert last - bound.overlap(last, state, OVERLAP) == covered - OVERLAP
    assert bound.overlap(None, state, OVERLAP) == OVERLAP


def test_an_object_that_is_not_replicateable_costs_no_call_and_keeps_the_lag(bench: Bench) -> None:
    calls = bench.org.usage.calls
    bound = bench.bound(bench.now - timedelta(hours=1), name="LeadStatus")
    assert bench.org.usage.calls == calls
    assert (bound.upper, bound.deleted) == (bench.now - timedelta(minutes=5), None)


def test_a_log_that_is_refused_is_told_and_harms_nothing(bench: Bench) -> None:
    body = b'[{"errorCode": "INSUFFICIENT_ACCESS", "message": "not yours"}]'
    bench.fake.weather.add(Refused(403, body), path="/deleted", times=None)
    bound = bench.bound(bench.now - timedelta(hours=1))
    assert bound.upper == bench.now - timedelta(minutes=5)
    assert "does not show its log of deletions" in bound.notes[0]


def test_a_pull_after_fifteen_days_must_compare_every_id(bench: Bench) -> None:
    bound = bench.bound(bench.now - timedelta(days=15, hours=1))
    assert bound.reconcile is not None
    assert "15 days ago" in bound.reconcile
    assert bound.sees_all is True
    assert bench.bound(bench.now - timedelta(days=14)).reconcile is None


def test_a_log_that_was_purged_must_not_be_trusted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BIN_TIME", timedelta(days=15))
    last = bench.now - timedelta(days=14, hours=23, minutes=55)
    bound = bench.bound(last, covered=last - timedelta(hours=1))
    assert bound.reconcile is not None
    assert "log of deletions begins at" in bound.reconcile


def test_more_deletions_than_the_org_lists_mean_that_every_id_is_compared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for record_id in bench.fake.insert("Lead", [{"LastName": "x", "Company": "X"}] * 5):
        bench.fake.delete("Lead", record_id, hard=True)
    bench.fake.clock.advance(timedelta(minutes=10))
    monkeypatch.setattr(log, "_MOST_IDS", 3)
    bound = bench.bound(bench.now - timedelta(minutes=30))
    assert bound.reconcile == "more records were deleted than the org lists"
