"""A `requests` session for other people's code that keeps to our rules: time-outs, retries, certificates, our token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from sfsync.salesforce.transport import Call

#: Set by `requests` or by us for every single request; the borrower's are not wanted.
_OURS = frozenset({"authorization", "user-agent", "accept-encoding", "connection", "content-length", "cookie"})


class LentSession(requests.Session):
    """What simple-salesforce gets instead of a session of its own.

    Args:
        send: Sends a call and returns the last answer, whatever its status: the borrower judges it.
    """

    def __init__(self, send: Callable[[Call], requests.Response]) -> None:
        super().__init__()
        self.trust_env = False  # proxies and certificates are looked up where the request is really sent
        self._lend = send
        self.last_body = b""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a prepared request through the transport."""
        stream = bool(kwargs.get("stream"))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        body = request.body
        if body is not None and not isinstance(body, bytes | str):
            raise TypeError("a streamed upload cannot be sent again; give the bytes")
        call = Call(request.method or "GET", request.url or "", headers=headers, body=body, stream=stream)
        response = self._lend(call)
        if not stream:
            self.last_body = response.content
        return response
