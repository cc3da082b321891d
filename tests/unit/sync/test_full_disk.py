"""A disk that is full is played by a limit on the size of files: permission bits do not bind a root user."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.salesforce import connect
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.pull import pull

PULL = """
import json, resource, sys
from pathlib import Path
from sfsync.errors import SfsyncError
from sfsync.salesforce import connect
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import pull

folder, api, limit, token, url = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
org = connect(access_token=token, instance_url=url)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    result = pull(org, DuckDBStore(folder / "mirror.duckdb"), options=PullOptions(api=api))
    told = {"complete": result.complete, "failed": [each.reason for each in result.failed]}
except SfsyncError as error:
    told = {"error": type(error).__name__, "message": error.message, "hint": error.hint, "code": error.exit_code}
print(json.dumps(told))
"""


class Disk:
    """A client whose files cannot grow beyond a limit, and an org in this process that has all the room it wants."""

    def __init__(self, fake: FakeOrg, server: Any, folder: Path) -> None:
        self.store = DuckDBStore(folder / "mirror.duckdb")
        self.folder = folder
        self.org = connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
        self._server = server

    def pull(self, limit: int, api: str = "bulk") -> dict[str, Any]:
        server = self._server
        env = {"REQUESTS_CA_BUNDLE": str(server.ca_file), "PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", PULL, str(self.folder), api, str(limit), server.token, server.url],
            capture_output=True,
            text=True,
            check=False,
            env=env,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def rows(self) -> dict[str, Any]:
        """What the mirror holds of each object; nothing before there is one."""
        if not self.store.exists():
            return {}
        there = self.store.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sf_all'")
        return {
            name: self.store.query(f'SELECT * FROM sf_all."{name}" ORDER BY "Id"').rows().rows
            for (name,) in there.rows()
        }


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeOrg, Any]]:
    with ExitStack() as stack:
        fake = stack.enter_context(FakeOrg.seeded(seed=5, leads=300))
        yield fake, stack.enter_context(fake.serve())


@pytest.fixture
def disk(served: tuple[FakeOrg, Any], tmp_path: Path) -> Disk:
    return Disk(*served, tmp_path)


@pytest.mark.parametrize(("api", "limit"), [("rest", 100_000), ("bulk", 100_000), ("rest", 40_000), ("bulk", 40_000)])
def test_a_disk_that_is_full_ends_the_pull_with_a_clear_error_and_loses_nothing(
    disk: Disk, api: str, limit: int
) -> None:
    pull(disk.org, disk.store, objects=["User", "Account"])
    before = disk.rows()
    told = disk.pull(limit, api)
    assert told.get("code") == 3, told
    assert "disk space" in told["hint"], told
    assert "Traceback" not in told["message"]
    after = disk.rows()
    assert {name: after[name] for name in before} == before
    assert pull(disk.org, disk.store).complete


@pytest.mark.parametrize("limit", [300_000, 400_000, 600_000, 1_000_000])
def test_a_store_that_cannot_grow_holds_what_the_last_finished_object_left_and_can_be_pulled_again(
    disk: Disk, limit: int
) -> None:
    told = disk.pull(limit)
    if not told.get("complete"):
        assert told.get("code") == 3, told
        assert "disk space" in told["hint"], told
    partial = disk.rows()
    assert pull(disk.org, disk.store).complete
    whole = disk.rows()
    assert all(len(rows) in {0, len(whole[name])} for name, rows in partial.items())
