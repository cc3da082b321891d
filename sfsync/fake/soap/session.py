"""Logging in and out, and who is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfsync.fake import users
from sfsync.fake.ids import to_15
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import Element, text_of, texts_of
from sfsync.fake.soap.fault import refusal
from sfsync.fake.soap.xml import Scalar, element, nested
from sfsync.fake.wire import soap_datetime

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg
    from sfsync.fake.routing import Context

_SESSION_SECONDS = 7200


def login(context: Context, version: str, body: Element) -> str:
    """Username, password and security token for a session Id; the one call that needs none."""
    org = context.org
    user = users.active_user(org, text_of(body, "username"))
    known = org.credentials
    if user is None or text_of(body, "password") not in (known.password, known.password + known.security_token):
        raise refusal("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    tail = f"{version}/{to_15(org.org_id)}"
    return nested(
        "result",
        [
            element("metadataServerUrl", f"{context.base_url}/services/Soap/m/{tail}"),
            element("passwordExpired", False),
            element("sandbox", False),
            element("serverUrl", f"{context.base_url}/services/Soap/u/{tail}"),
            element("sessionId", org.access.issue(user["Id"])),
            element("userId", user["Id"]),
            nested("userInfo", [_user_info(org, user)]),
        ],
    )


def get_user_info(call: SoapCall) -> str:
    """Who is logged in."""
    return nested("result", [_user_info(call.org, users.user_of(call.org, call.context.user_id))])


def get_server_timestamp(call: SoapCall) -> str:
    """The org's time."""
    return nested("result", [element("timestamp", soap_datetime(call.org.clock.now()))])


def logout(call: SoapCall) -> str:
    """End this session."""
    call.org.access.revoke(call.context.token)
    return ""


def invalidate_sessions(call: SoapCall) -> str:
    """End these sessions."""
    for token in texts_of(call.body, "sessionIds"):
        call.org.access.revoke(token)
    return "".join(nested("result", [element("success", True)]) for _ in texts_of(call.body, "sessionIds"))


def _user_info(org: FakeOrg, user: dict[str, Any]) -> str:
    """All 24 elements, in the order of the WSDL."""
    corporate, several = org.behaviour.currencies.corporate, org.behaviour.currencies.enabled
    values: dict[str, Scalar] = {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": "$" if corporate == "USD" else corporate,
        "orgAttachmentFileSizeLimit": 5242880,
        "orgDefaultCurrencyIsoCode": corporate,
        "orgDefaultCurrencyLocale": "en_US",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": False,
        "organizationId": org.org_id,
        "organizationMultiCurrency": several,
        "organizationName": users.organization_name(org),
        "profileId": user.get("ProfileId") or "",
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": _SESSION_SECONDS,
        "userDefaultCurrencyIsoCode": org.behaviour.user_currency(user["Id"]) if several else None,
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


CALLS: dict[str, Operation] = {
    "getServerTimestamp": Operation(get_server_timestamp),
    "getUserInfo": Operation(get_user_info),
    "invalidateSessions": Operation(invalidate_sessions, ("sessionIds",)),
    "logout": Operation(logout),
}
