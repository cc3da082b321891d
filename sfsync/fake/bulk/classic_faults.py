"""Refusals of Bulk API 1.0: an exception code and a message, in XML or JSON as the client speaks."""

from __future__ import annotations

import orjson
from werkzeug.datastructures import Headers

from sfsync.fake.faults import Fault, RestFault
from sfsync.fake.xml_text import escape

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"

#: Media types of this API; clients compare them whole.
JSON, XML, CSV = "application/json", "application/xml", "text/csv"

#: What other APIs call it → what this one does.
_CODES = {
    "INVALID_SESSION_ID": ("InvalidSessionId", "Invalid session id"),
    "REQUEST_LIMIT_EXCEEDED": ("ExceededQuota", "TotalRequests Limit exceeded."),
    "UNSUPPORTED_API_VERSION": ("InvalidVersion", None),  # from memory
    "NOT_FOUND": ("InvalidUrl", None),
    "INVALIDJOB": ("InvalidJob", None),
    "FEATURENOTENABLED": ("FeatureNotEnabled", None),
    "JSON_PARSER_ERROR": ("InvalidJob", "Unable to parse Job"),
    "UNKNOWN_EXCEPTION": ("InternalServerError", None),
}

#: Statuses that say the same in every API; everything else is 400 here.
_STATUSES = frozenset({405, 413, 414, 415, 500, 503})


class AsyncRefused(Exception):
    """A request that Bulk API 1.0 refuses.

    Attributes:
        code: Its exception code.
        message: In Salesforce's words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def told(refused: AsyncRefused, *, json: bool, status: int = 400) -> Fault:
    """The answer to a refused request."""
    if json:
        body = orjson.dumps({"exceptionCode": refused.code, "exceptionMessage": refused.message})
        return Fault(status, body, content_type=JSON)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><error xmlns="{NAMESPACE}"><exceptionCode>{refused.code}'
        f"</exceptionCode><exceptionMessage>{escape(refused.message)}</exceptionMessage></error>"
    )
    return Fault(status, text.encode(errors="replace"), content_type=XML)


def as_async(fault: Fault, headers: Headers) -> Fault:
    """A refusal of another API as this one puts it."""
    if not isinstance(fault, RestFault):
        return fault
    code, message = _CODES.get(fault.code, ("ClientInputError", None))
    status = fault.status if fault.status in _STATUSES else 400
    return told(AsyncRefused(code, message or fault.message), json=speaks_json(headers), status=status)


def speaks_json(headers: Headers, *, otherwise: bool = False) -> bool:
    """Whether a client is answered in JSON: as it writes, or as it would like to read."""
    for name in ("Content-Type", "Accept"):
        kind = headers.get(name, "").lower()
        if "json" in kind:
            return True
        if "xml" in kind:
            return False
    return otherwise
