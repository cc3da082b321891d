"""Queries that answer with AggregateResults: aggregate functions, GROUP BY, HAVING."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sfsync.fake.evaluate.compiled import CompiledQuery, SelectedColumn
from sfsync.fake.evaluate.filter import where_sql
from sfsync.fake.evaluate.paths import Paths, Resolved
from sfsync.fake.evaluate.records import limit_sql, sort_keys
from sfsync.fake.evaluate.setting import Setting
from sfsync.soql.ast import Call, Expression, FieldPath, Query, Selected
from sfsync.soql.columns import Column, Family, last_name
from sfsync.soql.condition_sql import condition_sql
from sfsync.soql.functions_sql import AGGREGATES, DATE_FUNCTIONS, FORMATTING, formatted, function_column
from sfsync.soql.sql_literals import quoted

_SUMMABLE = frozenset({Family.NUMBER, Family.INTEGER})


def is_aggregate(query: Query) -> bool:
    """Whether the answer holds AggregateResults."""
    return query.group_by is not None or any(_is_aggregate_call(selected.what) for selected in query.select)


def compile_groups(query: Query, setting: Setting) -> CompiledQuery:
    """A query for AggregateResults, compiled; raises `SoqlError`."""
    if query.group_by is None and query.limit is not None:
        message = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
        raise query.place.error(message, excerpt=False)
    groups = _Groups(query, setting)
    entries = groups.entries()
    where = where_sql(query, groups.paths, setting)
    having = groups.having()
    order = groups.order()
    listed = ", ".join(f"{sql} AS {quoted(column.path[0])}" for sql, column in entries)
    sql = f"SELECT {listed} {groups.paths.from_sql} {where}{groups.clause}{having}{order}{limit_sql(query)}"
    return CompiledQuery(
        sql=sql,
        columns=tuple(column for _, column in entries),
        counting=lambda: f"SELECT count(*) FROM ({sql})",
        object=groups.paths.object.name,
        is_aggregate=True,
        record_sql=sql,
    )


def _is_aggregate_call(what: object) -> bool:
    while isinstance(what, Call):
        if what.key in AGGREGATES:
            return True
        what = what.arguments[0] if what.arguments else None
    return False


@dataclass(frozen=True, slots=True)
class _Group:
    """One thing that is grouped by.

    Attributes:
        identity: The same for two expressions that mean the same.
        key: The SQL expression in GROUP BY.
        shown: The column of the group's value.
    """

    identity: tuple[str, ...]
    key: str
    shown: Column


@dataclass(frozen=True)
class _Groups:
    """The groups of one query, and what may be said of each."""

    query: Query
    setting: Setting

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.setting, self.query)

    @cached_property
    def groups(self) -> tuple[_Group, ...]:
        expressions = self.query.group_by.expressions if self.query.group_by else ()
        return tuple(self._group(expression) for expression in expressions)

    @property
    def clause(self) -> str:
        """The GROUP BY clause, with a blank before it."""
        if self.query.group_by is None:
            return ""
        keys = ", ".join(dict.fromkeys(group.key for group in self.groups))
        kind = self.query.group_by.kind
        return f" GROUP BY {kind}({keys})" if kind else f" GROUP BY {keys}"

    def entries(self) -> list[tuple[str, SelectedColumn]]:
        """The output columns."""
        entries: list[tuple[str, SelectedColumn]] = []
        unnamed = 0
        names: set[str] = set()
        for selected in self.query.select:
            column = self._selected(selected)
            name = selected.alias or (column.name if isinstance(selected.what, FieldPath) else "")
            if not name:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            if name.casefold() in names:
                raise selected.what.place.error(f"duplicate alias: {name}", excerpt=False)
            names.add(name.casefold())
            entries.append((column.sql, SelectedColumn((name,), column.type, selected.alias)))
        return entries

    def having(self) -> str:
        """The HAVING clause, with a blank before it."""
        if self.query.having is None:
            return ""
        condition = condition_sql(
            self.query.having,
            self.column,
            self.setting.now,
            calendar=self.setting.calendar,
            resolve_call=self.column,
        )
        return f" HAVING {condition}"

    def order(self) -> str:
        """The ORDER BY clause, with a blank before it; groups come in the order of their keys unless told otherwise."""
        keys: list[str] = []
        for one in self.query.order_by:
            keys += sort_keys(self.column(one.expression, "Ordered field"), one)
        keys += [f"{group.key} NULLS FIRST" for group in self.groups]
        return f" ORDER BY {', '.join(dict.fromkeys(keys))}" if keys else ""

    def column(self, expression: Expression, what: str = "Field") -> Column:
        """What an expression stands for in a group; raises `SoqlError`, calling the expression `what`."""
        if isinstance(expression, Call):
            if expression.key in AGGREGATES:
                return self._aggregate(expression)
            inner = expression.arguments[0] if expression.arguments else None
            if expression.key in FORMATTING and isinstance(inner, FieldPath | Call):
                return formatted(expression, self.column(inner, what), self.setting.calendar)
        identity = self._identity(expression)
        found = next((group for group in self.groups if group.identity == identity), None)
        if found is None:
            raise expression.place.error(f"{what} must be grouped or aggregated: {last_name(expression)}")
        return found.shown

    def _selected(self, selected: Selected) -> Column:
        what = selected.what
        if not isinstance(what, FieldPath | Call):
            raise what.place.error("Only fields and functions can be selected in a grouped query")
        return self.column(what)

    def _group(self, expression: Expression) -> _Group:
        if isinstance(expression, Call):
            if expression.key not in DATE_FUNCTIONS:
                raise expression.place.error(f"Invalid function in GROUP BY: {expression.name}")
            column = function_column(expression, self.paths.column, self.setting.calendar)
            return _Group(self._identity(expression), column.sql, column)
        resolved = self.paths.resolve(expression)
        column = resolved.column
        if "g" not in resolved.abilities:
            raise expression.place.error(f"field '{column.name}' can not be grouped in a query call")
        if column.family is not Family.TEXT:
            return _Group(resolved.key, column.key, Column(column.key, column.type, column.name))
        # Spellings that differ in case are one group; it goes by the first of them. A subtotal has no value at all.
        shown = f"CASE WHEN grouping({column.key}) = 0 THEN min({column.sql}) END"
        return _Group(resolved.key, column.key, Column(shown, column.type, column.name, picklist=column.picklist))

    def _identity(self, expression: Expression) -> tuple[str, ...]:
        """The same for two expressions that mean the same."""
        if isinstance(expression, FieldPath):
            return self.paths.resolve(expression).key
        inner = expression.arguments[0] if expression.arguments else None
        if not isinstance(inner, FieldPath | Call):
            raise expression.place.error(f"Invalid function: {expression.name}")
        return (f"{expression.key}()", *self._identity(inner))

    def _aggregate(self, call: Call) -> Column:
        argument = call.arguments[0] if call.arguments else None
        if not isinstance(argument, FieldPath):
            raise call.place.error(f"{call.name} takes one field")
        resolved = self.paths.resolve(argument)
        if call.key == "GROUPING":
            identity = self._identity(argument)
            found = next((group for group in self.groups if group.identity == identity), None)
            if found is None:
                raise call.place.error(f"Field must be grouped: {resolved.column.name}")
            return Column(f"grouping({found.key})", "int")
        return _aggregate_column(call, resolved, self.setting.for_totals(resolved.column))


def _aggregate_column(call: Call, resolved: Resolved, column: Column) -> Column:
    summing = call.key in {"SUM", "AVG"}
    if "a" not in resolved.abilities or (summing and column.family not in _SUMMABLE):
        raise call.place.error(f"field {column.name} does not support aggregate operator {call.key}")
    text = column.family is Family.TEXT
    whole = column.family is Family.INTEGER
    sql, kind = {
        "COUNT": (f"count({column.sql})", "int"),
        "COUNT_DISTINCT": (f"count(DISTINCT {column.key})", "int"),
        "SUM": (f"CAST(sum({column.sql}) AS {'BIGINT' if whole else 'DOUBLE'})", "long" if whole else column.type),
        "AVG": (f"avg({column.sql})", "double"),
        "MIN": (f"arg_min({column.sql}, {column.key})" if text else f"min({column.sql})", column.type),
        "MAX": (f"arg_max({column.sql}, {column.key})" if text else f"max({column.sql})", column.type),
    }[call.key]
    return Column(sql, kind, column.name, scale=column.scale, iso_code=column.iso_code)
