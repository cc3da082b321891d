"""The fake org as a process of its own: serve until told to stop, and leave nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def serve_until_signal(
    org: FakeOrg, *, announce: Callable[[dict[str, Any]], None], token: str | None = None, **where: Any
) -> None:
    """Serve an org until SIGTERM or SIGINT, then return.

    Args:
        org: The org; closed at the end.
        announce: Called once, when the server is ready, with `url`, `token`, `ca_file` and `pid` (and `proxy`).
        token: One more access token to accept, and the one that is announced.
        where: `host`, `port`, `ca_file`, `proxy` and `proxy_port`, as in `doors.server.serve`.
    """
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    # The handlers come first: whoever reads the announcement may send the signal at once.
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if token is not None:
            org.token = org.access.issue(org.admin_id, token)
        with org.serve(**where) as server:
            facts: dict[str, Any] = {
                "url": server.url,
                "token": server.token,
                "ca_file": str(server.ca_file),
                "pid": os.getpid(),
            }
            if server.proxy_url:
                facts["proxy"] = server.proxy_url
            announce(facts)
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        org.close()
