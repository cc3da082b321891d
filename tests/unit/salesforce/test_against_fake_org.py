"""The whole slice against the fake org: every login, every kind of question, and bad weather."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from sfsync.errors import (
    AuthenticationFailed,
    IncompleteAnswer,
    LimitReached,
    RequestRefused,
    SessionExpired,
    TemporaryFailure,
)
from sfsync.fake import FakeOrg
from sfsync.fake import weather as bad
from sfsync.fake.bulk import Transition
from sfsync.salesforce import connect
from sfsync.salesforce.bulk_query import BulkQuery
from sfsync.salesforce.describe import describe_object, list_objects
from sfsync.salesforce.limits import limits
from sfsync.salesforce.query import count, query_pages, record_counts
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport

LEADS = 450


@pytest.fixture(scope="module")
def world():
    """One org for all tests of this file; each starts with fair weather."""
    with FakeOrg.empty() as org:
        org.insert("Lead", [lead(number) for number in range(LEADS)])
        org.settings.query_page = 200
        yield org


def lead(number):
    return {
        "LastName": f"Ærø {number}",
        "Company": f'"Quoted", {number}' if number % 3 else f"Söhne {number} 😀",
        "Description": None if number % 5 else f"line {number}\nand another\u2028one",
    }


@pytest.fixture
def fake(world):
    world.weather.clear()
    world.bulk.settings.page = 100_000
    world.bulk.settings.transition = Transition()
    return world


@pytest.fixture
def transport(fake, waits):
    return Transport(fake.session(), policy=RetryPolicy(sleep=waits.append), env={})


def by_token(fake, transport, **options):
    return connect(
        env={"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}, transport=transport, **options
    )


def by_client(fake, transport):
    known = fake.credentials
    env = {"SF_CLIENT_ID": known.client_id, "SF_CLIENT_SECRET": known.client_secret, "SF_LOGIN_URL": fake.instance_url}
    return connect(env=env, transport=transport)


@pytest.fixture
def org(fake, transport):
    return by_token(fake, transport)


@pytest.fixture
def renewable(fake, transport):
    return by_client(fake, transport)


def csv_rows(pages):
    rows = []
    for page in pages:
        with page.path.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        assert len(found) == page.rows
        rows += found
    return rows


# --- logging in --------------------------------------------------------------------------------------------------


def test_login_with_a_token(fake, org):
    assert org.org_id == fake.org_id
    assert org.user_id == fake.admin_id
    assert org.api_version == "66.0"


def test_login_with_client_credentials(fake, renewable):
    assert (renewable.org_id, renewable.user_id) == (fake.org_id, fake.admin_id)
    assert count(renewable, "SELECT COUNT() FROM Lead") == fake.count("Lead")


def test_login_with_a_jwt(fake, transport, tmp_path):
    key = tmp_path / "key.pem"
    key.write_text(fake.credentials.private_key)
    env = {
        "SF_CLIENT_ID": fake.credentials.client_id,
        "SF_USERNAME": str(fake.record("User", fake.admin_id)["Username"]),
        "SF_JWT_KEY_FILE": str(key),
        "SF_LOGIN_URL": fake.instance_url,
    }
    org = connect(env=env, transport=transport)
    assert (org.org_id, org.user_id) == (fake.org_id, fake.admin_id)


def password_env(fake):
    return {
        "SF_USERNAME": str(fake.record("User", fake.admin_id)["Username"]),
        "SF_PASSWORD": fake.credentials.password,
        "SF_SECURITY_TOKEN": fake.credentials.security_token,
    }


def test_login_with_a_password_by_soap(fake, transport):
    org = connect(env=password_env(fake), transport=transport)
    assert (org.org_id, org.user_id, org.instance_url) == (fake.org_id, fake.admin_id, fake.instance_url)


def test_login_with_a_password_by_oauth(fake, transport):
    known = fake.credentials
    env = {**password_env(fake), "SF_CONSUMER_KEY": known.client_id, "SF_CONSUMER_SECRET": known.client_secret}
    assert connect(env=env, transport=transport).org_id == fake.org_id


def test_login_by_the_sf_cli(fake, transport, fake_sf):
    display = json.dumps({"status": 0, "result": {"instanceUrl": fake.instance_url, "accessToken": "[REDACTED]"}})
    shown = json.dumps({"status": 0, "result": {"accessToken": fake.token}})
    env = fake_sf(f"if [ $2 = display ]; then echo '{display}'; else echo '{shown}'; fi")
    org = connect(target_org="dev", env=env, transport=transport)
    assert (org.name, org.org_id) == ("dev", fake.org_id)


@pytest.mark.parametrize("change", [{"SF_PASSWORD": "wrong"}, {"SF_USERNAME": "nobody@example.com"}])
def test_a_wrong_password_is_refused_with_a_hint(fake, transport, waits, change):
    with pytest.raises(AuthenticationFailed, match="INVALID_LOGIN") as raised:
        connect(env={**password_env(fake), **change}, transport=transport)
    assert "SF_SECURITY_TOKEN" in raised.value.hint
    assert waits == []


def test_a_wrong_client_secret_is_refused_with_a_hint(fake, transport):
    env = {"SF_CLIENT_ID": fake.credentials.client_id, "SF_CLIENT_SECRET": "wrong", "SF_LOGIN_URL": fake.instance_url}
    with pytest.raises(AuthenticationFailed, match="invalid client credentials"):
        connect(env=env, transport=transport)


def test_client_credentials_at_the_common_login_address_are_told_where_to_go(fake, transport):
    env = {"SF_CLIENT_ID": "x", "SF_CLIENT_SECRET": "yyyy", "SF_LOGIN_URL": "https://login.salesforce.com"}
    with pytest.raises(AuthenticationFailed, match="not supported on this domain") as raised:
        connect(env=env, transport=transport)
    assert "My Domain" in raised.value.hint


def test_a_token_the_org_does_not_know_ends_with_a_hint(fake, transport):
    env = {"SF_ACCESS_TOKEN": "00D000000000001!unknown.token", "SF_ORG_INSTANCE_URL": fake.instance_url}
    with pytest.raises(SessionExpired, match="Session expired or invalid") as raised:
        list_objects(connect(env=env, transport=transport))
    assert "new access token" in raised.value.hint


# --- asking ------------------------------------------------------------------------------------------------------


def test_the_org_tells_its_time(fake, org):
    before = fake.clock.now().replace(microsecond=0)
    assert before <= org.server_time() <= fake.clock.now()
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    fake.clock.set(moment)
    assert moment <= org.server_time() < moment + timedelta(minutes=5)


def test_objects_and_fields(org):
    assert list_objects(org)["Lead"] is True
    lead = describe_object(org, "Lead")
    assert lead.key_prefix == "00Q"
    assert lead.field("Status").picklist_values
    assert lead.field("ConvertedOpportunityId").reference_to == ("Opportunity",)
    assert "Address" not in {field.name for field in lead.stored_fields}
    with pytest.raises(RequestRefused) as raised:
        describe_object(org, "Nope__c")
    assert raised.value.error_code == "NOT_FOUND"


def test_a_query_of_several_pages(fake, org):
    pages = list(query_pages(org, "SELECT Id, Name, Owner.Name FROM Lead"))
    total = fake.count("Lead")
    assert len(pages) == -(-total // 200)
    assert {page.total_size for page in pages} == {total}
    records = [record for page in pages for record in page.records]
    assert len({record["Id"] for record in records}) == total
    assert count(org, "SELECT COUNT() FROM Lead") == total


def test_what_was_deleted_is_seen_by_query_all_only(fake, org):
    (lead,) = fake.insert("Lead", [{"LastName": "Gone", "Company": "Gone Ltd"}])
    fake.delete("Lead", lead)
    soql = f"SELECT Id, IsDeleted FROM Lead WHERE Id = '{lead}'"
    assert [page.records for page in query_pages(org, soql)] == [[]]
    (page,) = query_pages(org, soql, deleted_too=True)
    assert page.records[0]["IsDeleted"] is True


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FORM Lead", "MALFORMED_QUERY"),
    ],
)
def test_a_query_the_org_does_not_understand(org, soql, code):
    with pytest.raises(RequestRefused) as raised:
        list(query_pages(org, soql))
    assert raised.value.error_code == code
    assert raised.value.hint


def test_limits_and_counts(fake, org):
    known = limits(org)["DailyApiRequests"]
    assert known.max == fake.settings.daily_api_requests
    assert record_counts(org, ["Lead", "Nope"])["Lead"] == fake.count("Lead")
    assert (org.usage.allowed, org.usage.calls) == (known.max, 2)
    assert org.usage.used > 0


def test_simple_salesforce_through_our_transport(fake, org):
    found = org.simple_salesforce.query_all("SELECT Id FROM Lead")
    assert found["totalSize"] == len(found["records"]) == fake.count("Lead")


# --- downloading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 4])
def test_a_bulk_query_of_several_pages(fake, org, tmp_path, connections):
    fake.bulk.settings.page = 60
    fake.bulk.settings.transition = Transition(polls=3)
    job = BulkQuery.create(org, "SELECT Id, LastName, Owner.Name FROM Lead")
    states = []
    job.wait(states.append)
    assert [state.state for state in states] == ["InProgress"] * 3 + ["JobComplete"]
    pages = job.download(tmp_path, connections=connections)
    rows = csv_rows(pages)
    assert list(rows[0]) == ["Id", "LastName", "Owner.Name"]
    assert len(pages) == -(-fake.count("Lead") // 60)
    assert len({row["Id"] for row in rows}) == len(rows) == fake.count("Lead")
    job.delete()
    job.delete()
    with pytest.raises(RequestRefused):
        job.state()


def test_a_bulk_query_says_the_same_as_rest(org, tmp_path):
    soql = "SELECT Id, LastName, Company, Description FROM Lead"
    by_rest = {r["Id"]: r for page in query_pages(org, soql) for r in page.records}
    by_bulk = {r["Id"]: r for r in csv_rows(BulkQuery.create(org, soql).download(tmp_path))}
    assert by_bulk.keys() == by_rest.keys()
    for key, record in by_rest.items():
        assert by_bulk[key] == {name: record[name] or "" for name in ("Id", "LastName", "Company", "Description")}


@pytest.mark.parametrize("version", ["66.0", "50.0"])
def test_a_bulk_query_without_rows(fake, transport, tmp_path, version):
    org = by_token(fake, transport, api_version=version)
    job = BulkQuery.create(org, "SELECT Id FROM Lead WHERE LastName = 'nobody has this name'")
    assert job.download(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_bulk_query_with_what_was_deleted(fake, org, tmp_path):
    (lead,) = fake.insert("Lead", [{"LastName": "Gone too", "Company": "Gone Ltd"}])
    fake.delete("Lead", lead)
    soql = f"SELECT Id, IsDeleted FROM Lead WHERE Id = '{lead}'"
    assert BulkQuery.create(org, soql).download(tmp_path / "live") == []
    rows = csv_rows(BulkQuery.create(org, soql, deleted_too=True).download(tmp_path / "all"))
    assert [row["IsDeleted"] for row in rows] == ["true"]


def test_a_killed_download_is_taken_up_again_by_its_job_id(fake, org, transport, tmp_path):
    fake.bulk.settings.page = 100
    job = BulkQuery.create(org, "SELECT Id FROM Lead")

    class Killed(Exception):
        pass

    def kill(_page):
        raise Killed

    with pytest.raises(Killed):
        job.download(tmp_path, kill)
    again = BulkQuery(by_token(fake, transport), job.id)
    assert len(csv_rows(again.download(tmp_path))) == fake.count("Lead")


def test_a_query_that_bulk_cannot_do_is_refused(org):
    with pytest.raises(RequestRefused):
        BulkQuery.create(org, "SELECT COUNT(Id) FROM Lead")


def test_a_bulk_job_that_fails(fake, org):
    fake.bulk.settings.transition = Transition(error="InvalidBatch : Failed to process query: QUERY_TIMEOUT: too slow")
    with pytest.raises(RequestRefused, match="too slow") as raised:
        BulkQuery.create(org, "SELECT Id FROM Lead").wait()
    assert raised.value.error_code == "QUERY_TIMEOUT"


def test_a_bulk_job_that_never_ends(fake, org):
    fake.bulk.settings.transition = Transition(stuck=True)
    with pytest.raises(TemporaryFailure, match="is not ready"):
        BulkQuery.create(org, "SELECT Id FROM Lead").wait(patience=600)


# --- bad weather -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [bad.Unavailable(), bad.TooManyRequests(), bad.GatewayPage(), bad.Reset(), bad.Silence(0.0), bad.Truncated()],
)
def test_passing_trouble_is_waited_out(fake, org, waits, trouble):
    rule = fake.weather.add(trouble, path="/query", times=2)
    records = [record for page in query_pages(org, "SELECT Id FROM Lead") for record in page.records]
    assert len({record["Id"] for record in records}) == fake.count("Lead")
    assert rule.struck == 2
    assert len(waits) == 2


@pytest.mark.parametrize("trouble", [bad.Unavailable(), bad.Reset(after_work=True), bad.Silence(0.0, after_work=True)])
def test_a_bulk_job_is_created_in_spite_of_trouble(fake, org, tmp_path, trouble):
    fake.weather.add(trouble, method="POST", path="/jobs/query$")
    assert len(csv_rows(BulkQuery.create(org, "SELECT Id FROM Lead").download(tmp_path))) == fake.count("Lead")


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_page_is_fetched_again(fake, org, tmp_path, connections, share):
    fake.bulk.settings.page = 150
    rule = fake.weather.add(bad.Truncated(share), path="/results$", times=2)
    rows = csv_rows(BulkQuery.create(org, "SELECT Id, LastName FROM Lead").download(tmp_path, connections=connections))
    assert len({row["Id"] for row in rows}) == len(rows) == fake.count("Lead")
    assert rule.struck == 2


def test_pages_that_announce_more_rows_than_the_job_has_are_not_believed(fake, org, tmp_path):
    fake.weather.add(bad.WrongCount(by=1), path="/results$")
    with pytest.raises(IncompleteAnswer):
        BulkQuery.create(org, "SELECT Id FROM Lead").download(tmp_path)


def test_an_expired_session_is_renewed_in_the_middle_of_a_query(fake, renewable):
    pages = query_pages(renewable, "SELECT Id FROM Lead")
    first = next(pages)
    fake.access.revoke_all()
    fake.access.issue(fake.admin_id, fake.token)
    rest = list(pages)
    assert sum(len(page.records) for page in [first, *rest]) == fake.count("Lead")


def test_an_expired_session_is_renewed_in_the_middle_of_a_download(fake, renewable, tmp_path):
    fake.bulk.settings.page = 50
    rule = fake.weather.add(bad.ExpiredSession(), path="/results$", nth=3)
    rows = csv_rows(BulkQuery.create(renewable, "SELECT Id FROM Lead").download(tmp_path))
    assert len(rows) == fake.count("Lead")
    assert rule.struck == 1


def test_a_session_of_a_bare_token_that_expires_ends_the_run(fake, org):
    fake.weather.add(bad.ExpiredSession(), path="/limits")
    with pytest.raises(SessionExpired):
        limits(org)


def test_the_daily_limit_ends_the_run_at_once(fake, org, waits):
    fake.weather.add(bad.LimitExceeded(), path="/query")
    with pytest.raises(LimitReached, match="TotalRequests Limit exceeded"):
        count(org, "SELECT COUNT() FROM Lead")
    assert waits == []


def test_lasting_trouble_ends_in_one_clear_error(fake, org, waits):
    fake.weather.add(bad.Unavailable(), times=None)
    with pytest.raises(TemporaryFailure) as raised:
        limits(org)
    assert raised.value.hint
    assert len(waits) == 4


# --- the other doors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [None, bad.Truncated(), bad.Reset(), bad.Unavailable()])
def test_over_tls_with_nothing_but_three_variables_set(fake, tmp_path, waits, trouble):
    fake.bulk.settings.page = 100
    with fake.serve() as served:
        env = {
            "SF_ACCESS_TOKEN": served.token,
            "SF_ORG_INSTANCE_URL": served.url,
            "REQUESTS_CA_BUNDLE": str(served.ca_file),
        }
        transport = Transport(env=env, policy=RetryPolicy(sleep=waits.append))
        with connect(env=env, transport=transport) as org:
            if trouble:
                fake.weather.add(trouble, path="/results$", times=2)
            rows = csv_rows(BulkQuery.create(org, "SELECT Id, Description FROM Lead").download(tmp_path))
            assert len({row["Id"] for row in rows}) == len(rows) == fake.count("Lead")
            assert sum(len(page.records) for page in query_pages(org, "SELECT Id FROM Lead")) == fake.count("Lead")


def test_through_the_responses_door(fake, waits):
    with fake.responses():
        org = by_token(fake, Transport(env={}, policy=RetryPolicy(sleep=waits.append)))
        assert count(org, "SELECT COUNT() FROM Lead") == fake.count("Lead")
