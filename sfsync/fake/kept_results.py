"""Query results that stay as they were when the query ran: behind REST query locators and Bulk query jobs.

They live in a database file in the org's scratch folder, so that a million rows cost disk and not memory, and any page
of them is found by row number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from sfsync.fake.database import OrgDatabase
from sfsync.fake.sql_names import quote


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept result: some rows of a table that has the query's columns as `c0`, `c1`, and so on.

    The column `place` counts the table's rows from 0 on: within a transaction the database numbers them differently.

    Attributes:
        table: The table.
        rows: How many rows.
        first: `place` of the first of them.
    """

    table: str
    rows: int
    first: int = 0

    def span(self, start: int, length: int) -> str:
        """The SQL condition for the rows from `start` (counted from 0) on; row order is the result's order."""
        end = min(start + length, self.rows)
        return f"place >= {self.first + start} AND place < {self.first + end}"


class KeptResults:
    """All kept results of one org."""

    def __init__(self, database: OrgDatabase) -> None:
        self._database = database
        self._numbers = count(1)
        self._elsewhere: str | None = None

    def keep(self, sql: str, width: int, *, shuffled: bool = False) -> Kept:
        """Run a query and keep its answer.

        Args:
            sql: The query.
            width: How many columns it has.
            shuffled: Keep the rows in another order than the query's (Bulk results are in no order).
        """
        with self._database.lock, self._database.reading() as cursor:
            # A transaction of many steps can write to one database alone: the records'.
            if self._elsewhere is None and not self._database.joined:
                self._elsewhere = self._database.attach(self._database.scratch / "results.duckdb")
            place = "main" if self._database.joined else self._elsewhere
            table = f"{place}.{quote(f'result_{next(self._numbers)}')}"
            order = " ORDER BY hash(c0)" if shuffled else ""
            cursor.execute(
                f"CREATE TABLE {table} AS SELECT *, row_number() OVER () - 1 AS place"
                f" FROM (SELECT * FROM ({sql}) AS answer({columns(width)}){order})"
            )
            rows = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
            return Kept(table, int(rows[0]) if rows else 0)

    def drop(self, kept: Kept) -> None:
        """Free the space of a result."""
        if self._database.joined:
            return  # a transaction that writes records cannot drop tables elsewhere; the space goes with the org
        with self._database.lock, self._database.reading() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {kept.table}")


def columns(width: int) -> str:
    """The columns of a kept result as an SQL list."""
    return ", ".join(f"c{place}" for place in range(width))
