"""Turns SOQL conditions into SQL expressions that mean the same.

SOQL is not SQL: text compares without regard to case, an empty text is no value, `!=` and `NOT IN` include records
without a value, `NOT` is the plain opposite, booleans are never missing, Ids come in two lengths, and date literals are
ranges in somebody's time zone. The expressions are plain and vectorise well; values are rendered as literals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sfsync.soql.ast import (
    And,
    Call,
    Comparison,
    Condition,
    CurrencyValue,
    Expression,
    FieldPath,
    Membership,
    Not,
    Or,
    SemiJoin,
    Value,
)
from sfsync.soql.columns import Column, last_name, unsupported
from sfsync.soql.dates import Calendar
from sfsync.soql.functions_sql import Resolve, function_column
from sfsync.soql.predicates import Operand, comparison, equality, includes, like, operand

__all__ = ["Column", "condition_sql"]

ResolveCall = Callable[[Call], Column]
SemiJoinSql = Callable[[SemiJoin], str]


def condition_sql(
    condition: Condition,
    resolve: Resolve,
    now: datetime,
    *,
    calendar: Calendar | None = None,
    resolve_call: ResolveCall | None = None,
    semi_join: SemiJoinSql | None = None,
) -> str:
    """An SQL expression (DuckDB's dialect) that is true for the records that meet the condition.

    Args:
        condition: What to test.
        resolve: The column a field path stands for; raises `SoqlError` for an unknown one.
        now: The moment date literals are relative to; without zone it is UTC.
        calendar: Time zone and fiscal year; UTC and January unless given.
        resolve_call: The column a function stands for; SOQL's date functions unless given.
        semi_join: The SQL expression for `Id IN (SELECT …)`; refused unless given.

    Raises:
        SoqlError: A value does not fit its field, or a field cannot be filtered, in Salesforce's words.
    """
    days = calendar or Calendar()
    compiler = _Compiler(
        resolve,
        now,
        days,
        resolve_call or (lambda call: function_column(call, resolve, days)),
        semi_join or _refuse_semi_join,
    )
    return compiler.sql(condition)


def _refuse_semi_join(node: SemiJoin) -> str:
    raise unsupported(node.left, "A subquery in a condition")


@dataclass(frozen=True, slots=True)
class _Compiler:
    resolve: Resolve
    now: datetime
    calendar: Calendar
    resolve_call: ResolveCall
    semi_join: SemiJoinSql

    def sql(self, node: Condition) -> str:
        match node:
            case And(operands):
                return _joined("AND", [self.sql(operand) for operand in operands])
            case Or(operands):
                return _joined("OR", [self.sql(operand) for operand in operands])
            case Not(operand=inner):
                # Unknown counts as false before it is negated: SOQL's logic has two values.
                return f"(({self.sql(inner)}) IS NOT TRUE)"
            case Comparison():
                return self._comparison(node)
            case Membership():
                return self._membership(node)
            case SemiJoin():
                self._column(node.left)
                return self.semi_join(node)

    def _comparison(self, node: Comparison) -> str:
        column = self._column(node.left)
        if node.operator == "LIKE":
            return like(column, node.left, node.right)
        right = self._operand(column, node.left, node.right)
        if isinstance(node.right, CurrencyValue):
            column = column.in_currency(node.right.code)
        return comparison(column, node.operator, right, node.left)

    def _membership(self, node: Membership) -> str:
        column = self._column(node.left)
        if node.operator in {"INCLUDES", "EXCLUDES"}:
            found = includes(column, node.left, node.values)
            return found if node.operator == "INCLUDES" else f"(({found}) IS NOT TRUE)"
        operands = [self._operand(column, node.left, value) for value in node.values]
        if column.convert and any(isinstance(value, CurrencyValue) for value in node.values):
            found = self.sql(Or(tuple(Comparison(node.left, "=", value) for value in node.values)))
        else:
            found = equality(column, operands)
        return found if node.operator == "IN" else f"(({found}) IS NOT TRUE)"

    def _column(self, expression: Expression) -> Column:
        column = self.resolve(expression) if isinstance(expression, FieldPath) else self.resolve_call(expression)
        if not column.filterable:
            name = column.name or last_name(expression)
            raise expression.place.error(f"field '{name}' can not be filtered in a query call", code="INVALID_FIELD")
        return column

    def _operand(self, column: Column, expression: Expression, value: Value) -> Operand:
        return operand(column, expression, value, self.now, self.calendar)


def _joined(word: str, parts: list[str]) -> str:
    return f"({f' {word} '.join(parts)})"
