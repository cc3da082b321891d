"""A SOQL query as SQL, with what is needed to put its answer into Salesforce's shape."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectedColumn:
    """One column of the answer.

    Attributes:
        path: Where the value goes in the record, spelled as the org spells it: `("Account", "Name")`. For a column with
            an alias, and for everything in an AggregateResult, one key: the alias, the field, or `expr0`.
        type: Salesforce's describe type of the value; `address` and `location` are structs.
        alias: The alias of the statement, or None.
    """

    path: tuple[str, ...]
    type: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class ParentColumns:
    """Where `record_sql` tells whether a parent record is there, and which it is.

    Attributes:
        path: Of the parent, as the org spells it: `("Account", "Owner")`.
        id_column: Index of the column with the parent's Id; NULL when there is none.
        type_column: Index of the column with the parent's object name.
    """

    path: tuple[str, ...]
    id_column: int
    type_column: int


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """One SOQL query, ready for DuckDB.

    Attributes:
        sql: A SELECT with one typed output column for each of `columns`, in their order.
        columns: What was selected.
        count_sql: How many rows `sql` gives: one row, one number.
        object: API name of the object that was asked for.
        is_count: `SELECT COUNT()`: no columns, `sql` is `count_sql`.
        is_aggregate: The rows are AggregateResults and not records.
        record_sql: `sql` with more columns behind: the record's Id and those of `parents`. Same as `sql` for
            aggregates.
        id_column: Index of the record's Id in `record_sql`, or None for aggregates.
        parents: Parent records that appear in the columns' paths, outer ones first.
    """

    sql: str
    columns: tuple[SelectedColumn, ...]
    count_sql: str
    object: str
    is_count: bool = False
    is_aggregate: bool = False
    record_sql: str = ""
    id_column: int | None = None
    parents: tuple[ParentColumns, ...] = ()
