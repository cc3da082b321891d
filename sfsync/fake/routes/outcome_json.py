"""What came of records, as the REST API tells it: alone with a status of its own, or one of many with `statusCode`."""

from __future__ import annotations

from typing import Any

import orjson
from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.dml.outcome import RowError, RowOutcome
from sfsync.fake.routing import json_response

#: Error code → HTTP status of a request about one record; everything else is 400.
_STATUS = {
    "ENTITY_IS_DELETED": 404,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "NOT_FOUND": 404,
    "PRECONDITION_FAILED": 412,
}

#: Numbers within these bounds are written without an exponent.
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7

#: Told before a record is looked at, and so without the list of fields at fault.
_WITHOUT_FIELDS = frozenset(
    {"DUPLICATES_DETECTED", "INVALID_FIELD", "JSON_PARSER_ERROR", "NOT_FOUND", "PRECONDITION_FAILED"}
)


def records_json(records: Any) -> bytes:
    """Records as bytes, with large and small numbers written as Salesforce's Java writes them: `8.0E7`."""
    return orjson.dumps(_spelled(records))


def saved(outcome: RowOutcome, *, tells_created: bool = False) -> dict[str, Any]:
    """A record that was written."""
    body: dict[str, Any] = {"id": outcome.id, "success": True, "errors": []}
    if tells_created:
        body["created"] = outcome.created
    return body


def refused(outcome: RowOutcome) -> faults.Fault:
    """The answer to a request about one record that was not written."""
    errors = [_alone(error) for error in outcome.errors]
    return faults.Fault(_STATUS.get(outcome.errors[0].code, 400), orjson.dumps(errors))


def one_of_many(outcome: RowOutcome, *, tells_created: bool = False) -> dict[str, Any]:
    """A record's place in the answer about many."""
    if outcome.success:
        return saved(outcome, tells_created=tells_created)
    return {"success": False, "errors": errors_of(outcome)}


def errors_of(outcome: RowOutcome) -> list[dict[str, Any]]:
    """Why a record among many was not written."""
    return [
        {**error.extra, "statusCode": error.code, "message": error.message, "fields": list(error.fields)}
        for error in outcome.errors
    ]


def several(matches: tuple[str, ...], object_name: str, version: str) -> Response:
    """A key that fits more than one record: 300, with the address of each."""
    root = f"/services/data/v{version}/sobjects/{object_name}"
    return json_response([f"{root}/{record_id}" for record_id in matches], 300)


def _spelled(value: Any) -> Any:
    if isinstance(value, float) and not _PLAIN_FROM <= abs(value) < _PLAIN_TO and value:
        digits, _, exponent = repr(value).partition("e")
        if not exponent:
            digits, _, exponent = f"{value:.16e}".partition("e")
            digits = repr(float(digits)) if float(f"{float(digits)!r}e{exponent}") == value else digits
        point = digits if "." in digits else f"{digits}.0"
        return orjson.Fragment(f"{point}E{int(exponent)}")
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    if isinstance(value, dict):
        return {name: _spelled(item) for name, item in value.items()}
    return value


def _alone(error: RowError) -> dict[str, Any]:
    body: dict[str, Any] = {**error.extra, "message": error.message, "errorCode": error.code}
    if error.code not in _WITHOUT_FIELDS:
        body["fields"] = list(error.fields)
    return body
