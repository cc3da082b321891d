"""Requests within requests: made from JSON, routed through the app like any other, and told in JSON again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import orjson
from werkzeug.wrappers import Request, Response

from sfsync.fake import faults
from sfsync.fake.routing import ALL_OR_NONE, Context

#: As the documentation has them, in capitals only.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
_INHERITED = ("HTTP_ACCEPT", "HTTP_AUTHORIZATION", "HTTP_HOST")

#: An answer's headers that say something about the record, and not about the transport.
_TOLD_HEADERS = ("ETag", "Last-Modified", "Location")


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One request that stands within another."""

    method: str
    url: str
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def run(self, whole: Context, *, all_or_none: bool = False) -> Response:
        """The answer, as if the request had come alone."""
        path, _, query = self.url.partition("?")
        # `Content-Type` stays JSON, whatever the body was read from.
        data = b"" if self.body is None else orjson.dumps(self.body)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": quote(query, safe="%/:=&?~#+!$,;'@()*[]"),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(data),
            ALL_OR_NONE: all_or_none,
        }
        outer = whole.request.environ
        environ.update({name: outer[name] for name in _INHERITED if name in outer})
        environ.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers})
        return whole.org.app.part(Request(environ), whole)


def subrequest(item: dict[str, Any], *, url: str, body: Any) -> Subrequest:
    """The request that an entry of a composite request describes; raises the fault for the whole where it cannot be."""
    method = item.get("method")
    if not isinstance(method, str) or method not in _METHODS:
        raise faults.json_unreadable(f"Unsupported HTTP method in a subrequest: {method}")  # from memory
    headers = item.get("httpHeaders") or {}
    if not isinstance(headers, dict):
        raise faults.json_unreadable("httpHeaders has to be an object of header names and values")  # from memory
    for name in headers:
        if name.casefold() in {"accept", "authorization", "content-type"}:
            # from memory: that it is refused is documented, the words are not
            raise faults.invalid_input(f"The {name} header cannot be set for a subrequest")
    told = tuple((name, str(value)) for name, value in headers.items() if name.isascii() and str(value).isascii())
    return Subrequest(method, url, body, told)


def entries_of(body: dict[str, Any], name: str, *, most: int, what: str = "subrequests") -> list[dict[str, Any]]:
    """The list of entries in a body, as long as one may be."""
    listed = body.get(name)
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise faults.json_unreadable(f"{name} has to be a list of objects")  # from memory
    if not listed:
        raise faults.invalid_input(f"{name} must not be empty")  # from memory
    if len(listed) > most:
        # from memory
        raise faults.invalid_input(f"Limit of {most} {what} exceeded: {len(listed)}", code="LIMIT_EXCEEDED")
    return listed


def body_of(response: Response) -> tuple[Any, Any]:
    """What an answer holds (JSON, text, or None), and the same as it is written into the answer to the whole."""
    data = response.get_data()
    if not data:
        return None, None
    try:
        return orjson.loads(data), orjson.Fragment(data)
    except orjson.JSONDecodeError:
        text = data.decode(errors="replace")
        return text, text


def told_headers(response: Response) -> dict[str, str]:
    """The headers that a composite answer repeats."""
    return {name: response.headers[name] for name in _TOLD_HEADERS if name in response.headers}
