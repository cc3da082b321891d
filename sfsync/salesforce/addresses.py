"""Addresses of orgs: always https, always just the host, whatever was pasted."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sfsync.errors import UsageError

# The address in the browser's bar is not the one that answers the API.
_BROWSER_HOSTS = (
    (re.compile(r"\.lightning\.force\.com$"), ".my.salesforce.com"),
    (re.compile(r"\.my\.salesforce-setup\.com$"), ".my.salesforce.com"),
)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def org_address(text: str, *, source: str) -> str:
    """`https://host[:port]` of an org, from whatever form of its address was given.

    Args:
        text: A URL or a bare host; path, query and trailing dots are dropped.
        source: Where it came from (`SF_ORG_INSTANCE_URL`, `login_url`), for the message.

    Raises:
        UsageError: Not an address, not https, or one that carries a user name.
    """
    given = text.strip()
    try:
        parts = urlsplit(given if "://" in given else f"https://{given}")
    except ValueError:  # an unbalanced bracket
        parts = urlsplit("https://")
    if parts.scheme.lower() != "https":
        raise UsageError(
            f"{source} must start with https://, not {parts.scheme.lower()}://.",
            hint="Access tokens are never sent over an unencrypted connection.",
        )
    if "@" in parts.netloc:
        raise UsageError(f"{source} must not carry a user name or password.", hint="Give the address alone.")
    host, port = _host_and_port(parts.netloc)
    if host is None:
        raise UsageError(
            f"{source} is not the address of an org: {given[:100]!r}.",
            hint="It looks like https://example.my.salesforce.com (Setup → My Domain).",
        )
    for pattern, replacement in _BROWSER_HOSTS:
        host = pattern.sub(replacement, host)
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def _host_and_port(netloc: str) -> tuple[str | None, int | None]:
    host, colon, digits = netloc.rpartition(":")
    if not colon or digits.endswith("]"):
        host, digits = netloc, ""
    host = host.lower().rstrip(".")
    if not _HOST.fullmatch(host) or (
        digits and not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536)
    ):
        return None, None
    return host, int(digits) if digits else None


def host_of(address: str) -> str:
    """The host (and port, unless 443) of an address, for messages."""
    return address.removeprefix("https://").split("/", 1)[0]
