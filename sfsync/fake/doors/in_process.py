"""The door without a socket: a `requests` session whose every https address is the fake org."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.models import PreparedRequest
from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict
from werkzeug.wrappers import Request, Response

from sfsync.fake.app import App
from sfsync.fake.weather import LineDropped


def in_process_session(app: App) -> requests.Session:
    """A session that reaches the org under every https address, and nothing else under https."""
    session = requests.Session()
    session.mount("https://", InProcessAdapter(app))
    # Proxies and certificates of the environment mean nothing without a socket.
    session.trust_env = False
    return session


class InProcessAdapter(BaseAdapter):
    """A `requests` transport adapter that calls the org instead of a socket."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._builder = HTTPAdapter()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002 - nothing waits here
        verify: bool | str = True,  # noqa: ARG002 - there is no TLS to verify
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Answer a request."""
        started = time.monotonic()
        try:
            answer = self._app.answer(Request(environ_of(request)))
        except LineDropped as dropped:
            raise exception_for(dropped, request) from dropped
        response = self._builder.build_response(request, raw_response(answer))
        if not stream:
            _ = response.content
        response.elapsed = response.elapsed.__class__(seconds=time.monotonic() - started)
        return response

    def close(self) -> None:
        """Nothing to close."""
        self._builder.close()


def environ_of(request: PreparedRequest) -> dict[str, Any]:
    """A prepared request as a WSGI environment."""
    parts = urlsplit(str(request.url))
    body = _body_bytes(request.body)
    host = parts.hostname or "localhost"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # WSGI wants the bytes of the path in latin-1.
        "PATH_INFO": unquote(parts.path or "/", encoding="latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": host,
        "SERVER_PORT": str(parts.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = _text(value)
        elif key not in {"CONTENT_LENGTH", "TRANSFER_ENCODING", "HOST"}:
            environ[f"HTTP_{key}"] = _text(value)
    return environ


def raw_response(answer: Response) -> HTTPResponse:
    """The org's answer as urllib3 would have read it off a socket."""
    headers = HTTPHeaderDict()
    for name, value in answer.headers.items():
        headers.add(name, value)
    return HTTPResponse(
        body=_Stream(answer),
        headers=headers,
        status=answer.status_code,
        reason=answer.status.partition(" ")[2],
        version=11,
        preload_content=False,
        enforce_content_length=True,
    )


def exception_for(dropped: LineDropped, request: PreparedRequest) -> requests.exceptions.RequestException:
    """What `requests` would have raised, had there been a socket."""
    if dropped.reason == "silence":
        return requests.exceptions.ReadTimeout("Read timed out.", request=request)
    if dropped.reason == "refused":
        return requests.exceptions.ConnectionError(ConnectionRefusedError(111, "Connection refused"), request=request)
    return requests.exceptions.ConnectionError(
        ("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")), request=request
    )


class _Stream(io.RawIOBase):
    """The body of an answer as a file that is produced while it is read."""

    def __init__(self, answer: Response) -> None:
        self._answer = answer
        self._chunks: Iterator[bytes] = iter(answer.iter_encoded())
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._answer.close()
        super().close()


def _body_bytes(body: bytes | str | Iterable[bytes] | None) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    read = getattr(body, "read", None)
    return bytes(read()) if read is not None else b"".join(body)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
