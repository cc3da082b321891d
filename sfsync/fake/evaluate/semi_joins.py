"""What Salesforce allows of semi-joins: `Id IN (SELECT …)`."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.fake.evaluate.paths import Paths, Resolved
from sfsync.soql.ast import And, Condition, FieldPath, Not, Or, Selectable, SemiJoin
from sfsync.soql.columns import Column, Family

#: Semi-joins that one WHERE may hold.
_MOST = 2


def check_semi_joins(where: Condition) -> None:
    """Two at most, joined by AND, none inside another; raises `SoqlError`."""
    found = list(_semi_joins(where))
    for node, joined_by_and in found:
        place = node.left.place
        if not joined_by_and:
            raise place.error("Semi join sub-selects are not allowed with the 'OR' operator")
        if node.query.where is not None and any(True for _ in _semi_joins(node.query.where)):
            raise place.error("Nesting of semi join sub-selects is not supported")
    if len(found) > _MOST:
        raise found[_MOST][0].left.place.error(f"Maximum {_MOST} semi join sub-selects are allowed")


def semi_join_sides(node: SemiJoin, outer: Paths, inner: Paths) -> tuple[Column, Column]:
    """The Id fields that a semi-join compares; raises `SoqlError` when they cannot mean the same records."""
    left = _id_field(node.left, outer, "left operand field in the where expression for outer query")
    selected = node.query.select[0].what
    right = _id_field(selected, inner, "inner select field")
    if outer.object.name == inner.object.name:
        raise node.query.source.path.place.error(
            "The inner and outer selects should not be on the same object type"  # from memory
        )
    if left.points_to.isdisjoint(right.points_to):
        raise selected.place.error(  # from memory
            f"The selected field '{right.column.name}' in the subquery and the left operand field '{left.column.name}'"
            " in the where expression in the outer query should point to the same object type"
        )
    return left.column, right.column


def _id_field(what: Selectable, paths: Paths, role: str) -> Resolved:
    if not isinstance(what, FieldPath):
        raise what.place.error(f"The {role} should be an id field, cannot use a function")
    resolved = paths.resolve(what)
    if resolved.column.family is not Family.ID:
        raise what.place.error(f"The {role} should be an id field, cannot use: '{resolved.column.name}'")
    return resolved


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
