"""Login with a signed statement instead of a password (OAuth JWT bearer). For CI and nightly jobs."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from sfsync.errors import UsageError
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.auth.access import Access
from sfsync.salesforce.auth.oauth import Form, request_token
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Transport

_LIFETIME = 180  # seconds; the org accepts at most five minutes
_SANDBOX = re.compile(r"^test\.|\.(?:sandbox|scratch|develop)\.my\.|--")
_LONGEST_KEY = 100_000


@dataclass(frozen=True, slots=True)
class JwtLogin:
    """OAuth JWT bearer.

    Attributes:
        client_id: Consumer key of the connected app that holds the certificate.
        username: User to log in as, approved for the app.
        private_key: PEM of the certificate's key.
        login_url: Where to log in.
        audience: Overrides the audience that follows from `login_url`.
    """

    client_id: str
    username: str
    private_key: Secret
    login_url: str
    audience: str | None = None

    flow: ClassVar[str] = "jwt"
    repeatable: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"JWT as {self.username} at {host_of(self.login_url)}"

    def log_in(self, transport: Transport) -> Access:
        """Sign a statement who we are, and exchange it for a token."""
        form: Form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._assertion()}
        return request_token(transport, self.login_url, form)

    def _assertion(self) -> Secret:
        import jwt  # noqa: PLC0415 - brings in the cryptography package, which only this flow needs

        claims = {
            "iss": self.client_id,
            "sub": self.username,
            "aud": self.audience or audience_of(self.login_url),
            "exp": int(time.time()) + _LIFETIME,
        }
        try:
            return Secret(jwt.encode(claims, self.private_key.reveal(), algorithm="RS256"))
        except (ValueError, TypeError, jwt.PyJWTError):
            # `from None`: the library's messages may quote the key.
            raise UsageError(
                "The private key cannot be used to sign.",
                hint="It must be an RSA key in PEM form without a passphrase: -----BEGIN PRIVATE KEY----- …",
            ) from None


def audience_of(login_url: str) -> str:
    """Who the statement is for: Salesforce's production or sandbox login, or an address that is neither, as it is."""
    host = urlsplit(login_url).hostname or ""
    if not host.endswith((".salesforce.com", ".force.com", ".salesforce.mil", ".sfcrmproducts.cn")):
        return login_url
    return "https://test.salesforce.com" if _SANDBOX.search(host) else "https://login.salesforce.com"


def read_private_key(path: Path) -> Secret:
    """The PEM text of a key file.

    Raises:
        UsageError: The file cannot be read, or holds no private key.
    """
    hint = "Name the PEM file of the private key: SF_PRIVATE_KEY_FILE, or private_key_file in sfsync.yml."
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_LONGEST_KEY)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a PEM file.", hint=hint) from None
    except OSError as error:
        raise UsageError(f"The private key {path} cannot be read: {error.strerror}.", hint=hint) from None
    if "PRIVATE KEY-----" not in text:
        raise UsageError(f"{path} holds no private key.", hint=hint)
    return Secret(text)
