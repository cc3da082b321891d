"""Takes a detour out of a rule's query: its records joined to themselves, when all that was kept of them is their Id.

A rule says which records it judges, and reads them again for their fields. Of one table, both are one look at it; no
engine knows that, because none knows that Ids do not repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

#: What a query of the records that are judged may consist of.
_PLAIN = frozenset({"expressions", "from_", "joins", "where", "kind"})


def straightened(violations: exp.Query, eligible: exp.Query) -> exp.Query | None:
    """The query that finds, with the condition of `eligible` in place of a join with it; None where they need it.

    Args:
        violations: As the rule has it, with its parameters put in; is left alone.
        eligible: As the rule has it, with its parameters put in; is left alone.
    """
    judged = _judged(eligible)
    if judged is None or not _reads_once(violations):
        return None
    query = violations.copy()
    (source,) = _named_eligible(query)
    select = source.find_ancestor(exp.Select)
    detour = None if select is None else _detour(select, source, judged)
    if select is None or detour is None:
        return None
    record = detour.this
    for column in list(select.find_all(exp.Column)):
        if _is(column.table, source.alias_or_name):
            column.replace(exp.column("Id", table=record.alias_or_name))
    select.args["from_"].set("this", record)
    moved = judged.renamed(record.alias_or_name)
    select.set("joins", [*moved.joins, *select.args["joins"][1:]])
    if moved.condition is not None:
        select.where(exp.paren(moved.condition, copy=False), copy=False)
    return query


@dataclass(frozen=True, slots=True)
class _Judged:
    """Records of one table, and nothing of them but the Id.

    Attributes:
        table: Of which they are.
        joins: What else is looked at to tell which.
        condition: Which of them; None for all.
    """

    table: exp.Table
    joins: tuple[exp.Join, ...]
    condition: exp.Expr | None

    @property
    def parts(self) -> tuple[exp.Expr, ...]:
        """What says which records they are."""
        return self.joins if self.condition is None else (*self.joins, self.condition)

    def fits(self, record: str, names: Sequence[str]) -> bool:
        """Whether what says which they are means the same among tables of these names, with the record called so."""
        beside = {join.alias_or_name.casefold() for join in self.joins}
        inside = {name for part in self.parts for name in _names(part)} - beside
        return beside.isdisjoint(names) and inside.isdisjoint((record.casefold(), self.table.alias_or_name.casefold()))

    def renamed(self, alias: str) -> _Judged:
        """The same with another alias of the record."""
        own = replace(
            self,
            joins=tuple(join.copy() for join in self.joins),
            condition=None if self.condition is None else self.condition.copy(),
        )
        for part in own.parts:
            for column in part.find_all(exp.Column):
                if _is(column.table, self.table.alias_or_name):
                    column.set("table", exp.to_identifier(alias))
        return own


def _judged(eligible: exp.Query) -> _Judged | None:
    given = {key for key, value in eligible.args.items() if value}
    if not isinstance(eligible, exp.Select) or given - _PLAIN or "from_" not in given or len(eligible.expressions) != 1:
        return None
    table, where = eligible.args["from_"].this, eligible.args.get("where")
    column = eligible.expressions[0]
    if not isinstance(table, exp.Table) or not table.db or not _is(column.alias_or_name, "record_id"):
        return None
    judged = _Judged(table, tuple(eligible.args.get("joins") or ()), None if where is None else where.this)
    is_id = _is_column(column.unalias(), table.alias_or_name, "Id")
    # Among other tables, nobody could tell whose a column is that does not say it.
    said = all(each.table for part in judged.parts for each in part.find_all(exp.Column))
    return judged if is_id and said and not any(_adds_rows(join) for join in judged.joins) else None


def _detour(select: exp.Select, source: exp.Table, judged: _Judged) -> exp.Join | None:
    """The join that leads from `eligible` back to the table it was made of."""
    joins = select.args.get("joins") or []
    if select.args["from_"].this is not source or not joins or any(_adds_rows(join) for join in joins):
        return None
    first, names = joins[0], _names(select)
    if not isinstance(first.this, exp.Table) or not _is_inner(first) or not _same_table(first.this, judged.table):
        return None
    source_name, record = source.alias_or_name, first.this.alias_or_name
    sides = (first.args["on"].this, first.args["on"].expression)
    if not any(
        _is_column(one, record, "Id") and _is_column(other, source_name, "record_id")
        for one, other in (sides, sides[::-1])
    ):
        return None
    clear = names.count(source_name.casefold()) == 1 and judged.fits(record, names)
    said = all(column.table for column in select.find_all(exp.Column))
    return first if clear and said and not select.is_star else None


def _reads_once(violations: exp.Query) -> bool:
    own = {cte.alias.casefold() for cte in violations.find_all(exp.CTE)}
    return "eligible" not in own and len(_named_eligible(violations)) == 1


def _named_eligible(query: exp.Expr) -> list[exp.Table]:
    return [table for table in query.find_all(exp.Table) if not table.db and _is(table.name, "eligible")]


def _names(query: exp.Expr) -> list[str]:
    """What the tables and sub-queries in it are called."""
    return [each.alias_or_name.casefold() for each in query.find_all(exp.Table, exp.Subquery)]


def _is_inner(join: exp.Join) -> bool:
    return not join.side and join.kind in ("", "INNER") and isinstance(join.args.get("on"), exp.EQ)


def _adds_rows(join: exp.Join) -> bool:
    """Whether it keeps rows without a record at its left, which a condition would take away."""
    return join.side not in ("", "LEFT")


def _same_table(one: exp.Table, other: exp.Table) -> bool:
    return _is(one.name, other.name) and _is(one.db, other.db)


def _is_column(node: exp.Expr, table: str, name: str) -> bool:
    return isinstance(node, exp.Column) and _is(node.table, table) and _is(node.name, name)


def _is(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
