"""Reads SOQL: text in, frozen tree out. The grammar is the whole of Salesforce's published one, for the REST API.

Left out on purpose, because only Apex has it: bind variables, ALL ROWS, FOR UPDATE.
"""

from __future__ import annotations

from sfsync.soql.ast import (
    Call,
    ChildQuery,
    Condition,
    DataCategory,
    FieldPath,
    FieldsOf,
    GroupBy,
    OrderBy,
    Query,
    Selectable,
    Selected,
    Source,
    TypeOf,
    Value,
    When,
    With,
    WithContext,
    WithDataCategories,
    WithFilter,
    WithFlag,
)
from sfsync.soql.cursor import Cursor
from sfsync.soql.parse_conditions import condition, expression
from sfsync.soql.parse_values import string, value, whole_number
from sfsync.soql.place import Place
from sfsync.soql.tokens import Kind

#: Longest statement that Salesforce reads, in characters.
LONGEST_STATEMENT = 100_000

_FIELD_SETS = frozenset({"ALL", "STANDARD", "CUSTOM"})
_CATEGORY_OPERATORS = frozenset({"AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW"})


def parse(text: str) -> Query:
    """The statement that `text` spells. Raises `SoqlError` with Salesforce's code, row and column."""
    if len(text) > LONGEST_STATEMENT:
        message = f"SOQL statements cannot be longer than {LONGEST_STATEMENT} characters."
        raise Place(text, 0).error(message, excerpt=False)
    cursor = Cursor(text)
    query = _select(cursor)
    cursor.expect_end()
    return query


def parse_condition(text: str) -> Condition:
    """The condition that `text` spells: what would stand after WHERE. Raises `SoqlError`."""
    cursor = Cursor(text)
    parsed = condition(cursor, _semi_join_select)
    cursor.expect_end()
    return parsed


def _select(cursor: Cursor) -> Query:
    """Take a whole statement with all its clauses."""
    place = cursor.expect("SELECT").place
    if not (cursor.sees_name() or cursor.sees_operator("(")):
        raise cursor.next.unexpected(since=place)
    select = _select_list(cursor)
    cursor.expect("FROM")
    sources = _sources(cursor)
    scope = _scope(cursor)
    where = condition(cursor, _semi_join_select) if cursor.accepts("WHERE") else None
    with_clauses = _with_clauses(cursor)
    group_by = _group_by(cursor)
    having = condition(cursor, _semi_join_select) if group_by and cursor.accepts("HAVING") else None
    order_by = _order_by(cursor)
    limit, limit_place = _count_after(cursor, "LIMIT")
    offset, offset_place = _count_after(cursor, "OFFSET")
    return Query(
        select=select,
        sources=sources,
        scope=scope,
        where=where,
        with_clauses=with_clauses,
        group_by=group_by,
        having=having,
        order_by=order_by,
        limit=limit,
        offset=offset,
        purpose=_purpose(cursor),
        update=_update(cursor),
        place=place,
        limit_place=limit_place,
        offset_place=offset_place,
    )


def _semi_join_select(cursor: Cursor) -> Query:
    """Take the SELECT of a semi-join: one field, FROM, WHERE."""
    place = cursor.expect("SELECT").place
    selected = Selected(expression(cursor))
    cursor.expect("FROM")
    sources = _sources(cursor)
    scope = _scope(cursor)
    where = condition(cursor, _semi_join_select) if cursor.accepts("WHERE") else None
    return Query((selected,), sources, scope, where, place=place)


def _select_list(cursor: Cursor) -> tuple[Selected, ...]:
    if cursor.sees("COUNT") and cursor.ahead(1).text == "(" and cursor.ahead(2).text == ")":
        name = cursor.take()
        cursor.take()
        cursor.take()
        return (Selected(Call(name.text, (), place=name.place)),)
    entries = [_selected(cursor)]
    while cursor.accepts_operator(","):
        entries.append(_selected(cursor))
    return tuple(entries)


def _selected(cursor: Cursor) -> Selected:
    what = _selectable(cursor)
    alias = cursor.take().text if cursor.sees_name() and "." not in cursor.next.text else None
    return Selected(what, alias)


def _selectable(cursor: Cursor) -> Selectable:
    place = cursor.next.place
    if cursor.accepts_operator("("):
        with cursor.nested():
            query = _select(cursor)
        cursor.expect_operator(")")
        return ChildQuery(query, place=place)
    if cursor.sees("TYPEOF") and cursor.ahead(2).key == "WHEN":
        return _type_of(cursor)
    if cursor.sees("FIELDS") and cursor.ahead(1).text == "(":
        return _fields_of(cursor)
    return expression(cursor)


def _fields_of(cursor: Cursor) -> FieldsOf:
    place = cursor.take().place
    cursor.expect_operator("(")
    which = cursor.next
    if which.key not in _FIELD_SETS:
        raise which.unexpected("FIELDS takes ALL, STANDARD or CUSTOM.")
    cursor.take()
    cursor.expect_operator(")")
    return FieldsOf(which.key, place=place)


def _type_of(cursor: Cursor) -> TypeOf:
    place = cursor.take().place
    relationship = cursor.path()
    branches = []
    while cursor.sees("WHEN"):
        when = cursor.take()
        name = cursor.name()
        cursor.expect("THEN")
        branches.append(When(name.text, _paths(cursor), place=when.place))
    otherwise = _paths(cursor) if cursor.accepts("ELSE") else ()
    cursor.expect("END")
    return TypeOf(relationship, tuple(branches), otherwise, place=place)


def _paths(cursor: Cursor) -> tuple[FieldPath, ...]:
    paths = [cursor.path()]
    while cursor.accepts_operator(","):
        paths.append(cursor.path())
    return tuple(paths)


def _sources(cursor: Cursor) -> tuple[Source, ...]:
    sources = [_source(cursor)]
    while cursor.accepts_operator(","):
        sources.append(_source(cursor))
    return tuple(sources)


def _source(cursor: Cursor) -> Source:
    path = cursor.path()
    if cursor.accepts("AS"):
        return Source(path, cursor.name().text)
    return Source(path, cursor.take().text if _sees_source_alias(cursor) else None)


def _sees_source_alias(cursor: Cursor) -> bool:
    """Whether an alias comes next: some words that begin a clause may also name things."""
    if not cursor.sees_name() or "." in cursor.next.text:
        return False
    if cursor.sees("GROUP", "BY") or cursor.sees("ORDER", "BY"):
        return False
    after = cursor.ahead(1)
    number_follows = after.kind is Kind.INTEGER or (after.kind is Kind.OPERATOR and after.text in {"+", "-"})
    return not (cursor.sees("OFFSET") and number_follows)


def _scope(cursor: Cursor) -> str | None:
    if not cursor.accepts("USING"):
        return None
    cursor.expect("SCOPE")
    return cursor.name().text


def _with_clauses(cursor: Cursor) -> tuple[With, ...]:
    clauses = []
    while cursor.sees("WITH"):
        place = cursor.take().place
        clauses.append(_with_clause(cursor, place))
    return tuple(clauses)


def _with_clause(cursor: Cursor, place: Place) -> With:
    if cursor.accepts("DATA", "CATEGORY"):
        categories = [_data_category(cursor)]
        while cursor.accepts("AND"):
            categories.append(_data_category(cursor))
        return WithDataCategories(tuple(categories), place=place)
    name = cursor.path()
    if cursor.accepts_operator("="):
        return WithFilter(str(name), string(cursor).text, place=place)
    if cursor.accepts_operator("("):
        settings = [_setting(cursor)]
        while cursor.accepts_operator(","):
            settings.append(_setting(cursor))
        cursor.expect_operator(")")
        return WithContext(str(name), tuple(settings), place=place)
    return WithFlag(str(name), place=place)


def _setting(cursor: Cursor) -> tuple[str, Value]:
    name = cursor.name().text
    cursor.expect_operator("=")
    return name, value(cursor)


def _data_category(cursor: Cursor) -> DataCategory:
    group = str(cursor.path())
    operator = cursor.next
    if operator.key not in _CATEGORY_OPERATORS:
        raise operator.unexpected()
    cursor.take()
    if not cursor.accepts_operator("("):
        return DataCategory(group, operator.key, (str(cursor.path()),))
    categories = tuple(str(path) for path in _paths(cursor))
    cursor.expect_operator(")")
    return DataCategory(group, operator.key, categories)


def _group_by(cursor: Cursor) -> GroupBy | None:
    if not cursor.accepts("GROUP", "BY"):
        return None
    kind = cursor.next.key if cursor.next.key in {"ROLLUP", "CUBE"} else ""
    if kind:
        cursor.take()
        cursor.expect_operator("(")
    expressions = [expression(cursor)]
    while cursor.accepts_operator(","):
        expressions.append(expression(cursor))
    if kind:
        cursor.expect_operator(")")
    return GroupBy(tuple(expressions), kind)


def _order_by(cursor: Cursor) -> tuple[OrderBy, ...]:
    if not cursor.accepts("ORDER", "BY"):
        return ()
    keys = [_sort_key(cursor)]
    while cursor.accepts_operator(","):
        keys.append(_sort_key(cursor))
    return tuple(keys)


def _sort_key(cursor: Cursor) -> OrderBy:
    what = expression(cursor)
    descending = cursor.accepts("DESC")
    if not descending:
        cursor.accepts("ASC")
    nulls_last = False
    if cursor.accepts("NULLS"):
        nulls_last = cursor.accepts("LAST")
        if not nulls_last:
            cursor.expect("FIRST")
    return OrderBy(what, descending, nulls_last)


def _count_after(cursor: Cursor, word: str) -> tuple[int | None, Place]:
    if not cursor.accepts(word):
        return None, cursor.next.place
    place = cursor.next.place
    return whole_number(cursor), place


def _purpose(cursor: Cursor) -> str | None:
    if not cursor.accepts("FOR"):
        return None
    purpose = cursor.next
    if purpose.key not in {"VIEW", "REFERENCE"}:
        raise purpose.unexpected()
    return cursor.take().key


def _update(cursor: Cursor) -> tuple[str, ...]:
    if not cursor.accepts("UPDATE"):
        return ()
    kinds = [_tracking(cursor)]
    while cursor.accepts_operator(","):
        kinds.append(_tracking(cursor))
    return tuple(kinds)


def _tracking(cursor: Cursor) -> str:
    kind = cursor.next
    if kind.key not in {"TRACKING", "VIEWSTAT"}:
        raise kind.unexpected()
    return cursor.take().key
