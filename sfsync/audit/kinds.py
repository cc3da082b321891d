"""Tells of an expression whether it is a number with decimals or a truth value, as far as the statement shows it.

That is all that the meaning of SQL hangs on where engines differ, and it is found where a column comes from; to type a
whole statement would take longer than to run it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from sqlglot import exp

#: Table or relation → column → SQL type, in DuckDB's words.
Columns = Mapping[str, Mapping[str, str]]

#: What an expression is; `other` for whatever else, and for what cannot be told.
Kind = Literal["fraction", "truth", "other"]

_FRACTIONS = frozenset({exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.DECIMAL, exp.DType.BIGDECIMAL})
_OF_TYPE: Mapping[str, Kind] = {"DOUBLE": "fraction", "BOOLEAN": "truth"}

#: They give a number with decimals, whatever they are given.
_MAKE_FRACTIONS = (exp.Div, exp.Avg, exp.PercentileCont, exp.Sqrt, exp.Round, exp.Floor, exp.Ceil)

#: They give a truth value.
_MAKE_TRUTHS = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Boolean, exp.Exists, exp.LogicalOr, exp.LogicalAnd)

#: They give what they are given, one of it, or what comes of several.
_PASS_ON = (
    *(exp.Paren, exp.Alias, exp.Filter, exp.Window, exp.IgnoreNulls, exp.Neg, exp.Abs, exp.Nullif, exp.Max, exp.Min),
    *(exp.Sum, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Coalesce),
    *(exp.Greatest, exp.Least, exp.Subquery),
)


class Kinds:
    """What the expressions of one statement are.

    Args:
        tables: Schema → table → column → type.
        relations: Name → column → type, of what is read by a bare name and not defined in the statement.
    """

    def __init__(self, tables: Mapping[str, Columns], relations: Columns) -> None:
        self._tables = {
            (schema, name.casefold()): _folded(of) for schema, t in tables.items() for name, of in t.items()
        }
        self._relations = {name.casefold(): _folded(columns) for name, columns in relations.items()}
        self._known: dict[int, Kind] = {}

    def of(self, node: exp.Expr) -> Kind:
        """What the expression is."""
        if id(node) not in self._known:
            self._known[id(node)] = "other"  # while it is being found out, for what is defined by itself
            self._known[id(node)] = self._find(node)
        return self._known[id(node)]

    def _find(self, node: exp.Expr) -> Kind:
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Cast):
            kind = node.args["to"].this
            return "fraction" if kind in _FRACTIONS else "truth" if kind is exp.DType.BOOLEAN else "other"
        if isinstance(node, exp.Literal):
            return "fraction" if not node.is_string and not node.this.isdigit() else "other"
        if isinstance(node, _MAKE_FRACTIONS):
            return "fraction"
        if isinstance(node, _MAKE_TRUTHS):
            return "truth"
        return self._any(_given(node))

    def _any(self, nodes: Iterator[exp.Expr]) -> Kind:
        kinds = {self.of(node) for node in nodes}
        return "fraction" if "fraction" in kinds else "truth" if "truth" in kinds else "other"

    def _column(self, column: exp.Column) -> Kind:
        select = column.find_ancestor(exp.Select)
        while select is not None:
            for source in _sources(select):
                if not column.table or source.alias_or_name.casefold() == column.table.casefold():
                    kind = self._in_source(source, column.name.casefold())
                    if kind is not None:
                        return kind
            select = select.find_ancestor(exp.Select)
        return "other"

    def _in_source(self, source: exp.Expr, name: str) -> Kind | None:
        """What a source's column is, or None when it has no such column."""
        if isinstance(source, exp.Table):
            if source.db:
                kind = self._tables.get((source.db.casefold(), source.name.casefold()), {}).get(name)
                return _OF_TYPE.get(kind, "other") if kind else None
            cte = _defined(source)
            if cte is None:
                kind = self._relations.get(source.name.casefold(), {}).get(name)
                return _OF_TYPE.get(kind, "other") if kind else None
            return self._in_query(cte.this, name, _column_names(cte))
        if isinstance(source, exp.Subquery):
            return self._in_query(source.this, name, _column_names(source))
        if isinstance(source, exp.Values) and name in _column_names(source):
            row = source.expressions[0].expressions
            return self.of(row[_column_names(source).index(name)])
        return None

    def _in_query(self, query: exp.Expr, name: str, names: tuple[str, ...]) -> Kind | None:
        if isinstance(query, exp.Subquery):
            return self._in_query(query.this, name, names)
        if isinstance(query, exp.SetOperation):
            names = names or tuple(each.casefold() for each in query.named_selects)
            kinds = [self._in_query(part, name, names) for part in (query.left, query.right)]
            return next((kind for kind in kinds if kind in ("fraction", "truth")), kinds[0])
        if not isinstance(query, exp.Select):
            return None
        names = names or tuple(each.alias_or_name.casefold() for each in query.selects)
        if name in names and names.index(name) < len(query.selects):
            return self.of(query.selects[names.index(name)])
        if "*" in names:
            found = (self._in_source(source, name) for source in _sources(query))
            return next((kind for kind in found if kind is not None), None)
        return None


def _given(node: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions whose kind is that of this one."""
    if isinstance(node, exp.Case):
        yield from (branch.args["true"] for branch in node.args["ifs"])
        if node.args.get("default") is not None:
            yield node.args["default"]
    elif isinstance(node, exp.Subquery | exp.Select) and isinstance(node.unnest(), exp.Select):
        yield from node.unnest().selects[:1]  # type: ignore[attr-defined]
    elif isinstance(node, exp.WithinGroup):
        yield node.this
    elif isinstance(node, _PASS_ON):
        yield node.this
        yield from (other for key in ("expression", "default") if isinstance(other := node.args.get(key), exp.Expr))
        yield from node.expressions


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from_.this
    yield from (join.this for join in select.args.get("joins") or ())


def _column_names(source: exp.Expr) -> tuple[str, ...]:
    """What the columns are called by the alias; empty where that names none."""
    alias = source.args.get("alias")
    return tuple(column.name.casefold() for column in alias.args.get("columns") or ()) if alias is not None else ()


def _defined(source: exp.Table) -> exp.CTE | None:
    """What a bare name stands for in this place, or None for one that the statement does not define."""
    name, node = source.name.casefold(), source.parent
    while node is not None:
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            if cte.alias.casefold() == name and not _holds(cte, source):
                return cte  # type: ignore[no-any-return]
        node = node.parent
    return None


def _holds(cte: exp.Expr, node: exp.Expr) -> bool:
    """Whether the node is part of the definition: then the name means something else."""
    inside: exp.Expr | None = node
    while inside is not None:
        if inside is cte:
            return True
        inside = inside.parent
    return False


def _folded(columns: Mapping[str, str]) -> dict[str, str]:
    return {name.casefold(): kind for name, kind in columns.items()}
