"""Walks through a condition: its single tests, and the fields they name."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.soql.ast import (
    And,
    Call,
    Comparison,
    Condition,
    Expression,
    FieldPath,
    Membership,
    Not,
    Or,
    SemiJoin,
    Value,
)

Test = Comparison | Membership | SemiJoin


def tests_in(condition: Condition) -> Iterator[Test]:
    """Every single test of a condition, in the order of the text."""
    match condition:
        case And(operands) | Or(operands):
            for each in operands:
                yield from tests_in(each)
        case Not(operand):
            yield from tests_in(operand)
        case _:
            yield condition


def paths_in(condition: Condition) -> Iterator[FieldPath]:
    """Every field that a condition names, in the order of the text; those inside sub-selects are left out."""
    for test in tests_in(condition):
        yield from named_in(test.left)


def named_in(expression: Expression) -> Iterator[FieldPath]:
    """Every field that an expression names: one, unless a function takes several."""
    if isinstance(expression, FieldPath):
        yield expression
        return
    for argument in expression.arguments:
        if isinstance(argument, FieldPath | Call):
            yield from named_in(argument)


def values_in(test: Test) -> tuple[Value, ...]:
    """What a test compares with; nothing for a sub-select."""
    match test:
        case Comparison(right=right):
            return (right,)
        case Membership(values=values):
            return values
        case _:
            return ()
