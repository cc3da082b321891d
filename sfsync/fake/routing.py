"""What a route is: method, path, the function that answers, and how much of the real resource it covers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.wrappers import Request, Response

from sfsync.fake import faults

if TYPE_CHECKING:
    from sfsync.fake.catalog import Catalog
    from sfsync.fake.org import FakeOrg

#: API versions the org answers to, oldest and newest.
OLDEST_VERSION, NEWEST_VERSION = 31, 66

#: Longest body read into memory; uploads of jobs are streamed past this.
MAX_BODY = 50 * 1024 * 1024

#: In the environment of a request that another one carries: the `Context` of that one.
PART_OF = "sfsync.part_of"

#: In the environment of a part of an all-or-none request: whatever it says itself, it is all-or-none too.
ALL_OR_NONE = "sfsync.all_or_none"

#: Bodies that the REST API does not read; no type at all, and anything unheard of, is taken for JSON.
_NOT_JSON = frozenset(
    {
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data",
        "text/csv",
        "text/html",
        "text/plain",
        "text/xml",
    }
)


class Coverage(StrEnum):
    """How much of the real resource a route does."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True)
class Context:
    """One request on its way through a handler.

    Attributes:
        org: The org asked.
        request: The request as Werkzeug reads it.
        user_id: Who asks; empty on routes without a login.
        token: With which access token.
    """

    org: FakeOrg
    request: Request
    user_id: str = ""
    token: str = ""

    @property
    def base_url(self) -> str:
        """Address of the org as this client reaches it: of the socket, or of the My Domain behind a proxy."""
        host = self.request.host
        if host.split(":")[0] in {"login.salesforce.com", "test.salesforce.com"}:
            return self.org.instance_url
        return f"https://{host}"

    @property
    def visible(self) -> Catalog:
        """Objects and fields that this user may see."""
        behaviour = getattr(self.org, "behaviour", None)
        return self.org.visible if behaviour is None else behaviour.visible_to(self.user_id)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises the fault that Salesforce answers otherwise."""
        if (self.request.content_length or 0) > MAX_BODY:
            raise faults.body_too_large()
        if self.request.mimetype in _NOT_JSON:
            raise faults.unsupported_media_type(self.request.mimetype)
        try:
            body = orjson.loads(_unpacked(self.request))
        except orjson.JSONDecodeError as error:
            raise faults.json_unreadable(str(error)) from error
        if not isinstance(body, dict):
            raise faults.json_unreadable("The HTTP entity body is required to be a JSON object")
        return body


def _unpacked(request: Request) -> bytes:
    """The body, decompressed where the client compressed it."""
    data, encoding = request.get_data(), request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return data
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise faults.unsupported_encoding(encoding)
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip and zlib alike
    try:
        body = inflate.decompress(data, MAX_BODY + 1)
    except zlib.error as error:
        raise faults.bad_request(400, "The request body is not compressed as its Content-Encoding says") from error
    if len(body) > MAX_BODY:
        raise faults.body_too_large()
    return body


Handler = Callable[..., Response]


@dataclass(frozen=True)
class Route:
    """One resource and method.

    Attributes:
        method: HTTP method.
        path: Werkzeug rule; `<version:version>` stands for `31.0` to `66.0`.
        handler: Called with the context and the path's parts.
        title: For the coverage table.
        coverage: How much of it is done.
        note: What is left out, or special.
        login: Whether a valid access token is needed.
        counted: Whether it counts as an API request.
    """

    method: str
    path: str
    handler: Handler
    title: str
    coverage: Coverage = Coverage.FULL
    note: str = ""
    login: bool = True
    counted: bool = True


class VersionConverter(BaseConverter):
    """`61.0` in a path."""

    regex = r"\d{1,3}\.\d"


def json_response(body: Any, status: int = 200) -> Response:
    """An answer in JSON; the body may be ready-made bytes."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(data, status, content_type=faults.JSON)


@cache
def url_map(routes: tuple[Route, ...]) -> Map:
    """The routes as Werkzeug matches them, compiled once for every org; each rule's endpoint is its route."""
    rules = [Rule(route.path, methods=[route.method], endpoint=route) for route in routes]
    return Map(rules, converters={"version": VersionConverter}, strict_slashes=False, merge_slashes=False)


def normal_path(path: str) -> str:
    """The path as routes are written: clients double slashes and leave them at the end."""
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def check_version(version: str) -> None:
    """Refuse API versions that the platform retired or does not have yet."""
    number = float(version)
    if number < OLDEST_VERSION:
        raise faults.version_gone(version)
    if number > NEWEST_VERSION or not number.is_integer():
        raise faults.not_found()
