"""Expressions of the source: as mappings have them, and what they become in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfsync.mapping.transforms.stage import Kind, Stage, some
from sfsync.store.names import quote

if TYPE_CHECKING:
    from sfsync.mapping.transforms.sql_expression import SqlExpression


class UnusableExpression(ValueError):
    """Not an expression that a field may have; its message says why."""


def expression_of(text: str) -> SqlExpression:
    """An expression that reads one row's columns only. Raises `UnusableExpression`."""
    from sfsync.mapping.transforms.sql_expression import read_expression  # noqa: PLC0415 - SQLGlot takes long to load

    return read_expression(text)


def computed_stage(sql: str) -> tuple[str, Stage]:
    """SQL that computes an expression, and the stage that takes its value as text out of it.

    A row on which the database fails has nothing; one on which it succeeds has a list of one value, which may be
    nothing. Inside a lambda, because DuckDB computes what two expressions share before either, and outside of `TRY`.
    """
    computed = f'TRY(list_transform([TRUE], lambda "~": CAST({sql} AS VARCHAR)))'
    failure = "CASE WHEN {} IS NULL THEN 'the SQL expression fails on this row' END"
    return computed, Stage(Kind.TEXT, lambda x, _: some(f"list_extract({x}, 1)"), lambda x, _r, _y: failure.format(x))


def quoted_source(column: str) -> str:
    """A column of the source table."""
    return f'"source".{quote(column)}'
