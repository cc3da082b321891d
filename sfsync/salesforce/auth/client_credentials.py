"""Login of a connected app as itself: client id and secret, no user's password. For nightly jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.auth.access import Access
from sfsync.salesforce.auth.oauth import Form, request_token
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Transport


@dataclass(frozen=True, slots=True)
class ClientCredentialsLogin:
    """OAuth client credentials; `login_url` must be the org's My Domain."""

    client_id: str
    client_secret: Secret
    login_url: str

    flow: ClassVar[str] = "client_credentials"
    repeatable: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"client credentials at {host_of(self.login_url)}"

    def log_in(self, transport: Transport) -> Access:
        """Ask for a token as the app's own user."""
        form: Form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return request_token(transport, self.login_url, form)
