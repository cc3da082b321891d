"""SOQL by REST: page by page, for answers of moderate size, and counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.errors import IncompleteAnswer, RequestRefused
from sfsync.salesforce.answers import understood
from sfsync.salesforce.org import Org

_COUNT_QUERY = re.compile(r"\s*SELECT\s+COUNT\s*\(\s*\)\s", re.IGNORECASE)
# A wish: the org sends smaller pages when rows are wide.
_LARGEST_PAGES = {"Sforce-Query-Options": "batchSize=2000"}


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of an answer.

    Attributes:
        records: One dict a record as decoded from the JSON, with its `attributes`; a parent is a dict or None.
        total_size: Records of the whole answer.
    """

    records: list[dict[str, Any]]
    total_size: int


def query_pages(org: Org, soql: str, *, deleted_too: bool = False) -> Iterator[QueryPage]:
    """The pages of a query's answer, read as they are asked for.

    Args:
        org: Whom to ask.
        soql: The query.
        deleted_too: Also what lies in the recycle bin (`queryAll`).

    Raises:
        RequestRefused: The org refuses the query.
        IncompleteAnswer: In the end, other than the announced number of records had arrived.
    """
    resource = org.data_path("queryAll" if deleted_too else "query")
    answer = org.get_json(resource, {"q": soql}, _LARGEST_PAGES)
    total, received, followed = _total(org, answer), 0, {resource}
    while True:
        with understood(org.name, "a page of records"):
            records = list(answer["records"])
        received += len(records)
        yield QueryPage(records, total)
        if answer.get("done", True):
            break
        link = answer.get("nextRecordsUrl")
        if not isinstance(link, str) or link in followed:
            raise _miscounted(org, received, total)
        followed.add(link)
        answer = _next_page(org, link, f"{received} of {total}")
    if received != total and not _COUNT_QUERY.match(soql):
        raise _miscounted(org, received, total)


def count(org: Org, soql: str) -> int:
    """The answer of a `SELECT COUNT() FROM …`: exact, but slow on large objects; see `record_counts`."""
    return _total(org, org.get_json(org.data_path("query"), {"q": soql}))


def record_counts(org: Org, names: Sequence[str]) -> dict[str, int]:
    """How many records objects hold, roughly and possibly hours old; objects the org does not know are left out."""
    if not names:
        return {}
    answer = org.get_json(org.data_path("limits", "recordCount"), {"sObjects": ",".join(names)})
    with understood(org.name, "its record counts"):
        return {str(item["name"]): int(item["count"]) for item in answer["sObjects"]}


def _next_page(org: Org, link: str, progress: str) -> Any:
    try:
        return org.get_json(link, headers=_LARGEST_PAGES)
    except RequestRefused as refused:
        if refused.error_code != "INVALID_QUERY_LOCATOR":
            raise
        raise IncompleteAnswer(
            f"{org.name} has dropped the query's cursor after {progress} records ({refused.error_code}).",
            hint="Run it again; nothing of the answer is kept.",
        ) from None


def _total(org: Org, answer: Any) -> int:
    with understood(org.name, "the number of records"):
        return int(answer["totalSize"])


def _miscounted(org: Org, received: int, total: int) -> IncompleteAnswer:
    return IncompleteAnswer(
        f"{org.name} announced {total} records and sent {received}.",
        hint="Run it again; nothing of the answer is kept.",
        context={"announced": total, "received": received},
    )
