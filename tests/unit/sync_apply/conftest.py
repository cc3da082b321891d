"""A fake org, its mirror, and plans written straight into the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sfsync.fake import FakeOrg
from sfsync.salesforce import Org, connect
from sfsync.salesforce.query import query_pages
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.names import quote
from sfsync.sync.apply.events import ApplyEvent
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.result import ApplyResult
from sfsync.sync.apply.run import apply
from sfsync.sync.options import PullOptions
from sfsync.sync.plan import tables
from sfsync.sync.plan.lines import fingerprint_of
from sfsync.sync.plan.stored import Plan, PlanStep, save_plan
from sfsync.sync.pull import pull

OBJECTS = ("Lead", "Account", "Contact", "Opportunity", "User", "Campaign")
#: The org may be asked again at once: nothing in a test goes on working after its answer was lost.
QUICK = ApplyOptions(settles_after=timedelta(0), patience=20.0)


@dataclass
class Step:
    """A step as a test writes it: each change is its fields, and the columns of a plan by their names."""

    object: str
    action: str
    changes: Sequence[Mapping[str, Any]]
    key_field: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class World:
    """A fake org and a project that mirrors it."""

    fake: FakeOrg
    org: Org
    store: DuckDBStore
    workspace: Path
    waits: list[float]
    events: list[ApplyEvent] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    spare: list[str] = field(default_factory=list)
    stamps: dict[str, datetime] = field(default_factory=dict)

    def pull(self) -> None:
        self.fake.clock.advance(timedelta(minutes=6))
        pull(self.org, self.store, workspace=self.workspace, objects=OBJECTS, options=PullOptions())

    def plan(self, *steps: Step, **header: Any) -> str:
        plan_id = f"20260101T{next(self.numbers):06}Z-test"
        with self.store.writing() as session:
            tables.prepare(session)
            stored, number = [], 0
            for at, step in enumerate(steps, 1):
                number = self._fill(session, plan_id, at, step, number)
                stored.append(self._step(plan_id, at, step))
            plan = Plan(
                plan_id,
                datetime.now(UTC).replace(tzinfo=None),
                self.org.org_id,
                "push",
                "open",
                "",
                header,
                tuple(stored),
            )
            save_plan(session, replace(plan, fingerprint=fingerprint_of(session, plan)))
        return plan_id

    def _step(self, plan_id: str, at: int, step: Step) -> PlanStep:
        name = tables.step_table_name(plan_id, at)
        refused = sum(1 for change in step.changes if change.get("refused"))
        return PlanStep(
            at,
            step.object,
            step.action,
            "lead.yml",
            1,
            self._fields(step),
            step.key_field,
            name,
            len(step.changes),
            refused,
            step.options,
        )

    @staticmethod
    def _fields(step: Step) -> tuple[str, ...]:
        fixed = {*tables.FIXED, "before"}
        return tuple(dict.fromkeys(name for change in step.changes for name in change if name not in fixed))

    def _fill(self, session: Any, plan_id: str, at: int, step: Step, number: int) -> int:
        name, fields = tables.step_table_name(plan_id, at), self._fields(step)
        tables.make_step_table(session, name, fields)
        rows = []
        for change in step.changes:
            number += 1
            before = change.get("before", {})
            row = [number, change.get("source_row", number), change.get("record_id"), change.get("key")]
            row += [change.get("refused"), change.get("note"), change.get("org_stamp")]
            if step.key_field and row[3] is None:
                row[3] = change.get(step.key_field)
            for each in fields:
                row += [change.get(each), before.get(each), each in change and step.action != "delete"]
            rows.append(row)
        if rows:
            texts = [[None if value is None else str(value) for value in column] for column in zip(*rows, strict=True)]
            table = pa.table([pa.array(column, pa.string()) for column in texts], [f"c{n}" for n in range(len(texts))])
            session.connection.register("given rows", table)
            session.execute(f'INSERT INTO {tables.step_table(name)} SELECT * FROM "given rows"')
            session.connection.unregister("given rows")
        return number

    def apply(self, plan_id: str, **options: Any) -> ApplyResult:
        return apply(
            self.org,
            self.store,
            plan_id,
            workspace=self.workspace,
            options=replace(QUICK, **options),
            on_event=self.events.append,
        )

    def outcomes(self, plan_id: str) -> dict[int, tuple[str, str | None]]:
        """Change → state and code."""
        found = self.store.query(
            "SELECT change_no, state, code FROM sfsync.outcomes WHERE plan_id = ? ORDER BY change_no", [plan_id]
        ).rows()
        assert len({row[0] for row in found}) == len(found)
        return {change: (state, code) for change, state, code in found}

    def messages(self, plan_id: str) -> list[str]:
        sql = "SELECT message FROM sfsync.outcomes WHERE plan_id = ? AND message IS NOT NULL ORDER BY change_no"
        return [text for (text,) in self.store.query(sql, [plan_id]).rows()]

    def records(self, name: str, *fields: str, where: str = "") -> list[dict[str, Any]]:
        condition = f" WHERE {where}" if where else ""
        self.fake.weather.clear()
        pages = query_pages(self.org, f"SELECT Id, {', '.join(fields)} FROM {name}{condition} ORDER BY Id")
        return [{field: record[field] for field in ("Id", *fields)} for page in pages for record in page.records]

    def writes(self) -> int:
        return sum(1 for call in self.fake.requests if "/composite/" in call.path and call.method != "GET")

    def table(self, plan_id: str, step: int) -> str:
        return f"sfsync.{quote(tables.step_table_name(plan_id, step))}"


@pytest.fixture
def make_step() -> type[Step]:
    return Step


@pytest.fixture
def leads() -> Callable[..., list[dict[str, Any]]]:
    """Changes that make leads."""

    def make(count: int, **more: Any) -> list[dict[str, Any]]:
        return [{"LastName": f"Lead {n}", "Company": "Acme", "Crm_Id__c": f"c{n}", **more} for n in range(count)]

    return make


def furnish(fake: FakeOrg) -> None:
    for name in ("Lead", "Account", "Contact"):
        fake.add_field(name, "Crm_Id__c", "string", external_id=True, unique=True, length=40)


def world_of(fake: FakeOrg, folder: Path) -> World:
    waits: list[float] = []
    transport = Transport(fake.session(), policy=RetryPolicy(sleep=waits.append), env={})
    env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
    return World(fake, connect(env=env, transport=transport), DuckDBStore(folder / "mirror.duckdb"), folder, waits)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with FakeOrg.empty() as fake:
        furnish(fake)
        made = world_of(fake, tmp_path)
        made.pull()
        yield made


@pytest.fixture(scope="module")
def pulled_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One org, and the mirror of it that many tests begin with."""
    with FakeOrg.empty() as fake:
        furnish(fake)
        made = world_of(fake, tmp_path_factory.mktemp("shared"))
        made.spare = fake.insert("Lead", [{"LastName": f"Spare {n}", "Company": "Old"} for n in range(2000)])
        fake.clock.advance(timedelta(hours=1))  # what nobody has changed for so long, no apply asks for again
        made.pull()
        made.stamps = dict(made.store.query('SELECT "Id", "SystemModstamp" FROM sf."Lead"').rows().rows)
        yield made


@pytest.fixture
def shared_world(pulled_world: World, tmp_path: Path) -> World:
    """The org that many tests share, with `spare` records that no other test touches, and a mirror of one's own."""
    file = Path(shutil.copy(pulled_world.store.path, tmp_path))
    return replace(pulled_world, store=DuckDBStore(file), workspace=tmp_path, events=[])
