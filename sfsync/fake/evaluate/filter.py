"""The WHERE of a SOQL query as SQL: its condition, semi-joins, and the records that a plain query does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sfsync.errors import SoqlError
from sfsync.fake.evaluate.catalog import Catalog
from sfsync.fake.evaluate.paths import Paths
from sfsync.soql.ast import And, Condition, FieldPath, Not, Or, Query, Selectable, SemiJoin, WithFlag
from sfsync.soql.columns import Column, Family
from sfsync.soql.condition_sql import condition_sql
from sfsync.soql.dates import Calendar
from sfsync.soql.place import Place
from sfsync.soql.sql_literals import quoted

#: Objects whose archived records only `queryAll` shows.
_ARCHIVING = frozenset({"Task", "Event"})

#: Semi-joins that one WHERE may hold.
_MOST_SEMI_JOINS = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """The circumstances of a query.

    Attributes:
        catalog: The org's objects.
        now: The org's time.
        calendar: The user's time zone and the org's fiscal year.
        all_rows: Whether deleted and archived records are shown (`queryAll`).
    """

    catalog: Catalog
    now: datetime
    calendar: Calendar
    all_rows: bool


def where_sql(query: Query, paths: Paths, setting: Setting) -> str:
    """The WHERE clause, empty when everything is shown; raises `SoqlError`."""
    conditions = [] if setting.all_rows else list(_shown(paths))
    if query.where is not None:
        _check_semi_joins(query.where)
        conditions.append(
            condition_sql(
                query.where,
                paths.column,
                setting.now,
                calendar=setting.calendar,
                semi_join=lambda node: _semi_join_sql(node, paths, setting),
            )
        )
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _shown(paths: Paths) -> Iterator[str]:
    hiding = ["IsDeleted"] + (["IsArchived"] if paths.object.name in _ARCHIVING else [])
    for name in hiding:
        if paths.object.field(name) is not None:
            yield f"t0.{quoted(name)} IS NOT TRUE"


def _semi_join_sql(node: SemiJoin, paths: Paths, setting: Setting) -> str:
    left = _id_field(node.left, paths, "left operand field in the where expression for outer query")
    inner_paths = Paths(setting.catalog, node.query)
    inner = _id_field(node.query.select[0].what, inner_paths, "inner select field")
    where = where_sql(node.query, inner_paths, setting)
    where += f" {'AND' if where else 'WHERE'} {inner.sql} IS NOT NULL"
    test = f"{left.sql} IN (SELECT {inner.sql} {inner_paths.from_sql} {where})"
    # The opposite holds as well for records that point to nothing.
    return f"(({test}) IS NOT TRUE)" if node.negated else f"({test})"


def _id_field(what: Selectable, paths: Paths, role: str) -> Column:
    if not isinstance(what, FieldPath):
        raise what.place.error(f"The {role} should be an id field, cannot use a function")
    column = paths.column(what)
    if column.family is not Family.ID:
        raise what.place.error(f"The {role} should be an id field, cannot use: '{column.name}'")
    return column


def _check_semi_joins(where: Condition) -> None:
    """What Salesforce allows: two at most, joined by AND, none inside another."""
    found = list(_semi_joins(where))
    for node, joined_by_and in found:
        place = node.left.place
        if not joined_by_and:
            raise place.error("Semi join sub-selects are not allowed with the 'OR' operator")
        if node.query.where is not None and any(True for _ in _semi_joins(node.query.where)):
            raise place.error("Nesting of semi join sub-selects is not supported")
    if len(found) > _MOST_SEMI_JOINS:
        raise found[_MOST_SEMI_JOINS][0].left.place.error(
            f"Maximum {_MOST_SEMI_JOINS} semi join sub-selects are allowed"
        )


def _semi_joins(node: Condition, *, joined_by_and: bool = True) -> Iterator[tuple[SemiJoin, bool]]:
    """Every semi-join, and whether nothing but AND stands above it."""
    match node:
        case SemiJoin():
            yield node, joined_by_and
        case And(operands):
            for operand in operands:
                yield from _semi_joins(operand, joined_by_and=joined_by_and)
        case Or(operands):
            for operand in operands:
                yield from _semi_joins(operand, joined_by_and=False)
        case Not(operand=inner):
            yield from _semi_joins(inner, joined_by_and=joined_by_and)


def not_in_this_org(place: Place, what: str) -> SoqlError:
    """The error for what Salesforce does and the fake org does not."""
    return place.error(f"{what} is not supported by this fake org", code="FUNCTIONALITY_NOT_ENABLED")


def check_clauses(query: Query) -> None:
    """Refuse the clauses whose meaning the fake org does not know, rather than answer as if they were not there."""
    if query.scope is not None and query.scope.casefold() != "everything":
        raise not_in_this_org(query.source.path.place, f"USING SCOPE {query.scope}")
    for clause in query.with_clauses:
        if isinstance(clause, WithFlag):
            # SECURITY_ENFORCED, USER_MODE and SYSTEM_MODE are for Apex, which knows whose permissions are meant.
            raise clause.place.error(f"{clause.name} not allowed in this context")
        raise not_in_this_org(clause.place, "This WITH clause")
