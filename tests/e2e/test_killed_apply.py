"""`kill -9` in the middle of an apply, then resume: nothing is written twice, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfsync.mapping.load import parse_mapping
from sfsync.store import open_store
from sfsync.sync.plan.make import make_plan

MOMENTS = 16
ACCOUNTS, CONTACTS, KEYLESS = 30, 60, 20

#: Imports once, then makes a process for every line (folder, plan, from how many changes on by Bulk, and after how many
#: seconds to kill it); what that does is `apply`, and nothing else.
APPLIER = """
import os, signal, sys, time, pathlib
from datetime import timedelta
import duckdb, sfsync
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.run import apply
from sfsync.sync.pull import pull

def work(folder, plan, bulk_from):
    with connect() as org:
        store = open_store(folder / "mirror.duckdb")
        if not plan:
            return 0 if pull(org, store, workspace=folder, objects=["Lead", "Account", "Contact"]).complete else 3
        options = ApplyOptions(bulk_from=int(bulk_from), settles_after=timedelta(seconds=2), batch_rows=10)
        done = apply(org, store, plan, workspace=folder, options=options)
    return 0 if done.complete else 4

for line in sys.stdin:
    folder, plan, bulk_from, seconds = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work(pathlib.Path(folder), plan, bulk_from)
        finally:
            sys.stderr.flush()
            os._exit(code)
    if seconds:
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

MAPPINGS = (
    """
    object: Account
    direction: push
    external_id: Crm_Id__c
    source: accounts.csv
    fields: {Name: name, Crm_Id__c: key}
    """,
    """
    object: Contact
    direction: push
    external_id: Crm_Id__c
    source: contacts.csv
    fields: {LastName: name, Crm_Id__c: key}
    lookups:
      AccountId: {object: Account, by: Crm_Id__c, local: account}
    """,
    """
    object: Lead
    direction: push
    source: leads.csv
    fields: {LastName: name, Company: company}
    """,
)


@dataclass
class Stage:
    """An org, and a mirror of it as it was when it was empty."""

    process: subprocess.Popen[str]
    served: Any
    before: Path

    def run(self, folder: Path, plan: str = "", bulk_from: int = 0, kill_after: float | None = None) -> int:
        """Apply (or pull, without a plan); kill -9 after so many seconds. The exit code, negative for a signal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder}\t{plan}\t{bulk_from}\t{'' if kill_after is None else kill_after}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def prepare(self, folder: Path, name: str) -> str:
        """A project with a plan of records whose names begin with `name`; the plan's Id."""
        shutil.copytree(self.before, folder)
        rows = {
            "accounts.csv": ["name,key", *(f"{name} A{n},{name}-a{n}" for n in range(ACCOUNTS))],
            "contacts.csv": [
                "name,key,account",
                *(f"{name} C{n},{name}-c{n},{name}-a{n % ACCOUNTS}" for n in range(CONTACTS)),
            ],
            "leads.csv": ["name,company", *(f"{name} L{n // 2},Twin" for n in range(KEYLESS))],
        }
        for file, lines in rows.items():
            (folder / file).write_text("\n".join(lines) + "\n", "utf-8")
        mappings = [
            parse_mapping(text.replace("source: ", f"source: {folder}/"), f"{number}.yml")
            for number, text in enumerate(MAPPINGS)
        ]
        return make_plan(open_store(folder / "mirror.duckdb"), mappings).id

    def records(self, soql: str) -> list[dict[str, Any]]:
        """What the org answers."""
        url = f"{self.served.url}/services/data/v66.0/query?q={urllib.parse.quote(soql)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.served.token}"})
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.served.ca_file)) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())["records"]
            return found


@pytest.fixture(scope="module")
def stage(serve_fake_org: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("killed")
    key = {"Crm_Id__c": {"type": "string", "length": 60, "external_id": True, "unique": True}}
    setup = home / "org.json"
    setup.write_text(json.dumps({"fields": dict.fromkeys(("Account", "Contact"), key)}))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SF_", "SFSYNC_", "SFDX_"))}
    with serve_fake_org("--setup", setup, "--ca-file", home / "ca.pem") as served:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", APPLIER], env=clean | served.env, **pipes) as process:  # type: ignore[call-overload]
            made = Stage(process, served, home / "before")
            made.before.mkdir()
            assert made.run(made.before) == 0
            yield made
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture(scope="module")
def undisturbed(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    """From how many changes on by Bulk → seconds that an undisturbed apply takes."""
    home, taken = tmp_path_factory.mktemp("undisturbed"), {}
    for bulk_from in (0, 2000):
        plan = stage.prepare(home / str(bulk_from), f"calm{bulk_from}")
        begun = time.monotonic()
        assert stage.run(home / str(bulk_from), plan, bulk_from) == 0
        taken[bulk_from] = time.monotonic() - begun
    return taken


def check(stage: Stage, folder: Path, name: str) -> None:
    """Every record is there once, with its parent, and every change has its outcome."""
    accounts = stage.records(f"SELECT Id, Crm_Id__c FROM Account WHERE Name LIKE '{name} %'")
    assert sorted(each["Crm_Id__c"] for each in accounts) == sorted(f"{name}-a{n}" for n in range(ACCOUNTS))
    keys = {each["Id"]: each["Crm_Id__c"] for each in accounts}
    contacts = stage.records(f"SELECT Crm_Id__c, AccountId FROM Contact WHERE LastName LIKE '{name} %'")
    found = sorted((each["Crm_Id__c"], keys[each["AccountId"]]) for each in contacts)
    assert found == sorted((f"{name}-c{n}", f"{name}-a{n % ACCOUNTS}") for n in range(CONTACTS))
    leads = Counter(
        each["LastName"] for each in stage.records(f"SELECT LastName FROM Lead WHERE LastName LIKE '{name} %'")
    )
    assert leads == {f"{name} L{n}": 2 for n in range(KEYLESS // 2)}
    outcomes = open_store(folder / "mirror.duckdb").query(
        "SELECT state, count(*), count(DISTINCT change_no), count(DISTINCT record_id) FROM sfsync.outcomes GROUP BY state"
    )
    every = ACCOUNTS + CONTACTS + KEYLESS
    assert outcomes.rows().rows == [("done", every, every, every)]


@pytest.mark.parametrize("number", range(MOMENTS))
def test_an_apply_killed_at_any_moment_and_resumed_writes_everything_once(
    number: int, stage: Stage, undisturbed: dict[int, float], tmp_path: Path
) -> None:
    chance, folder, name = random.Random(f"moment {number}"), tmp_path / "project", f"m{number}x"
    bulk_from = 0 if number % 2 else 2000
    plan = stage.prepare(folder, name)
    share = (number // 2 + chance.random()) / (MOMENTS / 2)
    stage.run(folder, plan, bulk_from, kill_after=undisturbed[bulk_from] * share)
    for _ in range(2):  # and again, while it is being taken up
        stage.run(folder, plan, bulk_from, kill_after=undisturbed[bulk_from] * chance.random())
    for _ in range(8):
        state = open_store(folder / "mirror.duckdb").query("SELECT state FROM sfsync.plans").rows().scalar()
        if state == "applied":
            break
        if stage.run(folder, plan, bulk_from) == 4:
            time.sleep(1)  # a request without an answer may be at work for two seconds
    check(stage, folder, name)
