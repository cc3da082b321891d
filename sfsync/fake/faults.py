"""Everything the fake org says when it refuses: status codes, error codes and messages of Salesforce, in one place.

REST errors are a JSON array of `{"message", "errorCode"}`, OAuth errors one object, SOAP errors a fault envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sfsync.errors import SoqlError
from sfsync.fake.xml_text import escape

JSON = "application/json;charset=UTF-8"
XML = "text/xml; charset=utf-8"


class Fault(Exception):
    """An answer that is an error, ready for the wire.

    Attributes:
        status: HTTP status.
        body: Bytes of the body.
        content_type: Of the body.
        headers: More headers.
    """

    def __init__(
        self, status: int, body: bytes, *, content_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body[:200].decode(errors='replace')}")
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = dict(headers or {})


class RestFault(Fault):
    """An error of the REST and Bulk 2.0 APIs; `code` is its errorCode."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: list[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        item: dict[str, Any] = {"message": message, "errorCode": code}
        if fields is not None:
            item["fields"] = fields
        self.code = code
        self.message = message
        super().__init__(status, orjson.dumps([item]), headers=headers)


class OAuthFault(Fault):
    """An error of the token endpoint."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(status, orjson.dumps({"error": error, "error_description": description}))


class SoapFault(Fault):
    """An error of the SOAP API, with the detail element that clients read; `place` is a row and column of a query."""

    def __init__(
        self, code: str, message: str, *, detail: str = "UnexpectedErrorFault", place: tuple[int, int] | None = None
    ) -> None:
        self.code = code
        self.message = message
        text = escape(message)
        spot = "" if place is None else f"<sf:row>{place[0]}</sf:row><sf:column>{place[1]}</sf:column>"
        prefix = "" if detail == "LoginFault" else "sf:"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
            ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
            f"<faultcode>{prefix}{code}</faultcode><faultstring>{code}: {text}</faultstring>"
            f'<detail><sf:{detail} xsi:type="sf:{detail}"><sf:exceptionCode>{code}</sf:exceptionCode>'
            f"<sf:exceptionMessage>{text}</sf:exceptionMessage>{spot}</sf:{detail}></detail>"
            "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        )
        super().__init__(500, body.encode(errors="replace"), content_type=XML)


# --- requests in general -------------------------------------------------------------------------------------------


def not_found() -> RestFault:
    """No such path, job or object."""
    return RestFault(404, "NOT_FOUND", "The requested resource does not exist")


def method_not_allowed(method: str, allowed: str) -> RestFault:
    """The path exists, for other methods."""
    return RestFault(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{method}' not allowed. Allowed are {allowed}",
        headers={"Allow": allowed},
    )


def session_expired() -> RestFault:
    """No token, an unknown one, or one that is no longer accepted."""
    return RestFault(401, "INVALID_SESSION_ID", "Session expired or invalid", headers={"WWW-Authenticate": "Token"})


def version_gone(version: str) -> RestFault:
    """An API version that the platform has retired."""
    return RestFault(410, "UNSUPPORTED_API_VERSION", f"Version {version} of the API is no longer supported")


def request_limit_exceeded() -> RestFault:
    """The org's daily API requests are used up."""
    return RestFault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def server_unavailable() -> RestFault:
    """The org cannot answer now."""
    return RestFault(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later.")


def too_many_requests() -> RestFault:
    """Too many requests at a time."""
    return RestFault(
        429,
        "REQUEST_RUNNING_TOO_LONG",
        "Too many requests are running at the same time. Please try again later.",
        headers={"Retry-After": "1"},
    )


def internal_error(reference: str) -> RestFault:
    """The fake org itself stumbled: what Salesforce says when it does."""
    message = f"An unexpected error occurred. Please include this ErrorId if you contact support: {reference}"
    return RestFault(500, "UNKNOWN_EXCEPTION", message)


def bad_request(status: int, detail: str) -> RestFault:
    """A request that is not well-formed HTTP or form data."""
    return RestFault(status, "BAD_REQUEST", detail)


def uri_too_long() -> RestFault:
    """The address alone is longer than the platform takes."""
    return RestFault(414, "URI_TOO_LONG", "URI Too Long")


def headers_too_long() -> RestFault:
    """Address and headers together are longer than the platform takes."""
    # from memory: the status is documented, code and words are not
    return RestFault(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "Request Header Fields Too Large")


def json_unreadable(detail: str) -> RestFault:
    """The body is not JSON, or not the JSON expected."""
    return RestFault(400, "JSON_PARSER_ERROR", detail)


def unsupported_media_type(content_type: str) -> RestFault:
    """The body is of a kind that the resource does not read."""
    # from memory
    message = f"Content-Type header specified in HTTP request is not supported: {content_type}"
    return RestFault(415, "UNSUPPORTED_MEDIA_TYPE", message)


def body_too_large() -> RestFault:
    """The body is longer than this request may carry."""
    return RestFault(413, "REQUEST_ENTITY_TOO_LARGE", "The request entity is too large")


# --- records -------------------------------------------------------------------------------------------------------


def no_such_column(field: str, object_name: str) -> RestFault:
    """A record names a field that its object does not have."""
    return RestFault(400, "INVALID_FIELD", f"No such column '{field}' on sobject of type {object_name}")


def not_an_external_id(name: str) -> RestFault:
    """A record is looked for by something that is neither an Id nor a field that identifies records."""
    return RestFault(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")


def entity_is_deleted() -> RestFault:
    """The record lies in the recycle bin."""
    return RestFault(404, "ENTITY_IS_DELETED", "entity is deleted", fields=[])


def precondition_failed() -> RestFault:
    """The record is not as the client's conditional headers want it."""
    # from memory
    return RestFault(412, "PRECONDITION_FAILED", "One or more of the preconditions in the request headers failed")


def invalid_input(message: str, *, code: str = "INVALID_INPUT") -> RestFault:
    """A body that is JSON but not what the resource is to be given."""
    return RestFault(400, code, message)


# --- queries -------------------------------------------------------------------------------------------------------


def malformed_query(message: str) -> RestFault:
    """A query that cannot be read, without a place to point at."""
    return RestFault(400, "MALFORMED_QUERY", message)


def invalid_locator() -> RestFault:
    """A query locator that was never given out, or is too old."""
    return RestFault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")


def soql(error: SoqlError) -> RestFault:
    """A query that the parser or the evaluation refused; its message has Salesforce's excerpt and caret already."""
    return RestFault(400, error.code, error.message)


# --- Bulk API 2.0 --------------------------------------------------------------------------------------------------


def bulk_feature_missing(message: str) -> RestFault:
    """A query that Bulk API 2.0 does not run."""
    return RestFault(400, "FUNCTIONALITY_NOT_ENABLED", message)


def bulk_bad_query(message: str) -> RestFault:
    """A query that Bulk API 2.0 refuses before it starts."""
    return RestFault(400, "API_ERROR", message)


def job_not_complete(state: str) -> RestFault:
    """Results asked for before (or without) completion."""
    message = (
        "can only download query results of successfully completed bulk job with status: JOB_COMPLETE."
        f" Current status: {state}"
    )
    return RestFault(412, "JOB_NOT_COMPLETE", message)


def job_of_other_version(asked: str, created: str) -> RestFault:
    """Results asked for in another API version than the job was created in."""
    message = f"API version mismatch: the job was created with version {created}, the request is for version {asked}"
    return RestFault(409, "API_ERROR", message)


def job_state_forbids(message: str) -> RestFault:
    """An abort or delete that the job's state does not allow."""
    return RestFault(400, "INVALIDJOBSTATE", message)


def invalid_job(message: str) -> RestFault:
    """A job request with a missing or impossible property."""
    return RestFault(400, "INVALIDJOB", message)


def bad_bulk_locator(locator: str) -> RestFault:
    """A locator that no results page of the job has."""
    return RestFault(400, "INVALID_LOCATOR", f"Invalid locator: {locator}")


def second_upload(job_id: str) -> RestFault:
    """Data for a job that has got its data already."""
    message = (
        f"Found multiple contents for job: <{job_id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create"
        " a new Job and make sure you only do 'PUT' once on a given Job."
    )
    return RestFault(400, "INVALIDJOB", message)


def hard_delete_not_allowed() -> RestFault:
    """A user without the permission "Bulk API Hard Delete"."""
    message = "hardDelete operation requires special user profile permission, please contact your system administrator"
    return RestFault(400, "FEATURENOTENABLED", message)


def unsupported_encoding(encoding: str) -> RestFault:
    """A body compressed in a way that is not read."""
    return RestFault(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding is not supported: {encoding}")  # from memory
