"""Whatever door a request comes through, the answer is the same."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import requests

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.weather import (
    ExpiredSession,
    GatewayPage,
    Reset,
    Silence,
    TooManyRequests,
    Truncated,
    Unavailable,
    WrongCount,
)

DATA = "/services/data/v60.0"
TOKEN = "00DFk0000000000!a-token-for-comparison"
SOAP_HEADERS = {"Content-Type": "text/xml", "SOAPAction": "login"}
LOGIN = "/services/oauth2/token"
JOB = "750Fk0000000000IAA"
CREATE = {"json": {"operation": "query", "query": "SELECT Id, LastName, Owner.Name, AnnualRevenue FROM Lead"}}

#: Belong to the way the answer travels, not to the answer.
TRAVEL = {"content-length", "transfer-encoding", "content-encoding", "connection"}


@dataclass
class Door:
    """One way to an org, as a function from request to answer."""

    org: FakeOrg
    base: str
    send: Callable[..., requests.Response]

    def __call__(self, method: str, path: str, *, login: bool = True, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"} if login else {}
        headers |= options.pop("headers", {})
        try:
            response = self.send(method, self.base + path, headers=headers, timeout=3, **options)
        except requests.exceptions.RequestException as error:
            # A line that is cut shows as one or the other, depending on where in the answer it was.
            return "timed out" if isinstance(error, requests.exceptions.Timeout) else "line cut"
        kept = {name.lower(): value for name, value in response.headers.items() if name.lower() not in TRAVEL}
        text = response.content.decode().replace(self.base.removeprefix("https://"), "HOST")
        return response.status_code, dict(sorted(kept.items())), text


@contextmanager
def open_door(kind: str) -> Iterator[Door]:
    with ExitStack() as stack:
        org = FakeOrg.empty(clock=Clock(datetime(2026, 1, 31, 12), ticking=False), token=TOKEN)
        stack.enter_context(org)
        org.settings.query_page = 3
        org.bulk.settings.page = 3
        org.insert("Lead", [{"LastName": f"Ä {number}", "Company": "X", "AnnualRevenue": 1e8} for number in range(7)])
        session, base = requests.Session(), org.instance_url
        stack.callback(session.close)
        session.trust_env = False
        options: dict[str, Any] = {}
        if kind == "in process":
            session = org.session()
        elif kind == "responses":
            stack.enter_context(org.responses())
        else:
            server = stack.enter_context(org.serve(proxy=kind == "proxy"))
            options = {"verify": str(server.ca_file)}
            if kind == "proxy":
                options["proxies"] = {"https": server.proxy_url}
            else:
                base = server.url
        yield Door(org, base, lambda *args, **more: session.request(*args, **more, **options))


CONVERSATIONS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "versions": [("GET", "/services/data", {"login": False}), ("GET", DATA, {}), ("GET", "/services/data/v12.0", {})],
    "no login": [("GET", f"{DATA}/limits", {"login": False}), ("GET", "/nothing", {"login": False})],
    "wrong ways": [("GET", f"{DATA}/nothing", {}), ("PUT", f"{DATA}/limits", {}), ("OPTIONS", f"{DATA}/query", {})],
    "describe": [
        ("GET", f"{DATA}/sobjects", {}),
        ("GET", f"{DATA}/sobjects/Lead/describe", {}),
        ("GET", f"{DATA}/sobjects/Nothing/describe", {}),
    ],
    "query": [
        ("GET", f"{DATA}/query", {"params": {"q": "SELECT Id, LastName, AnnualRevenue, Owner.Name FROM Lead"}}),
        ("GET", f"{DATA}/query/01gFk0000000001MAA-3", {}),
        ("GET", f"{DATA}/query/01gFk0000000001MAA-6", {}),
        ("GET", f"{DATA}/query", {"params": {"q": "SELECT COUNT() FROM Lead WHERE LastName = 'ä 3'"}}),
        ("GET", f"{DATA}/queryAll/", {"params": {"q": "SELECT Id FROM Lead WHERE Nope = 1"}}),
    ],
    "bulk": [
        ("POST", f"{DATA}/jobs/query", CREATE),
        ("GET", f"{DATA}/jobs/query/{JOB}", {}),
        ("GET", f"{DATA}/jobs/query/{JOB}/results", {}),
        ("GET", f"{DATA}/jobs/query/{JOB}/results?locator=Mw&maxRecords=2", {}),
        ("GET", f"{DATA}/jobs/query/{JOB}/resultPages", {}),
        ("HEAD", f"{DATA}/jobs/query/{JOB}/results", {}),
        ("PATCH", f"{DATA}/jobs/query/{JOB}", {"json": {"state": "Aborted"}}),
        ("DELETE", f"{DATA}/jobs/query/{JOB}", {}),
        ("GET", f"{DATA}/jobs/query/{JOB}", {}),
        ("POST", f"{DATA}/jobs/query", {"data": b"{"}),
        ("POST", f"{DATA}/jobs/query", {"data": iter([b'{"operation":', b'"query"}'])}),
    ],
    "login": [
        ("POST", LOGIN, {"login": False, "data": {"grant_type": "password", "username": "é", "client_id": "x"}}),
        ("POST", "/services/Soap/u/60.0", {"login": False, "data": b"<a/>", "headers": SOAP_HEADERS}),
        ("GET", "/services/oauth2/userinfo", {}),
        ("GET", f"/id/00DFk0000000000MAA/005Fk0000000000IAA?oauth_token={TOKEN}", {"login": False}),
    ],
    "limits": [("GET", f"{DATA}/limits", {}), ("GET", f"{DATA}//limits/recordCount/?sObjects=Lead", {})],
}

TROUBLES = {
    "unavailable": Unavailable(),
    "busy": TooManyRequests(),
    "expired": ExpiredSession(),
    "html": GatewayPage(),
    "reset": Reset(),
    "reset after": Reset(after_work=True),
    "silence": Silence(10),
    "cut": Truncated(0.5),
    "miscounted": WrongCount(3),
}


def talk(kind: str, conversation: str) -> list[Any]:
    def fresh(options: dict[str, Any]) -> dict[str, Any]:
        data = options.get("data")
        return {**options, "data": iter([b'{"operation":', b'"query"}'])} if hasattr(data, "__next__") else options

    with open_door(kind) as door:
        return [door(method, path, **fresh(options)) for method, path, options in CONVERSATIONS[conversation]]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("kind", ["responses", "tls", "proxy"])
def test_every_door_answers_as_the_door_in_process_does(kind, conversation):
    assert talk(kind, conversation) == talk("in process", conversation)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", ["responses", "tls"])
def test_trouble_looks_the_same_through_every_door(kind, trouble):
    def meet(way: str) -> list[Any]:
        with open_door(way) as door:
            door("POST", f"{DATA}/jobs/query", **CREATE)
            door("GET", f"{DATA}/jobs/query/{JOB}")
            door.org.weather.add(TROUBLES[trouble])
            return [door("GET", f"{DATA}/jobs/query/{JOB}/results") for _ in range(2)]

    struck, after = meet(kind)
    assert [struck, after] == meet("in process")
    assert after[0] == 200
    assert struck != after


def test_bytes_on_the_wire_are_gzip_through_every_door():
    for kind in ("in process", "tls"):
        with open_door(kind) as door:
            response = door.send(
                "GET",
                f"{door.base}{DATA}/sobjects",
                stream=True,
                headers={"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "gzip"},
            )
            assert gzip.decompress(response.raw.read(decode_content=False)).startswith(b'{"encoding":"UTF-8"')
