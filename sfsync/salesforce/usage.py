"""What talking to the org costs: requests sent, and how much of the org's daily allowance is used."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

_ORG_USAGE = re.compile(r"(?:^|[;,\s])api-usage\s*=\s*(\d+)\s*/\s*(\d+)")
_APP_USAGE = re.compile(r"per-app-api-usage\s*=\s*(\d+)\s*/\s*(\d+)")


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """The count so far.

    Attributes:
        calls: Requests sent with this org's token, repetitions included. Logins and the list of API versions are
            sent without one; the org does not count them either.
        used: Requests of the whole org in the last 24 hours, by its own (approximate) account; None until it has said.
        allowed: The org's daily allowance, or None.
        app_used: The same for this connected app, where the org limits it separately; else None.
        app_allowed: The app's allowance, or None.
    """

    calls: int = 0
    used: int | None = None
    allowed: int | None = None
    app_used: int | None = None
    app_allowed: int | None = None


class UsageMeter:
    """Counts requests and reads `Sforce-Limit-Info`, from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._org: tuple[int, int] | None = None
        self._app: tuple[int, int] | None = None

    def count_call(self) -> None:
        """One request is about to be sent."""
        with self._lock:
            self._calls += 1

    def read(self, limit_info: str | None) -> None:
        """Take in the header, e.g. `api-usage=25/5000; per-app-api-usage=17/250(appName=x)`; odd ones are ignored."""
        if not limit_info:
            return
        org, app = _ORG_USAGE.search(limit_info), _APP_USAGE.search(limit_info)
        with self._lock:
            if org:
                self._org = (int(org[1]), int(org[2]))
            if app:
                self._app = (int(app[1]), int(app[2]))

    def usage(self) -> ApiUsage:
        """The count so far."""
        with self._lock:
            org, app = self._org or (None, None), self._app or (None, None)
            return ApiUsage(self._calls, org[0], org[1], app[0], app[1])
