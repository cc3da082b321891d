"""`login` of the SOAP partner API: username, password and security token for a session Id."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import users
from sfsync.fake.faults import XML, SoapFault
from sfsync.fake.ids import to_15
from sfsync.fake.routing import MAX_BODY, Context, Coverage, Route
from sfsync.fake.soap import Element, body_of, element, envelope, local, text_of

_SESSION_SECONDS = 7200


def partner(context: Context, version: str, org_id: str = "") -> Response:  # noqa: ARG001 - the address names the org
    """Answer a partner API call."""
    if (context.request.content_length or 0) > MAX_BODY:
        raise SoapFault("EXCEEDED_MAX_SIZE_REQUEST", "The request is too large")
    call = body_of(context.request.get_data())
    if local(call) != "login":
        name = local(call)
        raise SoapFault(
            "UNKNOWN_EXCEPTION", f"No operation available for request {{urn:partner.soap.sforce.com}}{name}"
        )
    return _login(context, version, call)


def _login(context: Context, version: str, call: Element) -> Response:
    org = context.org
    user = users.active_user(org, text_of(call, "username"))
    known = org.credentials
    right = (known.password, known.password + known.security_token)
    if user is None or text_of(call, "password") not in right:
        raise SoapFault(
            "INVALID_LOGIN", "Invalid username, password, security token; or user locked out.", detail="LoginFault"
        )
    tail = f"{version}/{to_15(org.org_id)}"
    result = [
        element("metadataServerUrl", f"{context.base_url}/services/Soap/m/{tail}"),
        element("passwordExpired", False),
        element("sandbox", False),
        element("serverUrl", f"{context.base_url}/services/Soap/u/{tail}"),
        element("sessionId", org.access.issue(user["Id"])),
        element("userId", user["Id"]),
        f"<userInfo>{_user_info(context, user)}</userInfo>",
    ]
    return Response(envelope("loginResponse", result), content_type=XML)


def _user_info(context: Context, user: dict[str, Any]) -> str:
    """All 24 elements, in the order of the WSDL."""
    values: dict[str, str | bool | int | None] = {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": 5242880,
        "orgDefaultCurrencyIsoCode": "USD",
        "orgDefaultCurrencyLocale": "en_US",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": False,
        "organizationId": context.org.org_id,
        "organizationMultiCurrency": False,
        "organizationName": users.organization_name(context.org),
        "profileId": user.get("ProfileId") or "",
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": _SESSION_SECONDS,
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user.get("Email") or "",
        "userFullName": user.get("Name") or "",
        "userId": user["Id"],
        "userLanguage": user.get("LanguageLocaleKey") or "en_US",
        "userLocale": user.get("LocaleSidKey") or "en_US",
        "userName": user.get("Username") or "",
        "userTimeZone": user.get("TimeZoneSidKey") or "GMT",
        "userType": user.get("UserType") or "Standard",
        "userUiSkin": "Theme3",
    }
    return "".join(element(name, value) for name, value in values.items())


_NOTE = "`login` only"

ROUTES = (
    Route(
        "POST", "/services/Soap/u/<version:version>", partner, "SOAP partner API", Coverage.PARTIAL, _NOTE, login=False
    ),
    Route(
        "POST",
        "/services/Soap/u/<version:version>/<org_id>",
        partner,
        "SOAP partner API",
        Coverage.PARTIAL,
        _NOTE,
        login=False,
    ),
)
