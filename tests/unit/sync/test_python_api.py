"""What someone writes in a notebook or in a scheduler's task: three lines, no project, nothing printed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sfsync
from sfsync.errors import RunLocked
from sfsync.fake import FakeOrg
from sfsync.sync.events import Event, ObjectResult, PageRead, PullStarted


@pytest.fixture
def fake() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(seed=5, leads=50) as org:
        yield org


def test_a_notebook_needs_an_org_a_store_and_nothing_else(
    fake: FakeOrg, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    org = sfsync.connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
    store = sfsync.open_store(tmp_path / "leads.duckdb")
    events: list[Event] = []
    result = sfsync.pull(org, store, objects=["Lead", "User"], on_event=events.append)
    assert result.complete
    leads = fake.count("Lead")
    question = store.query("SELECT Id, Status FROM sf.Lead")
    assert len(question.to_pandas()) == question.to_arrow().num_rows == leads
    assert "Status" in question._repr_html_()
    assert {type(event) for event in events} >= {PullStarted, PageRead, ObjectResult}
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["leads.duckdb", "leads.duckdb.work"]


def test_tasks_of_a_scheduler_may_share_a_store_and_send_what_they_get(fake: FakeOrg, tmp_path: Path) -> None:
    stores = [sfsync.open_store(tmp_path / f"{name}.duckdb") for name in ("one", "two", "three")]

    def task(store: sfsync.Store) -> bytes:
        org = sfsync.connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
        return pickle.dumps(sfsync.pull(org, store, objects=["User", "Account"]))

    with ThreadPoolExecutor(3) as pool:
        results = [pickle.loads(sent) for sent in pool.map(task, stores)]
    assert all(result.complete for result in results)


def test_two_tasks_on_one_mirror_are_told_of_each_other(fake: FakeOrg, tmp_path: Path) -> None:
    org = sfsync.connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
    store = sfsync.open_store(tmp_path / "one.duckdb")
    refused: list[RunLocked] = []

    def listen(event: Event) -> None:
        if isinstance(event, PullStarted):
            with pytest.raises(RunLocked) as caught:
                sfsync.pull(org, sfsync.open_store(tmp_path / "one.duckdb"), objects=["User"])
            refused.append(pickle.loads(pickle.dumps(caught.value)))

    assert sfsync.pull(org, store, objects=["User"], on_event=listen).complete
    assert "`pull` in process" in refused[0].message
