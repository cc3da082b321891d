"""Troubles of the line and of the org as a whole: they strike a request, before or after the org has done its work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

from sfsync.fake import faults
from sfsync.fake.faults import Fault

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

#: In the environment of every request: the `Access` of the org, for the trouble that takes tokens away.
ACCESS = "sfsync.access"


class LineDropped(Exception):
    """The connection ends without a (whole) answer; each door does to its client what a network would.

    Attributes:
        reason: `reset`: the peer closed it; `refused`: there was none to begin with; `silence`: nothing came until
            the client gave up.
        seconds: How long a server keeps silent.
    """

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Trouble:
    """One kind of trouble. `before` may answer in the org's place or raise; `after` may spoil the answer.

    Attributes:
        lasting: Whether it is a state rather than an event: it strikes every time, unless told otherwise.
    """

    lasting: ClassVar[bool] = False

    def before(self, request: Request) -> Response | None:  # noqa: ARG002 - part of the interface
        """Called before the org sees the request."""
        return None

    def after(self, response: Response) -> Response:
        """Called with the org's answer."""
        return response


def _response(*args: Any, **details: Any) -> Response:
    from werkzeug.wrappers import Response  # noqa: PLC0415 - only needed once a client calls

    return Response(*args, **details)


@dataclass(frozen=True)
class Refused(Trouble):
    """The org answers with an error of your choice."""

    status: int = 500
    body: bytes = b""
    content_type: str = faults.JSON
    headers: dict[str, str] = field(default_factory=dict)

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """The error."""
        return _response(self.body, self.status, headers=self.headers, content_type=self.content_type)


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
    """401 INVALID_SESSION_ID; the token stays good for later requests (`RevokedSession` is the other kind)."""
    return _refused(faults.session_expired())


def GatewayPage() -> Refused:  # noqa: N802
    """500 with an HTML page, as proxies and load balancers send it."""
    page = b"<html><head><title>Error Page</title></head><body>An unexpected error has occurred.</body></html>"
    return Refused(500, page, "text/html; charset=utf-8")


@dataclass(frozen=True)
class RevokedSession(Trouble):
    """The token of this request is accepted no more, now and later: the client has to log in again."""

    def before(self, request: Request) -> Response | None:
        """Take the token away."""
        access = request.environ.get(ACCESS)
        token = request.headers.get("Authorization", "").partition(" ")[2].strip()
        if access is not None:
            access.revoke(token or request.headers.get("X-SFDC-Session", ""))
        return None


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
class ConnectionRefused(Trouble):
    """Nobody listens; over a socket, where the connection is there already, it is reset without a word."""

    def before(self, request: Request) -> Response | None:  # noqa: ARG002
        """Refuse."""
        raise LineDropped("refused")


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
        cut = _response(whole[: int(len(whole) * self.share)], response.status_code, headers=response.headers)
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


@dataclass(frozen=True)
class Slow(Trouble):
    """Answers trickle in, at so many bytes a second of real time."""

    bytes_per_second: int = 64_000

    lasting = True

    def after(self, response: Response) -> Response:
        """Send the body in small pieces."""
        length = response.headers.get("Content-Length")
        slow = _response(
            self._trickle(response.iter_encoded()),
            response.status_code,
            headers=response.headers,
            direct_passthrough=True,
        )
        slow.call_on_close(response.close)
        if length is not None:
            slow.headers["Content-Length"] = length
        return slow

    def _trickle(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        step = max(1, self.bytes_per_second // 20)
        for piece in pieces:
            for start in range(0, len(piece), step):
                part = piece[start : start + step]
                time.sleep(len(part) / self.bytes_per_second)
                yield part


@dataclass(frozen=True)
class ClockSkew(Trouble):
    """The `Date` header is off by so many seconds: the clock of the host that answers is not that of the database."""

    seconds: float

    lasting = True

    def after(self, response: Response) -> Response:
        """Change the header."""
        told = parsedate_to_datetime(response.headers["Date"]) + timedelta(seconds=self.seconds)
        response.headers["Date"] = format_datetime(told, usegmt=True)
        return response
