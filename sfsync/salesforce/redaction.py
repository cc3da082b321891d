"""Secrets, and how they are kept out of everything that people or log files see."""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import NoReturn
from urllib.parse import quote, quote_plus
from weakref import WeakSet
from xml.sax.saxutils import escape

_STARS = "***"
_SHORTEST = 4  # replacing "a" everywhere would destroy a message and protect nothing

_live: WeakSet[Secret] = WeakSet()
_live_lock = threading.Lock()


class Secret:
    """A password, token or key: it prints as stars, and while it lives `redact` removes its value from any text."""

    __slots__ = ("__weakref__", "_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        # As it may come back inside a URL, a form or an XML answer.
        spellings = {value, quote(value, safe=""), quote_plus(value), escape(value), escape(value, {'"': "&quot;"})}
        self._spellings = sorted((s for s in spellings if len(s) >= _SHORTEST), key=len, reverse=True)
        with _live_lock:
            _live.add(self)

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({_STARS})"

    def __str__(self) -> str:
        return _STARS

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


# Each pattern keeps what says *that* a secret stood there (group 1) and drops the secret.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(\bforce://)[^\s\"'<>]+",  # the sf CLI's auth URL holds a refresh token
        r"(\bauthorization[\"']?\s*[=:]\s*[\"']?)[^\"'\n]+",
        r"(\b(?:bearer|oauth|basic)\s+)(?=[^\s\"']*\d)[A-Za-z0-9+/=_.!%-]{8,}",  # with a digit: not a word of prose
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+(?=@)",  # user:password@ of a proxy
        r"([\"']?\b(?:access_?token|refresh_?token|oauth_token|client_?secret|consumer_?secret|security_?token"
        r"|password|assertion|session_?id|sfdx_?auth_?url|signature|sid)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&<>,;}]+",
        r"(<(?:\w+:)?(?:sessionId|password)>)[^<]+",
    )
)
# The org id prefix of a session id is no secret; what follows the "!" (or its URL-encoded form) is.
_SESSION_ID = re.compile(r"(?<![A-Za-z0-9])(00D[A-Za-z0-9]{9,15}(?:!|%21))[^\s\"'<>&,;]+")
_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}")


def redact(text: str) -> str:
    """`text` without secrets: values of living `Secret`s, and whatever has the shape of a token or password field."""
    with _live_lock:
        secrets = list(_live)
    for secret in secrets:
        for spelling in secret._spellings:  # noqa: SLF001 - the two belong together
            text = text.replace(spelling, _STARS)
    text = _SESSION_ID.sub(rf"\1{_STARS}", text)
    text = _JWT.sub(_STARS, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{_STARS}", text)
    return text


def clean(text: str, limit: int = 400) -> str:
    """A text from outside, fit for a message: secrets and control characters removed, on one line, not endless."""
    printable = "".join(" " if unicodedata.category(ch) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else ch for ch in text)
    line = " ".join(redact(printable).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
