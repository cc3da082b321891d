"""SOQL over REST: query, queryAll, and the pages behind a locator."""

from __future__ import annotations

import re

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.query_columns import columns_of
from sfsync.fake.query_plan import plans_of
from sfsync.fake.routes.write_request import flag, object_of
from sfsync.fake.routing import Context, Route, json_response

_SMALLEST_PAGE, _LARGEST_PAGE = 200, 2000


def query(context: Context, version: str) -> Response:
    """The first page of live records."""
    return _first_page(context, version, all_rows=False)


def query_all(context: Context, version: str) -> Response:
    """The first page of all records, those in the recycle bin too."""
    return _first_page(context, version, all_rows=True)


def query_more(context: Context, version: str, locator: str) -> Response:
    """A later page."""
    return json_response(context.org.queries.more(locator, version))


def _first_page(context: Context, version: str, *, all_rows: bool) -> Response:
    explained = context.request.args.get("explain")
    if explained:
        return _explained(context, explained, all_rows=all_rows)
    text = context.request.args.get("q")
    if not text:
        raise faults.malformed_query("A query string has to be specified")
    if flag(context.request.args.get("columns")):
        query, _ = context.org.queries.compiled(text, all_rows=all_rows, user_id=context.user_id)
        return json_response(columns_of(context.visible, query))
    page = _page_size(context)
    return json_response(
        context.org.queries.start(text, version, all_rows=all_rows, page=page, user_id=context.user_id)
    )


def _explained(context: Context, text: str, *, all_rows: bool) -> Response:
    query, compiled = context.org.queries.compiled(text, all_rows=all_rows, user_id=context.user_id)
    with context.org.database.reading() as cursor:
        row = cursor.execute(compiled.count_sql).fetchone()
    facts = object_of(context, compiled.object)
    total = context.org.count(facts.name)
    return json_response(plans_of(facts, query, rows=int(row[0]) if row else 0, total=total, text=text))


def _page_size(context: Context) -> int:
    """What the client asks for, within Salesforce's bounds; never more than the org's own size."""
    most = context.org.settings.query_page
    asked = re.search(r"batchSize\s*=\s*(\d+)", context.request.headers.get("Sforce-Query-Options", ""))
    return min(most, max(_SMALLEST_PAGE, min(int(asked.group(1)), _LARGEST_PAGE))) if asked else most


_ROOT = "/services/data/v<version:version>"
_NOTE = "`columns=true`; `explain=` for statements, with plans in principle only"

ROUTES = (
    Route("GET", f"{_ROOT}/query", query, "Query", note=_NOTE),
    Route("GET", f"{_ROOT}/query/<locator>", query_more, "Query: later pages"),
    Route("GET", f"{_ROOT}/queryAll", query_all, "QueryAll", note=_NOTE),
    Route("GET", f"{_ROOT}/queryAll/<locator>", query_more, "QueryAll: later pages"),
)
