"""The written form of weather: which words a file may use, and the troubles they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from sfsync.fake import faults
from sfsync.fake.weather import troubles, work

Trouble = troubles.Trouble | work.WorkTrouble


class Unfit(Exception):
    """A value that cannot stand where it stands; the message says what could."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise Unfit("a number is wanted")
    return float(value)


def _seconds(value: Any) -> float:
    if (number := _number(value)) < 0:
        raise Unfit("a number of seconds is wanted, 0 or more")
    return number


def _share(value: Any) -> float:
    if not 0 <= (number := _number(value)) <= 1:
        raise Unfit("a share between 0 and 1 is wanted")
    return number


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 1_000_000_000:
        raise Unfit("a whole number is wanted")
    return value


def _count(value: Any) -> int:
    if (number := _integer(value)) < 0:
        raise Unfit("a whole number is wanted, 0 or more")
    return number


def _from_one(value: Any) -> int:
    if (number := _integer(value)) < 1:
        raise Unfit("a whole number is wanted, 1 or more")
    return number


def _times(value: Any) -> int | None:
    if value == "always":
        return None
    try:
        return _from_one(value)
    except Unfit:
        raise Unfit("a whole number from 1 on is wanted, or `always`") from None


def _status(value: Any) -> int:
    if not 200 <= _integer(value) <= 599:
        raise Unfit("an HTTP status between 200 and 599 is wanted")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("true or false is wanted")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit("a text is wanted")
    return value


def _line(value: Any) -> str:
    """A text that can stand in a header."""
    if not re.fullmatch(r"[\x20-\x7e]*", text := _text(value)):
        raise Unfit("a text of one line in ASCII is wanted")
    return text


def _pattern(value: Any) -> str:
    try:
        re.compile(_text(value))
    except re.error as error:
        raise Unfit(f"not a regular expression: {error}") from None
    return str(value)


def _method(value: Any) -> str:
    if _text(value).upper() not in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}:
        raise Unfit("GET, POST, PUT, PATCH, DELETE or HEAD is wanted")
    return str(value).upper()


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Unfit("a list of record Ids is wanted")
    return tuple(value)


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name in value):
        raise Unfit("header names and their values are wanted")
    return {name: _line(text) for name, text in value.items()}


@dataclass(frozen=True, slots=True)
class Form:
    """One trouble: what makes it, and what it can be told."""

    make: Callable[..., Trouble]
    details: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


def _refused(
    status: int = 500, body: str = "", content_type: str = faults.JSON, headers: dict[str, str] | None = None
) -> Trouble:
    return troubles.Refused(status, body.encode(), content_type, headers or {})


FORMS = {
    "unavailable": Form(troubles.Unavailable),
    "too_many_requests": Form(troubles.TooManyRequests),
    "limit_exceeded": Form(troubles.LimitExceeded),
    "expired_session": Form(troubles.ExpiredSession),
    "revoked_session": Form(troubles.RevokedSession),
    "gateway_page": Form(troubles.GatewayPage),
    "refused": Form(_refused, {"status": _status, "body": _text, "content_type": _line, "headers": _headers}),
    "delay": Form(troubles.Delay, {"seconds": _seconds}, frozenset({"seconds"})),
    "reset": Form(troubles.Reset, {"after_work": _flag}),
    "connection_refused": Form(troubles.ConnectionRefused),
    "silence": Form(troubles.Silence, {"seconds": _seconds, "after_work": _flag}),
    "truncated": Form(troubles.Truncated, {"share": _share}),
    "wrong_count": Form(troubles.WrongCount, {"by": _integer}),
    "slow": Form(troubles.Slow, {"bytes_per_second": _from_one}),
    "clock_skew": Form(troubles.ClockSkew, {"seconds": _number}, frozenset({"seconds"})),
    "shuffled": Form(work.Shuffled),
    "locked_rows": Form(work.LockedRows, {"share": _share, "rows": _count, "ids": _ids}),
    "late_commit": Form(work.LateCommit, {"seconds": _seconds}, frozenset({"seconds"})),
    "job_stuck": Form(work.JobStuck),
    "job_slow": Form(work.JobSlow, {"polls": _count, "seconds": _seconds}),
    "job_failed": Form(work.JobFailed, {"message": _text, "after_rows": _count}),
}

#: What every rule can say about when: word of the file → reader and keyword of `Weather.add`.
CONDITIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "method": (_method, "method"),
    "path": (_pattern, "path"),
    "object": (_line, "object_name"),
    "nth": (_from_one, "nth"),
    "times": (_times, "times"),
    "probability": (_share, "probability"),
}


def meant(word: Any, known: Mapping[str, Any] | frozenset[str]) -> str | None:
    """A hint for a word that is not known."""
    close = get_close_matches(str(word), list(known), 1)
    return f"did you mean `{close[0]}`?" if close else None
