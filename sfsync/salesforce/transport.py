"""The one door to the network: every request goes through here, with time-outs, retries and the right certificates.

Secrets travel in headers and bodies only, never in addresses, so neither our log nor the one of urllib3 (which writes
every address at level DEBUG, with the text of queries) can hold one. What Python's http.client prints when someone
sets its `debuglevel` is out of our reach: it prints headers, tokens included.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from sfsync import __version__
from sfsync.errors import IncompleteAnswer, SalesforceError, TemporaryFailure, UsageError
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.faults import AttemptFailed, not_the_api, refuse_bad_status
from sfsync.salesforce.network_faults import fault_of_exception
from sfsync.salesforce.redaction import Secret, clean
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.usage import ApiUsage, UsageMeter

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: How many connections to one host are kept open; one for each page that a pull with several readers fetches at once.
_CONNECTIONS = 32

_JOBS = ("/jobs/query", "/jobs/ingest")
_REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_HEADERS = {
    "User-Agent": f"sfsync/{__version__} ({platform.python_implementation()} {platform.python_version()}; "
    f"requests {requests.__version__})",
    # Change events and logs of the org then say who wrote; it is how our own writes are told from others'.
    "Sforce-Call-Options": "client=sfsync",
    # Salesforce compresses only when asked, and knows no other coding.
    "Accept-Encoding": "gzip",
    "Accept": "application/json",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as often as it has to be sent.

    Attributes:
        method: `GET`, `POST`, …
        url: Absolute, https.
        headers: Beside those every request has.
        body: Already encoded, or the file to stream.
        token: Sent as a bearer token; without one, nothing that identifies us is sent.
        repeatable: Sending it twice does no harm; None: what the method says (a POST or PATCH is not).
        stream: Leave the body unread, for `Download`.
        stop: When set, it is not sent again.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | str | Path | None = field(default=None, repr=False)  # of a login: the password
    token: Secret | None = None
    repeatable: bool | None = None
    stream: bool = False
    stop: threading.Event | None = field(default=None, repr=False)

    @property
    def starts_job(self) -> bool:
        """Whether it makes a Bulk job, of which an org allows only so many a day."""
        return self.method.upper() == "POST" and urlsplit(self.url).path.endswith(_JOBS)

    @property
    def may_repeat(self) -> bool:
        """Whether it is sent again when nobody knows if it was processed."""
        return self.method.upper() in _REPEATABLE_METHODS if self.repeatable is None else self.repeatable

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"  # without the query: it may hold values


Guard = Callable[[Call], None]


class Stopped(Exception):
    """The run that this request was for is being stopped; nobody waits for the answer any more."""


class Transport:
    """Sends requests to Salesforce.

    Safe to use from several threads: each has its own session, and connections come from one pool.

    Args:
        session: Whose adapters, proxies and certificates to use (a fake org's, for instance); None for a fresh one.
        ca_file: Certificates to trust instead of the usual ones.
        env: Where `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` are looked up.
        timeouts: Seconds to wait for a connection, and for the next bytes of an answer (the org itself gives up a
            query after 120).
        policy: When to send again.

    Attributes:
        guard: Called before every request that the org counts, repetitions included; what it raises is not sent.
        stop: When set, nothing is sent any more, waiting ends, and downloads break off.
    """

    def __init__(
        self,
        session: requests.Session | None = None,
        *,
        ca_file: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] = os.environ,
        timeouts: tuple[float, float] = (10.0, 150.0),
        policy: RetryPolicy | None = None,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._base = session or _own_session()
        self._owned = session is None
        self._verify = _certificates(self._base, ca_file, env)
        self._timeouts = timeouts
        self.guard: Guard | None = None
        self.stop: threading.Event | None = None
        self._meter = UsageMeter()
        self._local = threading.local()
        self._local.session = self._base

    def __repr__(self) -> str:
        return f"Transport(calls={self.usage.calls})"

    @property
    def usage(self) -> ApiUsage:
        """What it has cost so far."""
        return self._meter.usage()

    def pause(self, seconds: float) -> None:
        """Wait, by the clock of the retry policy (tests give one that does not wait)."""
        if self.stop is not None and self.policy.sleep is time.sleep:
            self.stop.wait(seconds)
        else:
            self.policy.sleep(seconds)

    def close(self) -> None:
        """Close the connections, unless they are someone else's."""
        if self._owned:
            self._base.close()

    def run(self, call: Call, read: Callable[[requests.Response], T]) -> T:
        """Send until there is a success that `read` can read, and return what it made of it.

        `read` is part of the attempt: when it raises IncompleteAnswer (the body broke off), the request is sent again
        like after any other temporary failure, and `read` starts over with the new answer.

        Raises:
            SalesforceError: What the last attempt failed with.
        """

        def attempt() -> T:
            response = self._send(call)
            try:
                refuse_bad_status(response)
                return read(response)
            except SalesforceError as error:
                response.close()
                again = isinstance(error, IncompleteAnswer | TemporaryFailure)
                raise AttemptFailed(error, temporary=again, response=response) from None
            except BaseException:
                response.close()
                raise

        try:
            return self.policy.run(attempt, repeatable=call.may_repeat, what=str(call), stop=call.stop or self.stop)
        except AttemptFailed as failed:
            failed.error.unprocessed = failed.unprocessed
            # `from None`: exceptions of requests hold the request, and with it the headers and the body.
            raise failed.error from None

    def answer(self, call: Call) -> requests.Response:
        """Send likewise, but return the last answer whatever its status: for code that judges statuses itself."""

        def attempt() -> requests.Response:
            response = self._send(call)
            refuse_bad_status(response)
            return response

        try:
            return self.policy.run(attempt, repeatable=call.may_repeat, what=str(call), stop=self.stop)
        except AttemptFailed as failed:
            if failed.response is not None:
                return failed.response
            raise failed.error from None

    def _send(self, call: Call) -> requests.Response:
        host = host_of(call.url)
        if not call.url.startswith("https://"):
            raise UsageError(f"{clean(call.url, 100)!r} is not an https address.", hint="Nothing is sent without TLS.")
        session = self._session()
        begun = time.monotonic()
        if self.stop is not None and self.stop.is_set():
            raise Stopped
        if call.token is not None:
            if self.guard is not None:
                self.guard(call)
            self._meter.count_call()
        try:
            with _opened(call.body) as body:
                request = requests.Request(
                    call.method,
                    call.url,
                    headers={**_HEADERS, **call.headers},
                    data=body,
                    auth=_Authorization(call.token),
                )
                prepared = session.prepare_request(request)
                settings = session.merge_environment_settings(prepared.url or "", {}, call.stream, self._verify, None)
                response = session.send(prepared, timeout=self._timeouts, allow_redirects=False, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            fault = fault_of_exception(error, host)
            _log.debug("%s: %s after %.0f ms", str(call), fault.error.message, (time.monotonic() - begun) * 1000)
            raise fault from None
        _log.debug("%s: %d after %.0f ms", str(call), response.status_code, (time.monotonic() - begun) * 1000)
        self._meter.read(response.headers.get("Sforce-Limit-Info"))
        return response

    def _session(self) -> requests.Session:
        """This thread's session. They share adapters, and so the pool of connections: urllib3's are thread-safe."""
        mine: requests.Session | None = getattr(self._local, "session", None)
        if mine is None:
            mine = self._local.session = _clone(self._base)
        return mine


@contextmanager
def _opened(body: bytes | str | Path | None) -> Iterator[bytes | str | BinaryIO | None]:
    """The body as `requests` takes it; a file is open for as long as it is being sent."""
    if not isinstance(body, Path):
        yield body
        return
    with body.open("rb") as file:
        yield file


class _Authorization(AuthBase):
    """Sets our own header last, which also keeps `requests` from putting in a login out of ~/.netrc."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            prepared.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return prepared


def json_of(response: requests.Response) -> Any:
    """The JSON of a successful answer; None for an empty one.

    Raises:
        SalesforceError: There is something else than JSON.
    """
    content = response.content
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if content.lstrip()[:1] in {b"{", b"["}:
            raise IncompleteAnswer(
                f"{host_of(response.url)} sent JSON that cannot be read.",
                hint="Try again; the answer may have broken off.",
            ) from None
        raise not_the_api(response, "JSON") from None


def _own_session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    del session.adapters["http://"]
    _without_cookies(session)
    return session


def _clone(base: requests.Session) -> requests.Session:
    if type(base) is not requests.Session:
        return base  # whoever made a session of his own kind knows how it copes with threads
    clone = requests.Session()
    for name in ("adapters", "auth", "cert", "hooks", "params", "proxies", "trust_env", "verify"):
        setattr(clone, name, getattr(base, name))
    clone.headers.update(base.headers)
    _without_cookies(clone)
    return clone


def _without_cookies(session: requests.Session) -> None:
    """The API needs none, and a `sid` cookie is a token by another name."""
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))


def _certificates(
    session: requests.Session, ca_file: str | os.PathLike[str] | None, env: Mapping[str, str]
) -> str | bool:
    """What to verify servers with: the file given, else the session's own, else the environment's, else the usual.

    Given to every single request, because `requests` lets REQUESTS_CA_BUNDLE override what is set on a session.
    """
    if ca_file is not None:
        return os.fspath(ca_file)
    if session.verify is not True and session.verify is not None:
        return session.verify if isinstance(session.verify, bool) else os.fspath(session.verify)
    return env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE") or True
