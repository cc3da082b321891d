"""Login with user name, password and security token: by SOAP, or by OAuth when a connected app is named too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from xml.sax.saxutils import escape, unescape

import requests

from sfsync.errors import AuthenticationFailed, LimitReached, SfsyncError, TemporaryFailure
from sfsync.salesforce.addresses import host_of, org_address
from sfsync.salesforce.auth.access import Access, org_id_of, to_18
from sfsync.salesforce.auth.login_hints import login_refused
from sfsync.salesforce.auth.oauth import Form, request_token
from sfsync.salesforce.faults import fault_of_answer
from sfsync.salesforce.lent_session import LentSession
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.transport import Call, Transport

#: The newest version that still has SOAP login(); Salesforce took it out of 65.0.
LOGIN_VERSION = "64.0"

_ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">
<env:Header><urn:CallOptions><urn:client>sfsync</urn:client></urn:CallOptions></env:Header>
<env:Body><urn:login><urn:username>{username}</urn:username><urn:password>{password}</urn:password></urn:login></env:Body>
</env:Envelope>"""
_LEGACY_API_HOST = re.compile(r"^([a-z]+\d+)-api\.salesforce\.com$")


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """User name and password.

    Attributes:
        username: Of the user.
        password: Without the security token.
        login_url: `https://login.salesforce.com`, a sandbox's, or a My Domain.
        security_token: Appended to the password; needed outside trusted networks.
        client_id: Of a connected app; with it, the login goes by OAuth, for orgs where SOAP login is off.
        client_secret: Of the same app.
    """

    username: str
    password: Secret
    login_url: str
    security_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None

    flow: ClassVar[str] = "password"
    repeatable: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"password of {self.username} at {host_of(self.login_url)}"

    def log_in(self, transport: Transport) -> Access:
        """Log in, by OAuth if a connected app is named, else by SOAP."""
        secret = Secret(self.password.reveal() + (self.security_token.reveal() if self.security_token else ""))
        if self.client_id and self.client_secret:
            form: Form = {
                "grant_type": "password",
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "username": self.username,
                "password": secret,
            }
            return request_token(transport, self.login_url, form)
        return self._soap(transport, secret)

    def _soap(self, transport: Transport, secret: Secret) -> Access:
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed  # noqa: PLC0415 - slow to import
        from simple_salesforce.login import soap_login  # noqa: PLC0415

        def send(call: Call) -> requests.Response:
            # A login whose answer was lost left nothing behind, so it may be sent again; a refusal never is.
            answer = transport.answer(Call(call.method, call.url, call.headers, call.body, repeatable=True))
            if not answer.ok and isinstance(error := fault_of_answer(answer).error, TemporaryFailure | LimitReached):
                raise error
            return answer

        session = LentSession(send)
        body = _ENVELOPE.format(username=escape(self.username), password=escape(secret.reveal()))
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": "login"}
        url = f"{self.login_url}/services/Soap/u/{LOGIN_VERSION}"
        try:
            token, _host = soap_login(url, body, headers, None, session)
        except SalesforceAuthenticationFailed as refused:
            raise login_refused(self.login_url, str(refused.code or "LOGIN_FAILED"), refused.auth_message) from None
        except SfsyncError:
            raise
        except Exception:  # noqa: BLE001 - simple-salesforce parses whatever came as XML, and fails in many ways
            raise AuthenticationFailed(
                f"{host_of(self.login_url)} did not answer the login like Salesforce.",
                hint="Check SF_LOGIN_URL, and that no proxy or sign-on page of your network stands in between.",
            ) from None
        return _access(Secret(token), session.last_body.decode(errors="replace"))


def _access(token: Secret, answer: str) -> Access:
    """The rest of the answer, read by ourselves: simple-salesforce cuts `-api` out of any host it stands in."""
    server_url = _element(answer, "serverUrl") or ""
    address = org_address(server_url.split("/services/", 1)[0], source="serverUrl in the login's answer")
    legacy = _LEGACY_API_HOST.match(host_of(address))
    user_id, org_id = _element(answer, "userId"), _element(answer, "organizationId")
    return Access(
        token,
        f"https://{legacy[1]}.salesforce.com" if legacy else address,
        org_id=to_18(org_id) if org_id else org_id_of(token.reveal()),
        user_id=to_18(user_id) if user_id else None,
    )


def _element(xml: str, name: str) -> str | None:
    match = re.search(rf"<(?:\w+:)?{name}>([^<]+)</", xml)
    return unescape(match[1]).strip() if match else None
