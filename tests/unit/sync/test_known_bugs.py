"""Each way in which other readers are known to lose, change or invent records, and that this one does not.

The names are those of the mistakes. Where one is spread over several tools, it stands here once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sfsync.errors import LimitReached, SfsyncError, Unreachable
from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.dml import merge
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.ids import to_18
from sfsync.fake.weather import (
    LimitExceeded,
    Refused,
    Reset,
    RevokedSession,
    Shuffled,
    Truncated,
    Unavailable,
    WrongCount,
)
from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.events import Event, PageRead
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull
from sfsync.sync.selection import Selection
from sfsync.sync.verify import VerifyOptions, verify

NOW = datetime(2026, 1, 31, 12)
LAG = timedelta(minutes=5)
SETTLE = LAG + timedelta(minutes=1)
RESULTS = "/jobs/query/.*/results"


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


class Bench:
    """A fake org whose clock stands still, and a mirror of it."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        self.fake, self.folder = fake, folder
        self.store = DuckDBStore(folder / "mirror.duckdb")
        self.org = self.login({"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url})

    def login(self, env: dict[str, str], session: requests.Session | None = None) -> Org:
        transport = Transport(session or self.fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        return connect(env=env, transport=transport)

    def pull(self, *objects: str, wait: timedelta = SETTLE, on_event: Any = None, **options: Any) -> PullResult:
        self.fake.clock.advance(wait)
        return pull(
            self.org,
            self.store,
            workspace=self.folder,
            objects=objects or ("Lead",),
            options=PullOptions(**options),
            on_event=on_event or (lambda _event: None),
        )

    def leads(self, number: int, **values: Any) -> list[str]:
        return self.fake.insert("Lead", [{"LastName": f"L{n}", "Company": "C", **values} for n in range(number)])

    def ids(self, name: str = "Lead", schema: str = "sf_all") -> list[str]:
        return [row[0] for row in self.store.query(f'SELECT "Id" FROM {schema}."{name}" ORDER BY 1').rows()]

    def value(self, field: str, record_id: str, name: str = "Lead") -> Any:
        return self.store.query(f'SELECT "{field}" FROM sf_all."{name}" WHERE "Id" = ?', [record_id]).rows().scalar()

    def there(self, name: str = "Lead") -> list[str]:
        """Every record of the org, deleted ones included."""
        with self.fake.database.reading() as cursor:
            return [row[0] for row in cursor.execute(f'SELECT "Id" FROM "{name}" ORDER BY 1').fetchall()]

    def sent(self, path: str, method: str = "GET") -> list[Any]:
        return [call for call in self.fake.requests if call.method == method and path in call.path]

    def jobs(self) -> list[Any]:
        """Bulk jobs that the org still has."""
        jobs: list[Any] = self.org.get_json(self.org.data_path("jobs", "query"))["records"]
        return jobs


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.empty(clock=Clock(NOW, ticking=False)) as fake:
        yield Bench(fake, tmp_path)


either = pytest.mark.parametrize("api", ["rest", "bulk"])


# --- where the cursor goes wrong ------------------------------------------------------------------------------------


@either
def test_the_largest_lastmodifieddate_taken_for_the_state(bench: Bench, api: str) -> None:
    # An import sets LastModifiedDate as it likes: years ago, or in a wrong year to come.
    bench.leads(2)
    (future,) = bench.leads(1, LastModifiedDate=datetime(2031, 1, 1))
    bench.pull(api=api)
    (past,) = bench.leads(1, LastModifiedDate=datetime(2015, 1, 1), SystemModstamp=bench.fake.clock.stamp())
    bench.fake.update("Lead", future, {"Company": "Renamed"})
    bench.pull(api=api)
    assert past in bench.ids()
    assert bench.value("Company", future) == "Renamed"


@either
def test_a_greater_than_on_a_timestamp(bench: Bench, api: str) -> None:
    # Many records have one stamp, and some of them are committed after a reader has passed it.
    first = bench.pull(api=api)
    before = bench.leads(3, SystemModstamp=first.as_of - timedelta(seconds=1))
    exactly = bench.leads(3, SystemModstamp=first.as_of)
    bench.pull(api=api)
    again = bench.leads(3, SystemModstamp=first.as_of)
    bench.pull(api=api, wait=timedelta(0))
    assert set(before + exactly) <= set(bench.ids())
    assert set(again) <= set(bench.ids())


def test_a_bookmark_of_the_last_row_over_pages_without_order(bench: Bench) -> None:
    bench.fake.bulk.settings.page = 3
    bench.leads(20)
    for n, record_id in enumerate(bench.there()):
        bench.fake.update("Lead", record_id, {"SystemModstamp": NOW - timedelta(hours=n)})
    bench.fake.weather.add(Shuffled())

    def die(event: Event) -> None:
        if isinstance(event, PageRead):
            raise Killed

    with pytest.raises(Killed):
        bench.pull(api="bulk", on_event=die)
    bench.pull(api="bulk")
    assert bench.ids() == bench.there()


@pytest.mark.parametrize("year", [2001, 2040])
def test_the_client_s_clock_asked_for_the_time(bench: Bench, year: int) -> None:
    bench.fake.clock.set(datetime(year, 6, 1, tzinfo=UTC))
    result = bench.pull(wait=timedelta(0))
    assert result.as_of == datetime(year, 6, 1) - LAG


@either
def test_a_bookmark_that_jumps_to_now_when_no_rows_come(bench: Bench, api: str) -> None:
    bench.leads(1)
    bench.pull(api=api)
    bench.pull(api=api)
    # While nothing was found, a transaction of the last minutes was under way.
    (late,) = bench.fake.insert_late("Lead", [{"LastName": "Late", "Company": "C"}], LAG)
    bench.pull(api=api)
    assert late in bench.ids()


@either
def test_a_start_date_that_hides_what_is_older(bench: Bench, api: str) -> None:
    old = datetime(2004, 2, 29)
    (record_id,) = bench.leads(1, CreatedDate=old, LastModifiedDate=old, SystemModstamp=old)
    bench.pull(api=api)
    assert bench.ids() == [record_id]


def test_rows_that_become_visible_with_a_stamp_below_the_saved_cursor(bench: Bench) -> None:
    first = bench.pull()
    late = bench.leads(2, SystemModstamp=first.as_of - timedelta(minutes=9))
    bench.pull()
    assert bench.ids() == sorted(late)


def test_one_record_s_updates_that_are_never_seen(bench: Bench) -> None:
    (record_id,) = bench.leads(1)
    for n in range(5):
        bench.fake.update("Lead", record_id, {"Company": f"Company {n}"})
        bench.pull(api="bulk" if n % 2 else "rest")
        assert bench.value("Company", record_id) == f"Company {n}"


# --- where values go wrong ------------------------------------------------------------------------------------------


@either
def test_csv_split_at_everything_that_looks_like_a_line_end(bench: Bench, api: str) -> None:
    texts = ["a\u2028b", "a\x0bb", "a\x0cb", "a\x85b", "a\x1cb", "a\nb", "a\r\nb", "ends\r"]
    (with_all,) = bench.leads(1)
    with bench.fake.database.writing() as cursor:
        cursor.execute('UPDATE "Lead" SET "Description" = ?', ["".join(texts)])
    bench.pull(api=api)
    assert bench.value("Description", with_all) == "".join(texts)


def test_bytes_read_as_latin_1_because_nobody_said_utf_8(bench: Bench) -> None:
    (record_id,) = bench.leads(1, Company="Müller & Søn, 東京")
    bench.pull(api="bulk")
    assert bench.value("Company", record_id) == "Müller & Søn, 東京"


@either
@pytest.mark.parametrize("text", ["NA", "N/A", "None", "NULL", "null", "nan", "NaN", "#N/A", "-", "007", "1e5", "inf"])
def test_texts_that_pandas_takes_for_nothing_or_for_a_number(bench: Bench, api: str, text: str) -> None:
    (record_id,) = bench.leads(1, Company=text)
    bench.pull(api=api)
    assert bench.value("Company", record_id) == text


@either
def test_columns_taken_from_the_first_record(bench: Bench, api: str) -> None:
    bench.leads(1)
    bench.leads(1, Description="only the second has one", AnnualRevenue=7)
    bench.pull(api=api)
    rows = bench.store.query('SELECT "Description", "AnnualRevenue" FROM sf.Lead ORDER BY "Id"').rows().rows
    assert rows == [(None, None), ("only the second has one", 7.0)]
    assert "Fax" in bench.store.query("SELECT * FROM sf.Lead").rows().columns  # which nobody has


def test_checkboxes_that_depend_on_which_api_was_chosen(bench: Bench) -> None:
    bench.fake.add_field("Lead", "Wants_Post__c", "boolean")
    ids = [*bench.leads(1, Wants_Post__c=True), *bench.leads(1, Wants_Post__c=False)]
    for api in ("rest", "bulk"):
        bench.pull(api=api, full=True)
        assert [bench.value("Wants_Post__c", one) for one in ids] == [True, False]


@either
def test_moments_and_days_shifted_into_the_reader_s_time_zone(
    bench: Bench, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.fake.add_field("Lead", "Day__c", "date")
    bench.fake.add_field("Lead", "Moment__c", "datetime")
    (record_id,) = bench.leads(1, Day__c="2024-02-29", Moment__c="2024-03-31T01:30:00Z")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        bench.pull(api=api)
        assert str(bench.value("Day__c", record_id)) == "2024-02-29"
        assert bench.value("Moment__c", record_id) == datetime(2024, 3, 31, 1, 30)
    finally:
        monkeypatch.undo()
        time.tzset()
        assert os.environ.get("TZ") != "Pacific/Kiritimati"


@either
def test_old_values_of_a_field_history_cast_to_a_number(bench: Bench, api: str) -> None:
    bench.fake.track("Lead", "Company")
    (record_id,) = bench.leads(1, Company="00123")
    bench.fake.update("Lead", record_id, {"Company": "1e3"})
    bench.pull("LeadHistory", api=api)
    found = bench.store.query("SELECT OldValue, NewValue FROM sf.LeadHistory WHERE Field = 'Company'").rows().rows
    assert found == [("00123", "1e3")]


@either
def test_ids_cut_to_fifteen_characters(bench: Bench, api: str) -> None:
    # Two records whose Ids differ in case alone; without the suffix a careless join takes them for one.
    ids = [to_18("00QFk00000000aA"), to_18("00QFk00000000Aa")]
    for record_id in ids:
        bench.leads(1, Id=record_id)
    bench.pull(api=api)
    assert bench.ids() == sorted(ids)
    assert len({record_id.casefold() for record_id in bench.ids()}) == 2
    owners = bench.store.query('SELECT DISTINCT length("OwnerId") FROM sf.Lead').rows().rows
    assert owners == [(18,)]


# --- where counts go wrong ------------------------------------------------------------------------------------------


def test_a_complete_job_taken_for_all_rows_received(bench: Bench) -> None:
    bench.leads(5)
    bench.pull(api="bulk")
    before = bench.ids()
    bench.leads(5)
    for trouble in (WrongCount(by=1), WrongCount(by=-1), Truncated(0.5), Truncated(0.99)):
        bench.fake.weather.add(trouble, path=RESULTS, times=None)
        assert bench.pull(api="bulk").failed
        assert bench.ids() == before
        bench.fake.weather.clear()
    bench.pull(api="bulk")
    assert bench.ids() == bench.there()


def test_pages_that_end_before_the_job_s_own_count(bench: Bench) -> None:
    bench.leads(6)
    bench.fake.bulk.settings.page = 2

    def one_more(answer: requests.Response, **_details: Any) -> None:
        if "numberRecordsProcessed" in answer.text:
            body = answer.json()
            body["numberRecordsProcessed"] += 1
            answer._content = json.dumps(body).encode()

    session = bench.fake.session()
    session.hooks["response"].append(one_more)
    bench.org = bench.login(
        {"SF_ACCESS_TOKEN": bench.fake.token, "SF_ORG_INSTANCE_URL": bench.fake.instance_url}, session
    )
    (failed,) = bench.pull(api="bulk").failed
    assert "7 rows, but its pages 6" in (failed.reason or "")
    assert not bench.store.query("SELECT 1 FROM information_schema.tables WHERE table_schema = 'sf_all'").rows().rows


def test_an_estimate_printed_as_a_count(bench: Bench) -> None:
    bench.leads(3)
    estimate = json.dumps({"sObjects": [{"name": "Lead", "count": 99_000}]}).encode()
    bench.fake.weather.add(Refused(200, estimate), path="/limits/recordCount", times=None)
    (result,) = bench.pull().objects
    assert (result.read, result.inserted, result.total) == (3, 3, 3)


def test_a_query_that_ends_after_a_round_number_of_rows(bench: Bench) -> None:
    bench.fake.settings.query_page = 3
    bench.leads(32)
    bench.pull(api="rest")
    assert len(bench.ids()) == 32
    asked = [call for call in bench.fake.requests if "/query" in call.path]
    assert not [call for call in asked if "LIMIT" in str(call).upper().replace("LIMITS", "")]


def test_repeated_pulls_that_append_instead_of_merging(bench: Bench) -> None:
    ids = bench.leads(4)
    for n, api in enumerate(("rest", "bulk", "rest", "bulk")):
        bench.fake.update("Lead", ids[0], {"Company": f"Company {n}"})
        bench.pull(api=api, full=n > 1)
    assert bench.ids() == sorted(ids)


@either
def test_history_rows_doubled_by_a_retry(bench: Bench, api: str) -> None:
    (record_id,) = bench.leads(1)
    bench.pull("Lead", "LeadHistory", api=api)
    bench.fake.update("Lead", record_id, {"Status": "Working - Contacted"})
    bench.fake.clock.advance(SETTLE)
    for n in range(1, 4):
        seen = 0

        def die(_event: Event, last: int = n) -> None:
            nonlocal seen
            seen += 1
            if seen == last:
                raise Killed

        with pytest.raises(Killed):
            bench.pull("Lead", "LeadHistory", api=api, on_event=die, wait=timedelta(0))
    bench.pull("Lead", "LeadHistory", api=api, wait=timedelta(0))
    bench.pull("Lead", "LeadHistory", api=api)
    assert bench.ids("LeadHistory") == bench.there("LeadHistory")
    versions = bench.store.query('SELECT count(*) FROM sf_history."Lead" WHERE "Id" = ?', [record_id]).rows().scalar()
    assert versions == 1


# --- where trouble is mistaken for an answer ------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before the rows are stored", "after they are, before the commit"])
def test_a_job_deleted_before_its_data_is_committed(bench: Bench, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.leads(4)
    save = ledger.save_cursor

    def die(*args: Any, **kwargs: Any) -> int:
        if "after" in moment:
            save(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "save_cursor", die)
        with pytest.raises(Killed):
            bench.pull(api="bulk")
    assert not bench.sent("/jobs/query", "DELETE")
    assert len(bench.jobs()) == 1
    (result,) = bench.pull(api="bulk").objects
    assert "took up Bulk job" in str(result.notes)
    assert bench.ids() == bench.there()
    assert bench.jobs() == []


def test_success_after_the_quota_stopped_the_pull(bench: Bench) -> None:
    bench.leads(2)
    bench.fake.weather.add(LimitExceeded(), path="/(query|queryAll|jobs)", times=None)
    with pytest.raises(LimitReached) as reached:
        bench.pull("Lead", "Account")
    assert reached.value.exit_code == 75
    with bench.store.reading() as session:
        assert ledger.recent_runs(session)[0].state == "failed"
    bench.fake.weather.clear()
    bench.fake.weather.add(LimitExceeded(), path="/queryAll", nth=2, times=None)
    result = bench.pull("Lead", "Account")
    assert not result.complete
    assert sorted(each.state for each in result.objects) == ["done", "postponed"]
    with bench.store.reading() as session:
        assert ledger.recent_runs(session)[0].state == "partial"


def test_a_failed_download_that_deletes_the_job_and_reports_success(bench: Bench) -> None:
    bench.leads(3)
    bench.fake.weather.add(Unavailable(), path=RESULTS, times=None)
    assert bench.pull(api="bulk").failed
    assert not bench.sent("/jobs/query", "DELETE")
    assert len(bench.jobs()) == 1


def test_a_job_created_twice_and_the_first_never_deleted(bench: Bench) -> None:
    bench.leads(3)
    bench.pull(api="bulk")
    assert len(bench.sent("/jobs/query", "POST")) == 1
    assert bench.jobs() == []


@pytest.mark.parametrize("state", ["Aborted", "Failed"])
def test_an_aborted_job_that_is_waited_for_for_ever_and_a_failed_one_that_crashes(bench: Bench, state: str) -> None:
    bench.leads(3)
    body = json.dumps({"id": "1", "state": state, "numberRecordsProcessed": 0, "errorMessage": "QUERY_TIMEOUT : slow"})
    bench.fake.weather.add(Refused(200, body.encode()), method="GET", path="/jobs/query/[^/]+$", times=None)
    (failed,) = bench.pull(api="bulk").failed
    assert state.lower() in (failed.reason or "")
    bench.fake.weather.clear()
    bench.pull(api="bulk")
    assert bench.ids() == bench.there()


def test_fields_dropped_until_the_query_passes(bench: Bench) -> None:
    bench.leads(3, Description="kept")
    bench.pull(api="rest")
    columns = bench.store.query("SELECT * FROM sf_all.Lead").rows().columns
    refusal = b'[{"errorCode":"INVALID_FIELD","message":"No such column \'Description\' on entity \'Lead\'"}]'
    for trouble in (Refused(400, refusal), Reset(), Unavailable()):
        bench.fake.weather.add(trouble, path="/queryAll", times=None)
        with suppress(Unreachable):
            assert bench.pull(api="rest").failed
        bench.fake.weather.clear()
    bench.pull(api="rest")
    assert bench.store.query("SELECT * FROM sf_all.Lead").rows().columns == columns
    assert bench.store.query('SELECT count("Description") FROM sf.Lead').rows().scalar() == 3


def test_a_hard_coded_list_of_objects_without_bulk(bench: Bench) -> None:
    bench.leads(3)
    refusal = b'[{"errorCode":"INVALIDENTITY","message":"Entity \'Lead\' is not supported by the Bulk API."}]'
    bench.fake.weather.add(Refused(400, refusal), method="POST", path="/jobs/query$", times=1)
    estimate = json.dumps({"sObjects": [{"name": "Lead", "count": 99_000}]}).encode()
    bench.fake.weather.add(Refused(200, estimate), path="/limits/recordCount", times=None)
    (result,) = bench.pull().objects
    assert (result.state, result.api) == ("done", "rest")
    assert bench.ids() == bench.there()


def test_a_token_captured_at_start_up(bench: Bench) -> None:
    known = bench.fake.credentials
    bench.org = bench.login(
        {
            "SF_CLIENT_ID": known.client_id,
            "SF_CLIENT_SECRET": known.client_secret,
            "SF_ORG_INSTANCE_URL": bench.fake.instance_url,
        }
    )
    bench.leads(9)
    bench.fake.bulk.settings.page = 2
    bench.fake.weather.add(RevokedSession(), path=RESULTS, nth=2)
    assert not bench.pull(api="bulk").failed
    assert bench.ids() == bench.there()
    logins = len(bench.sent("/oauth2/token", "POST"))
    assert logins == 2
    bench.pull(api="bulk")
    assert len(bench.sent("/oauth2/token", "POST")) == logins  # the new one is kept for the next pull


# --- where records and fields disappear, or stay --------------------------------------------------------------------


def test_a_new_column_that_stays_empty_until_each_record_changes(bench: Bench) -> None:
    ids = bench.leads(3)
    bench.pull()
    bench.fake.add_field("Lead", "Score__c", "double")
    with bench.fake.database.writing() as cursor:
        cursor.execute('UPDATE "Lead" SET "Score__c" = 7.5')  # a default value: no stamp moves
    bench.pull(wait=timedelta(0))  # at once, not a day later
    assert [bench.value("Score__c", one) for one in ids] == [7.5, 7.5, 7.5]


def test_rows_lost_when_the_schema_changes_between_two_pulls(bench: Bench) -> None:
    bench.leads(3)
    bench.pull(api="bulk")
    bench.fake.add_field("Lead", "Score__c", "double")
    bench.fake.hide("Lead", "Description")
    born = bench.leads(3, Score__c=1)
    bench.pull(api="bulk")
    assert bench.ids() == bench.there()
    assert [bench.value("Score__c", one) for one in born] == [1.0, 1.0, 1.0]


@either
def test_formula_values_as_old_as_the_record(bench: Bench, api: str) -> None:
    bench.fake.add_formula("Lead", "Age__c", "double", "TODAY() - DATEVALUE(CreatedDate)")
    (record_id,) = bench.leads(1)
    bench.pull(api=api)
    assert bench.value("Age__c", record_id) == 0
    bench.pull(api=api, wait=timedelta(days=3))
    assert bench.value("Age__c", record_id) == 3


@either
def test_query_all_that_is_not_queryall(bench: Bench, api: str) -> None:
    kept, deleted = bench.leads(2)
    bench.fake.delete("Lead", deleted)
    bench.pull(api=api)
    assert bench.ids() == sorted([kept, deleted])
    assert bench.ids(schema="sf") == [kept]


def test_a_record_deleted_for_good_that_stays_live_for_ever(bench: Bench) -> None:
    kept, gone = bench.leads(2)
    bench.pull()
    bench.fake.delete("Lead", gone, hard=True)
    bench.pull(most_vanished=1.0)
    verify(
        bench.org,
        bench.store,
        workspace=bench.folder,
        objects=["Lead"],
        options=VerifyOptions(repair=True, most_extra=1.0),
    )
    assert bench.ids(schema="sf") == [kept]
    assert bench.ids() == sorted([kept, gone])


@pytest.mark.parametrize("api", ["auto", "rest", "bulk"])
def test_a_removed_stage_that_stays_because_setup_objects_know_no_deleted_records(bench: Bench, api: str) -> None:
    bench.pull("OpportunityStage", api=api)
    gone = bench.ids("OpportunityStage")[0]
    bench.fake.delete("OpportunityStage", gone, hard=True)
    bench.pull("OpportunityStage", api=api)
    assert bench.ids("OpportunityStage") == bench.there("OpportunityStage")
    assert gone not in bench.ids("OpportunityStage")


def test_members_of_campaigns_which_never_lie_in_a_bin(bench: Bench) -> None:
    (campaign,) = bench.fake.insert("Campaign", [{"Name": "Fair"}])
    rows = [{"CampaignId": campaign, "LeadId": lead} for lead in bench.leads(3)]
    members = bench.fake.insert("CampaignMember", rows)
    bench.pull("CampaignMember", most_vanished=1.0)
    bench.fake.delete("CampaignMember", members[0], hard=True)
    bench.pull("CampaignMember", most_vanished=1.0)
    assert bench.ids("CampaignMember", "sf") == members[1:]


def test_a_full_comparison_of_ids_without_a_floor(bench: Bench) -> None:
    # The org lists half of what it has: a lost permission, a failing index, a proxy that cuts off.
    ids = bench.leads(40)
    bench.pull()
    with bench.fake.database.writing() as cursor:
        cursor.execute('DELETE FROM "Lead" WHERE "Id" > ?', [sorted(ids)[19]])
    options = VerifyOptions(repair=True)
    result = verify(bench.org, bench.store, workspace=bench.folder, objects=["Lead"], options=options)
    assert not result.equal
    assert "20" in (result.objects[0].reason or "")
    assert bench.ids(schema="sf") == sorted(ids)


def test_a_merge_taken_for_a_delete(bench: Bench) -> None:
    first, second, third = bench.fake.insert("Account", [{"Name": name} for name in ("One", "Two", "Three")])
    (child,) = bench.fake.insert("Contact", [{"LastName": "Child", "AccountId": first}])
    bench.pull("Account", "Contact")
    rights = WriteOptions(bench.fake.admin_id, system=True)
    merge(bench.fake, "Account", {"Id": second}, [first], rights)
    bench.pull("Account", "Contact")
    merge(bench.fake, "Account", {"Id": third}, [second], rights)
    bench.pull("Account", "Contact")
    assert bench.ids("Account", "sf") == [third]
    assert bench.value("MasterRecordId", first, "Account") == second
    assert bench.value("MasterRecordId", second, "Account") == third
    assert bench.value("AccountId", child, "Contact") == third


# --- where queries are put together ---------------------------------------------------------------------------------


def test_values_put_into_soql_without_escaping(bench: Bench) -> None:
    (wanted,) = bench.leads(1, Company='O\'Neill \\ "Sons"')
    bench.leads(2)
    chosen = Selection(filter="Company = 'O\\'Neill \\\\ \"Sons\"'")
    bench.pull(selections={"Lead": chosen})
    assert bench.ids() == [wanted]


@pytest.mark.parametrize(
    "text", ["Name = 'x' LIMIT 1", "Name = 'x') OR (Id != null", "Name = 'x' ORDER BY Id", "Name = 'x", "DROP TABLE"]
)
def test_a_filter_that_is_more_than_a_condition(bench: Bench, text: str) -> None:
    bench.leads(2)
    with pytest.raises(SfsyncError):
        bench.pull(selections={"Lead": Selection(filter=text)})
    assert not bench.sent("/queryAll")


@pytest.mark.parametrize("api", ["auto", "bulk"])
def test_a_query_too_long_for_an_address(bench: Bench, api: str) -> None:
    for n in range(400):
        bench.fake.add_field("Lead", f"A_Rather_Long_Name_Of_A_Custom_Field_{n:03}__c", "string")
    bench.leads(2)
    (result,) = bench.pull(api=api).objects
    assert (result.state, result.api) == ("done", "bulk")
    assert bench.ids() == bench.there()


def test_addresses_that_force_the_slow_api(bench: Bench) -> None:
    (record_id,) = bench.leads(1, Street="1 Main St,\nSuite 2", City="Springfield", Country="US")
    (result,) = bench.pull(api="bulk").objects
    assert result.api == "bulk"
    assert bench.value("Street", record_id) == "1 Main St,\nSuite 2"
    assert "Address" not in bench.store.query("SELECT * FROM sf_all.Lead").rows().columns
