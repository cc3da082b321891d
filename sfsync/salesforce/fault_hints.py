"""What to do next, for each of Salesforce's error codes that has an answer."""

from __future__ import annotations

_HINTS = {
    "INVALID_SESSION_ID": "Get a new access token: it may have expired, belong to another org or lack the scope `api`, "
    "or the user's IP range or profile may forbid the API.",
    "INVALID_AUTH_HEADER": "The access token is malformed; get a new one.",
    "REQUEST_LIMIT_EXCEEDED": "The org's API requests of the last 24 hours are used up; try again later, "
    "or ask which integration uses them (Setup → System Overview).",
    "LIMIT_EXCEEDED": "Try again later; the org's limits are shown in Setup → System Overview.",
    "ExceededQuota": "Try again later; the org's limits are shown in Setup → System Overview.",
    "TXN_SECURITY_METERING_ERROR": "A transaction security policy of the org blocked this; ask its administrator.",
    "INVALID_FIELD": "The field does not exist in this org, or the user may not read it (field-level security).",
    "INVALID_TYPE": "The object does not exist in this org, or the user may not read it (object permissions).",
    "MALFORMED_QUERY": "The SOQL text is wrong at the place named above.",
    "QUERY_TOO_COMPLICATED": "Select fewer formula fields.",
    "QUERY_TIMEOUT": "Ask for a smaller window of records, or use the Bulk API.",
    "INVALID_QUERY_LOCATOR": "The query's cursor is gone (it lives two days); run the query again.",
    "OPERATION_TOO_LARGE": "The user needs “View All Data” for a query of this size.",
    "INSUFFICIENT_ACCESS": "The user lacks a permission for this; ask the org's administrator.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The user lacks a permission for this; ask the org's administrator.",
    "FUNCTIONALITY_NOT_ENABLED": "This feature is off in the org, or does not work on this kind of field.",
    "API_DISABLED_FOR_ORG": "This edition of Salesforce has no API, or the user lacks “API Enabled”.",
    "API_CURRENTLY_DISABLED": "The org's API is off at the moment, usually for maintenance; see status.salesforce.com.",
    "UNSUPPORTED_API_VERSION": "Choose an API version that the org offers, or none, to use the newest.",
    "NOT_FOUND": "The object or record does not exist in this org, or the user may not see it.",
    "SERVER_UNAVAILABLE": "Try again in a few minutes; status.salesforce.com tells of maintenance and outages.",
    "UNKNOWN_EXCEPTION": "Try again; if it stays, Salesforce's support can look up the error number.",
    "UNABLE_TO_LOCK_ROW": "Someone else is changing the same records; try again.",
    "HTTP_404": "Check the address of the org.",
    "HTTP_409": "Bulk results must be read with the API version that created the job.",
    "HTTP_414": "The query is too long for an address; use the Bulk API or select fewer fields.",
    "HTTP_420": "Salesforce's edge asks us to slow down; try again later.",
    "HTTP_429": "Salesforce asks us to slow down; try again later.",
    "HTTP_431": "The query is too long for an address; use the Bulk API or select fewer fields.",
    "HTTP_503": "Try again in a few minutes; status.salesforce.com tells of maintenance and outages.",
}


def hint_for(code: str, message: str = "") -> str | None:
    """The hint for an error code, or None; some codes mean several things, which only the message tells apart."""
    if code == "INVALID_SESSION_ID" and "not valid for use with" in message:
        return "The user needs the permission “API Enabled”, and the token the scope `api`."
    if code == "NOT_FOUND" and "version" in message.lower():
        return _HINTS["UNSUPPORTED_API_VERSION"]
    return _HINTS.get(code)
