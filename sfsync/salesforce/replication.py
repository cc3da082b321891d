"""What the org's log of deletions says, and how far the org vouches for its changes (`getDeleted`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sfsync.errors import RequestRefused
from sfsync.salesforce.answers import understood
from sfsync.salesforce.composite import ask_together
from sfsync.salesforce.org import Org

#: `getDeleted` looks back so far at most.
REACH = timedelta(days=15)

#: The org ignores seconds; a span must be longer than this.
GRAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Deleted:
    """Records that were deleted within a span of time; instants are naive UTC.

    Attributes:
        ids: 18-character Id → when it was deleted.
        earliest_date_available: From here on the log still knows of deletions.
        latest_date_covered: Up to here everything that was changed is committed: while a long transaction is under
            way, that is the transaction's beginning.
        whole: False when some part of the span held more deletions than the org lists (600,000).
    """

    ids: Mapping[str, datetime]
    earliest_date_available: datetime
    latest_date_covered: datetime
    whole: bool = True


#: From and to, naive UTC, on whole minutes.
Span = tuple[datetime, datetime]


def get_deleted(org: Org, object_name: str, start: datetime, end: datetime) -> Deleted:
    """What was deleted of an object from `start` up to `end` (naive UTC; seconds do not count).

    A span with more deletions than the org lists is halved until each half fits.

    Raises:
        RequestRefused: The object is not replicateable, or the span reaches back too far.
    """
    try:
        return _understood(org, object_name, org.get_json(_path(org, object_name, (start, end))))
    except RequestRefused as refused:
        if refused.error_code != "EXCEEDED_ID_LIMIT":
            raise
    middle = (start + (end - start) / 2).replace(second=0, microsecond=0)
    if min(middle - start, end - middle) <= GRAIN:
        return Deleted({}, start, end, whole=False)
    earlier, later = get_deleted(org, object_name, start, middle), get_deleted(org, object_name, middle, end)
    return replace(
        later,
        ids={**earlier.ids, **later.ids},
        earliest_date_available=max(earlier.earliest_date_available, later.earliest_date_available),
        whole=earlier.whole and later.whole,
    )


def get_deleted_of_many(org: Org, spans: Mapping[str, Span]) -> dict[str, Deleted | RequestRefused]:
    """What was deleted of several objects, each within its own span, in as few calls as possible.

    An object whose log the org refuses to show has that refusal as its answer.
    """
    together = ask_together(org, {name: _path(org, name, span) for name, span in spans.items()})
    found: dict[str, Deleted | RequestRefused] = {}
    for name, (start, end) in spans.items():
        if name in together:
            found[name] = _understood(org, name, together[name])
            continue
        try:
            found[name] = get_deleted(org, name, start, end)
        except RequestRefused as refused:
            found[name] = refused
    return found


def _path(org: Org, object_name: str, span: Span) -> str:
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in span)
    return f"{org.data_path('sobjects', object_name, 'deleted')}?{urlencode({'start': start, 'end': end})}"


def _understood(org: Org, object_name: str, answer: Any) -> Deleted:
    with understood(org.name, f"the deletions of {object_name}"):
        return Deleted(
            {str(one["id"]): _instant(one["deletedDate"]) for one in answer["deletedRecords"]},
            _instant(answer["earliestDateAvailable"]),
            _instant(answer["latestDateCovered"]),
        )


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
