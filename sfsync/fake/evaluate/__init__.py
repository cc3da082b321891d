"""SOQL as SQL: one statement of the org's query language becomes one of DuckDB's, and one more for each child query.

The parts: `catalog` (what the org has), `setting` (who asks, when and where), `paths` (fields and parents), `filter`
and `semi_joins` (WHERE), `field_list` and `records` (records and their children), `groups` (aggregates), `compiled`
(the result).
"""

from __future__ import annotations

from datetime import datetime

from sfsync.fake.evaluate.catalog import Catalog, CatalogObject, OrgCatalog
from sfsync.fake.evaluate.compiled import CompiledChild, CompiledQuery, ParentColumns, SelectedColumn
from sfsync.fake.evaluate.filter import check_clauses
from sfsync.fake.evaluate.groups import compile_groups, is_aggregate
from sfsync.fake.evaluate.records import check_numbers, compile_count, compile_records
from sfsync.fake.evaluate.setting import Money, Setting
from sfsync.soql.ast import Query
from sfsync.soql.dates import Calendar

__all__ = [
    "Catalog",
    "CatalogObject",
    "CompiledChild",
    "CompiledQuery",
    "Money",
    "OrgCatalog",
    "ParentColumns",
    "SelectedColumn",
    "Setting",
    "compile_in",
    "compile_query",
]


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
        now: The org's time; without zone it is UTC. Only the day matters.
        timezone: The user's, in which date literals are meant.
        fiscal_start_month: First month of the org's fiscal year.
        all_rows: Show deleted and archived records too, as `queryAll` does.

    Raises:
        SoqlError: The org would refuse the query: an unknown object or field, a value of the wrong type, …; with
            Salesforce's code and wording. Code FUNCTIONALITY_NOT_ENABLED marks what only this fake org refuses.
    """
    return compile_in(query, Setting(catalog, now, Calendar(timezone, fiscal_start_month), all_rows))


def compile_in(query: Query, setting: Setting) -> CompiledQuery:
    """The same for circumstances that also tell who asks, and which currencies there are."""
    check_clauses(query)
    check_numbers(query)
    if query.is_count:
        return compile_count(query, setting)
    if is_aggregate(query):
        return compile_groups(query, setting)
    return compile_records(query, setting)
