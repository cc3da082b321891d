from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import MappingError, SessionExpired, UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.bulk.settings import Transition
from sfsync.fake.weather import ExpiredSession, Truncated, Unavailable, WrongCount
from sfsync.mapping.load import parse_mapping
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import recent_runs
from sfsync.store.mirror import object_states, read_state
from sfsync.sync.events import Event, JobStateSeen, ObjectResult, PageRead
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull

LAG = timedelta(minutes=5)


@dataclass
class Bench:
    """A fake org, and a project that mirrors it."""

    fake: FakeOrg
    org: Org
    store: DuckDBStore
    workspace: Path
    events: list[Event] = field(default_factory=list)

    def pull(self, *objects: str, **options: Any) -> PullResult:
        mappings = [parse_mapping(text) for text in options.pop("mappings", ())]
        return pull(
            self.org,
            self.store,
            workspace=self.workspace,
            objects=objects or None,
            mappings=mappings,
            options=PullOptions(**options),
            on_event=self.events.append,
        )

    def one(self, name: str = "Lead", **options: Any) -> ObjectResult:
        (result,) = self.pull(name, **options).objects
        return result

    def settle(self) -> None:
        """Let time pass until what was just committed lies before the next upper bound."""
        self.fake.clock.advance(LAG + timedelta(seconds=2))

    def ids(self, name: str = "Lead", schema: str = "sf") -> set[str]:
        return {row[0] for row in self.store.query(f'SELECT "Id" FROM {schema}."{name}"').rows()}

    def fake_rows(self, name: str) -> list[tuple[Any, ...]]:
        """Every record of the org, deleted ones included."""
        with self.fake.database.reading() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(f'SELECT "Id" FROM "{name}"').fetchall()
            return rows

    def value(self, sql: str) -> Any:
        return self.store.query(sql).rows().scalar()


def make_bench(fake: FakeOrg, folder: Path) -> Bench:
    transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
    env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
    return Bench(fake, connect(env=env, transport=transport), DuckDBStore(folder / "mirror.duckdb"), folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=120) as fake:
        yield make_bench(fake, tmp_path)


def new_lead(bench: Bench, name: str = "Ada") -> str:
    (record_id,) = bench.fake.insert("Lead", [{"LastName": name, "Company": "Analytical Engines"}])
    return record_id


@pytest.mark.parametrize("api", ["rest", "bulk", "auto"])
def test_a_first_pull_mirrors_every_record_of_every_object(bench: Bench, api: str) -> None:
    result = bench.pull(api=api)
    assert not result.failed, result.failed
    for each in result.objects:
        assert each.state == "done", each
        assert bench.value(f'SELECT count(*) FROM sf."{each.object}"') == bench.fake.count(each.object)
    assert {each.object for each in result.objects} >= {"Lead", "Opportunity", "OpportunityHistory", "LeadStatus"}


def test_rest_and_bulk_give_the_same_mirror_to_the_last_value(bench: Bench, tmp_path: Path) -> None:
    other = make_bench(bench.fake, tmp_path / "other")
    bench.pull(api="rest")
    other.pull(api="bulk")
    for name in ("Lead", "Account", "Contact", "Opportunity", "OpportunityHistory", "User"):
        rest, bulk = (
            each.store.query(f'SELECT * FROM sf_all."{name}" ORDER BY "Id"').rows() for each in (bench, other)
        )
        assert rest == bulk
        assert len(rest) > 0


def test_the_mirror_holds_what_the_org_holds_to_the_last_value(bench: Bench) -> None:
    bench.pull(api="bulk")
    for row in bench.store.query("SELECT * FROM sf_all.Lead").rows().dicts():
        there = bench.fake.record("Lead", row["Id"])
        assert there is not None
        for name, value in row.items():
            expected = there[name]
            if hasattr(expected, "tzinfo") and expected.tzinfo is not None:
                expected = expected.replace(tzinfo=None)
            assert value == (expected if expected != "" else None), (row["Id"], name)


def test_a_second_pull_reads_only_what_changed(bench: Bench) -> None:
    bench.one()
    record_id = new_lead(bench)
    bench.settle()
    result = bench.one()
    assert (result.inserted, result.updated, result.deleted) == (1, 0, 0)
    assert result.read < 20
    assert record_id in bench.ids()


def test_a_change_waits_until_it_lies_before_the_upper_bound(bench: Bench) -> None:
    bench.one()
    record_id = new_lead(bench)
    assert record_id not in bench.ids() | (bench.one() and bench.ids())
    bench.settle()
    bench.one()
    assert record_id in bench.ids()


def test_a_record_committed_late_is_found_by_the_overlap(bench: Bench) -> None:
    bench.settle()
    first = bench.pull("Lead")
    record_id = new_lead(bench, "Late")
    # Its transaction began before the first pull's bound and committed after that pull had read.
    bench.fake.update("Lead", record_id, {"SystemModstamp": first.as_of - timedelta(minutes=1)})
    bench.settle()
    assert bench.one().inserted == 1
    assert record_id in bench.ids()


def test_changes_and_deletes_arrive(bench: Bench) -> None:
    bench.one()
    changed, deleted = sorted(bench.ids())[:2]
    bench.fake.update("Lead", changed, {"Company": "Renamed"})
    bench.fake.delete("Lead", deleted)
    bench.settle()
    result = bench.one()
    assert (result.inserted, result.updated, result.deleted) == (0, 1, 1)
    assert deleted not in bench.ids()
    assert deleted in bench.ids(schema="sf_all")
    assert bench.value(f"SELECT Company FROM sf.Lead WHERE Id = '{changed}'") == "Renamed"


def test_a_stage_that_the_org_no_longer_lists_is_gone_from_the_mirror(bench: Bench) -> None:
    bench.one("OpportunityStage")
    stage = min(bench.ids("OpportunityStage"))
    bench.fake.delete("OpportunityStage", stage, hard=True)
    assert bench.one("OpportunityStage").vanished == 1
    assert stage not in bench.ids("OpportunityStage")


def test_a_new_field_is_filled_for_records_that_did_not_change(bench: Bench) -> None:
    bench.one()
    bench.fake.add_field("Lead", "Score__c", "double")
    record_id = min(bench.ids())
    stamp = bench.value(f"SELECT SystemModstamp FROM sf.Lead WHERE Id = '{record_id}'")
    bench.fake.update("Lead", record_id, {"Score__c": 7.5, "SystemModstamp": stamp})
    result = bench.one()
    assert "Score__c" in result.notes[0]
    assert bench.value(f"SELECT Score__c FROM sf.Lead WHERE Id = '{record_id}'") == 7.5


def test_a_field_that_is_no_longer_readable_is_reported_and_never_nulled(bench: Bench) -> None:
    bench.one()
    emails = bench.value("SELECT count(Email) FROM sf.Lead")
    bench.fake.hide("Lead", "Email")
    record_id = min(bench.ids())
    bench.fake.update("Lead", record_id, {"Company": "Renamed"})
    bench.settle()
    assert "no longer readable" in bench.one().notes[0]
    assert bench.value("SELECT count(Email) FROM sf.Lead") == emails > 0


def test_an_object_the_user_may_not_see_is_left_out_and_named(bench: Bench) -> None:
    bench.fake.hide("OpportunityHistory")
    skipped = [each for each in bench.pull().objects if each.state == "skipped"]
    assert [each.object for each in skipped] == ["OpportunityHistory"]
    assert skipped[0].reason


@pytest.mark.parametrize(
    "trouble", [Truncated(), WrongCount(by=1), WrongCount(by=-1)], ids=["cut off", "one too many", "one too few"]
)
def test_a_bulk_page_that_is_not_what_was_announced_leaves_the_mirror_as_it_was(bench: Bench, trouble: Any) -> None:
    bench.one(api="bulk")
    before = bench.ids()
    new_lead(bench)
    bench.settle()
    bench.fake.weather.add(trouble, path="/results", times=None)
    failed = bench.one(api="bulk")
    assert failed.state == "failed"
    assert bench.ids() == before
    bench.fake.weather.clear()
    assert bench.one(api="bulk").inserted == 1


def test_one_object_that_fails_leaves_the_others_up_to_date(bench: Bench) -> None:
    bench.fake.weather.add(Truncated(), path="/results", times=None)
    result = bench.pull(bulk_threshold=100)
    assert [each.object for each in result.failed] == [
        each.object for each in result.objects if each.object in {"Lead", "OpportunityHistory"}
    ]
    assert bench.ids("Account")
    with bench.store.reading() as session:
        assert recent_runs(session)[0].state == "partial"


def test_trouble_that_passes_is_weathered(bench: Bench) -> None:
    bench.fake.weather.add(Unavailable(), path="/query", nth=1)
    bench.fake.weather.add(Unavailable(), path="/describe", nth=3)
    assert not bench.pull().failed


def test_a_session_that_ends_stops_the_pull_and_keeps_what_was_finished(bench: Bench) -> None:
    bench.fake.weather.add(ExpiredSession(), path="/queryAll", nth=3)
    with pytest.raises(SessionExpired):
        bench.pull()
    with bench.store.reading() as session:
        assert recent_runs(session)[0].state == "failed"
        assert read_state(session).objects
    bench.fake.weather.clear()
    assert not bench.pull().failed


def test_the_cursor_never_moves_backwards(bench: Bench) -> None:
    first = bench.pull("Lead")
    bench.pull("Lead", lag=timedelta(hours=1))
    with bench.store.reading() as session:
        assert read_state(session).as_of == first.as_of


class Killed(BaseException):
    """Stands for a kill at a certain moment: nothing in the code under test may catch it."""


def kill_at(bench: Bench, kind: type[Event], number: int = 1) -> None:
    """Pull until the number-th event of a kind, and die there."""
    seen = 0

    def listen(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == number:
            raise Killed

    with pytest.raises(Killed):
        pull(
            bench.org,
            bench.store,
            workspace=bench.workspace,
            objects=["Lead"],
            options=PullOptions(api="bulk"),
            on_event=listen,
        )


def bulk_requests(bench: Bench, path: str, method: str = "GET") -> int:
    return sum(call.method == method and call.path.endswith(path) for call in bench.fake.requests)


@pytest.mark.parametrize(("kind", "number"), [(JobStateSeen, 1), (PageRead, 1), (PageRead, 3)])
def test_a_killed_pull_is_taken_up_with_its_job_and_its_pages(bench: Bench, kind: type[Event], number: int) -> None:
    bench.fake.bulk.settings.page = 30
    kill_at(bench, kind, number)
    fetched = len([call for call in bench.fake.requests if "/results" in call.path])
    result = bench.one(api="bulk")
    assert "took up Bulk job" in result.notes[0]
    # One new job only: the one that reads what changed since.
    assert bulk_requests(bench, "/jobs/query", "POST") == 2
    assert bench.ids("Lead", "sf_all") == {row[0] for row in bench.fake_rows("Lead")}
    pages = -(-len(bench.ids("Lead", "sf_all")) // 30)
    again = len([call for call in bench.fake.requests if "/results" in call.path]) - fetched
    if kind is PageRead:
        assert again <= pages - number + 2


def test_a_pull_that_is_killed_again_while_it_reads_what_came_since_keeps_both_jobs(bench: Bench) -> None:
    bench.fake.bulk.settings.page = 30
    kill_at(bench, PageRead)
    new_lead(bench)
    bench.settle()
    pages = -(-len(bench.fake_rows("Lead")) // 30)
    kill_at(bench, PageRead, pages + 1)  # the first page of the second job
    result = bench.one(api="bulk")
    assert sum("took up Bulk job" in note for note in result.notes) == 2
    assert bulk_requests(bench, "/jobs/query", "POST") == 3
    assert bench.ids("Lead", "sf_all") == {row[0] for row in bench.fake_rows("Lead")}
    assert bench.org.get_json(bench.org.data_path("jobs", "query"))["records"] == []
    assert not list((bench.workspace / "spool").iterdir())


def test_a_job_that_the_org_has_dropped_is_begun_anew(bench: Bench) -> None:
    kill_at(bench, PageRead)
    (job,) = bench.org.get_json(bench.org.data_path("jobs", "query"))["records"]
    bench.org.delete(bench.org.data_path("jobs", "query", job["id"]))
    result = bench.one(api="bulk")
    assert not result.notes
    assert result.inserted == len(bench.ids("Lead", "sf_all"))


def test_a_job_that_never_ends_holds_an_object_up_once_and_is_given_up_by_the_next_pull(bench: Bench) -> None:
    bench.fake.bulk.settings.transition = Transition(stuck=True)
    held = bench.one(api="bulk")
    assert held.state == "failed"
    assert "is not ready" in str(held.reason)
    bench.fake.bulk.settings.transition = Transition()
    result = bench.one(api="bulk")
    assert result.state == "done"
    assert bench.ids("Lead", "sf_all") == {row[0] for row in bench.fake_rows("Lead")}
    (stuck,) = bench.org.get_json(bench.org.data_path("jobs", "query"))["records"]
    assert stuck["state"] == "Aborted"


def test_a_job_of_other_fields_is_not_taken_up(bench: Bench) -> None:
    kill_at(bench, PageRead)
    bench.fake.add_field("Lead", "Score__c", "double")
    assert not any("took up" in note for note in bench.one(api="bulk").notes)


def test_what_a_killed_pull_spooled_is_not_taken_for_an_answer(bench: Bench) -> None:
    leftover = bench.workspace / "spool" / "Lead"
    leftover.mkdir(parents=True)
    (leftover / "00001.csv").write_text("Id\nnot-a-lead\n")
    bench.pull("Lead")
    assert "not-a-lead" not in bench.ids()
    assert not leftover.exists()


def test_nothing_stays_in_the_spool_and_no_job_in_the_org(bench: Bench) -> None:
    bench.pull(api="bulk")
    assert not list((bench.workspace / "spool").iterdir())
    assert bench.org.get_json(bench.org.data_path("jobs", "query"))["records"] == []


def test_mappings_become_local_tables(bench: Bench) -> None:
    text = "version: 1\nobject: Lead\ntable: crm.leads\nfields:\n  Email: email\n  Status: stage\n"
    result = bench.pull(mappings=[text])
    assert result.local_tables == ("crm.leads",)
    assert bench.value("SELECT count(*) FROM crm.leads") == bench.fake.count("Lead")


def test_a_faulty_mapping_stops_the_pull_before_anything_is_read(bench: Bench) -> None:
    text = "version: 1\nobject: Lead\ntable: crm.leads\nfields:\n  Emial: email\n"
    with pytest.raises(MappingError, match=r":5:3: .*Email"):
        bench.pull(mappings=[text])
    with bench.store.reading() as session:
        assert object_states(session) == {}
        (run,) = recent_runs(session)
    assert run.state == "failed"
    assert run.api_calls > 0  # they count towards the day


def test_a_pull_of_chosen_objects_leaves_other_mappings_alone(bench: Bench) -> None:
    leads = "version: 1\nobject: Lead\ntable: crm.leads\nfields:\n  Email: email\n"
    users = "version: 1\nobject: User\ntable: crm.users\nfields:\n  Email: email\n"
    assert bench.pull("Lead", mappings=[leads, users]).local_tables == ("crm.leads",)
    assert bench.pull("User", mappings=[leads, users]).local_tables == ("crm.leads", "crm.users")


def test_a_mirror_is_of_one_org(bench: Bench) -> None:
    bench.one()
    with bench.store.writing() as session:
        session.execute("UPDATE sfsync.facts SET value = '00D000000000099EAA' WHERE name = 'org_id'")
    with pytest.raises(UsageError, match="00D000000000099EAA"):
        bench.one()


def test_events_tell_the_whole_story(bench: Bench) -> None:
    bench.one(api="bulk")
    kinds = [type(event).__name__ for event in bench.events]
    assert kinds[0] == "PullStarted"
    assert kinds[1] == "ObjectStarted"
    assert "JobStateSeen" in kinds
    assert kinds[-2:] == ["PageRead", "ObjectResult"]


def test_an_earlier_pull_can_be_asked_again_as_it_was(bench: Bench) -> None:
    first = bench.pull("Lead")
    record_id = min(bench.ids())
    company = bench.value(f"SELECT Company FROM sf.Lead WHERE Id = '{record_id}'")
    bench.fake.update("Lead", record_id, {"Company": "Renamed"})
    born = new_lead(bench)
    bench.settle()
    bench.pull("Lead")
    then = as_of_sql(bench.store, "SELECT Id, Company FROM sf.Lead", first.as_of)
    before = dict(bench.store.query(then).rows().rows)
    assert before[record_id] == company
    assert born not in before


def test_an_object_without_history_keeps_no_versions(bench: Bench) -> None:
    bench.pull("Lead", without_history=frozenset({"lead"}))
    assert bench.value("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'sf_history'") == 0


def test_nothing_changed_costs_two_calls_an_object(bench: Bench) -> None:
    bench.pull()
    calls = bench.org.usage.calls
    result = bench.pull()
    objects = sum(each.state == "done" for each in result.objects)
    assert bench.org.usage.calls - calls <= 2 * objects + 1
