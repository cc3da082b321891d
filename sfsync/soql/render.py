"""Writes SOQL trees back as text: `parse(render(query)) == query`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Any

from sfsync.soql import ast

_ESCAPED = str.maketrans({"'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})
_BACKSLASH = str.maketrans({"\\": "\\\\"})


@singledispatch
def render(node: Any) -> str:
    """The SOQL text of a query, a condition, an expression or a value."""
    raise TypeError(f"not a part of a SOQL tree: {node!r}")


# --- values -----------------------------------------------------------------------------------------------------------


@render.register
def _(node: ast.StringValue) -> str:
    return f"'{node.text.translate(_BACKSLASH).translate(_ESCAPED)}'"


@render.register
def _(node: ast.LikePattern) -> str:
    return f"'{node.text.translate(_ESCAPED)}'"


@render.register
def _(node: ast.NumberValue) -> str:
    return _number(node.number)


@render.register
def _(node: ast.CurrencyValue) -> str:
    return node.code + _number(node.amount)


@render.register
def _(node: ast.BooleanValue) -> str:
    return "true" if node.value else "false"


@render.register
def _(_node: ast.NullValue) -> str:
    return "null"


@render.register
def _(node: ast.DateValue) -> str:
    return node.value.isoformat()


@render.register
def _(node: ast.DateTimeValue) -> str:
    return _moment(node.value)


@render.register
def _(node: ast.TimeValue) -> str:
    return f"{node.value.replace(tzinfo=None).isoformat()}Z"


@render.register
def _(node: ast.DateLiteral) -> str:
    return node.name if node.count is None else f"{node.name}:{node.count}"


# --- expressions and conditions ---------------------------------------------------------------------------------------


@render.register
def _(node: ast.FieldPath) -> str:
    return str(node)


@render.register
def _(node: ast.Call) -> str:
    return f"{node.name}({_list(node.arguments)})"


@render.register
def _(node: ast.Comparison) -> str:
    return f"{render(node.left)} {node.operator} {render(node.right)}"


@render.register
def _(node: ast.Membership) -> str:
    return f"{render(node.left)} {node.operator} ({_list(node.values)})"


@render.register
def _(node: ast.SemiJoin) -> str:
    return f"{render(node.left)} {'NOT IN' if node.negated else 'IN'} ({render(node.query)})"


@render.register
def _(node: ast.And) -> str:
    return " AND ".join(_grouped(operand) for operand in node.operands)


@render.register
def _(node: ast.Or) -> str:
    return " OR ".join(_grouped(operand) for operand in node.operands)


@render.register
def _(node: ast.Not) -> str:
    return f"NOT {_grouped(node.operand)}"


# --- the statement ----------------------------------------------------------------------------------------------------


@render.register
def _(node: ast.FieldsOf) -> str:
    return f"FIELDS({node.which})"


@render.register
def _(node: ast.TypeOf) -> str:
    branches = "".join(f" WHEN {branch.object} THEN {_list(branch.fields)}" for branch in node.branches)
    otherwise = f" ELSE {_list(node.otherwise)}" if node.otherwise else ""
    return f"TYPEOF {node.relationship}{branches}{otherwise} END"


@render.register
def _(node: ast.ChildQuery) -> str:
    return f"({render(node.query)})"


@render.register
def _(node: ast.Selected) -> str:
    return _with_alias(render(node.what), node.alias)


@render.register
def _(node: ast.Source) -> str:
    return _with_alias(str(node.path), node.alias)


@render.register
def _(node: ast.WithFlag) -> str:
    return f"WITH {node.name}"


@render.register
def _(node: ast.WithFilter) -> str:
    return f"WITH {node.name} = {render(ast.StringValue(node.value))}"


@render.register
def _(node: ast.WithContext) -> str:
    return f"WITH {node.name} ({', '.join(f'{name}={render(value)}' for name, value in node.settings)})"


@render.register
def _(node: ast.WithDataCategories) -> str:
    return f"WITH DATA CATEGORY {' AND '.join(_category(category) for category in node.categories)}"


@render.register
def _(node: ast.GroupBy) -> str:
    expressions = _list(node.expressions)
    return f"GROUP BY {node.kind}({expressions})" if node.kind else f"GROUP BY {expressions}"


@render.register
def _(node: ast.OrderBy) -> str:
    return f"{render(node.expression)}{' DESC' if node.descending else ''}{' NULLS LAST' if node.nulls_last else ''}"


@render.register
def _(node: ast.Query) -> str:
    clauses = [
        f"SELECT {_list(node.select)} FROM {_list(node.sources)}",
        node.scope and f"USING SCOPE {node.scope}",
        node.where and f"WHERE {render(node.where)}",
        *(render(clause) for clause in node.with_clauses),
        node.group_by and render(node.group_by),
        node.having and f"HAVING {render(node.having)}",
        node.order_by and f"ORDER BY {_list(node.order_by)}",
        None if node.limit is None else f"LIMIT {node.limit}",
        None if node.offset is None else f"OFFSET {node.offset}",
        node.purpose and f"FOR {node.purpose}",
        node.update and f"UPDATE {', '.join(node.update)}",
    ]
    return " ".join(clause for clause in clauses if clause)


def _list(nodes: tuple[Any, ...]) -> str:
    return ", ".join(render(node) for node in nodes)


def _with_alias(text: str, alias: str | None) -> str:
    return text if alias is None else f"{text} {alias}"


def _grouped(condition: ast.Condition) -> str:
    """A condition as an operand: in parentheses if it has operands itself."""
    text = render(condition)
    return f"({text})" if isinstance(condition, ast.And | ast.Or | ast.Not) else text


def _category(category: ast.DataCategory) -> str:
    return f"{category.group} {category.operator} ({', '.join(category.categories)})"


def _number(number: Decimal) -> str:
    return format(number, "f")


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds' if utc.microsecond % 1000 == 0 else 'auto')}Z"
