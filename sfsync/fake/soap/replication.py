"""Calls for those who keep a copy: what changed, and what was deleted, in a span of time."""

from __future__ import annotations

from datetime import datetime

from sfsync.fake.dml import replication
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import text_of
from sfsync.fake.soap.fault import refusal
from sfsync.fake.soap.sobject import read_moment
from sfsync.fake.soap.xml import element, nested
from sfsync.fake.wire import soap_datetime


def get_updated(call: SoapCall) -> str:
    """Ids of the records that were made or changed."""
    name, start, end = _span(call)
    found = replication.updated(call.org, name, start, end, user_id=call.context.user_id)
    ids = [element("ids", one) for one in found.ids]
    return nested("result", [*ids, element("latestDateCovered", soap_datetime(found.latest_date_covered))])


def get_deleted(call: SoapCall) -> str:
    """Ids of the records that were deleted, and when."""
    name, start, end = _span(call)
    found = replication.deleted(call.org, name, start, end, user_id=call.context.user_id)
    gone = [
        nested("deletedRecords", [element("deletedDate", soap_datetime(moment)), element("id", one)])
        for one, moment in found.records
    ]
    known = [
        element("earliestDateAvailable", soap_datetime(found.earliest_date_available)),
        element("latestDateCovered", soap_datetime(found.latest_date_covered)),
    ]
    return nested("result", [*gone, *known])


def _span(call: SoapCall) -> tuple[str, datetime, datetime]:
    facts = call.facts(text_of(call.body, "sObjectType"))
    moments: list[datetime] = []
    for name in ("startDate", "endDate"):
        moment = read_moment(text_of(call.body, name))
        if moment is None:
            # from memory
            raise refusal("INVALID_ARGUMENT_TYPE", f"{name}: not a valid dateTime")
        moments.append(moment)
    return facts.name, moments[0], moments[1]


CALLS: dict[str, Operation] = {
    "getDeleted": Operation(get_deleted, ("sObjectType", "startDate", "endDate")),
    "getUpdated": Operation(get_updated, ("sObjectType", "startDate", "endDate")),
}
