"""Composite batches: up to 25 requests in one that know nothing of each other."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.routes.subrequests import Subrequest, body_of, entries_of, subrequest
from sfsync.fake.routes.write_request import flag
from sfsync.fake.routing import Context, Route, json_response, normal_path

_MOST = 25
_ROOT = "/services/data/"

#: Resources that cannot stand within a batch.
_NOT_WITHIN = re.compile(r"/services/data/v[\d.]+/(composite|jobs)(/|$)", re.IGNORECASE)

_HALTED = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]


def batch(context: Context, version: str) -> Response:  # noqa: ARG001 - every subrequest names a version
    """Run the requests one after the other; with `haltOnError`, no further than the first that fails."""
    body = context.json()
    requests = [_request(entry) for entry in entries_of(body, "batchRequests", most=_MOST)]
    halting = flag(body.get("haltOnError"))
    results: list[dict[str, Any]] = []
    failed = False
    for one in requests:
        if failed and halting:
            results.append({"statusCode": 412, "result": _HALTED})
            continue
        response = one.run(context)
        failed = failed or response.status_code >= 400
        results.append({"statusCode": response.status_code, "result": body_of(response)[1]})
    return json_response({"hasErrors": failed, "results": results})


def _request(entry: dict[str, Any]) -> Subrequest:
    url = entry.get("url")
    if not isinstance(url, str):
        raise faults.json_unreadable("A subrequest needs method and url")  # from memory
    # Addresses start at the version: `v60.0/sobjects/Lead`.
    address = url if url.startswith(_ROOT) else _ROOT + url.lstrip("/")
    if _NOT_WITHIN.match(normal_path(address.partition("?")[0])):
        raise faults.invalid_input(f"The request URL is not supported in a batch: {url}")  # from memory
    return subrequest(entry, url=address, body=entry.get("richInput"))


ROUTES = (
    Route(
        "POST",
        "/services/data/v<version:version>/composite/batch",
        batch,
        "Composite batch",
        note="no binary parts",
    ),
)
