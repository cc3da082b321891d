from __future__ import annotations

import time

import pytest
import requests

from sfsync.fake.weather import (
    Delay,
    ExpiredSession,
    GatewayPage,
    LimitExceeded,
    Refused,
    Reset,
    Silence,
    TooManyRequests,
    Truncated,
    Unavailable,
    WrongCount,
)

DATA = "/services/data/v60.0"


def statuses(client, count, path=f"{DATA}/limits"):
    return [client.get(path).status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (Unavailable(), 503, "SERVER_UNAVAILABLE"),
        (TooManyRequests(), 429, "REQUEST_RUNNING_TOO_LONG"),
        (LimitExceeded(), 403, "REQUEST_LIMIT_EXCEEDED"),
        (ExpiredSession(), 401, "INVALID_SESSION_ID"),
    ],
)
def test_a_trouble_strikes_once_unless_told_otherwise(org, client, trouble, status, code):
    rule = org.weather.add(trouble)
    response = client.get(f"{DATA}/limits")
    assert (response.status_code, response.json()[0]["errorCode"]) == (status, code)
    assert statuses(client, 2) == [200, 200]
    assert (rule.seen, rule.struck) == (3, 1)


def test_a_server_that_is_busy_says_when_to_come_back(org, client):
    org.weather.add(TooManyRequests())
    assert client.get(f"{DATA}/limits").headers["Retry-After"] == "1"


def test_a_trouble_can_strike_the_nth_time_some_times_or_always(org, client):
    org.weather.add(Unavailable(), nth=3)
    assert statuses(client, 4) == [200, 200, 503, 200]
    org.weather.add(Unavailable(), times=2)
    assert statuses(client, 3) == [503, 503, 200]
    org.weather.add(Unavailable(), times=None)
    assert statuses(client, 3) == [503, 503, 503]
    assert len(list(org.weather)) == 3
    org.weather.clear()
    assert statuses(client, 1) == [200]


def test_a_trouble_can_be_for_some_requests_only(org, client):
    org.weather.add(Unavailable(), method="POST", path="/jobs/query$", times=None)
    assert client.get(f"{DATA}/jobs/query").status_code == 200
    body = {"operation": "query", "query": "SELECT Id FROM Lead"}
    assert client("POST", f"{DATA}/jobs/query", json=body).status_code == 503


def test_an_error_of_your_own(org, client):
    org.weather.add(Refused(418, b"teapot", "text/plain"))
    response = client.get(f"{DATA}/limits")
    assert (response.status_code, response.text) == (418, "teapot")


def test_a_gateway_answers_in_html(org, client):
    org.weather.add(GatewayPage())
    response = client.get(f"{DATA}/limits")
    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("text/html")


def test_the_org_never_sees_a_request_that_was_refused(org, client):
    org.weather.add(Unavailable())
    client("POST", f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    assert org.bulk.created == 0


def test_a_slow_answer_comes_all_the_same(org, client):
    org.weather.add(Delay(0.05))
    begun = time.monotonic()
    assert client.get(f"{DATA}/limits").status_code == 200
    assert time.monotonic() - begun >= 0.05


def test_a_reset_is_a_connection_error(org, client):
    org.weather.add(Reset())
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get(f"{DATA}/limits")
    assert org.requests[-1].status == 0
    assert statuses(client, 1) == [200]


def test_silence_is_a_time_out(org, client):
    org.weather.add(Silence())
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.get(f"{DATA}/limits", timeout=5)


@pytest.mark.parametrize("trouble", [Reset(after_work=True), Silence(after_work=True)])
def test_the_line_can_go_down_after_the_work_was_done(org, client, trouble):
    org.weather.add(trouble, method="POST")
    with pytest.raises(requests.exceptions.RequestException):
        client("POST", f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    assert org.bulk.created == 1


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_page_can_be_cut_off(org, client, leads, encoding):
    job = client.bulk("SELECT Id, LastName FROM Lead")["id"]
    client.get(f"{DATA}/jobs/query/{job}")
    org.weather.add(Truncated(0.5), path="/results$")
    url = f"{DATA}/jobs/query/{job}/results"
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        client.get(url, headers={"Accept-Encoding": encoding})
    assert client.get(url).status_code == 200
    assert list(org.database.scratch.glob("page-*")) == []


def test_a_page_can_announce_a_wrong_number_of_records(org, client, leads):
    job = client.bulk("SELECT Id FROM Lead")["id"]
    client.get(f"{DATA}/jobs/query/{job}")
    org.weather.add(WrongCount(2))
    org.weather.add(WrongCount(-1))
    response = client.get(f"{DATA}/jobs/query/{job}/results")
    assert response.headers["Sforce-NumberOfRecords"] == str(len(leads) + 1)
    org.weather.add(WrongCount())
    assert "Sforce-NumberOfRecords" not in client.get(f"{DATA}/limits").headers


def test_several_troubles_can_meet_one_request(org, client):
    org.weather.add(Delay(0.01))
    org.weather.add(Unavailable())
    assert client.get(f"{DATA}/limits").status_code == 503
