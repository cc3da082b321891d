"""Who is logged in: the userinfo endpoint and the identity URL that tokens come with."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import faults, users
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.routing import Context, Coverage, Route, json_response
from sfsync.fake.wire import json_datetime


def userinfo(context: Context) -> Response:
    """The user of the token, in OpenID Connect's words."""
    user = users.user_of(context.org, context.user_id)
    modified = user.get("SystemModstamp")
    return json_response(
        {
            "sub": f"https://login.salesforce.com/id/{context.org.org_id}/{context.user_id}",
            "user_id": context.user_id,
            "organization_id": context.org.org_id,
            "preferred_username": user.get("Username"),
            "nickname": (user.get("Username") or "").split("@")[0],
            "name": user.get("Name"),
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "email": user.get("Email"),
            "email_verified": True,
            "zoneinfo": user.get("TimeZoneSidKey") or "GMT",
            "locale": user.get("LocaleSidKey") or "en_US",
            "language": user.get("LanguageLocaleKey") or "en_US",
            "user_type": "STANDARD",
            "active": True,
            "updated_at": f"{modified:%Y-%m-%dT%H:%M:%SZ}" if modified else None,
            "urls": _urls(context),
        }
    )


def identity(context: Context, org_id: str, user_id: str) -> Response:
    """The same in the words of the identity URL; the token may come as `?oauth_token=`."""
    org = context.org
    token = (
        context.request.values.get("oauth_token") or context.request.headers.get("Authorization", "").partition(" ")[2]
    )
    if org.access.user_of(token) is None:
        raise faults.Fault(403, b"Bad_OAuth_Token", content_type="text/html; charset=UTF-8")
    if not is_valid_id(org_id) or to_18(org_id) != org.org_id or not is_valid_id(user_id, "005"):
        raise faults.Fault(404, b"Bad_Id", content_type="text/html; charset=UTF-8")
    user = users.user_of(org, to_18(user_id))
    modified = user.get("SystemModstamp")
    return json_response(
        {
            "id": f"https://login.salesforce.com/id/{org.org_id}/{user['Id']}",
            "asserted_user": True,
            "user_id": user["Id"],
            "organization_id": org.org_id,
            "username": user.get("Username"),
            "nick_name": (user.get("Username") or "").split("@")[0],
            "display_name": user.get("Name"),
            "email": user.get("Email"),
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": user.get("TimeZoneSidKey") or "GMT",
            "active": user.get("IsActive", True),
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey") or "en_US",
            "locale": user.get("LocaleSidKey") or "en_US",
            "last_modified_date": json_datetime(modified) if modified else None,
            "urls": _urls(context),
        }
    )


def _urls(context: Context) -> dict[str, Any]:
    data = f"{context.base_url}/services/data/v{{version}}"
    return {
        "enterprise": f"{context.base_url}/services/Soap/c/{{version}}/{context.org.org_id[:15]}",
        "partner": f"{context.base_url}/services/Soap/u/{{version}}/{context.org.org_id[:15]}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "query": f"{data}/query/",
        "profile": f"{context.base_url}/{context.user_id or context.org.admin_id}",
        "custom_domain": context.base_url,
    }


ROUTES = (
    Route("GET", "/services/oauth2/userinfo", userinfo, "OpenID Connect userinfo", Coverage.PARTIAL, "no photos"),
    Route("POST", "/services/oauth2/userinfo", userinfo, "OpenID Connect userinfo", Coverage.PARTIAL, "no photos"),
    Route("GET", "/id/<org_id>/<user_id>", identity, "Identity URL", Coverage.PARTIAL, "no photos", login=False),
)
