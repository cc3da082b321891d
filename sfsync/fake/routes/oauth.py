"""The OAuth 2.0 token endpoint: client credentials, username-password, JWT bearer and refresh token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from werkzeug.wrappers import Response

from sfsync.fake import users
from sfsync.fake.faults import OAuthFault
from sfsync.fake.routing import Context, Coverage, Route, json_response

_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")

#: A JWT may expire this many seconds ahead at most.
_LONGEST_ASSERTION = 600

#: How long a session lasts after it was used.
_SESSION = timedelta(hours=2)


def token(context: Context) -> Response:
    """Give out an access token, or say why not."""
    form = {**context.request.args.to_dict(), **context.request.form.to_dict()}
    basic = context.request.authorization
    if basic is not None and basic.type == "basic":
        form.setdefault("client_id", basic.username or "")
        form.setdefault("client_secret", basic.password or "")
    grant = form.get("grant_type", "")
    flow = _FLOWS.get(grant)
    if flow is None:
        raise OAuthFault("unsupported_grant_type", "grant type not supported")
    user = flow(context, form)
    return json_response(_granted(context, user, refresh=grant == "refresh_token"))


def revoke(context: Context) -> Response:
    """Stop accepting a token."""
    given = context.request.values.get("token", "")
    if not context.org.access.revoke(given):
        raise OAuthFault("unsupported_token_type", "this token type is not supported")
    return Response(b"", 200)


def introspect(context: Context) -> Response:
    """Tell a connected app what a token is good for."""
    form = {**context.request.args.to_dict(), **context.request.form.to_dict()}
    basic = context.request.authorization
    if basic is not None and basic.type == "basic":
        form.setdefault("client_id", basic.username or "")
        form.setdefault("client_secret", basic.password or "")
    _client(context, form)
    org = context.org
    given = form.get("token", "")
    user_id = org.access.user_of(given)
    if user_id is None:
        return json_response({"active": False})
    issued = org.clock.now()  # a session's time begins anew whenever it is used
    return json_response(
        {
            "active": True,
            "scope": "api refresh_token",
            "client_id": org.credentials.client_id,
            "username": users.user_of(org, user_id).get("Username"),
            "sub": f"https://login.salesforce.com/id/{org.org_id}/{user_id}",
            "token_type": "access_token",
            "exp": int((issued + _SESSION).timestamp()),
            "iat": int(issued.timestamp()),
            "nbf": int(issued.timestamp()),
        }
    )


def _client(context: Context, form: dict[str, str]) -> None:
    known = context.org.credentials
    if form.get("client_id") != known.client_id:
        raise OAuthFault("invalid_client_id", "client identifier invalid")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), known.client_secret.encode()):
        raise OAuthFault("invalid_client", "invalid client credentials")


def _client_credentials(context: Context, form: dict[str, str]) -> str:
    if context.request.host.split(":")[0] in _LOGIN_HOSTS:
        raise OAuthFault("invalid_grant", "request not supported on this domain")
    _client(context, form)
    return context.org.admin_id


def _password(context: Context, form: dict[str, str]) -> str:
    _client(context, form)
    user = users.active_user(context.org, form.get("username", ""))
    known = context.org.credentials
    # Salesforce wants the security token appended, unless the caller's network is trusted.
    right = (known.password, known.password + known.security_token)
    if user is None or form.get("password", "") not in right:
        raise OAuthFault("invalid_grant", "authentication failure")
    return str(user["Id"])


def _refresh(context: Context, form: dict[str, str]) -> str:
    known = context.org.credentials
    if form.get("client_id") != known.client_id:
        raise OAuthFault("invalid_client_id", "client identifier invalid")
    if form.get("refresh_token") != known.refresh_token:
        raise OAuthFault("invalid_grant", "expired access/refresh token")
    return context.org.admin_id


def _jwt_bearer(context: Context, form: dict[str, str]) -> str:
    claims = _claims(context, form.get("assertion", ""))
    now = time.time()  # the client signs by its own clock, which is not the org's
    try:
        expires = float(claims.get("exp", 0))
    except (TypeError, ValueError):
        expires = 0.0
    if expires < now:
        raise OAuthFault("invalid_grant", "expired authorization code")
    if expires > now + _LONGEST_ASSERTION:
        raise OAuthFault("invalid_grant", "invalid assertion")
    host = str(claims.get("aud", "")).removeprefix("https://").split("/")[0]
    ours = {*_LOGIN_HOSTS, context.org.settings.domain, context.request.host}
    if host not in ours and not host.endswith(".my.salesforce.com"):
        raise OAuthFault("invalid_grant", "audience is invalid")
    user = users.active_user(context.org, str(claims.get("sub", "")))
    if user is None:
        raise OAuthFault("invalid_grant", "user hasn't approved this consumer")
    return str(user["Id"])


def _claims(context: Context, assertion: str) -> dict[str, Any]:
    """The claims of a JWT whose signature is right."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only this flow needs it
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    try:
        head, body, signature = assertion.split(".")
        header, claims = orjson.loads(_unpadded(head)), orjson.loads(_unpadded(body))
        signed = _unpadded(signature)
    except (ValueError, binascii.Error) as error:
        raise OAuthFault("invalid_grant", "invalid assertion") from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        raise OAuthFault("invalid_grant", "invalid assertion")
    issuer = str(claims.get("iss", ""))
    key = context.org.access.key_of(issuer)
    if key is None and issuer == context.org.credentials.client_id:
        key = context.org.credentials.public_key
    if key is None:
        raise OAuthFault("invalid_client_id", "client identifier invalid")
    try:
        key.verify(signed, f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise OAuthFault("invalid_grant", "invalid assertion") from error
    return claims


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _granted(context: Context, user_id: str, *, refresh: bool) -> dict[str, str]:
    org = context.org
    identity = f"https://login.salesforce.com/id/{org.org_id}/{user_id}"
    issued = str(int(org.clock.now().timestamp() * 1000))
    secret = org.credentials.client_secret.encode()
    signature = base64.b64encode(hmac.new(secret, (identity + issued).encode(), hashlib.sha256).digest())
    body = {
        "access_token": org.access.issue(user_id),
        "instance_url": context.base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued,
        "signature": signature.decode(),
    }
    return {**body, "scope": "refresh_token api"} if refresh else body


_FLOWS: dict[str, Callable[[Context, dict[str, str]], str]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _jwt_bearer,
}

ROUTES = (
    Route(
        "POST",
        "/services/oauth2/token",
        token,
        "OAuth token",
        Coverage.PARTIAL,
        "client credentials, username-password, JWT bearer, refresh token; no browser flows",
        login=False,
    ),
    Route("POST", "/services/oauth2/revoke", revoke, "OAuth revoke", login=False),
    Route("POST", "/services/oauth2/introspect", introspect, "OAuth introspect", login=False),
)
