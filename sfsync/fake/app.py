"""The protocol core of the fake org: one request in, one answer out, whatever door it came through."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from sfsync.fake import control, faults
from sfsync.fake.bulk.classic_faults import as_async
from sfsync.fake.calls import Call
from sfsync.fake.dml import purge
from sfsync.fake.faults import Fault
from sfsync.fake.routes import ROUTES
from sfsync.fake.routes.conditions import DescribeStamps
from sfsync.fake.routing import PART_OF, Context, Route, check_version, normal_path, url_map
from sfsync.fake.soap.fault import as_soap, in_soap
from sfsync.fake.weather import LineDropped
from sfsync.fake.weather.troubles import ACCESS

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_log = logging.getLogger("sfsync.fake")

#: The address may be this long, in bytes, and so may address and headers together.
_MAX_URI = 16_384

#: Shorter bodies are not worth compressing.
_GZIP_FROM = 1024

#: Salesforce sets them whoever asks; clients send them back, and nobody reads them.
_COOKIES = (
    "BrowserId=fakeOrgBrowserIdAAAAAA; domain=.salesforce.com; path=/; Max-Age=31536000",
    "CookieConsentPolicy=0:1; path=/; Max-Age=31536000; secure",
    "LSKey-c$CookieConsentPolicy=0:1; path=/; Max-Age=31536000; secure",
)

_ALWAYS = (
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "none"),
    ("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private"),
    ("Server", "sfdcedge"),
)


class App:
    """Answers requests for one org; thread-safe."""

    def __init__(self, org: FakeOrg) -> None:
        self.org = org
        self._map = url_map(ROUTES)
        self._numbers = count(1)
        self.described = DescribeStamps()
        self.restart()

    def restart(self) -> None:
        """Count requests from the start again."""
        self.used = self.org.settings.api_requests_used
        self._usage = count(self.used + 1)

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI callable. `LineDropped` comes out of it where the connection is to end without an answer."""
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The whole way of a request: log, weather, routing, login, answer, headers."""
        path = normal_path(request.path)
        if control.is_for_control(path):  # out of the log, out of the weather
            told = self._answer(request, path)
            self._dress(request, told)
            return told
        with self.org.gate.passing():
            return self._pass(request, path)

    def _pass(self, request: Request, path: str) -> Response:
        call = Call(
            request.method,
            path,
            request.query_string.decode("latin-1"),
            {name.lower(): value for name, value in request.headers.items() if name.lower() != "authorization"},
            self.org.clock.now(),
        )
        self.org.requests.add(call)
        request.environ[ACCESS] = self.org.access
        troubles = self.org.weather.meet(request)
        response: Response | None = None
        try:
            for trouble in troubles:
                response = response or trouble.before(request)
            if response is None:
                response = self._answer(request, path)
            elif path.startswith("/services/Soap/"):
                response = in_soap(response)
        finally:
            self.org.weather.leave(request, response)
        self._dress(request, response)
        for trouble in troubles:
            response = trouble.after(response)
        if request.method == "HEAD":
            _behead(response)
        call.status = response.status_code
        return response

    def part(self, request: Request, whole: Context) -> Response:
        """Answer a request that another one carries: routed and refused like any, but neither logged nor counted."""
        request.environ[PART_OF] = whole
        return self._answer(request, normal_path(request.path))

    def _answer(self, request: Request, path: str) -> Response:
        try:
            return self._route(request, path)
        except Fault as fault:
            return _told(fault, request, path)
        except LineDropped:
            raise
        except HTTPException as error:  # Werkzeug could not make sense of the request
            return _told(faults.bad_request(error.code or 400, error.description or "Bad Request"), request, path)
        except Exception:  # noqa: BLE001 - whatever it is, a client must get an answer
            # A fault of the fake org itself: logged in full here, told as Salesforce tells its own.
            reference = f"{next(self._numbers):010d}-{self.org.org_id}"
            _log.exception("The fake org stumbled over %s %s (%s)", request.method, path, reference)
            return _told(faults.internal_error(reference), request, path)

    def _route(self, request: Request, path: str) -> Response:
        _refuse_too_long(request)
        if control.is_for_control(path):
            return control.answer(self.org, request, path)
        method = request.args.get("_HttpMethod", request.method) if request.method == "POST" else request.method
        adapter = self._map.bind("fake", path_info=path)
        try:
            route, parts = adapter.match(method=method)
        except MethodNotAllowed as error:
            raise faults.method_not_allowed(method, ", ".join(sorted(error.valid_methods or ()))) from error
        except (NotFound, HTTPException) as error:
            raise self._nothing_here(request) from error
        return self._serve(route, request, dict(parts))

    def _nothing_here(self, request: Request) -> Fault:
        # Salesforce looks at the session before it looks for the resource.
        if PART_OF not in request.environ and self.org.access.user_of(bearer(request)) is None:
            return faults.session_expired()
        return faults.not_found()

    def _serve(self, route: Route, request: Request, parts: dict[str, Any]) -> Response:
        context = Context(self.org, request)
        whole: Context | None = request.environ.get(PART_OF)
        if "version" in parts:
            check_version(parts["version"])
        if whole is not None:
            context = Context(self.org, request, whole.user_id, whole.token)
        elif route.login:
            token = bearer(request)
            user = self.org.access.user_of(token)
            if user is None:
                raise faults.session_expired()
            context = Context(self.org, request, user, token)
            if route.counted:
                self.count_request()
        purge(self.org)
        response = route.handler(context, **parts)
        if route.login and whole is None:
            response.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.org.settings.daily_api_requests}"
        return response

    def count_request(self) -> None:
        """Count one API request; refuses it when the day's are used up."""
        if self.used >= self.org.settings.daily_api_requests:
            raise faults.request_limit_exceeded()
        self.used = next(self._usage)

    def _dress(self, request: Request, response: Response) -> None:
        """Put on the headers that every answer has, and compress it if the client reads gzip."""
        headers = response.headers
        present = {name.lower() for name, _ in headers}
        for name, value in _ALWAYS:
            if name.lower() not in present:
                headers.add(name, value)
        headers["Date"] = format_datetime(self.org.clock.now().replace(microsecond=0), usegmt=True)
        headers["X-Request-Id"] = headers["X-SFDC-Request-Id"] = f"{next(self._numbers):032x}"
        for cookie in _COOKIES:
            headers.add("Set-Cookie", cookie)
        if response.status_code in {204, 304}:
            headers.pop("Content-Type", None)
            headers.pop("Content-Length", None)
            return
        if response.status_code < 400:
            headers["Vary"] = "Accept-Encoding"
        if request.headers.get("X-PrettyPrint") == "1" and response.content_type == faults.JSON:
            _spread(response)
        if "gzip" in request.headers.get("Accept-Encoding", "").lower() and "Content-Encoding" not in headers:
            _compress(response)


def _refuse_too_long(request: Request) -> None:
    address = len(request.full_path)
    if address > _MAX_URI:
        raise faults.uri_too_long()
    if address + sum(len(f"{name}: {value}\r\n") for name, value in request.headers.items()) > _MAX_URI:
        raise faults.headers_too_long()


def _told(fault: Fault, request: Request, path: str) -> Response:
    if path.startswith("/services/Soap/"):
        fault = as_soap(fault)
    elif path.startswith("/services/async/"):
        fault = as_async(fault, request.headers)
    return Response(fault.body, fault.status, headers=fault.headers, content_type=fault.content_type)


def bearer(request: Request) -> str:
    """The access token of a request, however its client sends it."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() in {"bearer", "oauth"}:
        return token.strip()
    return request.headers.get("X-SFDC-Session", "")


def _behead(response: Response) -> None:
    """Leave the status and headers: Werkzeug would do so only on the way out through WSGI."""
    response.close()
    response.response = []
    response.automatically_set_content_length = False
    response.headers.pop("Content-Length", None)


def _spread(response: Response) -> None:
    """Write JSON over many lines, for people to read; numbers keep their spelling."""
    if not response.is_streamed:
        body = json.loads(response.get_data(), parse_float=orjson.Fragment)
        response.set_data(orjson.dumps(body, option=orjson.OPT_INDENT_2))


def _compress(response: Response) -> None:
    if response.is_streamed:
        source = response.response
        response.response = _gzip_stream(response.iter_encoded())
        # Werkzeug closes what `response` holds, which is now the generator: the file underneath wants it too.
        response.call_on_close(getattr(source, "close", lambda: None))
        response.headers.pop("Content-Length", None)
    else:
        body = response.get_data()
        if len(body) < _GZIP_FROM:
            return
        # Fast compression: the client is on the same machine, bytes are cheap and time is not.
        response.set_data(gzip.compress(body, compresslevel=1, mtime=0))
    response.headers["Content-Encoding"] = "gzip"


def _gzip_stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    squeeze = zlib.compressobj(level=1, wbits=31)
    for chunk in chunks:
        data = squeeze.compress(chunk)
        if data:
            yield data
    yield squeeze.flush()
