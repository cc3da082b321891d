from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import pytest
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest

from sfsync.errors import AuthenticationFailed, SalesforceError, SessionExpired, UsageError
from sfsync.salesforce import connect
from sfsync.salesforce.transport import Transport

THING = "/services/data/v66.0/thing"
ENV = {"SF_CLIENT_ID": "3MVG9", "SF_CLIENT_SECRET": "shhhhhhhh"}


def token_answer(make_answer, url, number, org="00D000000000001"):
    return make_answer(
        200,
        {
            "access_token": f"{org}!AQEAQtoken-number-{number}",
            "instance_url": url,
            "id": f"https://login.salesforce.com/id/{org}EAA/005000000000001AAA",
            "token_type": "Bearer",
        },
    )


@pytest.fixture
def renewable(server, transport, make_answer):
    """An org whose login can be repeated; every login gives another token."""
    numbers = iter(range(1, 100))
    server.on("POST /services/oauth2/token", lambda _r: token_answer(make_answer, server.url, next(numbers)))
    return connect(env={**ENV, "SF_LOGIN_URL": server.url}, transport=transport)


def only_with(number, make_answer, make_error):
    def answer(request):
        if request.headers["Authorization"].endswith(f"number-{number}"):
            return make_answer(200, {"token": number})
        return make_error(401, "INVALID_SESSION_ID", "Session expired or invalid")

    return answer


def test_the_clock_is_the_servers_and_costs_no_call(server, org, make_answer):
    server.on("GET /services/data", make_answer(200, [{"version": "66.0"}]))
    before = datetime.now(UTC).replace(microsecond=0)
    now = org.server_time()
    assert now.tzinfo == UTC
    assert before <= now
    assert org.usage.calls == 0
    assert server.requests[-1].headers["Authorization"] is None


def test_an_expired_session_is_renewed_once_and_the_request_repeated(server, renewable, make_answer, make_error):
    server.on(f"GET {THING}", only_with(2, make_answer, make_error))
    assert renewable.get_json(THING) == {"token": 2}
    assert len(server.asked("POST /services/oauth2/token")) == 2
    assert renewable.get_json(THING) == {"token": 2}
    assert len(server.asked("POST /services/oauth2/token")) == 2


def test_a_creation_is_repeated_after_a_new_login_because_the_org_refused_it_unseen(
    server, renewable, make_answer, make_error
):
    server.on(f"POST {THING}", only_with(2, make_answer, make_error))
    assert renewable.post_json(THING, {"a": 1}) == {"token": 2}
    assert [r.body for r in server.asked(f"POST {THING}")] == [b'{"a":1}'] * 2


def test_a_session_refused_right_after_a_new_login_ends_the_run(server, renewable, make_error):
    server.on(f"GET {THING}", make_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    with pytest.raises(SessionExpired):
        renewable.get_json(THING)
    assert len(server.asked("POST /services/oauth2/token")) == 2
    assert len(server.asked(f"GET {THING}")) == 2


def test_threads_that_find_the_session_expired_log_in_once_for_all(server, renewable, make_answer, make_error):
    barrier = threading.Barrier(4, timeout=5)

    def answer(request):
        found = only_with(2, make_answer, make_error)(request)
        if found.status == 401:
            barrier.wait()
        return found

    server.on(f"GET {THING}", answer)
    threads = [threading.Thread(target=renewable.get_json, args=(THING,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked("POST /services/oauth2/token")) == 2
    assert len(server.asked(f"GET {THING}")) == 8


def test_a_new_login_that_leads_to_another_org_is_refused(server, renewable, make_answer, make_error):
    server.on(f"GET {THING}", make_error(401, "INVALID_SESSION_ID"))
    server.on("POST /services/oauth2/token", token_answer(make_answer, server.url, 2, org="00D000000000002"))
    with pytest.raises(AuthenticationFailed, match="Logging in again led"):
        renewable.get_json(THING)


def test_org_and_user_are_known_from_the_login(renewable):
    assert renewable.org_id == "00D000000000001EAA"
    assert renewable.user_id == "005000000000001AAA"


def test_org_and_user_are_asked_for_once_when_the_login_does_not_tell(server, transport, make_answer):
    resources = {"identity": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA", "query": "…"}
    server.on("GET /services/data/v66.0", make_answer(200, resources))
    org = connect(env={"SF_ACCESS_TOKEN": "opaque-token", "SF_ORG_INSTANCE_URL": server.url}, transport=transport)
    assert (org.org_id, org.user_id, org.org_id) == ("00D000000000001EAA", "005000000000001AAA", "00D000000000001EAA")
    assert len(server.asked("GET /services/data/v66.0")) == 1


def test_the_org_id_in_the_token_gets_its_checksum(org):
    assert org.org_id == "00D000000000001EAA"


def test_an_org_is_called_by_its_host_unless_it_has_an_alias(server, org):
    assert org.name == server.url.removeprefix("https://")
    assert repr(org) == f"Org({org.name!r}, {server.url!r}, api_version='66.0')"


def test_paths_are_built_safely(org):
    assert org.data_path("sobjects", "Lead") == "/services/data/v66.0/sobjects/Lead"
    assert org.data_path("sobjects", "../../x?y=1") == "/services/data/v66.0/sobjects/..%2F..%2Fx%3Fy%3D1"


@pytest.mark.parametrize("path", ["services", "https://evil.example/x", "", "@evil.example/", "/a\r\nHost: evil"])
def test_only_paths_of_the_org_itself_are_asked(org, path):
    with pytest.raises(SalesforceError, match="Refusing to follow"):
        org.get_json(path)


def test_delete_expects_no_body(server, org, make_answer):
    server.on(f"DELETE {THING}", make_answer(204))
    org.delete(THING)
    assert server.requests[-1].method == "DELETE"


def test_a_download_is_streamed_in_pieces(server, org, csv_page):
    server.on(f"GET {THING}", csv_page(["a", "b"]))
    with org.stream(THING) as download:
        assert download.headers["sforce-locator"] == "null"
        assert b"".join(download.pieces(size=7)) == b'"Id"\n"a"\n"b"\n'


def test_simple_salesforce_works_on_our_login_and_our_transport(server, org, make_answer, token):
    query = "/services/data/v66.0/query/"
    records = {"totalSize": 1, "done": True, "records": [{"attributes": {"type": "Lead"}, "Id": "00Q1"}]}
    server.on(f"GET {query}", make_answer(503), make_answer(200, records))
    found = org.simple_salesforce.query_all("SELECT Id FROM Lead")
    assert found["records"][0]["Id"] == "00Q1"
    assert org.usage.calls == 2
    assert server.requests[-1].headers["Authorization"] == f"Bearer {token}"
    assert server.requests[-1].headers["Sforce-Call-Options"] == "client=sfsync"


def test_simple_salesforce_gets_its_own_exceptions(server, org, make_error):
    server.on("GET /services/data/v66.0/query/", make_error(400, "MALFORMED_QUERY", "unexpected token"))
    with pytest.raises(SalesforceMalformedRequest, match="unexpected token"):
        org.simple_salesforce.query("SELECT")


def test_simple_salesforce_too_is_logged_in_again(server, renewable, make_answer, make_error):
    server.on("GET /services/data/v66.0/limits/", only_with(2, make_answer, make_error))
    client = renewable.simple_salesforce
    assert client.limits() == {"token": 2}
    assert renewable.simple_salesforce is not client
    assert renewable.simple_salesforce is renewable.simple_salesforce


def test_simple_salesforce_creations_are_not_repeated_blindly(server, org, make_answer):
    server.on("POST /services/data/v66.0/sobjects/Lead/", make_answer(503, []))
    with pytest.raises(SalesforceGeneralError):
        org.simple_salesforce.Lead.create({"LastName": "x"})
    assert len(server.asked("POST /services/data/v66.0/sobjects/Lead/")) == 1


def test_the_lent_session_sends_our_token_nowhere_else(org):
    with pytest.raises(UsageError, match="only talks to"):
        org.simple_salesforce.session.get("https://evil.example/")


def test_a_closed_org_can_be_used_as_a_context(server, token):
    env = {"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url}
    with connect(env=env, transport=Transport(ca_file=server.ca_file)) as org:
        assert re.fullmatch(r"\d+\.0", org.api_version)
