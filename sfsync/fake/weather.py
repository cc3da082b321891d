"""Scripted trouble: what a network and a busy org do to a client, on demand and repeatable.

::

    org.weather.add(Unavailable(), path="/jobs/query", times=2)      # 503 twice, then fine
    org.weather.add(ExpiredSession(), nth=3)                         # the third request of all
    org.weather.add(Truncated(0.5), path=r"/results$")               # half a page, then the line is cut

A rule says when (method, path, which call), a trouble says what. Rules are tried in the order in which they were added,
and all that fit act on the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Lock

from werkzeug.wrappers import Request, Response

from sfsync.fake import faults
from sfsync.fake.faults import Fault


class LineDropped(Exception):
    """The connection ends without a (whole) answer; each door does to its client what a network would.

    Attributes:
        reason: `reset`: the peer closed it; `silence`: nothing came until the client gave up.
        seconds: How long a server keeps silent.
    """

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Trouble:
    """One kind of trouble. `before` may answer in the org's place or raise; `after` may spoil the answer."""

    def before(self, request: Request) -> Response | None:  # noqa: ARG002 - part of the interface
        """Called before the org sees the request."""
        return None

    def after(self, response: Response) -> Response:
        """Called with the org's answer."""
        return response


@dataclass(frozen=True)
class Refused(Trouble):
    """The org answers with an error of your choice."""

    status: int = 500
    body: bytes = b""
    content_type: str = faults.JSON
    headers: dict[str, str] = field(default_factory=dict)

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """The error."""
        return Response(self.body, self.status, headers=self.headers, content_type=self.content_type)


def _refused(fault: Fault) -> Refused:
    return Refused(fault.status, fault.body, fault.content_type, fault.headers)


def Unavailable() -> Refused:  # noqa: N802 - reads as the other troubles do
    """503 SERVER_UNAVAILABLE."""
    return _refused(faults.server_unavailable())


def TooManyRequests() -> Refused:  # noqa: N802
    """429 with Retry-After."""
    return _refused(faults.too_many_requests())


def LimitExceeded() -> Refused:  # noqa: N802
    """403 REQUEST_LIMIT_EXCEEDED."""
    return _refused(faults.request_limit_exceeded())


def ExpiredSession() -> Refused:  # noqa: N802
    """401 INVALID_SESSION_ID; the token stays good for later requests (see `Access.revoke_all` for the other kind)."""
    return _refused(faults.session_expired())


def GatewayPage() -> Refused:  # noqa: N802
    """500 with an HTML page, as proxies and load balancers send it."""
    page = b"<html><head><title>Error Page</title></head><body>An unexpected error has occurred.</body></html>"
    return Refused(500, page, "text/html; charset=utf-8")


@dataclass(frozen=True)
class Delay(Trouble):
    """The answer comes late, in real time."""

    seconds: float

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """Wait."""
        Event().wait(self.seconds)
        return None


@dataclass(frozen=True)
class Reset(Trouble):
    """The connection is reset: before the org saw the request, or after it did what was asked."""

    after_work: bool = False

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """Reset, unless it is to come later."""
        if not self.after_work:
            raise LineDropped("reset")
        return None

    def after(self, response: Response) -> Response:
        """Reset after the work was done."""
        response.close()
        raise LineDropped("reset")


@dataclass(frozen=True)
class Silence(Trouble):
    """No answer until the client's time-out: before the org saw the request, or after it did what was asked."""

    seconds: float = 60.0
    after_work: bool = False

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """Keep silent, unless it is to come later."""
        if not self.after_work:
            raise LineDropped("silence", self.seconds)
        return None

    def after(self, response: Response) -> Response:
        """Keep silent after the work was done."""
        response.close()
        raise LineDropped("silence", self.seconds)


@dataclass(frozen=True)
class Truncated(Trouble):
    """The answer announces its full length, and ends early."""

    share: float = 0.5

    def after(self, response: Response) -> Response:
        """Cut the body."""
        whole = b"".join(response.iter_encoded())
        response.close()
        cut = Response(whole[: int(len(whole) * self.share)], response.status_code, headers=response.headers)
        cut.headers["Content-Length"] = str(len(whole))
        cut.headers.pop("Transfer-Encoding", None)
        cut.automatically_set_content_length = False
        return cut


@dataclass(frozen=True)
class WrongCount(Trouble):
    """`Sforce-NumberOfRecords` announces more (or fewer) rows than the page has."""

    by: int = 1

    def after(self, response: Response) -> Response:
        """Change the header, where the answer has it."""
        count = response.headers.get("Sforce-NumberOfRecords")
        if count is not None:
            response.headers["Sforce-NumberOfRecords"] = str(int(count) + self.by)
        return response


@dataclass
class Rule:
    """When a trouble strikes.

    Attributes:
        trouble: What happens.
        method: Only for this method.
        path: Only for paths in which this regular expression is found.
        nth: Only the n-th fitting request, counted from 1.
        times: At most so many times; None for always.
    """

    trouble: Trouble
    method: str | None = None
    path: str = ""
    nth: int | None = None
    times: int | None = 1
    seen: int = 0
    struck: int = 0

    def fits(self, request: Request) -> bool:
        """Whether the trouble strikes now; counts the request if it is one of the rule's."""
        if self.method not in {None, request.method} or not re.search(self.path, request.path):
            return False
        self.seen += 1
        if self.nth not in {None, self.seen} or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True


class Weather:
    """The rules in force."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[Rule] = []

    def add(
        self,
        trouble: Trouble,
        *,
        method: str | None = None,
        path: str = "",
        nth: int | None = None,
        times: int | None = 1,
    ) -> Rule:
        """Let a trouble strike; see `Rule` for when. Returns the rule, whose `struck` counts."""
        rule = Rule(trouble, method, path, nth, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Fair weather again."""
        with self._lock:
            self._rules.clear()

    def meet(self, request: Request) -> list[Trouble]:
        """The troubles that strike this request."""
        with self._lock:
            return [rule.trouble for rule in self._rules if rule.fits(request)]

    def __iter__(self) -> Iterator[Rule]:
        with self._lock:
            return iter(tuple(self._rules))
