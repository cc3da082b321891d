"""One Salesforce org that we are logged in to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlencode

import orjson
import requests

from sfsync.errors import AuthenticationFailed, SalesforceError, SessionExpired, UsageError
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.auth.access import Access, Login, org_id_of, user_id_of
from sfsync.salesforce.download import Download
from sfsync.salesforce.faults import fault_of_answer
from sfsync.salesforce.lent_session import LentSession
from sfsync.salesforce.redaction import clean
from sfsync.salesforce.transport import Call, Guard, Transport, json_of
from sfsync.salesforce.usage import ApiUsage

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Pages of Bulk results fetched at a time, of all jobs together: orgs bound how many long requests may run at once.
MOST_DOWNLOADS = 8

Params = Mapping[str, str]
Headers = Mapping[str, str]


class Org:
    """An org: asks it things, logs in again when a session ends, and counts what that costs.

    Made by `sfsync.salesforce.connect`; use it in a `with` block to close its connections. Safe to use from several
    threads.

    Attributes:
        name: What the user calls the org: the alias, or its host.
        api_version: Such as `66.0`; the same for every call, as Bulk results demand.
        downloads: Held while a page of a Bulk result is fetched.
    """

    def __init__(
        self, login: Login, access: Access, *, transport: Transport, api_version: str, name: str | None = None
    ) -> None:
        self.api_version = api_version
        self.name = name or host_of(access.instance_url)
        self._login = login
        self._access = access
        self._transport = transport
        self._renewing = threading.Lock()
        self._watched = threading.Lock()
        self.downloads = threading.BoundedSemaphore(MOST_DOWNLOADS)
        self._identity: tuple[str | None, str | None] | None = None
        self._client: tuple[Access, Salesforce] | None = None

    def __repr__(self) -> str:
        return f"Org({self.name!r}, {self.instance_url!r}, api_version={self.api_version!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the session in the org goes on until it expires."""
        self._transport.close()

    @property
    def instance_url(self) -> str:
        """`https://` and the host that answers the API."""
        return self._access.instance_url

    @property
    def login(self) -> Login:
        """How we logged in; `str()` of it is for people."""
        return self._login

    @property
    def usage(self) -> ApiUsage:
        """Requests sent, and the org's own count of its daily allowance."""
        return self._transport.usage

    @property
    def org_id(self) -> str | None:
        """18-character Id of the org; asked for once when the login did not tell it."""
        return self._access.org_id or self._identify()[0]

    @property
    def user_id(self) -> str | None:
        """18-character Id of the user who is logged in; asked for once when the login did not tell it."""
        return self._access.user_id or self._identify()[1]

    def supports(self, version: int) -> bool:
        """Whether the API version in use is at least this one."""
        return float(self.api_version) >= version

    def data_path(self, *parts: str) -> str:
        """Path of a REST resource: `data_path("sobjects", "Lead")` → `/services/data/v66.0/sobjects/Lead`."""
        return "/".join(("/services/data", f"v{self.api_version}", *(quote(part, safe="") for part in parts)))

    def server_time(self) -> datetime:
        """The org's clock (UTC), to the second, from the `Date` of a fresh answer that costs no API call."""

        def read(response: requests.Response) -> datetime:
            try:
                return parsedate_to_datetime(response.headers.get("Date", "")).replace(tzinfo=UTC)  # always GMT
            except ValueError:
                raise SalesforceError(
                    f"{host_of(self.instance_url)} does not tell its time (no Date header)."
                ) from None

        return self._transport.run(Call("GET", self.instance_url + "/services/data"), read)

    @contextmanager
    def watched(self, guard: Guard, stop: threading.Event) -> Iterator[None]:
        """For the time of the block, ask before every request that the org counts, and be stoppable.

        Args:
            guard: Called before each such request, repetitions included, from whichever thread sends it; what it
                raises goes to whoever asked, and nothing is sent.
            stop: When set, nothing is sent any more, waiting ends, and downloads break off.

        Raises:
            UsageError: It is watched already: two runs cannot tell their requests apart on one connection.
        """
        if not self._watched.acquire(blocking=False):
            raise UsageError(
                f"This connection to {self.name} is in use by another run.", hint="Give each run an org of its own."
            )
        self._transport.guard, self._transport.stop = guard, stop
        try:
            yield
        finally:
            self._transport.guard = self._transport.stop = None
            self._watched.release()

    def pause(self, seconds: float) -> None:
        """Wait, by the transport's clock (tests give one that does not wait)."""
        self._transport.pause(seconds)

    def get_json(self, path: str, params: Params | None = None, headers: Headers | None = None) -> Any:
        """GET a path of this org (or a full address on its own host) and decode the JSON."""
        return self._run(self._call("GET", path, params=params, headers=headers), json_of)

    def post_json(self, path: str, body: Any, *, headers: Headers | None = None, repeatable: bool = False) -> Any:
        """POST JSON and decode the answer.

        Args:
            path: Of this org.
            body: Anything JSON can hold.
            headers: Beside the usual ones.
            repeatable: Doing it twice does no harm, so it may be sent again when its fate is unknown.
        """
        return self.send_json("POST", path, body, headers=headers, repeatable=repeatable)

    def send_json(
        self, method: str, path: str, body: Any, *, headers: Headers | None = None, repeatable: bool = False
    ) -> Any:
        """Send JSON with any method (`PATCH`, say) and decode the answer; see `post_json`."""
        sent = {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
        call = replace(self._call(method, path, headers=sent), body=orjson.dumps(body), repeatable=repeatable)
        return self._run(call, json_of)

    def put_file(self, path: str, file: Path, content_type: str) -> None:
        """PUT a file, streamed; never sent again when its fate is unknown.

        Raises:
            OSError: The file cannot be read.
        """
        call = self._call("PUT", path, headers={"Content-Type": content_type})
        self._run(replace(call, body=file, repeatable=False), lambda _response: None)

    def delete(self, path: str) -> None:
        """DELETE a path of this org."""
        self._run(self._call("DELETE", path), lambda _response: None)

    def delete_for_json(self, path: str, params: Params, headers: Headers | None = None) -> Any:
        """DELETE with parameters, once, and decode what the org says of it."""
        call = replace(self._call("DELETE", path, params=params, headers=headers), repeatable=False)
        return self._run(call, json_of)

    @contextmanager
    def stream(self, path: str, *, params: Params | None = None, headers: Headers | None = None) -> Iterator[Download]:
        """Open a large answer; opening is retried, a body that breaks off raises. See `read_stream`."""
        call = replace(self._call("GET", path, params=params, headers=headers), stream=True)
        response = self._run(call, lambda answer: answer)
        try:
            yield Download(response, self._transport.stop)
        finally:
            response.close()

    def read_stream(
        self,
        path: str,
        read: Callable[[Download], T],
        *,
        headers: Headers | None = None,
        stop: threading.Event | None = None,
    ) -> T:
        """Let `read` consume a large answer; when it breaks off, it is asked for again and `read` starts over."""

        def whole(response: requests.Response) -> T:
            try:
                return read(Download(response, self._transport.stop))
            finally:
                response.close()

        return self._run(replace(self._call("GET", path, headers=headers), stream=True, stop=stop), whole)

    @property
    def simple_salesforce(self) -> Salesforce:
        """A simple-salesforce client on this login, for what sfsync has no words for.

        It sends through our transport, so that time-outs, retries and the API count hold for it too; it raises its own
        exceptions. After a new login, take it from here again.
        """
        from simple_salesforce.api import Salesforce  # noqa: PLC0415 - slow to import, and seldom used

        access = self._access
        if self._client is None or self._client[0] is not access:
            client = Salesforce(
                instance_url=access.instance_url,
                session_id=access.token.reveal(),
                version=self.api_version,
                session=LentSession(self._answer),
            )
            self._client = (access, client)
        return self._client[1]

    def _call(self, method: str, path: str, *, params: Params | None = None, headers: Headers | None = None) -> Call:
        url = self._url(path)
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, safe=",()'*:")
        return Call(method, url, headers=headers or {})

    def _url(self, path: str) -> str:
        """The full address of a path, which must lie on this org's host: links in answers are not trusted blindly."""
        if path.startswith(f"{self.instance_url}/"):
            path = path.removeprefix(self.instance_url)
        if not path.startswith("/") or any(ch.isspace() or not ch.isprintable() for ch in path):
            raise SalesforceError(
                f"Refusing to follow {clean(path, 150)!r}: it does not lead to {host_of(self.instance_url)}.",
                hint="The access token is sent to the org's own host only.",
            )
        return self.instance_url + path

    def _run(self, call: Call, read: Callable[[requests.Response], T]) -> T:
        """Send with the present token; when it has expired, log in again, once."""
        access = self._access
        try:
            return self._transport.run(replace(call, token=access.token), read)
        except SessionExpired as expired:
            renewed = self._renew(access, expired)
        return self._transport.run(replace(call, token=renewed.token), read)

    def _answer(self, call: Call) -> requests.Response:
        """Like `_run`, for the lent session: it wants the answer and not our errors."""
        if not call.url.startswith(f"{self.instance_url}/"):
            raise UsageError(f"This session only talks to {host_of(self.instance_url)}.")
        access = self._access
        response = self._transport.answer(replace(call, token=access.token))
        if response.status_code != 401:
            return response
        expired = fault_of_answer(response).error
        renewed = self._renew(access, expired if isinstance(expired, SessionExpired) else SessionExpired(str(expired)))
        return self._transport.answer(replace(call, token=renewed.token))

    def _renew(self, stale: Access, expired: SessionExpired) -> Access:
        """A fresh login in place of a stale one. Of several threads that notice, the first one logs in for all."""
        with self._renewing:
            if self._access is not stale:
                return self._access
            if not self._login.repeatable:
                raise expired
            _log.info("The session with %s has ended; logging in again (%s).", self.name, self._login)
            fresh = self._login.log_in(self._transport)
            before, now = stale.org_id, fresh.org_id
            if (before and now and before != now) or fresh.instance_url != stale.instance_url:
                raise AuthenticationFailed(
                    f"Logging in again led from {host_of(stale.instance_url)} to {host_of(fresh.instance_url)}"
                    + (f" ({before} to {now})." if before != now else "."),
                    hint="Start the command again; one run never reads two orgs.",
                )
            self._access = fresh
            return fresh

    def _identify(self) -> tuple[str | None, str | None]:
        """Org and user Id out of the `identity` link of the list of resources."""
        if self._identity is None:
            answer = self.get_json(self.data_path())
            link = answer.get("identity") if isinstance(answer, dict) else None
            self._identity = (org_id_of(link), user_id_of(link)) if isinstance(link, str) else (None, None)
        return self._identity
