"""Whatever a client sends, it gets an answer of Salesforce's kind, and the org goes on."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DATA = "/services/data/v60.0"
NASTY = [
    "\0",
    "'",
    '"',
    "\\",
    "%",
    "{}",
    "<x>",
    "☃",
    "\r\n",
    "../../etc/passwd",
    "a" * 3000,
    "-1",
    "1e999",
    "9" * 40,
    "null",
]
PLACES = [
    "SELECT Id FROM Lead WHERE LastName = '{}'",
    "SELECT Id FROM Lead WHERE LastName LIKE '{}'",
    "SELECT Id FROM Lead WHERE AnnualRevenue > {}",
    "SELECT Id FROM Lead WHERE CreatedDate > {}",
    "SELECT Id FROM Lead WHERE Id IN ('{}')",
    "SELECT {} FROM Lead",
    "SELECT Id FROM {}",
    "SELECT Id FROM Lead ORDER BY {} LIMIT {}",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_values_in_queries_are_values_or_errors(client, leads, nasty):
    for place in PLACES:
        response = client.get(f"{DATA}/query", params={"q": place.replace("{}", nasty)})
        assert response.status_code in {200, 400}, response.text
        assert response.status_code == 200 or response.json()[0]["errorCode"] != "UNKNOWN_EXCEPTION"
    assert client.query("SELECT COUNT() FROM Lead")["totalSize"] == len(leads)


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_paths_are_not_found(client, nasty):
    text = quote(nasty, safe="")
    for path in (
        f"/query/{text}",
        f"/jobs/query/{text}",
        f"/jobs/query/{text}/results",
        f"/sobjects/{text}/describe",
        f"/{text}",
    ):
        assert client.get(DATA + path).status_code in {400, 404}


@pytest.mark.parametrize("host", ["a b", "x\x7f", "[::1", "é", "", "x" * 300, "<script>"])
def test_nasty_hosts_get_an_answer(org, host):
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": DATA,
        "QUERY_STRING": "",
        "HTTP_HOST": host,
        "HTTP_AUTHORIZATION": f"Bearer {org.token}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
    }
    seen = []
    body = b"".join(org.wsgi(environ, lambda status, _headers: seen.append(status)))
    assert seen[0][:3] in {"200", "400"}
    assert b"Traceback" not in body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(
            [
                "SELECT",
                "FROM",
                "WHERE",
                "AND",
                "OR",
                "NOT",
                "IN",
                "(",
                ")",
                ",",
                ".",
                "'",
                "=",
                "<",
                "null",
                "true",
                "5",
                "Id",
                "Name",
                "Lead",
                "Owner",
                "LIMIT",
                "COUNT()",
                "TODAY",
            ]
        ),
        max_size=12,
    )
)
def test_any_heap_of_words_is_answered(client, words):
    response = client.get(f"{DATA}/query", params={"q": " ".join(words)})
    assert response.status_code in {200, 400}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_any_body_is_answered(client, body):
    for path in (f"{DATA}/jobs/query", "/services/oauth2/token", "/services/Soap/u/60.0"):
        response = client("POST", path, data=body)
        assert response.status_code == 500 if "Soap" in path else response.status_code == 400
