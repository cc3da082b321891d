from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import SfsyncError, StoreError
from sfsync.fake import FakeOrg
from sfsync.fake.bulk.settings import Transition
from sfsync.fake.weather import Truncated
from sfsync.salesforce import connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import recent_runs
from sfsync.sync.events import Event, JobStateSeen, ObjectResult, ObjectStarted, PageRead
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.read_ahead import WAITING

Puller = Callable[..., PullResult]


@pytest.fixture
def fake() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(seed=5, leads=60) as org:
        yield org


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "mirror.duckdb")


@pytest.fixture
def puller(fake: FakeOrg, store: DuckDBStore) -> Puller:
    policy = RetryPolicy(sleep=lambda _seconds: None)
    env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
    org = connect(env=env, transport=Transport(fake.session(), env={}, policy=policy))

    def begin(*objects: str, on_event: Callable[[Event], None] = lambda _event: None, **options: Any) -> PullResult:
        return pull(org, store, objects=objects or None, options=PullOptions(**options), on_event=on_event)

    return begin


def custom_objects(fake: FakeOrg, number: int) -> list[str]:
    """So many custom objects, alike but for their names, each with its number of records."""
    like = fake.database.catalog.facts("Campaign")
    assert like is not None
    names = []
    for each in range(number):
        name = f"Deal{each}__c"
        fake.database.add_object(replace(like, name=name, label=name, plural=name, prefix=f"a{each:02}"))
        fake.insert(name, [{"Name": f"deal {row}"} for row in range(each)])
        names.append(name)
    return names


def test_more_than_thirty_objects_in_one_run(fake: FakeOrg, store: DuckDBStore, puller: Puller) -> None:
    names = [*custom_objects(fake, 24), "Account", "Contact", "Lead", "Opportunity", "User", "LeadStatus", "Task"]
    fake.clock.advance(timedelta(minutes=6))  # what was written just now lies before the bound
    result = puller(*names)
    assert len(result.objects) == 31
    assert result.complete
    assert [each.object for each in result.objects] == names  # told in the order chosen, whatever came first
    for name in names:
        assert store.query(f'SELECT count(*) FROM sf."{name}"').rows().scalar() == fake.count(name), name


def test_objects_are_read_at_the_same_time_and_no_more_than_so_many(fake: FakeOrg, puller: Puller) -> None:
    names = custom_objects(fake, 8)
    under_way: set[str] = set()
    most = 0

    def listen(event: Event) -> None:
        nonlocal most
        if isinstance(event, ObjectStarted):
            under_way.add(event.object)
            most = max(most, len(under_way))
        elif isinstance(event, ObjectResult):
            under_way.discard(event.object)

    assert puller(*names, on_event=listen, concurrency=3).complete
    assert 1 < most <= 3 + WAITING


def test_events_come_one_at_a_time_though_several_threads_have_something_to_tell(puller: Puller) -> None:
    busy = threading.Lock()
    threads: set[str] = set()

    def listen(event: Event) -> None:
        assert busy.acquire(blocking=False), f"{event} came while another was being told"
        threads.add(threading.current_thread().name)
        busy.release()

    assert puller(on_event=listen, bulk_threshold=50).complete
    assert len(threads) > 2


def test_one_reader_or_many_give_the_same_mirror(fake: FakeOrg, tmp_path: Path, puller: Puller, store: Any) -> None:
    puller(concurrency=6, bulk_threshold=50)
    org = connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
    other = DuckDBStore(tmp_path / "other.duckdb")
    pull(org, other, options=PullOptions(concurrency=1, bulk_threshold=50))
    for name in ("Lead", "Account", "Contact", "Opportunity", "OpportunityHistory", "User"):
        ours, theirs = (each.query(f'SELECT * FROM sf_all."{name}" ORDER BY "Id"').rows() for each in (store, other))
        assert ours == theirs


def test_an_object_that_fails_leaves_those_alone_that_are_read_beside_it(fake: FakeOrg, puller: Puller) -> None:
    fake.weather.add(Truncated(), path="/results", times=None)
    result = puller(bulk_threshold=50)
    states = {each.object: each.state for each in result.objects}
    assert states["Lead"] == "failed"
    assert states["User"] == "done"
    assert states["LeadStatus"] == "done"


@pytest.mark.parametrize("kind", [ObjectStarted, JobStateSeen, PageRead, ObjectResult])
def test_an_interrupt_at_any_moment_ends_every_thread_and_the_next_pull_goes_on(
    fake: FakeOrg, store: DuckDBStore, puller: Puller, kind: type[Event]
) -> None:
    seen = 0

    def listen(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == 2 and isinstance(event, kind):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        puller(on_event=listen, bulk_threshold=50)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read-", "bulk-"))]
    with store.reading() as session:
        (run,) = recent_runs(session)
    assert run.state == "failed"
    assert run.summary["error"] == "interrupted"
    assert puller(bulk_threshold=50).complete
    assert store.query("SELECT count(*) FROM sf.Lead").rows().scalar() == fake.count("Lead")


def test_an_error_of_the_store_ends_the_pull_and_its_threads(
    puller: Puller, store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    puller("LeadStatus")

    def full(*_arguments: Any, **_options: Any) -> Any:
        raise StoreError("the database could not write its files: No space left on device")

    monkeypatch.setattr("sfsync.sync.one_object.merge_pages", full)
    with pytest.raises(StoreError):
        puller()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-")]
    monkeypatch.undo()
    assert puller().complete


def test_a_spool_that_cannot_be_written_ends_the_pull_with_a_clear_error(
    puller: Puller, store: DuckDBStore, tmp_path: Path
) -> None:
    puller("User")
    spool = tmp_path / "mirror.duckdb.work" / "spool"
    for leftover in spool.parent.glob("spool/*"):
        leftover.rmdir()
    spool.rmdir()
    spool.write_text("a file where the folder should be")
    with pytest.raises(SfsyncError, match="spool") as caught:
        puller()
    assert caught.value.hint
    assert store.query("SELECT count(*) FROM sf.User").rows().scalar()
    spool.unlink()
    assert puller().complete


PULL = """
import signal, sys
from sfsync.cli import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
sys.exit(run(["pull", "--project", sys.argv[1], "--api", "bulk"]))
"""


def test_control_c_while_the_org_works_on_a_job_exits_130_and_leaves_a_job_to_take_up(
    fake: FakeOrg, tmp_path: Path
) -> None:
    fake.bulk.settings.transition = Transition(stuck=True)
    with fake.serve() as server:
        env = {
            "SF_ACCESS_TOKEN": server.token,
            "SF_ORG_INSTANCE_URL": server.url,
            "REQUESTS_CA_BUNDLE": str(server.ca_file),
            "PATH": "",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        with subprocess.Popen(
            [sys.executable, "-c", PULL, str(tmp_path)], stderr=subprocess.PIPE, env=env, text=True
        ) as process:
            while not any((tmp_path / ".sfsync" / "spool").glob("*/job.json")):
                assert process.poll() is None, process.stderr and process.stderr.read()
                threading.Event().wait(0.05)
            process.send_signal(signal.SIGINT)
            _out, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "interrupted" in told
    assert list((tmp_path / ".sfsync" / "spool").glob("*/job.json"))
