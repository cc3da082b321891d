"""HTTP/1.1 on one connection: requests in, the org's answers out, and the line cut where the weather says so."""

from __future__ import annotations

import os
import socket
import struct
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from tempfile import SpooledTemporaryFile
from threading import Event
from typing import IO, Any, cast
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from sfsync.fake import faults
from sfsync.fake.app import App
from sfsync.fake.weather import LineDropped

#: Longest request body taken in; Salesforce's own largest upload is 150 MB.
MAX_UPLOAD = 160 * 1024 * 1024

#: Larger bodies wait in a temporary file.
_IN_MEMORY = 1024 * 1024

#: A connection that says nothing for so long is closed.
_IDLE_SECONDS = 120


class _TooLong(Exception):
    """The request's body is longer than `MAX_UPLOAD`, or not framed as HTTP frames bodies."""


class HttpHandler(BaseHTTPRequestHandler):
    """Serves one connection until either side has enough."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # headers and a small body leave in one packet
    timeout = _IDLE_SECONDS
    app: App
    closing: Event

    def do_GET(self) -> None:
        """Answer any method."""
        try:
            body = self._read_body()
        except _TooLong:
            self.close_connection = True
            self.send_error(413)
            return
        with body:
            self._answer(body)

    def __getattr__(self, name: str) -> Any:
        # Methods that HTTP does not know are refused by the org, in its own words.
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse what is not HTTP, as the org refuses everything else: in JSON, and never as its own fault."""
        self.close_connection = True
        status = code if code < 500 else 400
        phrase = HTTPStatus(status).phrase
        fault = faults.RestFault(status, phrase.upper().replace(" ", "_").replace("-", "_"), message or phrase)
        if getattr(self, "request_version", "HTTP/0.9") == "HTTP/0.9":
            self.request_version = self.protocol_version  # which wants a status line and headers
        self.send_response_only(status, phrase)
        for name, value in (("Content-Type", fault.content_type), ("Content-Length", str(len(fault.body)))):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(fault.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the org keeps its own log of requests."""

    def finish(self) -> None:
        """Close the connection, which may be gone already."""
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def _answer(self, body: IO[bytes]) -> None:
        try:
            response = self.app.answer(Request(self._environ(body)))
        except LineDropped as dropped:
            if dropped.reason == "silence":
                self.closing.wait(dropped.seconds)
            self._reset()
            return
        try:
            self._send(response)
        except OSError:
            self.close_connection = True  # the client has gone
        finally:
            response.close()

    def _send(self, response: Response) -> None:
        status, headers = response.status_code, response.headers
        bodiless = self.command == "HEAD" or status in {204, 304}
        self.send_response_only(status, response.status.partition(" ")[2])
        for name, value in headers.items():
            self.send_header(name, value)
        announced = headers.get("Content-Length")
        chunked = announced is None and not bodiless
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        if not bodiless:
            for piece in response.iter_encoded():
                sent += len(piece)
                self._write(piece, chunked=chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if announced is not None and not bodiless and sent != int(announced):
            self.close_connection = True

    def _write(self, piece: bytes, *, chunked: bool) -> None:
        if not piece:
            return
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

    def _reset(self) -> None:
        """Let the client see `connection reset by peer`."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        os.close(self.connection.detach())

    def _read_body(self) -> IO[bytes]:
        body = cast("IO[bytes]", SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller closes it
        try:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                self._read_chunks(body)
            else:
                self._copy(body, _length(self.headers.get("Content-Length", "0")))
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body

    def _read_chunks(self, body: IO[bytes]) -> None:
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError as error:
                raise _TooLong from error
            if size < 0 or body.tell() + size > MAX_UPLOAD:
                raise _TooLong
            self._copy(body, size)
            self.rfile.readline(1024)
            if size == 0:
                return

    def _copy(self, body: IO[bytes], size: int) -> None:
        while size > 0:
            piece = self.rfile.read(min(size, 64 * 1024))
            if not piece:
                raise ConnectionResetError("the client went away")
            body.write(piece)
            size -= len(piece)

    def _environ(self, body: IO[bytes]) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        body.seek(0, os.SEEK_END)
        length = body.tell()
        body.seek(0)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, encoding="latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": str(cast("tuple[str, int]", self.server.server_address)[1]),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(length),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key not in {"CONTENT_LENGTH", "TRANSFER_ENCODING"} and "_" not in name:
                known = environ.get(f"HTTP_{key}")
                environ[f"HTTP_{key}"] = f"{known},{value}" if known else value
        return environ


def _length(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_UPLOAD:
        raise _TooLong
    return int(text)
