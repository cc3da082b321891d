from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.catalog.facts import PicklistEntry
from sfsync.fake.database import sql_type
from sfsync.fake.sql_names import quote
from sfsync.fake.weather import Truncated
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.drift import unreadable_fields
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.events import Event, JobStateSeen, ObjectResult, PageRead
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection


class Bench:
    """A fake org whose admin changes its fields, and a project that mirrors it."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.fake = fake
        self.org: Org = connect(env=env, transport=transport)
        self.store = DuckDBStore(folder / "mirror.duckdb")
        self.folder = folder

    def pull(self, *objects: str, on_event: Any = None, **options: Any) -> PullResult:
        return pull(
            self.org,
            self.store,
            workspace=self.folder,
            objects=objects or ["Lead"],
            options=PullOptions(**options),
            on_event=on_event or (lambda _event: None),
        )

    def one(self, **options: Any) -> ObjectResult:
        (result,) = self.pull(**options).objects
        assert result.state == "done", result
        return result

    def settle(self) -> None:
        self.fake.clock.advance(timedelta(minutes=6))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.store.query(sql).rows().rows

    def value(self, sql: str) -> Any:
        return self.store.query(sql).rows().scalar()

    def ids(self) -> list[str]:
        return [row[0] for row in self.rows('SELECT "Id" FROM sf."Lead" ORDER BY 1')]

    # --- what an admin does ----------------------------------------------------------------------------------------

    def set_silently(self, record_id: str, **values: Any) -> None:
        """Change a record without a trace in its stamp, as a mass fill by the platform may."""
        stamp = (self.fake.record("Lead", record_id) or {})["SystemModstamp"]
        self.fake.update("Lead", record_id, {**values, "SystemModstamp": stamp})

    def add_score(self, name: str = "Score__c", kind: str = "double", **details: Any) -> dict[str, Any]:
        """Add a field that has a value in every record, though no stamp moved."""
        self.fake.add_field("Lead", name, kind, **details)
        with self.fake.database.writing() as cursor:
            ids = [row[0] for row in cursor.execute('SELECT "Id" FROM "Lead" ORDER BY 1').fetchall()]
            value = "row_number() OVER ()" if kind == "double" else "'v' || row_number() OVER ()"
            cursor.execute(
                f'UPDATE "Lead" AS t SET {quote(name)} = n.v FROM (SELECT "Id", {value} AS v FROM "Lead") AS n '
                'WHERE n."Id" = t."Id"'
            )
        return {record_id: (self.fake.record("Lead", record_id) or {})[name] for record_id in ids}

    def redefine(self, name: str, /, **facts: Any) -> None:
        held = self.fake.catalog.facts("Lead")
        assert held is not None
        fields = tuple(replace(f, **facts) if f.name == name else f for f in held.fields)
        if "type" in facts:
            kind = sql_type(facts["type"])
            with self.fake.database.writing() as cursor:
                cursor.execute(f'ALTER TABLE "Lead" ALTER COLUMN {quote(name)} TYPE {kind}')
        self.fake.catalog.put(replace(held, fields=fields))

    def remove(self, name: str) -> None:
        held = self.fake.catalog.facts("Lead")
        assert held is not None
        self.fake.catalog.put(replace(held, fields=tuple(f for f in held.fields if f.name != name)))

    def show(self, name: str) -> None:
        self.fake.set_permissions("Lead", ("read", "edit"), field=name)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=60) as fake:
        yield Bench(fake, tmp_path)


def drifts(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows("SELECT field, kind, detail FROM sfsync.drifts ORDER BY noticed_at, kind, field")


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_new_field_is_filled_for_every_record_and_nothing_else_is_read_again(bench: Bench, api: str) -> None:
    bench.one()
    before = bench.rows('SELECT * FROM sf_all."Lead" ORDER BY "Id"')
    scores = bench.add_score()
    bench.settle()
    bench.fake.requests.clear()
    result = bench.one(api=api)
    assert result.notes == ("new fields, filled for every record: Score__c",)
    assert (result.inserted, result.updated) == (0, 0)
    assert result.read < len(before)
    assert dict(bench.rows('SELECT "Id", "Score__c" FROM sf_all."Lead"')) == scores
    assert bench.rows('SELECT * EXCLUDE ("Score__c") FROM sf_all."Lead" ORDER BY "Id"') == before
    assert bench.value('SELECT count(*) FROM sf_history."Lead"') == 0
    assert drifts(bench) == [("Score__c", "new", "")]
    assert bench.one(api=api).notes == ()


def test_records_that_changed_meanwhile_come_as_a_whole(bench: Bench) -> None:
    bench.one()
    scores = bench.add_score()
    changed, later, deleted = bench.ids()[:3]
    bench.fake.update("Lead", changed, {"Company": "Changed", "Score__c": -1})
    bench.fake.delete("Lead", deleted)
    bench.settle()
    # After the upper bound: what the mirror holds of it is an older version, and stays one.
    bench.fake.update("Lead", later, {"Company": "Too late", "Score__c": -2})
    result = bench.one()
    assert (result.updated, result.deleted) == (1, 1)
    held = {row[0]: row[1:] for row in bench.rows('SELECT "Id", "Company", "Score__c" FROM sf_all."Lead"')}
    assert held[changed] == ("Changed", -1)
    assert held[later][1] is None
    assert held[deleted][1] == scores[deleted]
    bench.settle()
    bench.one()
    assert bench.rows(f"""SELECT "Company", "Score__c" FROM sf."Lead" WHERE "Id" = '{later}'""") == [("Too late", -2)]


def test_a_new_formula_is_filled_like_any_field(bench: Bench) -> None:
    bench.one()
    bench.fake.add_formula("Lead", "Shout__c", "string", "UPPER(Company)")
    bench.settle()
    bench.one()
    wrong = bench.value("""SELECT count(*) FROM sf_all."Lead" WHERE upper("Company") IS DISTINCT FROM "Shout__c" """)
    assert wrong == 0


def test_small_objects_are_listed_and_need_no_filling(bench: Bench) -> None:
    bench.pull("LeadStatus")
    bench.fake.add_field("LeadStatus", "Colour__c", "string")
    bench.settle()
    (result,) = bench.pull("LeadStatus").objects
    assert result.notes == ("new fields, filled for every record: Colour__c",)


class Killed(BaseException):
    """Stands for a kill at a certain moment: nothing in the code under test may catch it."""


@pytest.mark.parametrize("kind", [PageRead, JobStateSeen])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_kill_while_fields_are_filled_leaves_the_cursor_where_it_was(
    bench: Bench, kind: type[Event], number: int
) -> None:
    bench.one(api="bulk")
    before = bench.rows("SELECT * FROM sfsync.cursors")
    scores = bench.add_score()
    bench.settle()
    bench.fake.bulk.settings.page = 30
    seen = 0

    def listen(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == number:
            raise Killed

    try:
        bench.pull(api="bulk", on_event=listen)
    except Killed:
        assert bench.rows("SELECT * FROM sfsync.cursors") == before
    bench.one(api="bulk")
    assert dict(bench.rows('SELECT "Id", "Score__c" FROM sf_all."Lead"')) == scores
    assert not list((bench.folder / "spool").iterdir())


def test_the_bulk_job_of_a_killed_filling_is_taken_up(bench: Bench) -> None:
    bench.one(api="bulk")
    scores = bench.add_score()
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Changed"})
    bench.settle()
    jobs = [call for call in bench.fake.requests if call.method == "POST" and call.path.endswith("/jobs/query")]
    pages: list[PageRead] = []

    def listen(event: Event) -> None:
        if isinstance(event, PageRead):
            pages.append(event)
        if len(pages) == 2:  # the window's page is here, and the first one of the filling
            raise Killed

    with pytest.raises(Killed):
        bench.pull(api="bulk", on_event=listen)
    bench.one(api="bulk")
    again = [call for call in bench.fake.requests if call.method == "POST" and call.path.endswith("/jobs/query")]
    # Two jobs before the kill; after it only the one for what has changed since.
    assert len(again) - len(jobs) == 3
    assert dict(bench.rows('SELECT "Id", "Score__c" FROM sf_all."Lead"')) == scores


def test_an_incomplete_filling_moves_nothing(bench: Bench) -> None:
    bench.one(api="bulk")
    bench.add_score()
    bench.settle()
    bench.fake.weather.add(Truncated(), path="/results", times=None)
    (result,) = bench.pull(api="bulk").objects
    assert result.state == "failed"
    bench.fake.weather.clear()
    assert "Score__c" in bench.one(api="bulk").notes[0]


def test_a_field_that_is_gone_is_told_once_keeps_its_values_and_is_listed(bench: Bench) -> None:
    bench.one()
    emails = dict(bench.rows('SELECT "Id", "Email" FROM sf_all."Lead"'))
    bench.fake.hide("Lead", "Email")
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Renamed"})
    bench.settle()
    (note,) = bench.one().notes
    assert note == "removed, or no longer readable by this user; their values are kept as they were: Email"
    assert dict(bench.rows('SELECT "Id", "Email" FROM sf_all."Lead"')) == emails
    assert bench.one().notes == ()
    with bench.store.reading() as session:
        assert unreadable_fields(session) == {"Lead": ("Email",)}


def test_a_field_that_comes_back_is_filled_anew_and_its_old_values_stay_askable(bench: Bench) -> None:
    first = bench.pull().as_of
    record_id = next(iter(bench.rows('SELECT "Id" FROM sf."Lead" WHERE "Email" IS NOT NULL ORDER BY 1')))[0]
    old = bench.value(f"""SELECT "Email" FROM sf."Lead" WHERE "Id" = '{record_id}'""")
    bench.fake.hide("Lead", "Email")
    bench.settle()
    bench.one()
    bench.fake.update("Lead", record_id, {"Email": "new@example.com"})
    bench.settle()
    bench.one()
    assert bench.value(f"""SELECT "Email" FROM sf."Lead" WHERE "Id" = '{record_id}'""") == old
    bench.show("Email")
    bench.settle()
    assert bench.one().notes == ("readable again, filled anew for every record: Email",)
    assert bench.value(f"""SELECT "Email" FROM sf."Lead" WHERE "Id" = '{record_id}'""") == "new@example.com"
    then = as_of_sql(bench.store, f"""SELECT "Email" FROM sf."Lead" WHERE "Id" = '{record_id}'""", first)
    assert bench.value(then) == old


def test_a_retyped_field_is_filled_anew_and_its_old_values_are_kept_in_the_history(bench: Bench) -> None:
    bench.add_score("Size__c", "string")
    with bench.fake.database.writing() as cursor:
        cursor.execute("""UPDATE "Lead" SET "Size__c" = replace("Size__c", 'v', '1')""")
    bench.one()
    texts = sorted(value for (value,) in bench.rows('SELECT "Size__c" FROM sf_all."Lead"'))
    bench.redefine("Size__c", type="double", length=0, precision=18)
    bench.settle()
    assert bench.one().notes == ("fields of a new type, filled anew: Size__c (string → double)",)
    numbers = dict(bench.rows('SELECT "Id", "Size__c" FROM sf_all."Lead"'))
    assert numbers == {record_id: (bench.fake.record("Lead", record_id) or {})["Size__c"] for record_id in numbers}
    assert all(isinstance(value, float) for value in numbers.values())
    assert sorted(value for (value,) in bench.rows('SELECT "Size__c" FROM sf_history."Lead"')) == texts
    assert bench.one().notes == ()


def test_without_history_values_that_the_new_type_has_no_room_for_are_kept_all_the_same(bench: Bench) -> None:
    bench.add_score("Size__c", "string")
    with bench.fake.database.writing() as cursor:
        cursor.execute("""UPDATE "Lead" SET "Size__c" = replace("Size__c", 'v', '1')""")
    bench.one(history=False)
    texts = sorted(value for (value,) in bench.rows('SELECT "Size__c" FROM sf_all."Lead"'))
    bench.redefine("Size__c", type="double", length=0, precision=18)
    bench.settle()
    bench.one(history=False)
    assert sorted(value for (value,) in bench.rows('SELECT "Size__c" FROM sf_history."Lead"')) == texts
    bench.redefine("Size__c", type="string", length=80, precision=0)
    bench.settle()
    bench.one(history=False)
    assert bench.value('SELECT count(*) FROM sf_history."Lead"') == len(texts)  # text has room for anything


def test_a_type_that_has_room_for_the_old_values_keeps_those_of_records_that_are_gone(bench: Bench) -> None:
    bench.add_score("Size__c", "double")
    bench.one()
    gone = bench.ids()[0]
    bench.fake.delete("Lead", gone, hard=True)
    bench.redefine("Size__c", type="string", length=80, precision=0)
    bench.settle()
    bench.one(formulas_every=None)
    kept = bench.value(f"""SELECT "Size__c" FROM sf_all."Lead" WHERE "Id" = '{gone}'""")
    assert kept is not None
    assert float(kept) >= 1


def test_a_field_that_was_cut_is_filled_anew(bench: Bench) -> None:
    bench.one()
    record_id = bench.ids()[0]
    bench.set_silently(record_id, Company="Cut")
    bench.redefine("Company", length=3)
    bench.settle()
    assert bench.one().notes == ("fields that take less than before, filled anew: Company (255 → 3)",)
    assert bench.value(f"""SELECT "Company" FROM sf."Lead" WHERE "Id" = '{record_id}'""") == "Cut"


def test_what_touches_no_value_is_told_and_nothing_is_read_for_it(bench: Bench) -> None:
    bench.one()
    rating = next(f for f in bench.fake.catalog.facts("Lead").fields if f.name == "Rating")  # type: ignore[union-attr]
    new = (*(entry for entry in rating.values if entry.value != "Cold"), PicklistEntry("Icy", "Icy"))
    bench.redefine("Rating", values=new)
    bench.redefine("Company", length=300)
    bench.redefine("Email", flags="cuip")
    bench.settle()
    assert bench.one().notes == (
        "fields that take more than before: Company (255 → 300)",
        "new picklist values: Rating (Icy)",
        "picklist values that are gone: Rating (Cold)",
        "must be filled from now on: Email",
    )
    assert {kind for _, kind, _ in drifts(bench)} == {"lengthened", "values added", "values removed", "made required"}


@pytest.mark.parametrize("label", ["Score", "Another label"])
def test_a_renamed_field_is_recognised_by_its_label_or_its_values(bench: Bench, label: str) -> None:
    bench.add_score("Old__c", label="Score")
    bench.one()
    bench.remove("Old__c")
    scores = bench.add_score("New__c", label=label)
    bench.settle()
    notes = bench.one().notes
    assert "probably renamed; both columns are kept: Old__c → New__c" in notes
    held = bench.rows('SELECT "Id", "Old__c", "New__c" FROM sf_all."Lead"')
    assert all(old == new == scores[record_id] for record_id, old, new in held)


def test_a_field_that_is_spelled_otherwise_is_the_same_field(bench: Bench) -> None:
    scores = bench.add_score("score__c")
    bench.one()
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Renamed"})
    bench.settle()
    bench.one()  # there is a history now
    bench.redefine("score__c", name="Score__c")
    bench.settle()
    bench.one()
    assert dict(bench.rows('SELECT "Id", "Score__c" FROM sf_all."Lead"')) == scores
    assert "Score__c" in [name for name, *_ in bench.rows('DESCRIBE sf_history."Lead"')]


def test_a_field_that_is_no_longer_selected_is_not_called_lost(bench: Bench) -> None:
    bench.one()
    (note,) = bench.one(selections={"Lead": Selection(exclude=frozenset({"Email"}))}).notes
    assert note == "no longer selected; their values are kept as they were: Email"
    with bench.store.reading() as session:
        assert unreadable_fields(session) == {}
    bench.fake.update("Lead", bench.ids()[0], {"Email": "new@example.com"})
    bench.settle()
    bench.one(selections={"Lead": Selection(exclude=frozenset({"Email"}))})
    bench.one()
    assert bench.value("""SELECT count(*) FROM sf."Lead" WHERE "Email" = 'new@example.com'""") == 1


def test_contents_of_files_are_left_out_and_said_once(bench: Bench) -> None:
    bench.fake.add_field("Lead", "Body__c", "base64")
    assert bench.one().notes == ("contents of files are not mirrored: Body__c",)
    assert bench.one().notes == ()
    assert "Body__c" not in [name for name, *_ in bench.rows('DESCRIBE sf_all."Lead"')]


@pytest.mark.parametrize(("name", "field"), [("Lead", "Address"), ("Account", "BillingAddress")])
def test_addresses_are_what_rest_gives_though_the_object_was_read_by_bulk(bench: Bench, name: str, field: str) -> None:
    bench.pull(name, api="bulk")
    answer = bench.org.get_json(bench.org.data_path("query"), {"q": f"SELECT Id, {field} FROM {name}"})
    there = {record["Id"]: record[field] for record in answer["records"]}
    here = {
        record_id: text and json.loads(text) for record_id, text in bench.rows(f"SELECT Id, {field} FROM sf.{name}")
    }
    assert here == there
    assert any(there.values())


# --- any admin, any order -------------------------------------------------------------------------------------------


#: What may be read before anything changes: enough of each kind, and a pull of it costs a third of one of everything.
SEEN = "LastName FirstName Company Email Rating Status AnnualRevenue NumberOfEmployees Street City Latitude IsUnreadByOwner"


@pytest.mark.parametrize("seed", range(10))
def test_after_any_changes_of_fields_the_mirror_is_what_a_fresh_one_would_be(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with FakeOrg.seeded(seed=seed, leads=50) as fake:
        for field in fake.catalog.facts("Lead").fields:  # type: ignore[union-attr]
            if field.has("p") and field.name not in SEEN.split():
                fake.hide("Lead", field.name)
        bench = Bench(fake, tmp_path)
        bench.one(api=dice.choice(["rest", "bulk"]))
        made: list[str] = []
        for step in range(dice.randint(3, 6)):
            _change_something(bench, dice, made, step)
            if dice.random() < 0.7:
                bench.settle()
            bench.one(api=dice.choice(["rest", "bulk"]))
        bench.settle()
        bench.one(api=dice.choice(["rest", "bulk"]), formulas_now=True)
        fresh = Bench(fake, tmp_path / "fresh")
        fresh.one(api="bulk")
        columns = ", ".join(quote(name) for name, *_ in fresh.rows('DESCRIBE sf_all."Lead"'))
        everything = f'SELECT {columns} FROM sf_all."Lead" ORDER BY "Id"'
        assert bench.rows(everything) == fresh.rows(everything)


def _change_something(bench: Bench, dice: random.Random, made: list[str], step: int) -> None:
    ids = bench.ids()
    for _ in range(dice.randint(0, 3)):
        bench.fake.update("Lead", dice.choice(ids), {"Company": f"Company {step}", "Email": f"{step}@example.com"})
    if dice.random() < 0.3:
        bench.fake.delete("Lead", dice.choice(ids))
    if dice.random() < 0.5:
        bench.fake.insert("Lead", [{"LastName": f"Born {step}", "Company": "New"}])
    deed = dice.choice(["add", "add", "formula", "hide", "show", "retype", "cut"])
    if deed == "add":
        made.append(f"Own{step}__c")
        bench.add_score(made[-1], dice.choice(["double", "string"]))
    elif deed == "formula":
        bench.fake.add_formula("Lead", f"Formula{step}__c", "string", "UPPER(Company)")
    elif deed == "hide":
        bench.fake.hide("Lead", dice.choice(["Email", "Rating", *made]))
    elif deed == "show":
        for name in ("Email", "Rating", *made):
            bench.show(name)
    elif deed == "retype" and made:
        bench.redefine(dice.choice(made), type="string", length=255, precision=0)
    elif deed == "cut":
        bench.redefine("Company", length=dice.randint(100, 254))
