"""The few things that clients ask the Tooling API for when they log in."""

from __future__ import annotations

import re

import orjson
from werkzeug.wrappers import Response

from sfsync.errors import SoqlError
from sfsync.fake import faults
from sfsync.fake.routing import Context, Coverage, Route, json_response
from sfsync.soql import parse

#: Objects of the Tooling API that clients look into; a fake org has no code and no sandboxes.
_EMPTY = (
    "ApexClass",
    "ApexCodeCoverageAggregate",
    "ApexOrgWideCoverage",
    "ApexPage",
    "ApexTestQueueItem",
    "ApexTrigger",
    "CustomField",
    "CustomObject",
    "DebugLevel",
    "FlowDefinition",
    "InstalledSubscriberPackage",
    "PermissionSet",
    "Publisher",
    "SandboxInfo",
    "SandboxProcess",
    "SourceMember",
    "TraceFlag",
    "ValidationRule",
)
_KNOWN = {name.casefold(): name for name in _EMPTY}

#: Objects that both APIs have.
_SHARED = frozenset({"group", "organization", "profile", "recordtype", "user", "userrole"})


def query(context: Context, version: str) -> Response:
    """Records of a Tooling object: none, but for those that the data API has too."""
    text = context.request.args.get("q")
    if not text:
        raise faults.malformed_query("A query string has to be specified")
    try:
        asked = parse(text)
    except SoqlError as error:
        raise faults.soql(error) from error
    name = asked.source.path.names[0]
    if name.casefold() in _SHARED:
        page = context.org.settings.query_page
        user = context.user_id
        body = orjson.loads(context.org.queries.start(text, version, all_rows=False, page=page, user_id=user))
        records = body["records"]
        for record in records:
            _move(record, version)
        return json_response(_answer(name, records, body["totalSize"]))
    known = _KNOWN.get(name.casefold())
    if known is None:
        message = f"sObject type '{name}' is not supported."
        raise faults.RestFault(400, "INVALID_TYPE", message)
    return json_response(_answer(known, [], 0))


def resources(context: Context, version: str) -> Response:  # noqa: ARG001
    """What there is of the Tooling API."""
    root = f"/services/data/v{version}/tooling"
    return json_response({"query": f"{root}/query/", "sobjects": f"{root}/sobjects/"})


def sobjects(context: Context, version: str) -> Response:  # noqa: ARG001
    """The objects, in short."""
    root = f"/services/data/v{version}/tooling/sobjects"
    listed = [
        {"name": name, "label": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name), "queryable": True, "createable": False}
        for name in _EMPTY
    ]
    told = [{**one, "urls": {"sobject": f"{root}/{one['name']}"}} for one in listed]
    return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": told})


def _answer(name: str, records: list[object], total: int) -> dict[str, object]:
    return {
        "size": len(records),
        "totalSize": total,
        "done": True,
        "queryLocator": None,
        "entityTypeName": name,
        "records": records,
    }


def _move(record: dict[str, dict[str, str]], version: str) -> None:
    """Let a record's address say that the Tooling API gave it."""
    attributes = record["attributes"]
    if "url" in attributes:
        root = f"/services/data/v{version}"
        attributes["url"] = attributes["url"].replace(root, f"{root}/tooling", 1)


_ROOT = "/services/data/v<version:version>/tooling"
_NOTE = "code, sandboxes and packages are empty; users and the organization as in the data API"

ROUTES = (
    Route("GET", _ROOT, resources, "Tooling: resources", Coverage.PARTIAL, "those served here"),
    Route("GET", f"{_ROOT}/sobjects", sobjects, "Tooling: describe global", Coverage.PARTIAL, "names only"),
    Route("GET", f"{_ROOT}/query", query, "Tooling query", Coverage.PARTIAL, _NOTE),
)
