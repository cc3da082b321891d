"""Refusals of the other APIs, told as SOAP tells them."""

from __future__ import annotations

import re

import orjson
from werkzeug.wrappers import Response

from sfsync.fake.faults import Fault, RestFault, SoapFault

#: Code → the element of the detail; any other is an UnexpectedErrorFault.
_DETAILS = {
    "INVALID_FIELD": "InvalidFieldFault",
    "INVALID_ID_FIELD": "InvalidIdFault",
    "INVALID_LOGIN": "LoginFault",
    "INVALID_QUERY_FILTER_OPERATOR": "ApiQueryFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "MALFORMED_ID": "InvalidIdFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
}

#: These say where in a query the trouble is.
_WITH_PLACE = frozenset({"ApiQueryFault", "InvalidFieldFault", "InvalidSObjectFault", "MalformedQueryFault"})

_TELLING = frozenset({429, 503})

_PLACE = re.compile(r"ERROR at Row:(\d+):Column:(\d+)")


def refusal(code: str, message: str) -> SoapFault:
    """The fault for a code, with the detail element that the WSDL has for it."""
    detail = _DETAILS.get(code, "UnexpectedErrorFault")
    place = None
    if detail in _WITH_PLACE:
        found = _PLACE.search(message)
        place = (int(found[1]), int(found[2])) if found else (-1, -1)
    return SoapFault(code, message, detail=detail, place=place)


def as_soap(fault: Fault) -> SoapFault:
    """A refusal of the REST API, as SOAP says the same."""
    if isinstance(fault, SoapFault):
        return fault
    if isinstance(fault, RestFault):
        code, message = fault.code, fault.message
    else:
        code, message = _first_error(fault.body)
    return refusal(code, message)


def in_soap(response: Response) -> Response:
    """A refusal that did not come out of a call (the weather's), as SOAP says the same; HTML pages stay HTML."""
    if response.status_code < 400 or not (response.content_type or "").startswith("application/json"):
        return response
    fault = refusal(*_first_error(response.get_data()))
    # A client that was throttled or found nobody at home sees that from the status, in SOAP as in REST.
    status = response.status_code if response.status_code in _TELLING else fault.status
    headers = {name: value for name, value in response.headers.items() if name == "Retry-After"}
    return Response(fault.body, status, headers=headers, content_type=fault.content_type)


def no_such_type(name: str) -> SoapFault:
    """An object that does not exist, or that the user may not see."""
    message = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the"
        " '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )
    return refusal("INVALID_TYPE", message)


def no_such_field(field: str, object_name: str) -> SoapFault:
    """A record names a field that its object does not have: that refuses the whole call."""
    message = (
        f"No such column '{field}' on entity '{object_name}'. If you are attempting to use a custom field, be sure to"
        " append the '__c' after the custom field name. Please reference your WSDL or the describe call for the"
        " appropriate names."
    )
    return refusal("INVALID_FIELD", message)


def too_many_records(most: int) -> SoapFault:
    """More records than one call takes."""
    return refusal("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call")


def _first_error(body: bytes) -> tuple[str, str]:
    try:
        first = orjson.loads(body)[0]
        return str(first["errorCode"]), str(first["message"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return "UNKNOWN_EXCEPTION", "An unexpected error occurred"
