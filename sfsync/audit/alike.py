"""Makes a statement mean the same on every engine, where SQLGlot alone carries the words over and not the meaning.

What a rule says is what it says on DuckDB, but for three things that no engine does as people expect: a division by
zero has no value, `TRIM` takes off everything that looks blank, and a whole number is shown without decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from sfsync.audit.kinds import Columns, Kind, Kinds
from sfsync.audit.patterns import for_postgres

#: What Salesforce's users leave in a field that looks empty: spaces, tabs, line ends, no-break spaces.
_BLANKS = (9, 10, 11, 12, 13, 160)

_Mend = Callable[[exp.Expr, Kind], exp.Expr]

_TEXTS = frozenset({exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR})


def alike(statement: exp.Query, dialect: str, tables: Mapping[str, Columns], relations: Columns) -> exp.Query:
    """The statement with the meaning it has on every engine, to be written out in this dialect.

    Args:
        statement: In the portable subset; is changed.
        dialect: SQLGlot's name for the engine's SQL.
        tables: Schema → table → column → type, of what it reads.
        relations: Name → column → type, of what it reads by a bare name and does not define itself.
    """
    kinds = Kinds(tables, relations)
    nodes = [node for node in statement.walk() if type(node) in _MENDS]
    found = [kinds.of(node.this) if type(node) in _BY_KIND else "other" for node in nodes]
    for node, kind in zip(nodes, found, strict=True):
        _mend(node, _MENDS, kind)
    if dialect == "postgres":
        for node in [node for node in statement.walk() if type(node) in _MENDS_FOR_POSTGRES]:
            _mend(node, _MENDS_FOR_POSTGRES, "other")
    return statement


def blanks() -> exp.Expr:
    """A text of every character that looks blank."""
    text: exp.Expr = exp.Literal.string(" ")
    for code in _BLANKS:
        text = exp.DPipe(this=text, expression=exp.Chr(expressions=[exp.Literal.number(code)]), safe=True)
    return text


def _mend(node: exp.Expr, mends: Mapping[type[exp.Expr], _Mend], kind: Kind) -> None:
    """Put what is mended in the node's place; it mostly holds the node itself."""
    mend = mends.get(type(node))
    while mend is not None and isinstance(node, exp.Avg | exp.Filter | exp.Window) and _goes_on(node):
        node = node.parent  # type: ignore[assignment]
    parent, key, index = node.parent, node.arg_key, node.index
    mended = node if mend is None else mend(node, kind)
    if mended is not node and parent is not None and key is not None:
        parent.set(key, mended, index)


def _goes_on(node: exp.Expr) -> bool:
    """Whether a `FILTER` or `OVER` follows, which belongs to the call."""
    return isinstance(node.parent, exp.Filter | exp.Window) and node.arg_key == "this"


def _cast(node: exp.Expr, kind: Kind) -> exp.Expr:
    """A number as a text: 1000 and not 1000.0."""
    if kind != "fraction" or node.args["to"].this not in _TEXTS:
        return node
    pattern, nothing = exp.Literal.string(r"\.0+$"), exp.Literal.string("")
    return exp.RegexpReplace(this=node, expression=pattern, replacement=nothing)


def _extreme(node: exp.Expr, kind: Kind) -> exp.Expr:
    """The largest and the smallest of truth values: whether any is true, and whether all are."""
    if kind != "truth":
        return node
    return (exp.LogicalOr if isinstance(node, exp.Max) else exp.LogicalAnd)(this=node.this)


def _divide(node: exp.Expr, _: Kind) -> exp.Expr:
    """Nothing by zero has no value."""
    divisor = node.expression
    if isinstance(divisor, exp.Nullif) or (isinstance(divisor, exp.Literal) and divisor.this.strip("0.")):
        return node
    node.set("expression", exp.Nullif(this=divisor.unnest(), expression=exp.Literal.number(0)))
    return node


def _trim(node: exp.Expr, _: Kind) -> exp.Expr:
    if node.args.get("expression") is None:
        node.set("expression", blanks())
    return node


def _modulo(node: exp.Expr, _: Kind) -> exp.Expr:
    """The remainder of a fraction: PostgreSQL knows it of decimals alone."""
    node.set("this", exp.cast(node.this, "DECIMAL", copy=False))
    return node


def _round(node: exp.Expr, _: Kind) -> exp.Expr:
    """A half goes away from zero: PostgreSQL rounds it to the even number, unless it is a decimal."""
    node.set("this", exp.cast(node.this, "DECIMAL", copy=False))
    return exp.cast(node, "DOUBLE", copy=False)


def _extract(node: exp.Expr, _: Kind) -> exp.Expr:
    """A part of a date is a whole number; only seconds since 1970 are not."""
    if node.name.casefold() == "epoch":
        return exp.cast(node, "DOUBLE", copy=False)
    return exp.cast(exp.Floor(this=node), "BIGINT", copy=False)


def _beginning(node: exp.Expr, _: Kind) -> exp.Expr:
    """The beginning of a month has no zone: PostgreSQL gives that of a date one."""
    return exp.cast(node, "TIMESTAMP", copy=False)


def _average(node: exp.Expr, _: Kind) -> exp.Expr:
    """Of whole numbers, PostgreSQL gives a decimal of twenty digits."""
    return exp.cast(node, "DOUBLE", copy=False)


def _like(node: exp.Expr, _: Kind) -> exp.Expr:
    """A backslash stands for itself, unless ESCAPE says otherwise."""
    if isinstance(node.parent, exp.Escape):
        return node
    return exp.Escape(this=node, expression=exp.Literal.string(""))


def _matches(node: exp.Expr, _: Kind) -> exp.Expr:
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and pattern.is_string:
        node.set("expression", exp.Literal.string(for_postgres(pattern.this)))
    return node


_MENDS: Mapping[type[exp.Expr], _Mend] = {
    exp.Cast: _cast,
    exp.Max: _extreme,
    exp.Min: _extreme,
    exp.Div: _divide,
    exp.Mod: _divide,
    exp.Trim: _trim,
}
#: What is mended hangs on what is in them.
_BY_KIND = frozenset({exp.Cast, exp.Max, exp.Min})

_MENDS_FOR_POSTGRES: Mapping[type[exp.Expr], _Mend] = {
    exp.Mod: _modulo,
    exp.Round: _round,
    exp.Extract: _extract,
    exp.Avg: _average,
    exp.DateTrunc: _beginning,
    exp.TimestampTrunc: _beginning,
    exp.Like: _like,
    exp.ILike: _like,
    exp.RegexpLike: _matches,
    exp.RegexpReplace: _matches,
}
