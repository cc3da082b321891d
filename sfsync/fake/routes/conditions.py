"""Conditional requests: `If-Match` and its kin, answered with 304 or 412 instead of the usual.

Records and describes carry `Last-Modified`; `ETag` only describes and the records of Account, as with the real thing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from threading import Lock
from typing import Any

import orjson
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.routing import Context

_HEADERS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_STAMPS = ("LastModifiedDate", "SystemModstamp", "CreatedDate")
_WITH_ETAG = "Account"


@dataclass(frozen=True, slots=True)
class Validator:
    """What conditions are held against.

    Attributes:
        modified: When the resource changed last, to the second.
        etag: Of its present state, unquoted; empty where it has none.
    """

    modified: datetime | None
    etag: str = ""

    def stamp(self, response: Response) -> Response:
        """Put the validators onto an answer."""
        if self.etag:
            response.headers["ETag"] = f'"{self.etag}"'
        if self.modified is not None:
            response.headers["Last-Modified"] = format_datetime(self.modified, usegmt=True)
        return response


def is_conditional(context: Context) -> bool:
    """Whether the request has any conditions."""
    return any(name in context.request.headers for name in _HEADERS)


def stamp_field(facts: ObjectFacts) -> str | None:
    """The field that tells when a record of this object changed last."""
    return next((name for name in _STAMPS if facts.field(name) is not None), None)


def has_etag(facts: ObjectFacts) -> bool:
    """Whether records of this object come with an ETag."""
    return facts.name == _WITH_ETAG


def validator_of(facts: ObjectFacts, record: dict[str, Any]) -> Validator:
    """The validators of a record with all its fields (or its stamp alone, where it has no ETag)."""
    name = stamp_field(facts)
    value = record.get(name) if name else None
    modified = datetime.fromisoformat(value) if isinstance(value, str) else None
    return Validator(modified, _digest(orjson.dumps(record)) if has_etag(facts) else "")


def unmet(context: Context, validator: Validator) -> Response | None:
    """The 304 that answers a request in place of its usual answer; raises 412 where a precondition fails."""
    headers, modified = context.request.headers, validator.modified
    reading = context.request.method in {"GET", "HEAD"}
    if validator.etag and "If-Match" in headers and not _matches(headers["If-Match"], validator.etag):
        raise faults.precondition_failed()
    latest = _moment(context, "If-Unmodified-Since")
    if latest is not None and modified is not None and modified > latest:
        raise faults.precondition_failed()
    if validator.etag and "If-None-Match" in headers:
        if not _matches(headers["If-None-Match"], validator.etag):
            return None
        if not reading:
            raise faults.precondition_failed()
        return validator.stamp(Response(status=304))
    since = _moment(context, "If-Modified-Since")
    if since is not None and modified is not None and modified <= since:
        return validator.stamp(Response(status=304))
    return None


class DescribeStamps:
    """When each describe was first given out as it is now."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[tuple[str, ...], tuple[str, datetime]] = {}

    def validator(self, key: tuple[str, ...], body: bytes, now: datetime) -> Validator:
        """The validators of a describe: `key` says which (object, version, user), `body` how it reads now."""
        digest, moment = _digest(body), now.replace(microsecond=0)
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == digest:
                return Validator(known[1], digest)
            if known is not None:
                # Two shapes within one second must not have one date.
                moment = max(moment, known[1] + timedelta(seconds=1))
            self._known[key] = (digest, moment)
        return Validator(moment, digest)


def described(context: Context, key: tuple[str, ...], body: dict[str, Any]) -> Response:
    """A describe as an answer, or 304 where the client has it already."""
    data = orjson.dumps(body)
    # The same describe under two of the org's addresses is the same describe.
    shape = data.replace(context.base_url.encode(), b"")
    validator = context.org.app.described.validator((*key, context.user_id), shape, context.org.clock.now())
    answer = unmet(context, validator)
    return answer or validator.stamp(Response(data, content_type=faults.JSON))


def _moment(context: Context, name: str) -> datetime | None:
    """The moment in a header, or None where there is none; nonsense is an error where something would be written."""
    headers: Headers = context.request.headers
    text = headers.get(name)
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        if context.request.method in {"GET", "HEAD", "DELETE"}:
            return None
        # from memory: the status is documented, the words are not
        raise faults.invalid_input(f"Invalid date in the {name} header: {text}", code="INVALID_HEADER") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _matches(header: str, etag: str) -> bool:
    """Whether a list of ETags names this one; proxies mark compressed answers with `--gzip`."""
    named = {re.sub(r"(--|-|;)?gzip$", "", tag) for tag in re.findall(r'"([^"]*)"', header)}
    return header.strip() == "*" or etag in named or header.strip() == etag


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
