"""What to do about a refused login: Salesforce says little, and the cause is usually one of these."""

from __future__ import annotations

import re

from sfsync.errors import AuthenticationFailed
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.redaction import clean

# (what code and message look like, what to do); the first that fits is shown.
_HINTS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), hint)
    for pattern, hint in (
        (
            r"LOGIN_MUST_USE_SECURITY_TOKEN",
            "From this network the security token is needed too: SF_SECURITY_TOKEN "
            "(My Settings → Reset My Security Token).",
        ),
        (
            r"soap.*login.*(disabled|not available|retired|not enabled)|INVALID_OPERATION|UNSUPPORTED_API_VERSION",
            "The org does not allow login by SOAP (off by default in new orgs); "
            "use client_credentials, jwt or the sf CLI.",
        ),
        (
            r"PASSWORD_LOCKOUT|USER_LOCKED",
            "The user is locked after too many wrong passwords; an administrator can unlock it.",
        ),
        (
            r"INVALID_LOGIN|authentication failure",
            "Check user name and password, and the security token unless this network is trusted (SF_SECURITY_TOKEN); "
            "sandboxes log in at https://test.salesforce.com or their My Domain (SF_LOGIN_URL). "
            "The org's Login History says why.",
        ),
        (
            r"API_DISABLED|API_CURRENTLY_DISABLED|API is not enabled|INSUFFICIENT_ACCESS",
            "The user needs “API Enabled”, and where API access is restricted, permission for this app.",
        ),
        (
            r"LOGIN_RATE|rate[ _]exceeded|rate_limit",
            "This user has logged in too often in the last hour; wait, or use one login for longer.",
        ),
        (
            r"RESTRICTED_(DOMAIN|TIME)|ip restricted|ip address",
            "The user's profile allows logins only from certain addresses or at certain hours.",
        ),
        (
            r"not supported on this domain|invalid_client_domain",
            "Client credentials work only at the org's My Domain; set SF_LOGIN_URL to https://….my.salesforce.com.",
        ),
        (
            r"no client credentials user|client credentials flow.*(not enabled|disabled)",
            "In the connected app, enable the client credentials flow and choose the user it runs as.",
        ),
        (
            r"not admin approved|hasn't approved|invalid_app_access|app_not_found|OAUTH_APP_BLOCKED",
            "In the connected app's policies, let administrators approve users, "
            "and assign the user's profile or permission set.",
        ),
        (
            r"audience",
            "The login address decides the audience: production is https://login.salesforce.com, sandboxes "
            "https://test.salesforce.com (SF_AUDIENCE_URL overrides it).",
        ),
        (
            r"assertion|invalid_signature|certificate|expired",
            "Check that the private key belongs to the certificate in the connected app, "
            "and that this machine's clock is right.",
        ),
        (
            r"invalid_client|client identifier|client credentials",
            "Check client id and client secret; those of a new connected app work after up to ten minutes.",
        ),
        (r"unsupported_grant_type|grant type", "The org does not allow this kind of login; choose another `auth`."),
        (
            r"HTTP_[34]|a web page",
            "Check the login address: https://login.salesforce.com, https://test.salesforce.com or the My Domain.",
        ),
        (r"inactive_user|INACTIVE", "The user is inactive; an administrator can activate it."),
        (
            r"invalid_grant",
            "Check the user name, and that the login address is the one of this org (sandbox or production).",
        ),
    )
)


def login_refused(host: str, code: str, message: str) -> AuthenticationFailed:
    """The error for a refused login, with the most likely thing to do.

    Args:
        host: Who refused.
        code: Salesforce's code: `INVALID_LOGIN`, `invalid_grant`, …
        message: What it said.
    """
    said = clean(message).removeprefix(f"{code}: ").rstrip(".") or "no reason given"
    evidence = f"{code} {said}"
    hint = next((hint for pattern, hint in _HINTS if pattern.search(evidence)), None)
    return AuthenticationFailed(
        f"{host_of(host)} refused the login: {said} ({clean(code, 60)}).",
        hint=hint or "Setup → Users → Login History says why.",
        context={"errorCode": clean(code, 60)},
    )
