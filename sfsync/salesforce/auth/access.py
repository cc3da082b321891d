"""What every way of logging in gives, and what it is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from sfsync.errors import UsageError
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Transport

_ORG_ID_IN_TOKEN = re.compile(r"(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)!")
_IDENTITY = re.compile(r"/id/(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)/(005[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)(?:[/?]|$)")
_SESSION_ID = re.compile(r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]{8,}")
_JWT_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True, slots=True)
class Access:
    """A login that worked.

    Attributes:
        token: Sent with every request.
        instance_url: `https://` and the host it is good for.
        org_id: 18 characters, or None when the login does not tell.
        user_id: 18 characters, or None.
    """

    token: Secret
    instance_url: str
    org_id: str | None = None
    user_id: str | None = None


class Login(Protocol):
    """One way to log in, with everything it needs. `str()` of it is for people and holds no secret."""

    @property
    def flow(self) -> str:
        """Its name in `sfsync.yml`."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether logging in again gives a fresh token."""
        ...

    def log_in(self, transport: Transport) -> Access:
        """Log in. Raises `AuthenticationFailed`, or whatever kept the request from being answered."""
        ...


def org_id_of(text: str) -> str | None:
    """The org's Id inside a session id or an identity link, or None."""
    match = _ORG_ID_IN_TOKEN.match(text) or _IDENTITY.search(text)
    return to_18(match[1]) if match else None


def user_id_of(identity: str) -> str | None:
    """The user's Id inside an identity link, or None."""
    match = _IDENTITY.search(identity)
    return to_18(match[2]) if match else None


def to_18(record_id: str) -> str:
    """A 15-character Id with its checksum, which makes it safe to compare without regard to case."""
    if len(record_id) != 15:
        return record_id
    blocks = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        _CHECKSUM[sum(1 << place for place, ch in enumerate(block) if "A" <= ch <= "Z")] for block in blocks
    )


def has_token_shape(text: str) -> bool:
    """Whether this is a session id (`00D…!…`) or a JWT, and not a word about one such as `[REDACTED]`."""
    return bool(_SESSION_ID.fullmatch(text) or _JWT_TOKEN.fullmatch(text))


def usable_token(text: str, *, source: str) -> Secret:
    """A token that someone handed us, if it can be one at all.

    Raises:
        UsageError: Empty, blacked out, or with characters no token has.
    """
    token = text.strip()
    if not token or "*" in token or "REDACTED" in token.upper() or any(not "!" <= ch <= "~" for ch in token):
        raise UsageError(
            f"{source} holds no access token" + (": the value is blacked out." if token else ": it is empty."),
            hint="The sf CLI shows the real one: sf org auth show-access-token --target-org ALIAS",
        )
    return Secret(token)
