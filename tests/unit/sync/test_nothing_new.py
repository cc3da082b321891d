"""Pulls that find nothing new: most of all pulls, and so they must cost next to nothing, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.coverage import read_coverage
from sfsync.store.duckdb import DuckDBSession, DuckDBStore
from sfsync.store.duckdb_instances import OpenInInstance
from sfsync.store.mirror import object_states
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection


@dataclass
class Bench:
    """A fake org and its mirror."""

    fake: FakeOrg
    org: Org
    store: DuckDBStore

    def pull(self, *objects: str, **options: Any) -> PullResult:
        self.fake.clock.advance(timedelta(minutes=16))  # nothing of the pull before is within the overlap
        return pull(self.org, self.store, objects=objects or None, options=PullOptions(**options))

    def rows(self, sql: str) -> list[Any]:
        return self.store.query(sql).rows().rows

    def contents(self) -> dict[str, list[Any]]:
        return {name: self.rows(f'SELECT * FROM sf_all."{name}" ORDER BY "Id"') for name in self.states()}

    def states(self) -> dict[str, Any]:
        with self.store.reading() as session:
            return object_states(session)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=50) as fake:
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        yield Bench(fake, connect(env=env, transport=transport), DuckDBStore(tmp_path / "mirror.duckdb"))


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """What is asked of the database within the block: files opened, and statements."""
    told: dict[str, list[str]] = {"opened": [], "statements": []}
    execute: Callable[..., Any] = DuckDBSession.execute
    opening: Callable[..., Any] = OpenInInstance.__init__

    def told_execute(self: DuckDBSession, sql: str, params: Any = ()) -> Any:
        told["statements"].append(sql)
        return execute(self, sql, params)

    def told_opening(self: OpenInInstance, file: Path, **options: Any) -> None:
        told["opened"].append(str(file))
        opening(self, file, **options)

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBSession, "execute", told_execute)
        patched.setattr(OpenInInstance, "__init__", told_opening)
        yield told


def test_it_takes_few_statements_few_openings_and_two_calls_an_object(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pull()
    with counted(monkeypatch) as told:
        result = bench.pull()
    assert result.complete
    assert all(each.read == 0 for each in result.objects if each.object in {"Lead", "Account", "Contact"})
    assert len(told["statements"]) < 130
    # One for the beginning, one for the plan, and those that the readers' answers leave time to close in between.
    assert len(told["opened"]) <= 2 + len(result.objects)
    assert result.api_calls <= 2 * len(result.objects)
    written = [sql for sql in told["statements"] if sql.startswith(("INSERT", "DELETE", "UPDATE"))]
    assert not any('"sf_all"' in sql or "describes" in sql or "selections" in sql for sql in written)


def test_the_mirror_stays_as_it_was_and_its_cursors_move(bench: Bench) -> None:
    bench.pull()
    before, states = bench.contents(), bench.states()
    with bench.store.reading() as session:
        covered = read_coverage(session)
    result = bench.pull()
    assert bench.contents() == before
    for name, state in bench.states().items():
        assert state.upper_bound == result.as_of > states[name].upper_bound
        assert (state.known_from, state.rows, state.fields) == (
            states[name].known_from,
            states[name].rows,
            states[name].fields,
        )
        assert state.run_id == result.run_id
    with bench.store.reading() as session:
        for name, known in read_coverage(session).items():
            assert known.began == covered[name].began
            assert known.covered is not None
            assert known.covered > (covered[name].covered or known.covered)


def test_the_past_of_a_quiet_time_is_known_too(bench: Bench) -> None:
    bench.pull("Lead")
    quiet = bench.pull("Lead").as_of
    bench.fake.insert("Lead", [{"LastName": "Later", "Company": "Engines"}])
    bench.pull("Lead")
    before = bench.rows(as_of_sql(bench.store, "SELECT count(*) FROM sf.Lead", quiet))
    assert bench.rows("SELECT count(*) FROM sf.Lead")[0][0] == before[0][0] + 1


def test_history_that_is_switched_on_begins_even_when_nothing_is_new(bench: Bench) -> None:
    bench.pull("Lead", "LeadStatus", history=False)
    on = bench.pull("Lead", "LeadStatus").as_of
    bench.fake.insert("Lead", [{"LastName": "Later", "Company": "Engines"}])
    bench.pull("Lead", "LeadStatus")
    before = bench.rows(as_of_sql(bench.store, "SELECT count(*) FROM sf.Lead", on))
    assert bench.rows("SELECT count(*) FROM sf.Lead")[0][0] == before[0][0] + 1


def test_without_history_the_known_past_begins_anew_each_time(bench: Bench) -> None:
    bench.pull("Lead", history=False)
    upper = bench.pull("Lead", history=False).as_of
    assert bench.states()["Lead"].known_from == upper


@pytest.mark.parametrize("chosen", [{}, {"filter": "LeadSource = 'Web'"}])
def test_a_change_after_a_quiet_pull_is_seen(bench: Bench, chosen: dict[str, Any]) -> None:
    options = {"selections": {"Lead": Selection(**chosen)}}
    bench.pull("Lead", **options)
    bench.pull("Lead", **options)
    (record,) = bench.rows("SELECT min(Id) FROM sf.Lead")[0]
    bench.fake.update("Lead", record, {"Company": "Another"})
    assert bench.pull("Lead", **options).objects[0].updated == 1
    bench.fake.delete("Lead", record)
    assert bench.pull("Lead", **options).objects[0].deleted == 1


def test_a_column_that_someone_dropped_is_filled_again_though_nothing_changed_in_the_org(bench: Bench) -> None:
    bench.pull("Lead")
    with bench.store.writing() as session:
        session.execute("DROP VIEW sf.Lead")
        session.execute("ALTER TABLE sf_all.Lead DROP COLUMN Email")
    bench.pull("Lead")
    assert bench.rows("SELECT count(Email) FROM sf.Lead")[0][0] > 0
