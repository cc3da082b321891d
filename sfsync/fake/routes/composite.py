"""Composite requests: up to 25 requests in one, each able to use what the ones before it answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.database import Undone
from sfsync.fake.routes.references import STRICT_VERSION, Answers, NoSuchValue
from sfsync.fake.routes.subrequests import body_of, entries_of, subrequest, told_headers
from sfsync.fake.routes.write_request import flag
from sfsync.fake.routing import Context, Route, json_response, normal_path

_MOST = 25
_MOST_HEAVY = 5

#: Queries and collections, of which a composite request may hold only a few.
_HEAVY = re.compile(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)(/|$)", re.IGNORECASE)

#: Resources that cannot stand within a composite request.
_NOT_WITHIN = re.compile(r"/services/data/v[\d.]+/(composite(?!/sobjects(/|$))|jobs)(/|$)", re.IGNORECASE)
_WITHIN = re.compile(r"/services/data/v[\d.]+/\w")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w{0,254}", re.ASCII)

_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


def resources(context: Context, version: str) -> Response:  # noqa: ARG001
    """The other ways to send many requests in one."""
    root = f"/services/data/v{version}/composite"
    return json_response({name: f"{root}/{name}" for name in ("tree", "batch", "sobjects", "graph")})


def composite(context: Context, version: str) -> Response:
    """Run the requests one after the other."""
    body = context.json()
    entries = entries_of(body, "compositeRequest", most=_MOST)
    check_entries(entries, version)
    heavy = sum(1 for entry in entries if _HEAVY.match(normal_path(entry["url"].partition("?")[0])))
    if heavy > _MOST_HEAVY:
        # from memory
        message = f"Limit of {_MOST_HEAVY} query and collection subrequests exceeded: {heavy}"
        raise faults.invalid_input(message, code="LIMIT_EXCEEDED")
    answers = Chain(context, version, all_or_none=flag(body.get("allOrNone"))).run(entries)
    return json_response({"compositeResponse": answers})


def check_entries(entries: list[dict[str, Any]], version: str) -> None:
    """See that every entry has an address within the data API and a reference of its own."""
    seen: set[str] = set()
    for entry in entries:
        url, reference = entry.get("url"), entry.get("referenceId")
        if not isinstance(url, str) or not isinstance(reference, str):
            raise faults.json_unreadable("A subrequest needs method, url and referenceId")  # from memory
        if float(version) >= STRICT_VERSION and not _REFERENCE_ID.fullmatch(reference):
            raise faults.invalid_input(
                f"Provided referenceId ('{reference}') must start with a letter or a number, and it can contain only"
                " letters, numbers and underscores ('_')."
            )
        if reference in seen:
            raise faults.invalid_input(f"Duplicate reference ID: {reference}")  # from memory
        seen.add(reference)
        path = normal_path(url.partition("?")[0])
        if not _WITHIN.match(path) or _NOT_WITHIN.match(path):
            raise faults.invalid_input(f"The request URL is not supported in a composite request: {url}")  # from memory
        subrequest(entry, url=url, body=None)  # refuses wrong methods and headers before anything is done


@dataclass
class Chain:
    """Requests that run in order, each seeing the answers before it; with `all_or_none`, in one transaction."""

    context: Context
    version: str
    all_or_none: bool
    bodies: dict[str, Any] = field(default_factory=dict)
    failed: bool = False

    def run(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer an entry."""
        if not self.all_or_none:
            return [self._answer(entry) for entry in entries]
        answers: list[dict[str, Any]] = []
        with self.context.org.database.together():
            for entry in entries:
                answers.append(self._answer(entry))
                if self.failed:
                    raise Undone
        if not self.failed:
            return answers
        culprit = len(answers) - 1
        return [
            answers[culprit] if place == culprit else _told(entry, 400, processing_halted(_ROLLED_BACK))
            for place, entry in enumerate(entries)
        ]

    def _answer(self, entry: dict[str, Any]) -> dict[str, Any]:
        try:
            answers = Answers(self.bodies, nulls=float(self.version) >= STRICT_VERSION)
            url = answers.into_url(entry["url"])
            body = answers.into(entry.get("body"))
        except NoSuchValue as missing:
            self.failed = True
            return _told(entry, 400, processing_halted(str(missing)))
        response = subrequest(entry, url=url, body=body).run(self.context, all_or_none=self.all_or_none)
        answer, written = body_of(response)
        status = response.status_code
        if status < 400 and answer is not None:
            self.bodies[entry["referenceId"]] = answer
        self.failed = self.failed or status >= 400 or status == 300 or _holds_failures(answer)
        return _told(entry, status, written, told_headers(response))


def processing_halted(message: str) -> list[dict[str, str]]:
    """The body of a subrequest that was not done, or undone, because of another."""
    return [{"errorCode": "PROCESSING_HALTED", "message": message}]


def _holds_failures(answer: Any) -> bool:
    """Whether this is a collection's answer in which a record was refused."""
    return isinstance(answer, list) and any(isinstance(one, dict) and one.get("success") is False for one in answer)


def _told(entry: dict[str, Any], status: int, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "body": body,
        "httpHeaders": headers or {},
        "httpStatusCode": status,
        "referenceId": entry["referenceId"],
    }


ROUTES = (
    Route("GET", "/services/data/v<version:version>/composite", resources, "Composite: resources"),
    Route(
        "POST",
        "/services/data/v<version:version>/composite",
        composite,
        "Composite",
        note="`@{reference.path}`, allOrNone; collateSubrequests is let pass",
    ),
)
