"""Who may talk to the fake org: its credentials, connected app, and the access tokens it has given out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

_KEY_BITS = 2048


@dataclass
class Credentials:
    """What a client needs to log in; the same for every fake org unless you say otherwise, and good for nothing else.

    Attributes:
        username: Of the administrator. Any other active user logs in with the same password and token.
        password: For the password flow and SOAP login.
        security_token: Appended to the password.
        client_id: Consumer key of the connected app.
        client_secret: Consumer secret of the connected app.
        refresh_token: For the refresh-token flow.
    """

    username: str
    password: str = "fake-password"  # noqa: S105 - not a secret: the fake org's own, printed in the documentation
    security_token: str = "fakeSecurityToken"  # noqa: S105
    client_id: str = "fake-client-id"
    client_secret: str = "fake-client-secret"  # noqa: S105
    refresh_token: str = "fake-refresh-token"  # noqa: S105
    _private_key: RSAPrivateKey | None = field(default=None, repr=False)

    @property
    def private_key(self) -> str:
        """PEM text of the key that signs JWT assertions for the connected app; made when first asked for."""
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - only the JWT flow needs it
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        return self._key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def public_key(self) -> RSAPublicKey:
        """The other half of `private_key`."""
        return self._key().public_key()

    def _key(self) -> RSAPrivateKey:
        if self._private_key is None:
            from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

            self._private_key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        return self._private_key


class Access:
    """Access tokens, each with the Id of the user it speaks for."""

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id
        self._lock = Lock()
        self._tokens: dict[str, str] = {}
        self._public_keys: dict[str, RSAPublicKey] = {}

    def issue(self, user_id: str, token: str | None = None) -> str:
        """A new token for a user, in the shape of Salesforce's: `00D…!` and many characters."""
        value = token or f"{self._org_id[:15]}!AQ{secrets.token_urlsafe(48)}"
        with self._lock:
            self._tokens[value] = user_id
        return value

    def user_of(self, token: str) -> str | None:
        """The Id of the user this token speaks for; None when it is unknown, revoked or expired."""
        with self._lock:
            return self._tokens.get(token)

    def revoke(self, token: str) -> bool:
        """Stop accepting a token; whether there was one."""
        with self._lock:
            return self._tokens.pop(token, None) is not None

    def revoke_all(self) -> None:
        """Stop accepting every token: every client has to log in again."""
        with self._lock:
            self._tokens.clear()

    def register_key(self, client_id: str, pem: str) -> None:
        """Let a connected app log in by JWT with the key of this PEM public key or X.509 certificate."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey as Rsa  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

        data = pem.encode()
        key = load_pem_x509_certificate(data).public_key() if b"CERTIFICATE" in data else load_pem_public_key(data)
        if not isinstance(key, Rsa):
            raise TypeError("JWT bearer assertions are signed with RSA keys")
        with self._lock:
            self._public_keys[client_id] = key

    def key_of(self, client_id: str) -> RSAPublicKey | None:
        """The registered key of a connected app."""
        with self._lock:
            return self._public_keys.get(client_id)
