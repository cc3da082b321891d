"""getUpdated and getDeleted: which records changed or vanished between two moments."""

from __future__ import annotations

from datetime import UTC, datetime

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.dml import replication
from sfsync.fake.routes.write_request import object_of
from sfsync.fake.routing import Context, Route, json_response
from sfsync.fake.wire import json_datetime


def updated(context: Context, version: str, name: str) -> Response:  # noqa: ARG001 - the same in every version
    """The Ids of records made or changed."""
    facts = object_of(context, name)
    start, end = _moment(context, "start"), _moment(context, "end")
    found = replication.updated(context.org, facts.name, start, end, user_id=context.user_id)
    return json_response({"ids": found.ids, "latestDateCovered": json_datetime(found.latest_date_covered)})


def deleted(context: Context, version: str, name: str) -> Response:  # noqa: ARG001
    """The Ids of records deleted, with the moment of each."""
    facts = object_of(context, name)
    start, end = _moment(context, "start"), _moment(context, "end")
    found = replication.deleted(context.org, facts.name, start, end, user_id=context.user_id)
    return json_response(
        {
            "deletedRecords": [
                {"deletedDate": json_datetime(moment), "id": record_id} for record_id, moment in found.records
            ],
            "earliestDateAvailable": json_datetime(found.earliest_date_available),
            "latestDateCovered": json_datetime(found.latest_date_covered),
        }
    )


def _moment(context: Context, name: str) -> datetime:
    text = context.request.args.get(name)
    if not text:
        raise faults.invalid_input(f"The {name} parameter is required", code="MISSING_ARGUMENT")  # from memory
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        # from memory
        raise faults.invalid_input(f"Invalid date in the {name} parameter: {text}", code="MALFORMED_DATE") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OBJECT = "/services/data/v<version:version>/sobjects/<name>"

ROUTES = (
    Route("GET", f"{_OBJECT}/updated", updated, "getUpdated"),
    Route("GET", f"{_OBJECT}/deleted", deleted, "getDeleted"),
)
