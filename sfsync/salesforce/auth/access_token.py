"""Login with an access token that someone else obtained: `SF_ACCESS_TOKEN` and `SF_ORG_INSTANCE_URL`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.auth.access import Access, org_id_of
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Transport


@dataclass(frozen=True, slots=True)
class AccessTokenLogin:
    """A token as it is. It cannot be renewed: when it expires, the run ends with `SessionExpired`."""

    token: Secret
    instance_url: str

    flow: ClassVar[str] = "access_token"
    repeatable: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"access token for {host_of(self.instance_url)}"

    def log_in(self, transport: Transport) -> Access:  # noqa: ARG002 - nothing to ask
        """Nothing is asked: whether the token is good shows at the first request."""
        return Access(self.token, self.instance_url, org_id=org_id_of(self.token.reveal()))
