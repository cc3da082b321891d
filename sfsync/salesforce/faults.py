"""What an unsuccessful answer means: Salesforce's status and error body → our error, and whether to try again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3

from sfsync.errors import (
    LimitReached,
    RequestRefused,
    SalesforceError,
    SessionExpired,
    TemporaryFailure,
    Unreachable,
)
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.fault_hints import hint_for
from sfsync.salesforce.redaction import clean

#: Trouble that passes by itself.
_TEMPORARY_CODES = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG"}
)
#: …and of which the org says that it has done nothing yet.
_UNPROCESSED_CODES = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
_TEMPORARY_STATUSES = frozenset({406, 408, 420, 429, 500, 502, 503, 504})
#: The edge turned the request away before the org saw it.
_UNPROCESSED_STATUSES = frozenset({406, 420, 429})
_LIMIT_CODES = frozenset({"REQUEST_LIMIT_EXCEEDED", "TXN_SECURITY_METERING_ERROR", "LIMIT_EXCEEDED", "ExceededQuota"})

# Salesforce's own elements say it best; every SOAP fault has the others.
_XML_CODES = tuple(
    re.compile(rf"<(?:\w+:)?{name}[^>]*>\s*(?:\w+:)?([\w.]+)\s*<") for name in ("exceptionCode", "faultcode")
)
_XML_MESSAGES = tuple(re.compile(rf"<(?:\w+:)?{name}[^>]*>([^<]*)<") for name in ("exceptionMessage", "faultstring"))
_HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class AttemptFailed(Exception):
    """One attempt at a request failed: with which error, and what that says about another attempt.

    Args:
        error: What is raised when there is no other attempt.
        temporary: Another attempt may succeed.
        unprocessed: The org certainly has not acted on the request, so that even a creation may be sent again.
        retry_after: Seconds the org asked us to wait, or None.
        response: The answer, if there was one.
    """

    def __init__(
        self,
        error: SalesforceError,
        *,
        temporary: bool = False,
        unprocessed: bool = False,
        retry_after: float | None = None,
        response: requests.Response | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.temporary = temporary
        self.unprocessed = unprocessed
        self.retry_after = retry_after
        self.response = response


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer says, whichever form it has: JSON array, OAuth object, SOAP fault, web page, nothing."""

    code: str
    message: str
    is_soap: bool = False


def read_error_body(response: requests.Response) -> ErrorBody:
    """Make the best of an error answer; never raises."""
    try:
        content = response.content
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, RuntimeError):
        content = b""  # cut off, or already read by whoever streamed it: the status has to do
    text = content[:100_000].decode("utf-8", errors="replace").strip()
    if text[:1] in {"[", "{"}:
        try:
            return _json_error(orjson.loads(content))
        except orjson.JSONDecodeError:
            return ErrorBody("", clean(text))
    if code := _first_match(_XML_CODES, text):
        message = _first_match(_XML_MESSAGES, text)
        said = clean(message[1]) if message else ""
        return ErrorBody(code[1], said.removeprefix(f"{code[1]}: "), is_soap=True)
    if text[:1] == "<":
        title = _HTML_TITLE.search(text)
        return ErrorBody("", f"a web page “{clean(title[1], 100)}”" if title else "a web page")
    return ErrorBody("", clean(text, 200))


def _first_match(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.search(text))), None)


def _json_error(data: Any) -> ErrorBody:
    items = data if isinstance(data, list) else [data]
    errors = [item for item in items if isinstance(item, dict)]
    if not errors:
        return ErrorBody("", "")
    first = errors[0]
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("statusCode") or first.get("error") or ""
    said = [item.get("message") or item.get("exceptionMessage") or item.get("error_description") for item in errors]
    return ErrorBody(clean(str(code), 80), clean("; ".join(str(text) for text in said if text)))


def refuse_bad_status(response: requests.Response) -> None:
    """Return for a success; raise `AttemptFailed` for anything else."""
    if not 200 <= response.status_code < 300:
        raise fault_of_answer(response)


def fault_of_answer(response: requests.Response) -> AttemptFailed:
    """The fault that an answer without success stands for."""
    status, body = response.status_code, read_error_body(response)
    host = host_of(response.url or "")
    if 300 < status < 400 and "Location" in response.headers:
        return AttemptFailed(_redirected(response, host), response=response)
    if body.code == "INVALID_SESSION_ID" or status == 401:
        said = body.message or "Session expired or invalid"
        error: SalesforceError = SessionExpired(
            f"{host} no longer accepts the access token: {said} ({body.code or status}).",
            hint=hint_for("INVALID_SESSION_ID", said),
        )
        return AttemptFailed(error, unprocessed=True, response=response)
    if body.code in _LIMIT_CODES:
        return _limit_fault(response, body, host)
    if body.code in _TEMPORARY_CODES or (status in _TEMPORARY_STATUSES and not _refusal_with_500(status, body)):
        return _temporary_fault(response, body, host)
    code = body.code or f"HTTP_{status}"
    said = body.message or response.reason or "no reason given"
    error = RequestRefused(
        f"{host} refused the request: {said} ({code}).", error_code=code, status=status, hint=hint_for(code, said)
    )
    return AttemptFailed(error, response=response)


def _refusal_with_500(status: int, body: ErrorBody) -> bool:
    """SOAP refuses with status 500; sending a wrong password again and again would lock the user out."""
    return status == 500 and body.is_soap


def _limit_fault(response: requests.Response, body: ErrorBody, host: str) -> AttemptFailed:
    if "concurrent" in body.message.lower():  # too many long requests at this moment, not too many today
        return _temporary_fault(response, body, host)
    error = LimitReached(
        f"{host} has reached a limit: {body.message} ({body.code}).",
        hint=hint_for(body.code, body.message),
        context={"errorCode": body.code, "status": response.status_code},
    )
    return AttemptFailed(error, unprocessed=True, response=response)


def _temporary_fault(response: requests.Response, body: ErrorBody, host: str) -> AttemptFailed:
    status = response.status_code
    wait = retry_after_seconds(response)
    said = body.message or response.reason or "no reason given"
    concurrent = body.code in _LIMIT_CODES
    error = TemporaryFailure(
        f"{host} cannot answer now: {said} ({body.code or f'HTTP {status}'}).",
        hint=hint_for(body.code, said) or hint_for(f"HTTP_{status}") or hint_for("HTTP_503"),
        context={"errorCode": body.code or None, "status": status, "retryAfter": wait},
    )
    unprocessed = concurrent or status in _UNPROCESSED_STATUSES or body.code in _UNPROCESSED_CODES
    return AttemptFailed(error, temporary=True, unprocessed=unprocessed, retry_after=wait, response=response)


def _redirected(response: requests.Response, host: str) -> SalesforceError:
    """A redirect is not followed: it would carry the token to a host that nobody chose."""
    elsewhere = clean(urlsplit(response.headers["Location"]).netloc, 200)
    return RequestRefused(
        f"{host} says that the org is somewhere else" + (f": {elsewhere}." if elsewhere and elsewhere != host else "."),
        error_code="REDIRECTED",
        status=response.status_code,
        hint="Use the org's My Domain address, https://….my.salesforce.com (Setup → My Domain).",
    )


def retry_after_seconds(response: requests.Response) -> float | None:
    """`Retry-After` in seconds; a date is compared with the answer's own `Date`, never with this machine's clock."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(response.headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def not_the_api(response: requests.Response, what: str) -> SalesforceError:
    """A success that is no data: a login page, a maintenance page, a portal of the network."""
    body = read_error_body(response)
    return Unreachable(
        f"{host_of(response.url or '')} answered with {body.message or 'nothing'} instead of {what}.",
        hint="Check that the address is the org's My Domain (https://….my.salesforce.com), and that no proxy or "
        "sign-on page of your network stands in between.",
    )
