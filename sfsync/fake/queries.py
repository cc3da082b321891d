"""REST queries: SOQL in, pages of JSON records out, and locators for the pages that follow."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from sfsync.errors import SoqlError
from sfsync.fake import faults
from sfsync.fake.evaluate import OrgCatalog, compile_query
from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.ids import make_id, to_18
from sfsync.fake.kept_results import Kept, KeptResults
from sfsync.fake.record_json import record_expression
from sfsync.soql import Query, parse

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: The longest statement that is read.
_LONGEST = 100_000

#: A locator can be used for so long.
_LIFETIME = timedelta(days=2)

#: Locators kept at a time; the oldest go first.
_MOST = 1000

_LOCATOR_PREFIX = "01g"
_LOCATOR = re.compile(r"(01g[0-9A-Za-z]{12}(?:[0-9A-Z]{3})?)-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class _Open:
    """A query whose answer did not fit into one page."""

    compiled: CompiledQuery
    kept: Kept
    page: int
    since: datetime


class Queries:
    """All REST queries of one org."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._lock = Lock()
        self._numbers = count(1)
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self.results = KeptResults(org.database)
        self._catalog: tuple[tuple[int, int], OrgCatalog] | None = None

    def compiled(self, text: str, *, all_rows: bool) -> tuple[Query, CompiledQuery]:
        """A statement read and compiled; raises the fault that Salesforce answers when it is wrong."""
        if len(text) > _LONGEST:
            raise faults.malformed_query(f"SOQL statements cannot be longer than {_LONGEST} characters.")
        try:
            query = parse(text)
            compiled = compile_query(
                query,
                self._soql_catalog(),
                now=self._org.clock.now(),
                timezone=self._org.settings.timezone,
                fiscal_start_month=self._org.settings.fiscal_start_month,
                all_rows=all_rows,
            )
        except SoqlError as error:
            raise faults.soql(error) from error
        return query, compiled

    def start(self, text: str, version: str, *, all_rows: bool, page: int) -> bytes:
        """The first page of an answer, as the body of a response."""
        _, compiled = self.compiled(text, all_rows=all_rows)
        if compiled.is_count:
            return b'{"totalSize":%d,"done":true,"records":[]}' % self._count(compiled)
        first, rows = self._first_page(compiled, version, page)
        if rows <= page:
            return _body(rows, first, None)
        if compiled.is_aggregate:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
            )
            raise faults.RestFault(500, "EXCEEDED_ID_LIMIT", message)
        kept = self.results.keep(compiled.record_sql, _width(compiled))
        locator = self._remember(_Open(compiled, kept, page, self._org.clock.now()))
        return self.more(f"{locator}-0", version)

    def more(self, locator: str, version: str) -> bytes:
        """The page that a locator stands for."""
        match = _LOCATOR.fullmatch(locator)
        opened = self._open.get(match.group(1)[:15]) if match else None
        if match is None or opened is None or self._org.clock.now() - opened.since > _LIFETIME:
            raise faults.invalid_locator()
        start = int(match.group(2))
        if start >= opened.kept.rows:
            raise faults.invalid_locator()
        expression = record_expression(opened.compiled, version)
        with self._org.database.reading() as cursor:
            row = cursor.execute(
                f"SELECT string_agg(json, ',' ORDER BY row) FROM (SELECT rowid AS row, {expression} AS json"
                f" FROM {opened.kept.table} WHERE {opened.kept.span(start, opened.page)})"
            ).fetchone()
        following = start + opened.page
        more = None
        if following < opened.kept.rows:
            more = f"/services/data/v{version}/query/{to_18(match.group(1))}-{following}"
        return _body(opened.kept.rows, str(row[0] if row else ""), more)

    def _first_page(self, compiled: CompiledQuery, version: str, page: int) -> tuple[str, int]:
        """The first `page` records as JSON, and how many there are, counted no further than one more."""
        columns = ", ".join(f"c{place}" for place in range(_width(compiled)))
        with self._org.database.reading() as cursor:
            row = cursor.execute(
                f"SELECT coalesce(string_agg(json, ',' ORDER BY row), ''), count(*) FROM ("
                f"SELECT {record_expression(compiled, version)} AS json, row_number() OVER () AS row"
                f" FROM (SELECT * FROM ({compiled.record_sql}) LIMIT {page + 1}) AS answer({columns}))"
            ).fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)

    def _count(self, compiled: CompiledQuery) -> int:
        with self._org.database.reading() as cursor:
            row = cursor.execute(compiled.count_sql).fetchone()
        return int(row[0]) if row else 0

    def _remember(self, opened: _Open) -> str:
        number = next(self._numbers)
        locator = make_id(_LOCATOR_PREFIX, number)
        with self._lock:
            self._open[locator[:15]] = opened
            forgotten = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - _MOST)]
        for old in forgotten:
            self.results.drop(old.kept)
        return locator

    def _soql_catalog(self) -> OrgCatalog:
        state = self._org.shape
        if self._catalog is None or self._catalog[0] != state:
            self._catalog = (state, OrgCatalog(self._org.visible))
        return self._catalog[1]


def _width(compiled: CompiledQuery) -> int:
    """How many columns `record_sql` has: those selected, the record's Id, and two a parent."""
    hidden = [compiled.id_column or 0, *(place for p in compiled.parents for place in (p.id_column, p.type_column))]
    return max(len(compiled.columns), *(place + 1 for place in hidden))


def _body(total: int, records: str, more: str | None) -> bytes:
    following = f',"nextRecordsUrl":"{more}"' if more else ""
    done = "false" if more else "true"
    return f'{{"totalSize":{total},"done":{done}{following},"records":[{records}]}}'.encode()
