"""SOQL as SQL: one statement of the org's query language becomes one statement of DuckDB's.

The parts: `catalog` (what the org has), `paths` (fields and parents), `filter` (WHERE),
`records` (records), `groups` (aggregates), `compiled` (the result).
"""

from __future__ import annotations

from datetime import datetime

from sfsync.fake.evaluate.catalog import Catalog, CatalogObject, OrgCatalog
from sfsync.fake.evaluate.compiled import CompiledQuery, ParentColumns, SelectedColumn
from sfsync.fake.evaluate.filter import Setting, check_clauses
from sfsync.fake.evaluate.groups import compile_groups, is_aggregate
from sfsync.fake.evaluate.records import compile_count, compile_records
from sfsync.soql.ast import Query
from sfsync.soql.dates import Calendar

__all__ = [
    "Catalog",
    "CatalogObject",
    "CompiledQuery",
    "OrgCatalog",
    "ParentColumns",
    "SelectedColumn",
    "compile_query",
]

#: Salesforce's own limit on OFFSET.
_LARGEST_OFFSET = 2000


def compile_query(
    query: Query,
    catalog: Catalog,
    *,
    now: datetime,
    timezone: str = "UTC",
    fiscal_start_month: int = 1,
    all_rows: bool = False,
) -> CompiledQuery:
    """The SQL that answers a SOQL query.

    Args:
        query: What `soql.parse` made of the statement.
        catalog: The org's objects, fields and tables. Tables hold Ids in 18 characters, moments as TIMESTAMP in UTC,
            and no empty texts.
        now: The org's time; without zone it is UTC.
        timezone: The user's, in which date literals are meant.
        fiscal_start_month: First month of the org's fiscal year.
        all_rows: Show deleted and archived records too, as `queryAll` does.

    Raises:
        SoqlError: The org would refuse the query: an unknown object or field, a value of the wrong type, …; with
            Salesforce's code and wording. Code FUNCTIONALITY_NOT_ENABLED marks what only this fake org refuses.
    """
    setting = Setting(catalog, now, Calendar(timezone, fiscal_start_month), all_rows)
    check_clauses(query)
    _check_numbers(query)
    if query.is_count:
        return compile_count(query, setting)
    if is_aggregate(query):
        return compile_groups(query, setting)
    return compile_records(query, setting)


def _check_numbers(query: Query) -> None:
    if query.limit is not None and query.limit < 0:
        raise query.limit_place.error("unexpected token: '-'")
    if query.offset is not None and query.offset < 0:
        raise query.offset_place.error("unexpected token: '-'")
    if query.offset is not None and query.offset > _LARGEST_OFFSET:
        message = f"Maximum SOQL offset allowed is {_LARGEST_OFFSET}"
        raise query.offset_place.error(message, code="NUMBER_OUTSIDE_VALID_RANGE")
