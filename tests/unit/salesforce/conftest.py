"""A scripted org: a real TLS server on loopback that says what a test tells it to say."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme

from sfsync.salesforce import Org, connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport

TOKEN = "00D000000000001!AQEAQtestTokenThatMustNeverBeSeen.0123456789"


@dataclass
class Answer:
    """One answer; `cut` sends only so many bytes of the body and then closes the connection."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    chunked: bool = False
    delay: float = 0.0
    hang_up: bool = False

    @property
    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes


def error(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    """A Salesforce REST error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, [{"message": message, "errorCode": code}], named)


Script = Answer | Callable[[Request], Answer]


class ScriptedServer:
    """Answers `METHOD path` with the next of the answers set for it; the last one repeats."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.scripts: dict[str, list[Script]] = {}
        self.url = ""
        self.ca_file = ""
        self.lock = threading.Lock()

    def on(self, what: str, *answers: Script) -> None:
        self.scripts[what] = list(answers)

    def asked(self, what: str) -> list[Request]:
        method, path = what.split()
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            answers = self.scripts.get(f"{request.method} {request.path}")
            if not answers:
                return error(404, "NOT_FOUND", f"nothing at {request.path}")
            script = answers.pop(0) if len(answers) > 1 else answers[0]
        return script if isinstance(script, Answer) else script(request)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one packet, sent at once
    disable_nagle_algorithm = True
    script: ScriptedServer

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ssl.SSLError, ConnectionError):  # the client hung up, as some tests have it
            self.close_connection = True

    def serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body)
        answer = self.script.answer(request)
        time.sleep(answer.delay)
        if answer.hang_up:
            self.close_connection = True
            return
        payload = answer.payload
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header(
            *(("Transfer-Encoding", "chunked") if answer.chunked else ("Content-Length", str(len(payload))))
        )
        self.end_headers()
        if answer.chunked:
            payload = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in chunks(payload)) + b"0\r\n\r\n"
        self.wfile.write(payload if answer.cut is None else payload[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve  # noqa: N815 - what http.server calls

    def log_message(self, *args: Any) -> None:
        return


def chunks(payload: bytes, size: int = 1000) -> Iterator[bytes]:
    return (payload[start : start + size] for start in range(0, len(payload), size))


@pytest.fixture(scope="session")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[type[Handler], str, str]]:
    """One TLS server for all tests; each test gives it a script of its own."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    handler = type("ScriptedHandler", (Handler,), {"script": ScriptedServer()})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    http.handle_error = lambda *_: None  # a client that does not trust us is no news
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield handler, f"https://localhost:{http.server_port}", str(ca_file)
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def server(listener: tuple[type[Handler], str, str]) -> ScriptedServer:
    """The script of this test."""
    handler, url, ca_file = listener
    script = handler.script = ScriptedServer()
    script.url, script.ca_file = url, ca_file
    script.on("GET /services/data", Answer(200, versions("47.0", "58.0", "66.0")))
    return script


def versions(*numbers: str) -> list[dict[str, str]]:
    return [{"label": "x", "url": f"/services/data/v{n}", "version": n} for n in numbers]


@pytest.fixture
def waits() -> list[float]:
    """Every wait the client would have made."""
    return []


@pytest.fixture
def transport(server: ScriptedServer, waits: list[float]) -> Iterator[Transport]:
    made = Transport(ca_file=server.ca_file, policy=RetryPolicy(sleep=waits.append), env={})
    yield made
    made.close()


@pytest.fixture
def org(server: ScriptedServer, transport: Transport) -> Org:
    """Logged in to the scripted server with a token."""
    return connect(env={"SF_ACCESS_TOKEN": TOKEN, "SF_ORG_INSTANCE_URL": server.url}, transport=transport)


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def make_answer() -> type[Answer]:
    return Answer


@pytest.fixture
def make_error() -> Callable[..., Answer]:
    return error


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


@pytest.fixture
def csv_page() -> Callable[..., Answer]:
    """A Bulk result page."""

    def make(rows: list[str], locator: str = "null", **options: Any) -> Answer:
        body = "".join(f'"{row}"\n' for row in ["Id", *rows])
        headers = {
            "Content-Type": "text/csv",
            "Content-Encoding": "gzip",
            "Sforce-NumberOfRecords": str(options.pop("count", len(rows))),
            "Sforce-Locator": locator,
        }
        return Answer(200, zipped(body), headers, **options)

    return make


@pytest.fixture
def fake_sf(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Puts a script named `sf` on a PATH of its own and returns the environment in which it is found."""

    def make(script: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "sf"
        program.write_text(f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/calls'\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path)}

    return make
