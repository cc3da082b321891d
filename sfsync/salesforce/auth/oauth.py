"""The OAuth token endpoint, which several flows ask in their own way."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import requests

from sfsync.errors import AuthenticationFailed, IncompleteAnswer, RequestRefused, SessionExpired
from sfsync.salesforce.addresses import host_of, org_address
from sfsync.salesforce.auth.access import Access, org_id_of, user_id_of
from sfsync.salesforce.auth.login_hints import login_refused
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Call, Transport, json_of

Form = Mapping[str, str | Secret]


def request_token(transport: Transport, login_url: str, form: Form) -> Access:
    """Ask for an access token.

    The request may be sent again: a login whose answer was lost leaves nothing behind but an unused session.

    Raises:
        AuthenticationFailed: Refused, with a hint.
    """
    fields = {name: value.reveal() if isinstance(value, Secret) else value for name, value in form.items()}
    call = Call(
        "POST",
        f"{login_url}/services/oauth2/token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
        repeatable=True,
    )
    try:
        return transport.run(call, _access)
    except RequestRefused as refused:
        raise _refused(login_url, refused) from None
    except SessionExpired as refused:  # what any 401 is called; here there is no session yet
        raise login_refused(login_url, "invalid_client", refused.message) from None


def _access(response: requests.Response) -> Access:
    answer = json_of(response)
    token = answer.get("access_token") if isinstance(answer, dict) else None
    address = answer.get("instance_url") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not isinstance(address, str):
        raise IncompleteAnswer(f"{host_of(response.url)} granted the login, but sent no token.", hint="Try again.")
    identity = str(answer.get("id") or "")
    return Access(
        Secret(token),
        org_address(address, source="instance_url in the login's answer"),
        org_id=org_id_of(identity) or org_id_of(token),
        user_id=user_id_of(identity),
    )


def _refused(login_url: str, refused: RequestRefused) -> AuthenticationFailed | RequestRefused:
    if refused.error_code == "REDIRECTED":
        return refused
    said = refused.message.split(": ", 1)[-1].rsplit(" (", 1)[0]
    return login_refused(login_url, refused.error_code, said)
