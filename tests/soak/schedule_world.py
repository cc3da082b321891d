"""What one schedule is played on: a small fake org, a mirror of it, and the questions that prove them equal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sfsync.errors import UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.dml.bin import purge
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBSession, DuckDBStore
from sfsync.store.duckdb_instances import OpenAlone
from sfsync.store.mirror import ObjectState, object_states
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.verify import VerifyOptions, verify

BEGIN = datetime(2026, 1, 31, 12)
LAG = timedelta(minutes=5)
STAMP = "SystemModstamp"

#: How far the clock of the host that answers may be off, in the weather of a schedule.
SKEW = timedelta(seconds=240)

#: What the user of a schedule may see. Fewer columns make a schedule ten times as fast, and miss nothing: what differs
#: from field to field is in the tests of values.
VISIBLE = {
    "Account": "Name AnnualRevenue Description MasterRecordId",
    "Contact": "LastName FirstName Name AccountId Email Description MasterRecordId",
    "Lead": "LastName Company Name Email Status AnnualRevenue Description MasterRecordId BillingStreet Street City",
    "OpportunityStage": "ApiName MasterLabel IsActive SortOrder",
}
SYSTEM = "Id IsDeleted CreatedDate CreatedById LastModifiedDate LastModifiedById OwnerId SystemModstamp"

Row = dict[str, Any]


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


class Broken(AssertionError):
    """A promise that did not hold."""


@dataclass
class Boundaries:
    """Every moment at which a pull may be struck: before and after each request, statement and commit.

    Attributes:
        kill_at: At this one (counted from 1) the process dies; None for never.
        disturb_at: At this one somebody else works in the org.
        disturb: What they do.
    """

    kill_at: int | None = None
    disturb_at: int | None = None
    disturb: Callable[[], None] = lambda: None
    passed: int = 0
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, _name: str) -> None:
        """Come to a boundary; once dead, no thread of the process does anything more."""
        with self.lock:
            self.passed += 1
            number = self.passed
        if self.dead or number == self.kill_at:
            self.dead = True
            raise Killed
        if number == self.disturb_at:
            self.disturb()


class SwiftStore(DuckDBStore):
    """The store in memory, which halves the time of a schedule; one in twenty schedules uses the real file.

    Sessions, transactions, and what a kill leaves of them, are the store's own.
    """

    keeper: duckdb.DuckDBPyConnection | None = None

    def exists(self) -> bool:
        """Whether anything was written yet."""
        return self.keeper is not None

    def _create(self) -> None:
        self.keeper = duckdb.connect(":memory:")
        self.keeper.execute("SET threads = 1")

    def _open(self, *, read_only: bool, strange: bool = False) -> OpenAlone:
        del read_only, strange
        assert self.keeper is not None
        return OpenAlone(self.keeper.cursor())

    def release(self) -> None:
        """Free the memory."""
        if self.keeper is not None:
            self.keeper.close()


@contextmanager
def watched(boundaries: Boundaries, org: Org) -> Iterator[None]:
    """Let every request, statement and commit within the block pass the boundaries."""
    del org
    execute, load, writing = DuckDBSession.execute, DuckDBSession.load_csv, DuckDBStore.writing

    def watched_execute(self: DuckDBSession, sql: str, params: Any = ()) -> Any:
        boundaries.reach("statement")
        return execute(self, sql, params)

    def watched_load(self: DuckDBSession, *args: Any, **kwargs: Any) -> Any:
        boundaries.reach("before load")
        loaded = load(self, *args, **kwargs)
        boundaries.reach("after load")
        return loaded

    @contextmanager
    def watched_writing(self: DuckDBStore) -> Iterator[DuckDBSession]:
        with writing(self) as session:
            yield session
            boundaries.reach("before commit")
        boundaries.reach("after commit")

    DuckDBSession.execute, DuckDBSession.load_csv = watched_execute, watched_load  # type: ignore[method-assign]
    DuckDBStore.writing = watched_writing  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        DuckDBSession.execute, DuckDBSession.load_csv = execute, load  # type: ignore[method-assign]
        DuckDBStore.writing = writing  # type: ignore[method-assign]


@dataclass(frozen=True)
class Plan:
    """How the pulls of one schedule are made.

    Attributes:
        objects: API names.
        history: Whether versions are kept.
        api: rest, bulk or auto.
        swift: Whether the store's file stays open between sessions.
        page: Records a page, of either API.
        renews: Whether the login can be repeated when a session ends.
        concurrency: How many objects are read at once.
        verifies: Whether `verify` is asked in the end as well.
    """

    objects: tuple[str, ...]
    history: bool = True
    api: str = "auto"
    swift: bool = True
    page: int = 3
    renews: bool = False
    concurrency: int = 1
    verifies: bool = False


class World:
    """A fake org, a project that mirrors it, and what was seen of both."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.fake = FakeOrg.empty(clock=Clock(BEGIN, ticking=False))
        self.fake.settings.query_page = plan.page
        self.fake.bulk.settings.page = plan.page
        for name in plan.objects:
            self._narrow(name)
        self.boundaries = Boundaries()
        kind = SwiftStore if plan.swift else DuckDBStore
        self.store = kind(folder / "mirror.duckdb")
        self.org = self.login()
        #: Object → upper bound → what the mirror held when its cursor stood there.
        self.left: dict[str, dict[datetime, list[Row]]] = {name: {} for name in plan.objects}
        self.columns: dict[str, dict[str, str]] = {}
        #: (object, field) → Id → the value that must stay while the field cannot be read.
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}
        self.retyped: set[tuple[str, str]] = set()
        self.serial = 0
        #: What the mirror holds, and where its cursors stand.
        self.held: dict[str, list[Row]] = {}
        self.cursors: dict[str, ObjectState] = {}

    def close(self) -> None:
        """Free everything."""
        if isinstance(self.store, SwiftStore):
            self.store.release()
        self.fake.close()

    def _narrow(self, name: str) -> None:
        wanted = set(f"{VISIBLE[name]} {SYSTEM}".split())
        for one in self.fake.catalog.facts(name).fields:  # type: ignore[union-attr]
            if one.name not in wanted and one.has("p"):
                self.fake.hide(name, one.name)

    def login(self) -> Org:
        """Log in anew, as a new process would."""
        session = self.fake.session()
        door = session.get_adapter("https://")
        send = door.send

        def watched_send(*args: Any, **kwargs: Any) -> Any:
            self.boundaries.reach("before request")
            answer = send(*args, **kwargs)
            self.boundaries.reach("after request")
            return answer

        door.send = watched_send  # type: ignore[method-assign]
        # Waiting is time that passes in the org.
        policy = RetryPolicy(sleep=lambda seconds: self.fake.clock.advance(timedelta(seconds=seconds)))
        env = {
            "SF_ACCESS_TOKEN": self.fake.access.issue(self.fake.admin_id),
            "SF_ORG_INSTANCE_URL": self.fake.instance_url,
        }
        if self.plan.renews:
            known = self.fake.credentials
            env = {
                "SF_CLIENT_ID": known.client_id,
                "SF_CLIENT_SECRET": known.client_secret,
                "SF_ORG_INSTANCE_URL": self.fake.instance_url,
            }
        return connect(env=env, transport=Transport(session, env={}, policy=policy))

    # --- what the mirror and the org hold -----------------------------------------------------------------------

    def mirrored(self, name: str) -> list[Row]:
        """Every record of the mirror, by Id, as the last pull or repair left it."""
        return self.held.get(name, [])

    def look(self) -> None:
        """Read the mirror and its cursors."""
        if self.store.exists():
            with self.store.reading() as session:
                self.cursors = object_states(session)
                for name in self.cursors:
                    self.held[name] = session.execute(f'SELECT * FROM sf_all."{name}" ORDER BY "Id"').dicts()

    def there(self, name: str) -> dict[str, Row]:
        """Every record of the org by Id, those in the recycle bin too."""
        self.fake.behaviour.settle()
        purge(self.fake)
        with self.fake.database.reading() as cursor:
            cursor.execute(f'SELECT * FROM "{name}" ORDER BY "Id"')
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row["Id"]: row for row in rows}

    def readable(self, name: str) -> dict[str, Any]:
        """Field name → its describe, of what this user may read of an object; empty when he may not see it."""
        facts = self.fake.visible.facts(name)
        return {} if facts is None else {one.name: one for one in facts.describe.stored_fields if one.type != "base64"}

    # --- pulling ------------------------------------------------------------------------------------------------

    def pull(self, **options: Any) -> PullResult:
        """One pull, with the promises that hold after any pull, however it ended."""
        before, rows_before = self.cursors, dict(self.held)
        bound = self.fake.clock.stamp() - LAG - SKEW
        try:
            with watched(self.boundaries, self.org):
                return pull(
                    self.org,
                    self.store,
                    workspace=self.folder,
                    objects=[name for name in self.plan.objects if self.readable(name)],
                    options=PullOptions(
                        history=self.plan.history,
                        api=self.plan.api,  # type: ignore[arg-type]
                        bulk_threshold=4,
                        concurrency=self.plan.concurrency,
                        most_vanished=1.0,  # so few records that one is a great share
                        **options,
                    ),
                )
        finally:
            self.boundaries = Boundaries()
            self.look()
            self._check_cursors(before, rows_before, bound)

    def _check_cursors(
        self, before: dict[str, ObjectState], rows_before: dict[str, list[Row]], bound: datetime
    ) -> None:
        for name, state in self.cursors.items():
            earlier = before.get(name)
            if earlier is not None and state.upper_bound < earlier.upper_bound:
                raise Broken(f"{name}: the cursor went back from {earlier.upper_bound} to {state.upper_bound}")
            rows = self.mirrored(name)
            if earlier is not None and state.run_id == earlier.run_id and rows != rows_before[name]:
                raise Broken(f"{name}: a pull that did not finish changed the mirror")
            if state.rows != len(rows):
                raise Broken(f"{name}: the ledger counts {state.rows} records, the mirror holds {len(rows)}")
            self.left[name][state.upper_bound] = rows
            if earlier is not None and state.run_id == earlier.run_id and state.upper_bound >= bound:
                # What did not finish may have the same bound; taken up, it is the later of two pulls as of one instant.
                del self.left[name][state.upper_bound]
        gone = set(before) - set(self.cursors)
        if gone:
            raise Broken(f"no cursor any more: {gone}")

    def repair(self) -> None:
        """What a pull cannot see is settled by `verify --repair`."""
        result = verify(
            self.org,
            self.store,
            workspace=self.folder,
            objects=[name for name in self.cursors if self.readable(name)],
            options=VerifyOptions(values=True, repair=True, most_extra=1.0),
        )
        unsettled = [proof for proof in result.objects if proof.reason]
        if unsettled:
            raise Broken(f"verify --repair did not: {unsettled}")
        self.look()
        for name, state in self.cursors.items():
            self.left[name][state.upper_bound] = self.mirrored(name)

    def verify(self) -> None:
        """`verify` must say what the questions below say: equal."""
        objects = [name for name in self.cursors if self.readable(name)]
        options = VerifyOptions(values=True)
        result = verify(self.org, self.store, workspace=self.folder, objects=objects, options=options)
        if not result.equal:
            raise Broken(f"verify finds differences where there are none: {result.objects}")

    # --- proving ------------------------------------------------------------------------------------------------

    def check_up_to_bound(self, name: str) -> None:
        """After a finished pull: whatever was committed before its bound is there, with its values."""
        upper = self.cursors[name].upper_bound
        mirror = {row["Id"]: row for row in self.mirrored(name)}
        fields = {field: facts for field, facts in self.readable(name).items() if not facts.calculated}
        for record_id, row in self.there(name).items():
            if STAMP in row and row[STAMP] >= upper:
                continue
            self._same(name, record_id, row, mirror.get(record_id), fields)

    def check_equal(self, name: str) -> None:
        """Mirror = org: every record, every stored column, value and type; deleted and merged records included."""
        fields, there = self.readable(name), self.there(name)
        mirror = {row["Id"]: row for row in self.mirrored(name)}
        for record_id, row in there.items():
            self._same(name, record_id, row, mirror.get(record_id), fields)
        for record_id, row in mirror.items():
            if record_id not in there and not row.get("IsDeleted"):
                raise Broken(f"{name} {record_id}: gone from the org, live in the mirror")
        live = {record_id for record_id, row in there.items() if not row.get("IsDeleted")}
        shown = {row[0] for row in self.store.query(f'SELECT "Id" FROM sf."{name}"').rows()}
        if shown != live:
            raise Broken(f"{name}: sf shows {sorted(shown ^ live)} that differ from the org's live records")

    @staticmethod
    def _same(name: str, record_id: str, row: Row, mirrored: Row | None, fields: dict[str, Any]) -> None:
        if mirrored is None:
            raise Broken(f"{name} {record_id}: missing")
        for column in fields:
            theirs, ours = row[column], mirrored.get(column, "no such column")
            if ours != theirs or type(ours) is not type(theirs):
                raise Broken(f"{name} {record_id}.{column}: {ours!r} in the mirror, {theirs!r} in the org")

    def check_kept(self) -> None:
        """Fields that cannot be read any more have the values they had."""
        for (name, column), values in self.kept.items():
            for row in self.mirrored(name):
                if row["Id"] in values and row.get(column) != values[row["Id"]]:
                    raise Broken(f"{name} {row['Id']}.{column}: not readable any more, and changed by a pull")

    def check_past(self, name: str) -> None:
        """Each earlier finished pull can be asked again, and answers what it left."""
        state = self.cursors.get(name)
        if state is None:
            return
        now = set(self.mirrored(name)[0]) if self.mirrored(name) else set()
        now -= {field for retyped, field in self.retyped if retyped == name}  # their past is text
        for instant, rows in self.left[name].items():
            if instant < state.known_from:
                try:
                    as_of_sql(self.store, f'SELECT * FROM sf_all."{name}"', instant)
                except UsageError:
                    continue
                raise Broken(f"{name}: answers as of {instant}, before which nothing is known")
            names = [column for column in (rows[0] if rows else {"Id": 0}) if column in now or not rows]
            listed = ", ".join(f'"{column}"' for column in names)
            text = as_of_sql(self.store, f'SELECT {listed} FROM sf_all."{name}" ORDER BY "Id"', instant)
            then = self.store.query(text).rows().dicts()
            wanted = [{column: row[column] for column in names} for row in rows]
            if then != wanted:
                raise Broken(f"{name}: as of {instant} other than that pull left: {_first_difference(then, wanted)}")


def _first_difference(ours: list[Row], theirs: list[Row]) -> str:
    if [row.get("Id") for row in ours] != [row.get("Id") for row in theirs]:
        return f"records {[row.get('Id') for row in ours]} where it left {[row.get('Id') for row in theirs]}"
    return next(
        f"{a.get('Id')}.{column}: {a[column]!r} where it left {b[column]!r}"
        for a, b in zip(ours, theirs, strict=True)
        for column in a
        if a[column] != b[column]
    )
