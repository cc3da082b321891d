"""The fake org's log of requests, for assertions on what a client did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock


@dataclass
class Call:
    """One request as it arrived.

    Attributes:
        method: `GET`, …
        path: Path without the query, normalised (no doubled or trailing slash).
        query: The query string, decoded.
        headers: Request headers by name in lower case; the access token is left out.
        at: The org's time.
        status: Of the answer; 0 when the connection was dropped instead.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: datetime
    status: int = 0


class CallLog:
    """All requests since the org was made (or `clear` was called), oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        """Append one."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._calls.clear()

    def to(self, path: str = "", method: str | None = None) -> list[Call]:
        """The calls whose path matches this regular expression (anywhere), of this method if one is given."""
        return [call for call in self if re.search(path, call.path) and method in {None, call.method}]

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(tuple(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, place: int) -> Call:
        return self._calls[place]
