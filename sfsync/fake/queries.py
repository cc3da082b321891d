"""Queries as the REST API answers them: read, compiled, run, cut into pages, and kept for who comes back for more."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any

import duckdb
import orjson

from sfsync.errors import SoqlError
from sfsync.fake import faults, permission_rows
from sfsync.fake.catalog import Catalog
from sfsync.fake.database import run
from sfsync.fake.evaluate import CompiledQuery, Money, OrgCatalog, Setting, compile_in
from sfsync.fake.ids import make_id, to_18
from sfsync.fake.kept_results import Kept, KeptResults, columns
from sfsync.fake.query_pages import (
    AnswerPage,
    ChildSource,
    OpenQuery,
    is_whole,
    live_sources,
    overfull,
    read_page,
)
from sfsync.fake.record_json import RecordWriter
from sfsync.soql import Query, parse
from sfsync.soql.dates import Calendar

if TYPE_CHECKING:
    from sfsync.fake.database import Cursor
    from sfsync.fake.org import FakeOrg

#: The longest statement that is read.
_LONGEST = 100_000

#: With so many long texts in a row, a page has no more than so many rows, whatever the client asks for.
_WIDE, _WIDE_PAGE = 2, 200

#: A locator can be used for so long.
_LIFETIME = timedelta(days=2)

#: Locators kept at a time; the oldest go first.
_MOST = 1000

#: Compiled statements kept at a time.
_MOST_COMPILED = 500

_LOCATOR_PREFIX = "01g"
_LOCATOR = re.compile(r"(01g[0-9A-Za-z]{12}(?:[0-9A-Z]{3})?)-(\d{1,9})")


@dataclass
class _Ready:
    """A statement, compiled, with what writes its answers in each API version."""

    query: Query
    compiled: CompiledQuery
    writers: dict[str, RecordWriter] = field(default_factory=dict)


class Queries:
    """All REST queries of one org."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._lock = Lock()
        self._numbers = count(1)
        self._open: OrderedDict[str, OpenQuery] = OrderedDict()
        self._ready: OrderedDict[tuple[Any, ...], _Ready] = OrderedDict()
        self._catalogs: dict[int, tuple[Catalog, int, OrgCatalog]] = {}
        self.results = KeptResults(org.database)

    # --- statements ------------------------------------------------------------------------------------------------

    def compiled(self, text: str, *, all_rows: bool, user_id: str = "") -> tuple[Query, CompiledQuery]:
        """A statement read and compiled; raises the fault that Salesforce answers when it is wrong.

        Args:
            text: The statement.
            all_rows: Show deleted and archived records too.
            user_id: Who asks, and therefore what there is; the administrator unless given.
        """
        ready = self._compile(text, all_rows=all_rows, user_id=user_id)
        return ready.query, ready.compiled

    def _compile(self, text: str, *, all_rows: bool, user_id: str) -> _Ready:
        if len(text) > _LONGEST:
            raise faults.malformed_query(f"SOQL statements cannot be longer than {_LONGEST} characters.")
        self._org.behaviour.settle()
        if any(name in text.lower() for name in permission_rows.OBJECTS):
            self._org.settle_permissions()
        user = user_id or self._org.admin_id
        settings, now, money = self._org.settings, self._org.clock.now(), self._money()
        catalog, changes = self._catalog(user)
        calendar = Calendar(settings.timezone, settings.fiscal_start_month)
        currency = money.of_user(user) if money else None
        key = (text, all_rows, user, id(catalog), changes, calendar, calendar.today(now), currency)
        with self._lock:
            known = self._ready.get(key)
            if known is not None:
                self._ready.move_to_end(key)
                return known
        try:
            query = parse(text)
            compiled = compile_in(query, Setting(catalog, now, calendar, all_rows, user, money))
        except SoqlError as error:
            raise faults.soql(error) from error
        with self._lock:
            ready = self._ready.setdefault(key, _Ready(query, compiled))
            while len(self._ready) > _MOST_COMPILED:
                self._ready.popitem(last=False)
        return ready

    def _catalog(self, user_id: str) -> tuple[OrgCatalog, int]:
        """What a user may see, and a number that changes with it."""
        behaviour = getattr(self._org, "behaviour", None)
        facts = behaviour.visible_to(user_id) if behaviour else self._org.visible
        known = self._catalogs.get(id(facts))
        if known is None or known[1] != facts.changes:
            if len(self._catalogs) > _MOST_COMPILED:
                self._catalogs.clear()
            # The facts are held as well, so that their `id` stays theirs.
            known = self._catalogs[id(facts)] = (facts, facts.changes, OrgCatalog(facts))
        return known[2], known[1]

    def _money(self) -> Money | None:
        behaviour = getattr(self._org, "behaviour", None)
        currencies = getattr(behaviour, "currencies", None)
        return currencies if currencies is not None and currencies.enabled else None

    # --- answers ---------------------------------------------------------------------------------------------------

    def start(self, text: str, version: str, *, all_rows: bool, page: int, user_id: str = "") -> bytes:
        """The first page of an answer, as the body of a response."""
        ready = self._compile(text, all_rows=all_rows, user_id=user_id)
        if ready.compiled.is_count:
            return b'{"totalSize":%d,"done":true,"records":[]}' % self._count(ready.compiled)
        is_wide = ready.compiled.long_texts >= _WIDE
        answer = self._first(ready.compiled, min(page, _WIDE_PAGE) if is_wide else page)
        writer = ready.writers.get(version)
        if writer is None:
            writer = ready.writers[version] = RecordWriter(ready.compiled, version)
        return orjson.dumps(writer.body(answer))

    def more(self, locator: str, version: str) -> bytes:
        """The page that a locator stands for, as the body of a response; raises the fault for one that is unknown."""
        match = _LOCATOR.fullmatch(locator)
        opened = self._open.get(match.group(1)[:15]) if match else None
        if match is None or opened is None or self._org.clock.now() - opened.since > _LIFETIME:
            raise faults.invalid_locator()
        start = int(match.group(2))
        if start >= opened.kept.rows:
            raise faults.invalid_locator()
        try:
            answer = self._kept_page(match.group(1), opened, start)
        except duckdb.CatalogException as error:  # kept within a transaction that was undone
            raise faults.invalid_locator() from error
        return orjson.dumps(RecordWriter(opened.compiled, version).body(answer))

    def _first(self, compiled: CompiledQuery, page: int) -> AnswerPage:
        """The first page: straight from the org when it is the only one, else from a kept result."""
        sources = live_sources(compiled)
        sql = _limited(compiled, page + 1)
        with self._org.database.reading(None if sources else sql) as cursor:
            if sources and not self._org.database.joined:
                cursor.execute("BEGIN")  # records and children of the same moment
            rows = run(cursor, sql).fetchall()
            if len(rows) <= page:
                answer = read_page(cursor, compiled, sources, rows, page)
                if len(answer.rows) == len(rows) and is_whole(compiled, answer):
                    return answer
        if compiled.is_aggregate:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
            )
            raise faults.RestFault(500, "EXCEEDED_ID_LIMIT", message)
        with self._org.database.lock:
            opened = self._keep(compiled, page)
        return self._kept_page(self._remember(opened), opened, 0)

    def _kept_page(self, locator: str, opened: OpenQuery, start: int) -> AnswerPage:
        compiled, kept = opened.compiled, opened.kept
        with self._org.database.reading() as cursor:
            rows = cursor.execute(
                f"SELECT {columns(compiled.width)} FROM {kept.table}"
                f" WHERE {kept.span(start, opened.page)} ORDER BY place"
            ).fetchall()
            answer = replace(read_page(cursor, compiled, opened.sources, rows, opened.page), total=kept.rows)
            self._lead_on(cursor, opened, answer, compiled, opened.sources)
        following = start + len(answer.rows)
        if following < kept.rows:
            return replace(answer, following=f"{to_18(locator)}-{following}")
        return answer

    def _lead_on(
        self,
        cursor: Cursor,
        opened: OpenQuery,
        answer: AnswerPage,
        compiled: CompiledQuery,
        sources: tuple[ChildSource, ...],
    ) -> None:
        """Give every list of children that does not fit a locator of its own, at every level."""
        for place, record_id, shown in list(overfull(compiled, answer.rows, answer)):
            locator = self._children_locator(cursor, opened, sources[place], record_id, shown.total)
            answer.children[place][record_id] = replace(shown, following=f"{to_18(locator)}-{len(shown.rows)}")
        for source, below in zip(sources, answer.children, strict=True):
            for children in below.values():
                self._lead_on(cursor, opened, children, source.child.query, source.nested)

    def _children_locator(
        self, cursor: Cursor, opened: OpenQuery, source: ChildSource, record_id: str, total: int
    ) -> str:
        table = str(source.table)
        locator = opened.locators.get((table, record_id))
        if locator is None:
            owner = f"c{source.child.parent_column}"
            row = cursor.execute(f"SELECT min(place) FROM {table} WHERE {owner} = ?", [record_id]).fetchone()
            kept = Kept(table, total, int(row[0]) if row else 0)
            tables = frozenset({table, *_tables(source.nested)})
            children = OpenQuery(source.child.query, kept, opened.page, opened.since, source.nested, tables)
            locator = opened.locators[table, record_id] = self._remember(children)
        return locator

    def _keep(self, compiled: CompiledQuery, page: int) -> OpenQuery:
        """Run a query and keep its records and their children."""
        kept = self.results.keep(compiled.record_sql, compiled.width)
        sources = self._keep_children(compiled, kept)
        return OpenQuery(
            compiled, kept, page, self._org.clock.now(), sources, frozenset({kept.table, *_tables(sources)})
        )

    def _keep_children(self, compiled: CompiledQuery, kept: Kept) -> tuple[ChildSource, ...]:
        sources = []
        for child in compiled.children:
            answer = child.sql(f"SELECT c{compiled.id_column} FROM {kept.table}")
            owner, place = f"c{child.parent_column}", f"c{child.parent_column + 1}"
            below = self.results.keep(
                f"SELECT * FROM ({answer}) AS answer({columns(child.width)}) ORDER BY {owner}, {place}", child.width
            )
            sources.append(ChildSource(child, below.table, self._keep_children(child.query, below)))
        return tuple(sources)

    def _count(self, compiled: CompiledQuery) -> int:
        sql = compiled.count_sql
        with self._org.database.reading(sql) as cursor:
            row = run(cursor, sql).fetchone()
        return int(row[0]) if row else 0

    def _remember(self, opened: OpenQuery) -> str:
        number = next(self._numbers)
        locator = make_id(_LOCATOR_PREFIX, number)
        with self._lock:
            self._open[locator[:15]] = opened
            forgotten = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - _MOST)]
            needed = frozenset[str]().union(*(one.tables for one in self._open.values())) if forgotten else frozenset()
        for table in {table for old in forgotten for table in old.tables} - needed:
            self.results.drop(Kept(table, 0))
        return locator


def _limited(compiled: CompiledQuery, most: int) -> str:
    return f"SELECT * FROM ({compiled.record_sql}) AS answer({columns(compiled.width)}) LIMIT {most}"


def _tables(sources: tuple[ChildSource, ...]) -> list[str]:
    return [table for source in sources for table in (source.table, *_tables(source.nested)) if table]
