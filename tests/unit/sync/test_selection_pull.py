"""Pulling a part of an object: filters, days, fields; and records that leave the selection."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import ConfigError
from sfsync.fake import FakeOrg
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import object_states
from sfsync.store.selections import read_selections
from sfsync.sync.events import Event, JobStateSeen, ObjectResult
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection
from sfsync.sync.verify import VerifyOptions, verify

LAG = timedelta(minutes=5)
WEB = "LeadSource = 'Web'"


@dataclass
class Bench:
    """A fake org, and a project that mirrors a part of it."""

    fake: FakeOrg
    org: Org
    store: DuckDBStore
    workspace: Path

    def pull(self, *objects: str, **options: Any) -> PullResult:
        return pull(
            self.org, self.store, workspace=self.workspace, objects=objects or None, options=PullOptions(**options)
        )

    def one(self, name: str = "Lead", *, api: Any = "auto", full: bool = False, **chosen: Any) -> ObjectResult:
        """Pull one object under a selection, after what happened has settled."""
        self.fake.clock.advance(LAG + timedelta(seconds=2))
        options = PullOptions(api=api, full=full, selections={name: Selection(**chosen)})
        (result,) = pull(self.org, self.store, workspace=self.workspace, objects=[name], options=options).objects
        assert result.state == "done", result.reason
        return result

    def ids(self, name: str = "Lead", where: str = "TRUE", schema: str = "sf_all") -> set[str]:
        return {row[0] for row in self.store.query(f'SELECT "Id" FROM {schema}."{name}" WHERE {where}').rows()}

    def there(self, where: str = "TRUE", name: str = "Lead") -> set[str]:
        """Ids of the org's records that meet an SQL condition, deleted ones included."""
        with self.fake.database.reading() as cursor:
            return {row[0] for row in cursor.execute(f'SELECT "Id" FROM "{name}" WHERE {where}').fetchall()}

    def value(self, sql: str) -> Any:
        return self.store.query(sql).rows().scalar()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=120) as fake:
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        yield Bench(fake, connect(env=env, transport=transport), DuckDBStore(tmp_path / "mirror.duckdb"), tmp_path)


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_only_records_that_meet_the_filter_are_mirrored(bench: Bench, api: str) -> None:
    result = bench.one(api=api, filter=WEB)
    assert bench.ids() == bench.there("LeadSource = 'Web'") != set()
    assert result.total < len(bench.there())
    assert result.selection == "only records where LeadSource = 'Web'"


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        ("LeadSource = 'Web' OR LeadSource = 'Partner'", "LeadSource IN ('Web', 'Partner')"),
        ("NOT LeadSource = 'Web'", "LeadSource IS DISTINCT FROM 'Web'"),
        ("LeadSource IN ('Web') AND (IsConverted = false OR Email != null)", None),
    ],
)
def test_a_filter_keeps_its_meaning_beside_the_window(bench: Bench, condition: str, sql: str | None) -> None:
    bench.one(filter=condition)
    first = bench.ids()
    if sql is not None:
        assert first == bench.there(sql)
    assert 0 < len(first) < len(bench.there())
    assert bench.one(filter=condition).left == 0
    assert bench.ids() == first


def test_only_records_created_since_a_day_in_the_orgs_time_zone_are_mirrored(bench: Bench) -> None:
    record_id = min(bench.there())
    # 2025-06-01 begins at 15:00 UTC of the day before in Tokyo.
    bench.fake.update("Lead", record_id, {"CreatedDate": datetime(2025, 5, 31, 15, 30, tzinfo=UTC)})
    result = bench.one(since=date(2025, 6, 1), timezone="Asia/Tokyo")
    assert record_id in bench.ids()
    assert bench.ids() == bench.there("CreatedDate >= TIMESTAMP '2025-05-31 15:00:00'")
    assert result.selection == "only records created since 2025-06-01 (Asia/Tokyo)"
    bench.one(since=date(2025, 6, 1), timezone="UTC")
    assert record_id not in bench.ids()


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_record_that_leaves_the_filter_is_taken_out_and_its_past_is_kept(bench: Bench, api: str) -> None:
    bench.one(api=api, filter=WEB)
    with bench.store.reading() as session:
        before = object_states(session)["Lead"].upper_bound
    leaver, stayer = sorted(bench.ids(schema="sf"))[:2]
    bench.fake.update("Lead", leaver, {"LeadSource": "Other"})
    bench.fake.update("Lead", stayer, {"Company": "Renamed"})
    result = bench.one(api=api, filter=WEB)
    assert (result.left, result.updated, result.vanished) == (1, 1, 0)
    assert bench.ids() == bench.there("LeadSource = 'Web'")
    then = as_of_sql(bench.store, f"SELECT LeadSource FROM sf.Lead WHERE Id = '{leaver}'", before)
    assert bench.value(then) == "Web"
    assert bench.one(api=api, filter=WEB).left == 0


def test_a_record_whose_field_becomes_empty_leaves_the_filter_too(bench: Bench) -> None:
    bench.one(filter="LeadSource != 'Web' AND LeadSource != null")
    leaver = min(bench.ids(schema="sf"))
    bench.fake.update("Lead", leaver, {"LeadSource": None})
    assert bench.one(filter="LeadSource != 'Web' AND LeadSource != null").left == 1
    assert leaver not in bench.ids()


def test_a_record_that_comes_back_into_the_filter_is_there_again(bench: Bench) -> None:
    bench.one(filter=WEB)
    wanderer = min(bench.ids(schema="sf"))
    for source, there in (("Other", False), ("Web", True), ("Other", False)):
        bench.fake.update("Lead", wanderer, {"LeadSource": source})
        bench.one(filter=WEB)
        assert (wanderer in bench.ids()) is there


def test_a_record_that_was_deleted_under_the_filter_is_a_deleted_one_and_has_not_left(bench: Bench) -> None:
    bench.one(filter=WEB)
    deleted = min(bench.ids(schema="sf"))
    bench.fake.delete("Lead", deleted)
    result = bench.one(filter=WEB)
    assert (result.left, result.deleted) == (0, 1)
    assert deleted in bench.ids() - bench.ids(schema="sf")


def test_what_changes_outside_the_filter_concerns_nobody(bench: Bench) -> None:
    bench.one(filter=WEB)
    outsider = min(bench.there("LeadSource <> 'Web' AND NOT IsDeleted AND NOT IsConverted"))
    bench.fake.update("Lead", outsider, {"Company": "Renamed"})
    result = bench.one(filter=WEB)
    assert (result.left, result.inserted, result.updated) == (0, 0, 0)


def test_a_filter_costs_one_more_call_and_a_day_none(bench: Bench) -> None:
    bench.one(since=date(2020, 1, 1))
    calls = bench.org.usage.calls
    bench.one(since=date(2020, 1, 1))
    plain = bench.org.usage.calls - calls
    bench.one(filter=WEB)
    calls = bench.org.usage.calls
    bench.one(filter=WEB)
    assert bench.org.usage.calls - calls == plain + 1


def test_users_who_no_longer_meet_the_filter_have_left_though_users_are_listed_whole(bench: Bench) -> None:
    bench.one("User", filter="IsActive = true")
    assert bench.ids("User") == bench.there("IsActive", "User")
    leaver = max(bench.ids("User"))
    bench.fake.update("User", leaver, {"IsActive": False})
    result = bench.one("User", filter="IsActive = true")
    assert (result.left, result.vanished) == (1, 0)
    assert leaver not in bench.ids("User")


# --- filters that records meet without a change of their own ----------------------------------------------------------


def test_a_filter_on_a_parent_is_looked_at_anew_each_time(bench: Bench) -> None:
    chosen = "Account.Industry = 'Retail'"
    bench.one("Contact", filter=chosen)
    account = bench.value("SELECT AccountId FROM sf.Contact LIMIT 1")
    moved = bench.there(f"AccountId = '{account}'", "Contact")
    bench.fake.update("Account", account, {"Industry": "Banking"})
    result = bench.one("Contact", filter=chosen)
    assert result.left == len(moved) > 0
    assert not bench.ids("Contact") & moved
    assert "Account.Industry" in result.notes[-1]
    bench.fake.update("Account", account, {"Industry": "Retail"})
    assert bench.one("Contact", filter=chosen).inserted == len(moved)


@pytest.mark.parametrize("option", ["", "repair", "deletes"])
def test_what_left_a_filter_silently_is_neither_extra_nor_deleted(bench: Bench, option: str) -> None:
    chosen = "Account.Industry = 'Retail'"
    bench.one("Contact", filter=chosen)
    before = bench.ids("Contact", "IsDeleted IS NOT TRUE")
    account = bench.value("SELECT AccountId FROM sf.Contact LIMIT 1")
    bench.fake.update("Account", account, {"Industry": "Banking"})
    bench.fake.clock.advance(LAG)
    options = VerifyOptions(**({option: True} if option else {}))
    (proof,) = verify(bench.org, bench.store, workspace=bench.workspace, options=options).objects
    assert proof.differences == ()
    assert bench.ids("Contact", "IsDeleted IS NOT TRUE") == before
    assert bench.one("Contact", filter=chosen).left > 0  # the next pull takes them out


def test_what_was_deleted_for_good_is_extra_under_such_a_filter_too(bench: Bench) -> None:
    bench.one("Contact", filter="Account.Industry = 'Retail'")
    gone = min(bench.ids("Contact"))
    with bench.fake.database.writing() as cursor:
        cursor.execute('DELETE FROM "Contact" WHERE "Id" = ?', [gone])
    (proof,) = verify(bench.org, bench.store, workspace=bench.workspace).objects
    assert [(found.kind, found.ids) for found in proof.differences] == [("extra", (gone,))]


def test_a_relative_date_lets_records_leave_as_time_goes_by(bench: Bench) -> None:
    born = bench.fake.insert("Lead", [{"LastName": "Ada", "Company": "Engines"}])[0]
    bench.one(filter="CreatedDate = LAST_N_DAYS:7")
    assert born in bench.ids()
    bench.fake.clock.advance(timedelta(days=9))
    result = bench.one(filter="CreatedDate = LAST_N_DAYS:7")
    assert born not in bench.ids()
    assert "LAST_N_DAYS:7" in result.notes[-1]


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_sub_select_may_choose_the_records(bench: Bench, api: str) -> None:
    chosen = "Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)"
    bench.one("Account", api=api, filter=chosen)
    with bench.fake.database.reading() as cursor:
        won = cursor.execute('SELECT DISTINCT "AccountId" FROM "Opportunity" WHERE "IsWon"')
        assert bench.ids("Account", schema="sf") <= {row[0] for row in won.fetchall()}
    assert bench.ids("Account")


# --- another selection than before ------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_another_filter_is_noticed_and_what_lies_outside_is_taken_out(bench: Bench, api: str) -> None:
    bench.one(api=api)
    everyone = bench.ids()
    result = bench.one(api=api, filter=WEB)
    assert bench.ids() == bench.there("LeadSource = 'Web'")
    assert result.left == len(everyone) - len(bench.ids())
    assert f"{result.left:,} records outside it were taken out" in result.notes[-1]
    assert "before: every record" in result.notes[-1]
    assert bench.one(api=api, filter="LeadSource = 'Partner'").inserted == len(bench.ids())
    assert bench.ids() == bench.there("LeadSource = 'Partner'")
    result = bench.one(api=api)
    assert bench.ids() == bench.there()
    assert "now mirrored: every record" in result.notes[-1]


def test_a_filter_that_is_only_written_otherwise_is_the_same_selection(bench: Bench) -> None:
    bench.one(filter="LeadSource = 'Web'")
    result = bench.one(filter="LeadSource='Web'  ")
    assert result.read < len(bench.ids())
    assert not result.notes


def test_a_selection_that_leaves_nothing_is_refused_unless_it_is_meant(bench: Bench) -> None:
    bench.one()
    before = bench.ids()
    bench.fake.clock.advance(LAG)
    chosen = {"Lead": Selection(filter="LeadSource = 'Wbe'")}
    (result,) = bench.pull("Lead", selections=chosen).objects
    assert result.state == "failed"
    assert "no record that the new selection takes" in (result.reason or "")
    assert bench.ids() == before
    assert bench.one(full=True, filter="LeadSource = 'Wbe'").left == len(before)
    assert bench.ids() == set()


def test_a_record_changed_after_the_upper_bound_waits_for_the_next_pull_under_a_new_selection(bench: Bench) -> None:
    bench.one()
    (record_id, *_) = sorted(bench.ids(schema="sf", where="LeadSource = 'Web'"))
    bench.fake.clock.advance(LAG)
    bench.fake.update("Lead", record_id, {"LeadSource": "Other"})
    bench.pull("Lead", selections={"Lead": Selection(filter=WEB)})
    assert record_id in bench.ids()
    assert bench.one(filter=WEB).left == 1


def test_the_ledger_knows_what_was_chosen(bench: Bench) -> None:
    bench.one(filter=WEB, since=date(2020, 1, 1), exclude=frozenset({"Description"}))
    with bench.store.reading() as session:
        kept = read_selections(session)["Lead"]
    assert (kept.filter, kept.since, kept.exclude, kept.fields) == (WEB, date(2020, 1, 1), ("Description",), None)
    assert str(kept) == "only records created since 2020-01-01, where LeadSource = 'Web'"
    bench.one()
    with bench.store.reading() as session:
        assert read_selections(session) == {}


def test_a_full_pull_reads_every_record_again(bench: Bench) -> None:
    bench.one()
    assert bench.one().read == 0
    assert bench.one(full=True).read == len(bench.ids())


# --- fields -----------------------------------------------------------------------------------------------------------


def test_only_the_chosen_fields_are_mirrored_and_what_the_mirror_needs(bench: Bench) -> None:
    bench.one(fields=frozenset({"email", "Company"}), since=date(2000, 1, 1))
    columns = {name for name, *_ in bench.store.query("DESCRIBE sf_all.Lead").rows()}
    assert columns >= {"Id", "IsDeleted", "SystemModstamp", "CreatedDate", "Email", "Company"}
    assert columns <= {"Id", "IsDeleted", "SystemModstamp", "CreatedDate", "MasterRecordId", "Email", "Company"}


def test_a_field_that_is_chosen_later_is_filled_for_every_record(bench: Bench) -> None:
    bench.one(fields=frozenset({"Company"}))
    bench.one(fields=frozenset({"Company", "Email"}))
    emails = bench.value("SELECT count(Email) FROM sf_all.Lead")
    assert emails == len(bench.there("Email IS NOT NULL AND Email <> ''")) > 0


def test_a_field_that_is_no_longer_chosen_keeps_its_values_and_is_filled_when_it_is_chosen_again(bench: Bench) -> None:
    bench.one()
    record_id = min(bench.ids(schema="sf", where="Email IS NOT NULL AND NOT IsConverted"))
    emails = bench.value("SELECT count(Email) FROM sf_all.Lead")
    result = bench.one(exclude=frozenset({"Email"}))
    assert any("Email" in note and "no longer selected" in note for note in result.notes), result.notes
    assert bench.value("SELECT count(Email) FROM sf_all.Lead") == emails
    bench.fake.update("Lead", record_id, {"Email": "new@example.com"})
    assert not bench.one(exclude=frozenset({"Email"})).notes
    bench.one()
    assert bench.value(f"SELECT Email FROM sf.Lead WHERE Id = '{record_id}'") == "new@example.com"


def test_history_may_be_chosen_for_one_object(bench: Bench) -> None:
    tables = "SELECT string_agg(table_name, ',') FROM information_schema.tables WHERE table_schema = 'sf_history'"
    bench.pull("Lead", "User", history=False, selections={"Lead": Selection(history=True)})
    assert bench.value(tables) == "Lead"


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_selection_that_does_not_fit_the_org_stops_the_pull_before_anything_is_read(bench: Bench) -> None:
    with pytest.raises(ConfigError) as caught:
        bench.pull("Lead", selections={"Lead": Selection(filter="LeadSorce = 'Web'", fields=frozenset({"Emial"}))})
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert "Lead has no field `Emial`" in told[0]
    assert "did you mean `LeadSource`?" in told[1]
    assert not any("/query" in call.path for call in bench.fake.requests)
    with bench.store.reading() as session:
        assert object_states(session) == {}


# --- many objects -----------------------------------------------------------------------------------------------------


def test_more_than_thirty_objects_standard_and_custom_are_pulled_in_one_run(bench: Bench) -> None:
    campaign = bench.fake.catalog.facts("Campaign")
    assert campaign is not None
    for number in range(14):
        copy = replace(campaign, name=f"Extra_{number}__c", label=f"Extra {number}", prefix=f"a{number:02}")
        bench.fake.database.add_object(copy)
        bench.fake.insert(
            copy.name, [{"Name": f"{number}-{each}", "Status": each} for each in ("Planned", "Completed")]
        )
    bench.fake.clock.advance(LAG + timedelta(seconds=2))
    names = [facts.name for facts in bench.fake.catalog]
    chosen = {
        "Lead": Selection(filter=WEB),
        "Opportunity": Selection(since=date(2025, 1, 1)),
        "Account": Selection(fields=frozenset({"Name"})),
        "Extra_3__c": Selection(filter="Status = 'Planned'"),
    }
    result = bench.pull(*names, selections=chosen)
    assert len(names) > 30
    assert {each.object for each in result.objects if each.state == "done"} == set(names)
    assert bench.ids() == bench.there("LeadSource = 'Web'")
    assert (len(bench.ids("Extra_3__c")), len(bench.ids("Extra_13__c"))) == (1, 2)


# --- beside other things ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for a kill at a certain moment: nothing in the code under test may catch it."""


def kill_when_a_job_is_under_way(bench: Bench, selection: Selection) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, JobStateSeen):
            raise Killed

    options = PullOptions(api="bulk", selections={"Lead": selection})
    with pytest.raises(Killed):
        pull(bench.org, bench.store, workspace=bench.workspace, objects=["Lead"], options=options, on_event=listen)


def test_a_killed_pull_under_a_filter_is_taken_up_and_misses_nothing_that_left(bench: Bench) -> None:
    bench.one(filter=WEB)
    first, second = sorted(bench.ids(schema="sf", where="NOT IsConverted"))[:2]
    bench.fake.update("Lead", first, {"LeadSource": "Partner"})
    bench.fake.clock.advance(LAG + timedelta(minutes=1))
    kill_when_a_job_is_under_way(bench, Selection(filter=WEB))
    bench.fake.clock.advance(timedelta(hours=1))
    bench.fake.update("Lead", second, {"LeadSource": "Partner"})
    result = bench.one(api="bulk", filter=WEB)
    assert any("took up Bulk job" in note for note in result.notes)
    assert result.left == 2
    assert bench.ids() == bench.there("LeadSource = 'Web'")


def test_a_job_of_another_selection_is_not_taken_up(bench: Bench) -> None:
    bench.fake.clock.advance(LAG)
    kill_when_a_job_is_under_way(bench, Selection(filter=WEB))
    assert not any("took up" in note for note in bench.one(api="bulk").notes)
    assert bench.ids() == bench.there()


def test_a_mirror_of_a_part_is_proven_equal_to_that_part(bench: Bench) -> None:
    bench.one(filter=WEB, since=date(2020, 1, 1), exclude=frozenset({"Description"}))
    leaver, missing = sorted(bench.ids(schema="sf", where="NOT IsConverted"))[:2]
    options = VerifyOptions(values=True)
    assert verify(bench.org, bench.store, workspace=bench.workspace, options=options).equal
    bench.fake.update("Lead", leaver, {"LeadSource": "Partner"})
    assert verify(bench.org, bench.store, workspace=bench.workspace, options=options).equal
    with bench.store.writing() as session:
        session.execute("DELETE FROM sf_all.Lead WHERE Id = ?", [missing])
    (proof,) = verify(bench.org, bench.store, workspace=bench.workspace, options=options).objects
    assert [(found.kind, found.ids) for found in proof.differences] == [("missing", (missing,))]


def test_a_record_that_left_the_filter_is_not_taken_for_deleted_when_all_ids_are_compared(bench: Bench) -> None:
    bench.one(filter=WEB)
    leaver, gone = sorted(bench.ids(schema="sf", where="NOT IsConverted"))[:2]
    bench.fake.delete("Lead", gone, hard=True)
    bench.fake.clock.advance(timedelta(days=20))
    # After the upper bound of the pull that compares Ids: it is not listed under the filter, and not deleted.
    bench.fake.clock.advance(LAG)
    bench.fake.update("Lead", leaver, {"LeadSource": "Partner"})
    result = bench.pull("Lead", selections={"Lead": Selection(filter=WEB)}).objects[0]
    assert any("every Id was compared" in note for note in result.notes), result.notes
    assert leaver in bench.ids(schema="sf")
    assert gone not in bench.ids(schema="sf")
    assert bench.one(filter=WEB).left == 1


CHANGES = (WEB, "LeadSource != 'Web'", "NOT (LeadSource = 'Web' OR LeadSource = 'Partner')", None)
IN_SQL = {
    WEB: "LeadSource = 'Web'",
    CHANGES[1]: "LeadSource IS DISTINCT FROM 'Web'",
    CHANGES[2]: "(LeadSource IS NULL OR LeadSource NOT IN ('Web', 'Partner'))",
    None: "TRUE",
}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_mirror_is_what_the_filter_takes(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    chosen = chance.choice(CHANGES)
    for _ in range(7):
        for _ in range(chance.randrange(6)):
            happen(bench, chance)
        if chance.random() < 0.25:
            chosen = chance.choice(CHANGES)
        bench.one(api=chance.choice(["rest", "bulk"]), full=chance.random() < 0.1, filter=chosen)
        assert bench.ids(schema="sf") == bench.there(f"NOT IsDeleted AND {IN_SQL[chosen]}")
        with bench.fake.database.reading() as cursor:
            there = cursor.execute('SELECT "Id", "Company", "LeadSource" FROM "Lead" WHERE NOT "IsDeleted"').fetchall()
        here = bench.store.query("SELECT Id, Company, LeadSource FROM sf.Lead").rows().rows
        assert set(here) <= set(there)


def happen(bench: Bench, chance: random.Random) -> None:
    """Let something befall one lead or another."""
    lead = chance.choice(sorted(bench.there("NOT IsDeleted AND NOT IsConverted")))
    source = chance.choice(["Web", "Partner", "Referral", None])
    match chance.randrange(6):
        case 0:
            bench.fake.insert("Lead", [{"LastName": "New", "Company": "Engines", "LeadSource": source}])
        case 1:
            bench.fake.delete("Lead", lead)
        case 2:
            bench.fake.update("Lead", lead, {"Company": f"Company {chance.random()}"})
        case _:
            bench.fake.update("Lead", lead, {"LeadSource": source})
