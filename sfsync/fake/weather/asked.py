"""Which objects a request is about: read off its path, its query, its body, or the job that it belongs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

_IN_PATH = re.compile(r"/(?:sobjects|composite/tree|composite/sobjects)/(\w+)", re.ASCII)
_IN_QUERY = re.compile(r"\bFROM\s+(\w+)", re.ASCII | re.IGNORECASE)
_IN_JSON = re.compile(rb'"(?:type|object)"\s*:\s*"(\w{1,80})"')
_IN_XML = re.compile(rb"<(?:\w+:)?(?:object|type|sObjectType)[^>]{0,200}>\s*(\w{1,80})\s*</")
_SOQL_IN_BODY = re.compile(rb"\bFROM\s+(\w{1,80})", re.IGNORECASE)
_CREATES_JOB = re.compile(r"/jobs/(?:query|ingest)$|/services/async/[\d.]+/job$")
_JOB = re.compile(r"/(750[0-9A-Za-z]{12})")
_JOB_IN_BODY = re.compile(rb"\b(750[0-9A-Za-z]{12})")

#: So much of a body is looked at; uploads are left alone altogether.
_LOOKED_AT = 64 * 1024
_MOST_JOBS = 10_000


class JobObjects:
    """Remembers which object each Bulk job is about."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def note(self, request: Request, response: Response) -> None:
        """Look whether this answer tells of a new job."""
        if request.method != "POST" or response.status_code >= 300 or not _CREATES_JOB.search(request.path.rstrip("/")):
            return
        if response.is_streamed:
            return
        body = response.get_data()
        made = _JOB_IN_BODY.search(body)
        if made is not None and len(self._known) < _MOST_JOBS:
            self._known[made.group(1).decode()] = frozenset(_named(body))

    def about(self, request: Request) -> frozenset[str]:
        """API names in lower case; none where the request does not say."""
        found = {match.lower() for match in _IN_PATH.findall(request.path)}
        found |= {match.lower() for text in request.args.getlist("q") for match in _IN_QUERY.findall(text)}
        job = _JOB.search(request.path)
        if job is not None:
            return frozenset(found) | self._known.get(job.group(1), frozenset())
        kind = request.mimetype
        if ("json" in kind or "xml" in kind) and (request.content_length or 0) <= _LOOKED_AT:
            body = request.get_data()
            found |= _named(body) | {match.decode().lower() for match in _SOQL_IN_BODY.findall(body)}
        return frozenset(found)


def _named(body: bytes) -> set[str]:
    return {match.decode().lower() for pattern in (_IN_JSON, _IN_XML) for match in pattern.findall(body)}
