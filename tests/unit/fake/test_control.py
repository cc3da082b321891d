"""The server's own levers: state, reset, clock, weather and calls, for this machine alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from werkzeug.test import Client as WsgiClient

from sfsync.fake import FakeOrg

DATA = "/services/data/v60.0"


@pytest.fixture
def control(org):
    session = org.session()

    def ask(method, path, **options):
        return session.request(method, f"{org.instance_url}/_fake{path}", **options)

    return ask


def test_the_state_tells_what_is_in_the_org_and_no_secret(org, client, control, leads):
    client.get(f"{DATA}/limits")
    response = control("GET", "/state")
    state = response.json()
    assert state["objects"]["Lead"] == len(leads)
    assert state["calls"] == 1
    assert state["apiRequests"]["used"] == 1
    assert org.token not in response.text
    assert org.credentials.client_secret not in response.text


def test_the_levers_are_neither_logged_nor_counted_nor_troubled(org, client, control):
    control("POST", "/weather", json={"trouble": "unavailable", "times": "always"})
    for _ in range(3):
        assert control("GET", "/state").status_code == 200
    assert len(org.requests) == 0
    assert client.get(f"{DATA}/limits").status_code == 503


def test_a_reset_brings_the_first_day_back(org, client, control, leads):
    org.add_field("Lead", "Score__c", "double")
    control("POST", "/weather", json=[{"trouble": "unavailable", "times": "always"}])
    control("POST", "/clock", json={"advance": 86_400})
    org.settings.query_page = 7
    state = control("POST", "/reset").json()
    assert "Lead" not in state["objects"]
    assert state["weather"] == []
    assert len(org.requests) == 0
    assert org.settings.query_page == 2000
    assert org.catalog.facts("Lead").field("Score__c") is None
    assert client.get(f"{DATA}/query?q=SELECT+Id+FROM+Lead").json()["totalSize"] == 0


def test_a_seeded_org_grows_again_after_a_reset():
    with FakeOrg.seeded(3, 60) as org:
        session = org.session()
        first = session.get(f"{org.instance_url}/_fake/state").json()
        lead = min(org.planted["LI001"])
        org.delete("Lead", lead)
        made = org.insert("Lead", [{"LastName": "A", "Company": "B"}])
        org.reset()
        again = session.get(f"{org.instance_url}/_fake/state").json()
        assert again["objects"] == first["objects"]
        assert again["planted"] == first["planted"]
        assert org.record("Lead", lead)["IsDeleted"] is False
        assert org.insert("Lead", [{"LastName": "A", "Company": "B"}]) == made
        session.headers["Authorization"] = f"Bearer {org.token}"
        assert session.get(f"{org.instance_url}{DATA}/limits").status_code == 200


def test_an_org_from_files_is_loaded_again_after_a_reset(tmp_path):
    (tmp_path / "Account.csv").write_text("Id,Name\n0015e00000AbCdEAAV,Acme\n")
    with FakeOrg.from_csv(tmp_path) as org:
        org.update("Account", "0015e00000AbCdEAAV", {"Name": "Other"})
        org.reset()
        assert org.record("Account", "0015e00000AbCdEAAV")["Name"] == "Acme"


def test_the_clock_can_be_set_moved_and_stopped(org, control):
    told = control("POST", "/clock", json={"set": "2026-03-01T10:00:00+02:00", "freeze": True}).json()
    assert told == {"now": "2026-03-01T08:00:00.000+00:00", "ticking": False}
    assert control("POST", "/clock", json={"advance": 90.5}).json()["now"] == "2026-03-01T08:01:30.500+00:00"
    assert control("GET", "/clock").json()["now"] == "2026-03-01T08:01:30.500+00:00"
    assert control("POST", "/clock", json={"freeze": False}).json()["ticking"] is True
    assert org.clock.now() - datetime(2026, 3, 1, 8, 1, 30, tzinfo=UTC) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sett": 1},
        {"set": 5},
        {"set": "tomorrow"},
        {"set": "0001-01-01T00:00:00+14:00"},
        {"advance": "1"},
        {"advance": True},
        {"advance": 1e300},
        {"freeze": 1},
    ],
)
def test_the_clock_takes_no_nonsense(control, body):
    response = control("POST", "/clock", json=body)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALID_INPUT")


@pytest.mark.parametrize("body", [b"", b"[", b"7", b'"x"', b"[[]]", b"\xff"])
def test_a_body_that_is_no_json_is_refused(control, body):
    assert control("POST", "/clock", data=body).status_code == 400


def test_weather_is_made_told_and_cleared(client, control):
    written = {"trouble": "delay", "seconds": 0, "path": "/limits"}
    assert control("POST", "/weather", json={"seed": 3, "weather": [written]}).json()["seed"] == 3
    client.get(f"{DATA}/limits")
    assert control("GET", "/weather").json()["weather"] == [{**written, "seen": 1, "struck": 1}]
    assert control("DELETE", "/weather").json()["weather"] == []


def test_weather_that_cannot_be_read_is_refused_with_its_place(control):
    response = control("POST", "/weather", data=b"- trouble: storm\n")
    assert response.status_code == 400
    assert response.json()[0]["message"].startswith("request body:1:3: `storm` is not a trouble")


def test_calls_can_be_looked_up(org, client, control):
    client.get(f"{DATA}/limits")
    client.get(f"{DATA}/query", params={"q": "SELECT Id FROM Lead"})
    client.get("/id/00D000000000000/005000000000000?oauth_token=topsecret")
    everything = control("GET", "/calls")
    assert [call["status"] for call in everything.json()["calls"]][:2] == [200, 200]
    assert "topsecret" not in everything.text
    assert org.token not in everything.text
    chosen = control("GET", "/calls", params={"path": "/query$", "method": "GET"}).json()["calls"]
    assert [call["query"] for call in chosen] == ["q=SELECT+Id+FROM+Lead"]
    assert control("GET", "/calls", params={"path": "("}).status_code == 400
    assert control("DELETE", "/calls").json() == {"calls": []}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/rest", 404), ("GET", "", 404), ("PUT", "/clock", 405)]
)
def test_there_are_no_other_levers(control, method, path, status):
    response = control(method, path)
    assert response.status_code == status
    assert "errorCode" in response.json()[0]


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "nonsense", ""])
def test_other_machines_are_turned_away(org, address):
    answer = WsgiClient(org.wsgi).get("/_fake/state", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_let_in(org, address):
    assert WsgiClient(org.wsgi).get("/_fake/state", environ_base={"REMOTE_ADDR": address}).status_code == 200


def test_web_pages_are_turned_away(control):
    assert control("POST", "/reset", headers={"Origin": "https://example.org"}).status_code == 403


def test_a_reset_waits_for_those_who_are_at_work_and_lets_nobody_in_meanwhile(org, control):
    url = org.instance_url + DATA
    wrong = []

    def work():
        with org.session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            for path in ["/query?q=SELECT+Id+FROM+User", "/sobjects"] * 15:
                answer = session.get(url + path)
                if answer.status_code != 200:
                    wrong.append(answer.text)

    token = org.token
    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    statuses = [control("POST", "/reset").status_code for _ in range(4)]
    for worker in workers:
        worker.join(60)
    assert statuses == [200] * 4
    assert wrong == []
