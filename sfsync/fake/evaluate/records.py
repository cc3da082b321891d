"""Queries that answer with records: field lists, parent paths, sorting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.errors import SoqlError
from sfsync.fake.evaluate.compiled import CompiledQuery, ParentColumns, SelectedColumn
from sfsync.fake.evaluate.filter import Setting, not_in_this_org, where_sql
from sfsync.fake.evaluate.paths import Paths, Resolved
from sfsync.soql.ast import Call, ChildQuery, Expression, FieldPath, FieldsOf, OrderBy, Query, Selected, TypeOf
from sfsync.soql.columns import Column, Family, last_name
from sfsync.soql.functions_sql import function_column
from sfsync.soql.place import Place
from sfsync.soql.sql_literals import quoted, text_literal

#: Most records of a statement with FIELDS(ALL) or FIELDS(CUSTOM).
_MOST_WITH_ALL_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One output column and where the statement asks for it."""

    sql: str
    column: SelectedColumn
    place: Place


def compile_records(query: Query, setting: Setting) -> CompiledQuery:
    """A query for records, compiled; raises `SoqlError`."""
    paths = Paths(setting.catalog, query)
    entries = [entry for selected in query.select for entry in _entries(selected, query, paths, setting)]
    _refuse_duplicates(entries)
    parents = [reached for reached in paths.parents if _is_shown(reached.path, entries)]
    where = where_sql(query, paths, setting)
    order = _order_sql(query, paths, setting)
    tail = f"{paths.from_sql} {where}{order}{limit_sql(query)}"
    visible = [f"{entry.sql} AS {quoted('.'.join(entry.column.path))}" for entry in entries]
    hidden = [f"{paths.id_sql} AS {quoted(':id')}"]
    described = []
    for reached in parents:
        label = ".".join(reached.path)
        first = len(visible) + len(hidden)
        hidden += [f"{reached.id_sql} AS {quoted(label + ':id')}", f"{reached.type_sql} AS {quoted(label + ':type')}"]
        described.append(ParentColumns(reached.path, first, first + 1))
    return CompiledQuery(
        sql=f"SELECT {', '.join(visible)} {tail}",
        columns=tuple(entry.column for entry in entries),
        count_sql=count_records_sql(query, setting),
        object=paths.object.name,
        record_sql=f"SELECT {', '.join(visible + hidden)} {tail}",
        id_column=len(visible),
        parents=tuple(described),
    )


def compile_count(query: Query, setting: Setting) -> CompiledQuery:
    """`SELECT COUNT() FROM …`, compiled."""
    if query.group_by is not None:
        raise query.place.error("COUNT() cannot be used with GROUP BY; use COUNT(Id)")
    if query.order_by:
        key = query.order_by[0].expression
        raise key.place.error(f"Ordered field must be grouped or aggregated: {last_name(key)}")
    sql = count_records_sql(query, setting)
    name = Paths(setting.catalog, query).object.name
    return CompiledQuery(sql, (), sql, name, is_count=True, record_sql=sql)


def count_records_sql(query: Query, setting: Setting) -> str:
    """How many records a query gives, with its LIMIT and OFFSET, joining only what its WHERE needs."""
    paths = Paths(setting.catalog, query)
    where = where_sql(query, paths, setting)
    limit = limit_sql(query)
    source = f"{paths.from_sql} {where}"
    return f"SELECT count(*) FROM (SELECT 1 {source}{limit})" if limit else f"SELECT count(*) {source}"


def limit_sql(query: Query) -> str:
    """LIMIT and OFFSET, with a blank before each."""
    limit = "" if query.limit is None else f" LIMIT {query.limit}"
    return limit if query.offset is None else f"{limit} OFFSET {query.offset}"


def sort_keys(column: Column, key: OrderBy) -> list[str]:
    """The SQL sort keys for one column: picklists sort as they are set up, text without regard to case."""
    direction = f"{'DESC' if key.descending else 'ASC'} NULLS {'LAST' if key.nulls_last else 'FIRST'}"
    keys = [column.key]
    if column.picklist and column.family is Family.TEXT:
        listed = ", ".join(f"lower({text_literal(value)})" for value in column.picklist)
        position = f"coalesce(nullif(list_position([{listed}], {column.key}), 0), {len(column.picklist) + 1})"
        keys.insert(0, f"CASE WHEN {column.sql} IS NOT NULL THEN {position} END")
    return [f"{sql} {direction}" for sql in keys]


def _entries(selected: Selected, query: Query, paths: Paths, setting: Setting) -> list[Entry]:
    """The output columns of one entry of the field list."""
    what = selected.what
    if isinstance(what, ChildQuery):
        raise _child_query(what, paths)
    if isinstance(what, TypeOf):
        raise not_in_this_org(what.place, "TYPEOF")
    if isinstance(what, FieldsOf):
        return _field_set(what, query, paths)
    if isinstance(what, Call):
        column = function_column(what, paths.column, setting.calendar)
        path = (selected.alias,) if selected.alias else _inner_path(what, paths)
        return [Entry(column.sql, SelectedColumn(path, column.type, selected.alias), what.place)]
    if selected.alias is not None:
        raise what.place.error("Only aggregate expressions use field aliasing")
    return [_entry(paths.resolve(what), what.place)]


def _entry(field: Resolved, place: Place) -> Entry:
    return Entry(field.column.sql, SelectedColumn(field.path, field.column.type), place)


def _inner_path(call: Call, paths: Paths) -> tuple[str, ...]:
    """Where the value of a function without alias goes: to the place of the field it is about."""
    what: Expression = call
    while isinstance(what, Call):
        what = next(argument for argument in what.arguments if isinstance(argument, FieldPath | Call))
    return paths.resolve(what).path


def _field_set(what: FieldsOf, query: Query, paths: Paths) -> list[Entry]:
    if what.which != "STANDARD" and (query.limit is None or query.limit > _MOST_WITH_ALL_FIELDS):
        message = f"The SOQL FIELDS function must have a LIMIT of at most {_MOST_WITH_ALL_FIELDS}"
        raise what.place.error(message, excerpt=False)
    custom = {"ALL": (False, True), "STANDARD": (False,), "CUSTOM": (True,)}[what.which]
    fields = [field for field in paths.every_field() if field.path[-1].endswith("__c") in custom]
    return [_entry(field, what.place) for field in fields]


def _child_query(what: ChildQuery, paths: Paths) -> SoqlError:
    source = what.query.source.path
    if paths.object.child(source.names[-1]) is not None:
        return not_in_this_org(what.place, "A subquery in the field list")
    return source.place.error(
        f"Didn't understand relationship '{source.names[-1]}' in FROM part of query call. If you are attempting to use"
        " a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your"
        " WSDL or the describe call for the appropriate names.",
        code="INVALID_TYPE",
    )


def _refuse_duplicates(entries: Sequence[Entry]) -> None:
    seen: set[tuple[str, ...]] = set()
    for entry in entries:
        key = tuple(name.casefold() for name in entry.column.path)
        if key in seen:
            message = f"duplicate field selected: {'.'.join(entry.column.path)}"
            raise entry.place.error(message, code="INVALID_FIELD", excerpt=False)
        seen.add(key)


def _is_shown(path: tuple[str, ...], entries: Sequence[Entry]) -> bool:
    return any(entry.column.path[: len(path)] == path for entry in entries)


def _order_sql(query: Query, paths: Paths, setting: Setting) -> str:
    """ORDER BY, with the Id as last key so that pages of one answer never overlap."""
    keys: list[str] = []
    for one in query.order_by:
        if isinstance(one.expression, Call):
            column = function_column(one.expression, paths.column, setting.calendar)
        else:
            resolved = paths.resolve(one.expression)
            if "s" not in resolved.abilities:
                message = f"field '{resolved.path[-1]}' can not be sorted in a query call"
                raise one.expression.place.error(message)
            column = resolved.column
        keys += sort_keys(column, one)
    return f" ORDER BY {', '.join([*keys, paths.id_sql])}" if keys else ""
