from __future__ import annotations

import gzip
import logging
from datetime import UTC, datetime

import pytest

DATA = "/services/data/v60.0"


def error_of(response):
    [error] = response.json()
    return response.status_code, error["errorCode"], error["message"]


def test_versions_are_told_to_anybody(org):
    response = org.session().get(f"{org.instance_url}/services/data")
    assert response.status_code == 200
    assert response.json()[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    labels = {one["version"]: one["label"] for one in response.json()}
    assert labels["58.0"] == "Summer '23"
    assert labels["59.0"] == "Winter '24"
    assert labels["66.0"] == "Spring '26"
    assert "Sforce-Limit-Info" not in response.headers


def test_a_versions_resources_name_who_asks(org, client):
    body = client.get(DATA).json()
    assert body["query"] == f"{DATA}/query"
    assert body["identity"] == f"{org.instance_url}/id/{org.org_id}/{org.admin_id}"


@pytest.mark.parametrize("token", ["", "Bearer wrong", "Bearer ", "Basic abc", "nonsense"])
def test_without_a_valid_token_there_is_nothing(org, token):
    response = org.session().get(org.instance_url + DATA, headers={"Authorization": token})
    assert error_of(response) == (401, "INVALID_SESSION_ID", "Session expired or invalid")
    assert response.headers["WWW-Authenticate"] == "Token"
    assert "Sforce-Limit-Info" not in response.headers


@pytest.mark.parametrize(
    "how", [{"Authorization": "OAuth {}"}, {"Authorization": "bearer {}"}, {"X-SFDC-Session": "{}"}]
)
def test_the_token_is_taken_in_every_way_that_clients_send_it(org, how):
    headers = {name: value.format(org.token) for name, value in how.items()}
    assert org.session().get(org.instance_url + DATA, headers=headers).status_code == 200


def test_a_revoked_token_is_refused(org, client):
    org.access.revoke(org.token)
    assert client.get(DATA).status_code == 401


@pytest.mark.parametrize(
    "path", ["//services/data/v60.0/limits", "/services/data/v60.0/limits/", "/services//data/v60.0//limits//"]
)
def test_doubled_and_trailing_slashes_are_let_pass(client, path):
    assert client.get(path).status_code == 200


def test_unknown_paths_are_not_found(client):
    assert error_of(client.get(f"{DATA}/nothing")) == (404, "NOT_FOUND", "The requested resource does not exist")


def test_unknown_paths_ask_for_a_login_first(org):
    assert org.session().get(f"{org.instance_url}{DATA}/nothing").status_code == 401


def test_wrong_methods_are_told_the_right_ones(client):
    response = client("DELETE", f"{DATA}/limits")
    assert error_of(response)[:2] == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in response.headers["Allow"]


def test_post_can_stand_for_another_method(client):
    job = client.bulk("SELECT Id FROM Lead")["id"]
    response = client("POST", f"{DATA}/jobs/query/{job}?_HttpMethod=PATCH", json={"state": "Aborted"})
    assert response.json()["state"] == "Aborted"


@pytest.mark.parametrize(
    ("version", "status"), [("31.0", 200), ("66.0", 200), ("30.0", 410), ("67.0", 404), ("60.5", 404)]
)
def test_api_versions_have_a_first_and_a_last(client, version, status):
    assert client.get(f"/services/data/v{version}/limits").status_code == status


def test_every_answer_carries_salesforces_headers(org, client):
    org.clock.set(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
    headers = client.get(f"{DATA}/limits").headers
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Date"] == "Tue, 03 Feb 2026 04:05:06 GMT"
    assert headers["Cache-Control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
    assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert headers["Vary"] == "Accept-Encoding"


def test_api_usage_is_counted_and_limited(org, client):
    org.settings.daily_api_requests = 3
    told = [client.get(f"{DATA}/limits").headers["Sforce-Limit-Info"] for _ in range(3)]
    assert told == ["api-usage=1/3", "api-usage=2/3", "api-usage=3/3"]
    assert error_of(client.get(f"{DATA}/limits")) == (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def test_answers_are_compressed_for_those_who_can_read_it(org, client):
    packed = client.get(f"{DATA}/sobjects", headers={"Accept-Encoding": "gzip, deflate"}, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    raw = packed.raw.read(decode_content=False)
    plain = client.get(f"{DATA}/sobjects", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content


def test_an_empty_answer_has_no_content_type(client):
    job = client.bulk("SELECT Id FROM Lead")["id"]
    client.get(f"{DATA}/jobs/query/{job}")
    response = client("DELETE", f"{DATA}/jobs/query/{job}")
    assert response.status_code == 204
    assert "Content-Type" not in response.headers
    assert response.content == b""
    assert "Sforce-Limit-Info" in response.headers


def test_an_address_that_is_too_long_is_refused(client):
    assert client.get(f"{DATA}/query", params={"q": "x" * 20_000}).status_code == 414


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff", b"", b"[" * 100_000])
def test_bodies_that_are_not_json_objects_are_refused(client, body):
    response = client("POST", f"{DATA}/jobs/query", data=body)
    assert error_of(response)[:2] == (400, "JSON_PARSER_ERROR")


def test_every_request_is_written_down(org, client):
    client.get(f"{DATA}/limits/", params={"a": "b"})
    client.get(f"{DATA}/nothing")
    [first, second] = org.requests
    assert (first.method, first.path, first.query, first.status) == ("GET", f"{DATA}/limits", "a=b", 200)
    assert second.status == 404
    assert "authorization" not in first.headers
    assert len(org.requests.to("limits")) == 1
    assert org.requests.to(method="POST") == []
    assert org.requests[0] is first
    org.requests.clear()
    assert len(org.requests) == 0


def test_a_fault_of_the_fake_itself_is_logged_and_told_without_details(org, client, caplog, monkeypatch):
    monkeypatch.setattr(type(org.queries), "start", lambda *_args, **_options: 1 / 0)
    with caplog.at_level(logging.ERROR, "sfsync.fake"):
        response = client.get(f"{DATA}/query", params={"q": "SELECT Id FROM Lead"})
    assert error_of(response)[:2] == (500, "UNKNOWN_EXCEPTION")
    assert "division" not in response.text
    assert "ZeroDivisionError" in caplog.text


def test_the_wsgi_application_is_one(org):
    seen = {}
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/services/data",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
    }
    body = b"".join(org.wsgi(environ, lambda status, headers: seen.update(status=status, headers=headers)))
    assert seen["status"] == "200 OK"
    assert body.startswith(b'[{"label"')


def test_a_lookalike_of_another_host_is_answered_under_its_own_name(org):
    session = org.session()
    body = {"grant_type": "client_credentials", "client_id": "fake-client-id", "client_secret": "fake-client-secret"}
    answer = session.post("https://acme.my.salesforce.com/services/oauth2/token", data=body).json()
    assert answer["instance_url"] == "https://acme.my.salesforce.com"
