"""A SOQL query as SQL, with what is needed to put its answer into Salesforce's shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """A column of a TYPEOF: it is shown where the record at `depth` steps of its path is one of `objects`."""

    depth: int
    objects: frozenset[str]


@dataclass(frozen=True, slots=True)
class SelectedColumn:
    """One column of the answer.

    Attributes:
        path: Where the value goes in the record, spelled as the org spells it: `("Account", "Name")`. For a column with
            an alias, and for everything in an AggregateResult, one key: the alias, the field, or `expr0`.
        type: Salesforce's describe type of the value; `address` and `location` are structs.
        alias: The alias of the statement, or None.
        only: On which records it is shown, when not on all.
        is_long_text: Whether it is a text too long to be filtered by.
    """

    path: tuple[str, ...]
    type: str
    alias: str | None = None
    only: OnlyFor | None = None
    is_long_text: bool = False


@dataclass(frozen=True, slots=True)
class ParentColumns:
    """Where `record_sql` tells whether a parent record is there, and which it is.

    Attributes:
        path: Of the parent, as the org spells it: `("Account", "Owner")`.
        id_column: Index of the column with the parent's Id; NULL when there is none.
        type_column: Index of the column with the parent's object name.
        polymorphic: The lookup may point to one of several objects. Salesforce then calls the parent a `Name`, unless a
            TYPEOF asks what it really is.
    """

    path: tuple[str, ...]
    id_column: int
    type_column: int
    polymorphic: bool = False


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """One SOQL query, ready for DuckDB.

    Attributes:
        sql: A SELECT with one typed output column for each of `columns`, in their order.
        columns: What was selected.
        counting: Makes `count_sql`.
        object: API name of the object that was asked for.
        is_count: `SELECT COUNT()`: no columns, `sql` is `count_sql`.
        is_aggregate: The rows are AggregateResults and not records.
        record_sql: `sql` with more columns behind: the record's Id and those of `parents`. Same as `sql` for
            aggregates.
        id_column: Index of the record's Id in `record_sql`, or None for aggregates.
        parents: Parent records that appear in the columns' paths, outer ones first.
        children: Subqueries of the field list.
    """

    sql: str
    columns: tuple[SelectedColumn, ...]
    counting: Callable[[], str] = field(compare=False, repr=False)
    object: str
    is_count: bool = False
    is_aggregate: bool = False
    record_sql: str = ""
    id_column: int | None = None
    parents: tuple[ParentColumns, ...] = ()
    children: tuple[CompiledChild, ...] = ()

    @property
    def count_sql(self) -> str:
        """How many rows `sql` gives: one row, one number."""
        return self.counting()

    @property
    def long_texts(self) -> int:
        """How many long texts were selected."""
        return sum(column.is_long_text for column in self.columns)

    @property
    def width(self) -> int:
        """How many columns `record_sql` has: those selected, the record's Id, and two a parent."""
        return len(self.columns) + (0 if self.id_column is None else 1) + 2 * len(self.parents)


@dataclass(frozen=True, slots=True)
class CompiledChild:
    """A subquery of a field list.

    Its SQL answers for many parents at once. It has the columns of `query.record_sql` and two more: the Id of the
    parent, and the row's place among that parent's children, from 1 on.

    Attributes:
        name: The child relationship: the key of the record under which the children stand.
        before: So many of the parent's columns come before it in the field list.
        query: The children's own columns, parents and children; without `sql` of its own.
        head: SQL up to the parents' Ids, which stand in parentheses.
        tail: SQL behind them.
    """

    name: str
    before: int
    query: CompiledQuery
    head: str
    tail: str

    def sql(self, parents: str) -> str:
        """The children of these parents: an SQL list of Ids, or a SELECT that gives them."""
        return f"{self.head}({parents}){self.tail}"

    @property
    def parent_column(self) -> int:
        """Index of the column with the parent's Id."""
        return self.query.width

    @property
    def width(self) -> int:
        """How many columns it has in all."""
        return self.query.width + 2
