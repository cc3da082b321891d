"""Queries that answer with records: parents, children, sorting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.fake.evaluate.catalog import CatalogObject
from sfsync.fake.evaluate.compiled import CompiledChild, CompiledQuery, ParentColumns
from sfsync.fake.evaluate.field_list import Entry, FieldList
from sfsync.fake.evaluate.filter import check_clauses, where_sql
from sfsync.fake.evaluate.paths import Paths
from sfsync.fake.evaluate.setting import Setting
from sfsync.soql.ast import Call, ChildQuery, OrderBy, Query
from sfsync.soql.columns import Column, last_name
from sfsync.soql.functions_sql import AGGREGATES, function_column
from sfsync.soql.sql_literals import quoted, text_literal

#: Levels of child queries inside one another, the statement itself included.
_DEEPEST = 5

#: Child queries that one statement may have.
_MOST_CHILD_QUERIES = 20

#: Salesforce's own limit on OFFSET.
_LARGEST_OFFSET = 2000

_WSDL = "Please reference your WSDL or the describe call for the appropriate names."


def compile_records(query: Query, setting: Setting) -> CompiledQuery:
    """A query for records, compiled; raises `SoqlError`."""
    compiled = _Records(query, setting)
    parts = compiled.parts()
    tail = f"{parts.from_sql} {parts.where}{parts.order}{limit_sql(query)}"
    return compiled.described(
        parts,
        sql=f"SELECT {', '.join(parts.visible)} {tail}",
        record_sql=f"SELECT {', '.join(parts.visible + parts.hidden)} {tail}",
    )


def compile_count(query: Query, setting: Setting) -> CompiledQuery:
    """`SELECT COUNT() FROM …`, compiled."""
    if query.group_by is not None:
        raise query.place.error("COUNT() cannot be used with GROUP BY; use COUNT(Id)")
    if query.order_by:
        key = query.order_by[0].expression
        raise key.place.error(f"Ordered field must be grouped or aggregated: {last_name(key)}")
    sql = count_records_sql(query, setting)
    name = Paths(setting, query).object.name
    return CompiledQuery(sql, (), lambda: sql, name, is_count=True, record_sql=sql)


def count_records_sql(query: Query, setting: Setting) -> str:
    """How many records a query gives, with its LIMIT and OFFSET, joining only what its WHERE needs."""
    paths = Paths(setting, query)
    where = where_sql(query, paths, setting)
    limit = limit_sql(query)
    source = f"{paths.from_sql} {where}"
    return f"SELECT count(*) FROM (SELECT 1 {source}{limit})" if limit else f"SELECT count(*) {source}"


def check_numbers(query: Query) -> None:
    """Refuse a LIMIT or OFFSET that only the grammar allows."""
    if query.limit is not None and query.limit < 0:
        raise query.limit_place.error("unexpected token: '-'")
    if query.offset is not None and query.offset < 0:
        raise query.offset_place.error("unexpected token: '-'")
    if query.offset is not None and query.offset > _LARGEST_OFFSET:
        message = f"Maximum SOQL offset allowed is {_LARGEST_OFFSET}"
        raise query.offset_place.error(message, code="NUMBER_OUTSIDE_VALID_RANGE")


def limit_sql(query: Query) -> str:
    """LIMIT and OFFSET, with a blank before each."""
    limit = "" if query.limit is None else f" LIMIT {query.limit}"
    return limit if query.offset is None else f"{limit} OFFSET {query.offset}"


def sort_keys(column: Column, key: OrderBy) -> list[str]:
    """The SQL sort keys for one column: picklists sort as they are set up, text without regard to case."""
    direction = f"{'DESC' if key.descending else 'ASC'} NULLS {'LAST' if key.nulls_last else 'FIRST'}"
    keys = [column.key]
    if column.picklist and column.type == "picklist":
        listed = ", ".join(f"lower({text_literal(value)})" for value in column.picklist)
        position = f"coalesce(nullif(list_position([{listed}], {column.key}), 0), {len(column.picklist) + 1})"
        keys.insert(0, f"CASE WHEN {column.sql} IS NOT NULL THEN {position} END")
    return [f"{sql} {direction}" for sql in keys]


@dataclass(frozen=True)
class _Parts:
    """The SQL of one query for records, not yet put together."""

    entries: list[Entry]
    visible: list[str]
    hidden: list[str]
    parents: tuple[ParentColumns, ...]
    children: tuple[CompiledChild, ...]
    from_sql: str
    where: str
    order: str


class _Records:
    """One query for records: a statement, or a child query of one."""

    def __init__(self, query: Query, setting: Setting, main: CatalogObject | None = None, depth: int = 1) -> None:
        self.query = query
        self.setting = setting
        self.depth = depth
        self.paths = Paths(setting, query, main)

    def parts(self) -> _Parts:
        """Everything that its SQL consists of."""
        fields = FieldList(self.query, self.paths, self.setting)
        entries = fields.entries()
        children = tuple(
            self._child(selected.what, fields.places[place])
            for place, selected in enumerate(self.query.select)
            if isinstance(selected.what, ChildQuery)
        )
        if len(children) > _MOST_CHILD_QUERIES:
            # from memory
            message = f"Maximum number of child relationships ({_MOST_CHILD_QUERIES}) exceeded"
            raise self.query.place.error(message)
        visible = [f"{entry.sql} AS {quoted('.'.join(entry.column.path))}" for entry in entries]
        hidden, parents = self._hidden(entries)
        where = where_sql(self.query, self.paths, self.setting)
        order = self.order()
        return _Parts(
            entries,
            visible,
            hidden,
            parents,
            children,
            self.paths.from_sql,
            where,
            order,
        )

    def described(self, parts: _Parts, sql: str, record_sql: str) -> CompiledQuery:
        """The compiled query that has these parts and this SQL."""
        return CompiledQuery(
            sql=sql,
            columns=tuple(entry.column for entry in parts.entries),
            counting=lambda: count_records_sql(self.query, self.setting),
            object=self.paths.object.name,
            record_sql=record_sql,
            id_column=len(parts.visible),
            parents=parts.parents,
            children=parts.children,
        )

    def order(self) -> str:
        """ORDER BY, with the Id as last key so that pages of one answer never overlap."""
        keys: list[str] = []
        for one in self.query.order_by:
            if isinstance(one.expression, Call):
                if one.expression.key in AGGREGATES:
                    name = last_name(one.expression)
                    raise one.expression.place.error(f"Ordered field must be grouped or aggregated: {name}")
                column = function_column(one.expression, self.paths.column, self.setting.calendar)
            else:
                resolved = self.paths.resolve(one.expression)
                if "s" not in resolved.abilities:
                    message = f"field '{resolved.path[-1]}' can not be sorted in a query call"
                    raise one.expression.place.error(message)
                column = resolved.column
            keys += sort_keys(column, one)
        return f" ORDER BY {', '.join([*keys, self.paths.id_sql])}" if keys else ""

    def _hidden(self, entries: Sequence[Entry]) -> tuple[list[str], tuple[ParentColumns, ...]]:
        hidden = [f"{self.paths.id_sql} AS {quoted('::id')}"]
        parents = []
        for reached in self.paths.parents:
            if any(entry.column.path[: len(reached.path)] == reached.path for entry in entries):
                label = ".".join(reached.path)
                first = len(entries) + len(hidden)
                hidden.append(f"{reached.id_sql} AS {quoted(label + '::id')}")
                hidden.append(f"{reached.type_sql} AS {quoted(label + '::type')}")
                parents.append(ParentColumns(reached.path, first, first + 1, reached.polymorphic))
        return hidden, tuple(parents)

    def _child(self, what: ChildQuery, before: int) -> CompiledChild:
        """A child query, for many parents at once."""
        query, source = what.query, what.query.source.path
        found = self.paths.object.child(source.names[-1])
        owner = self.setting.catalog.find(found[0]) if found else None
        lookup = owner.field(found[1]) if found and owner else None
        if owner is None or lookup is None or len(query.sources) > 1:
            raise source.place.error(
                f"Didn't understand relationship '{source.names[-1]}' in FROM part of query call. If you are"
                " attempting to use a custom relationship, be sure to append the '__r' after the custom relationship"
                f" name. {_WSDL}",
                code="INVALID_TYPE",
            )
        self._check_child(query)
        records = _Records(query, self.setting, owner, self.depth + 1)
        parent = f"t0.{quoted(lookup.name)}"
        parts = records.parts()
        place = f"row_number() OVER (PARTITION BY {parent}{parts.order or f' ORDER BY {records.paths.id_sql}'})"
        listed = ", ".join(
            [*parts.visible, *parts.hidden, f"{parent} AS {quoted('::parent')}", f"{place} AS {quoted('::place')}"]
        )
        first = query.offset or 0
        kept = [f"{quoted('::place')} > {first}"] if first else []
        kept += [f"{quoted('::place')} <= {first + query.limit}"] if query.limit is not None else []
        return CompiledChild(
            name=self.paths.object.child_name(source.names[-1]),
            before=before,
            query=records.described(parts, sql="", record_sql=""),
            head=f"SELECT {listed} {parts.from_sql} {parts.where}{' AND' if parts.where else 'WHERE'} {parent} IN ",
            tail=f" QUALIFY {' AND '.join(kept)}" if kept else "",
        )

    def _check_child(self, query: Query) -> None:
        if self.depth >= _DEEPEST:
            # from memory
            raise query.place.error(f"SOQL statements cannot query relationships more than {_DEEPEST - 1} levels down")
        if query.group_by is not None or query.is_count:
            raise query.place.error("Aggregate functions and GROUP BY are not allowed in a nested query")  # from memory
        if query.offset is not None and self.query.limit != 1:
            # from memory
            raise query.offset_place.error("OFFSET in a nested query needs LIMIT 1 in the outer one")
        check_clauses(query)
        check_numbers(query)
