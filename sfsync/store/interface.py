"""What sfsync needs of a database: two kinds of session, SQL in the portable subset, and one fast way in for CSV pages.

Everything else (tables of the mirror, ledger, findings) is portable SQL on top of this, so a second database is one
more implementation of these two protocols and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Params = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A small answer, held in memory: column names in order, and one tuple a row."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def scalar(self) -> Any:
        """The first column of the first row, or None when there is no row."""
        return self.rows[0][0] if self.rows else None

    def dicts(self) -> list[dict[str, Any]]:
        """One dict a row, keyed by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a delimited text is written: UTF-8, with or without byte-order mark, and all lines ending alike.

    Attributes:
        delimiter: Between values.
        quote: Around values that hold a delimiter or a line end; doubled within them.
        header: The first line names the columns.
        empty: Texts that are NULL, beside the empty one.
    """

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    empty: tuple[str, ...] = ()


class Session(Protocol):
    """One connection, for the time of a `with` block."""

    @property
    def looking(self) -> bool:
        """Whether it can change nothing as yet; what `keep` or `ask` refuse then leaves all else as it was."""
        ...

    def execute(self, sql: str, params: Params = ()) -> Rows:
        """Run one statement. `?` binds positionally, `$name` by name. Raises `QueryFailed` on refusal."""
        ...

    def ask_shape(self, sql: str, values: Sequence[object]) -> Rows:
        """The answer to a question about which tables and columns there are in a schema that outlasts the session.

        As long as nobody can have changed that, the answer is remembered: in databases such a question costs as much
        as ten others.

        Args:
            sql: The question, with `?` for each value.
            values: What stands for them.
        """
        ...

    def columns_of(self, schema: str, name: str) -> dict[str, str]:
        """Column → SQL type of a table or view that is there, in its order.

        Remembered as the answers to `ask_shape` are.
        """
        ...

    def load_csv(
        self, table: str, columns: Mapping[str, str], files: Sequence[Path], *, only: Sequence[str] = ()
    ) -> int:
        """Append CSV files (UTF-8, comma, RFC 4180 quotes, header line) to `table` and return the number of rows added.

        Args:
            table: Qualified, already quoted table name.
            columns: Column name → SQL type, in the order of the files' columns.
            files: All with the same header. An empty cell, quoted or not, is NULL.
            only: Which of the columns the table takes; all of them unless given.
        """
        ...

    def load_text(self, table: str, columns: Sequence[str], file: Path, form: TextForm) -> int:
        """Make the temporary table `table` of a text file: `source_row`, from 1, and every column as the text it is.

        Args:
            table: Plain name, already quoted.
            columns: Names, in the order of the file's columns; the header is not looked at.
            file: Raises `QueryFailed` when it is not written as `form` says.
            form: How it is written.
        """
        ...

    def load_parquet(self, table: str, file: Path) -> int:
        """Make the temporary table `table` of a Parquet file: `source_row`, from 1, and its columns as they are."""
        ...

    def load_arrow(self, table: str, data: pa.Table | pa.RecordBatchReader) -> int:
        """Make the temporary table `table` of Arrow data: `source_row`, from 1, and its columns as they are."""
        ...

    def write_csv(self, select: str, file: Path) -> int:
        """Write a question's answer to a CSV file as the Bulk API takes it, and return its number of rows.

        Args:
            select: A SELECT without parameters; its columns are texts.
            file: Made readable by its owner alone: UTF-8, comma, RFC 4180 quotes, LF, header line, NULL an empty cell.
        """
        ...

    def keep(self, table: str, select: str) -> None:
        """Make the temporary table `table` of a question's answer. Raises `QueryFailed` for all but one SELECT.

        Args:
            table: Plain name, already quoted.
            select: The question; it may come from a file that nobody has looked at.
        """
        ...

    def ask(self, select: str) -> Rows:
        """A question's answer, with as little trust as `keep` has. Raises `QueryFailed` for all but one SELECT."""
        ...

    def expect_columns(self, columns: int) -> None:
        """Make room, until the store is closed, for tables of so many columns to be filled with millions of rows."""
        ...

    def start_writing(self) -> None:
        """In a session of `Store.judging`, end the part that can only look; elsewhere this changes nothing."""
        ...

    def copy_rows(self, copy: str, table: str, ids: str) -> None:
        """Make the temporary table `copy` of the rows of `table` with these Ids, few of many, at a cost that is theirs.

        Args:
            copy: Plain name; the caller drops it.
            table: Qualified, already quoted table name.
            ids: A SELECT of their Ids.
        """
        ...


class Relation(Protocol):
    """An answer that is read when asked for, in the shape asked for."""

    def rows(self) -> Rows:
        """Everything, as Python tuples: for small answers."""
        ...

    def to_pandas(self) -> pd.DataFrame:
        """Everything, as a pandas DataFrame."""
        ...

    def to_arrow(self) -> pa.Table:
        """Everything, as a pyarrow Table."""
        ...


class Store(Protocol):
    """One local database that holds a mirror."""

    dialect: str  # SQLGlot's name: "duckdb", later "postgres"

    @property
    def location(self) -> str:
        """Where it is, for messages; never holds a password."""
        ...

    def exists(self) -> bool:
        """Whether there is a database at `location` already."""
        ...

    def reading(self) -> AbstractContextManager[Session]:
        """A session that cannot change anything. Raises `StoreMissing`, `StoreLocked`, `StoreDamaged`."""
        ...

    def writing(self) -> AbstractContextManager[Session]:
        """One transaction: committed when the block ends, rolled back entirely when it raises.

        Nested use joins the outer transaction. Creates the database when there is none.
        Raises `StoreLocked`, `StoreDamaged`.
        """
        ...

    def judging(self) -> AbstractContextManager[Session]:
        """A session that begins as one that can only look, and reads no files, but makes temporary tables.

        From `start_writing` on it is one transaction like that of `writing`. Nested use joins the outer session, and
        can do what that can. Raises `StoreMissing`, `StoreLocked`, `StoreDamaged`.
        """
        ...

    def at_hand(self, *, columns: int = 0) -> AbstractContextManager[None]:
        """For the time of the block, keep the database open for this thread's next session.

        Each is to expect tables of so many columns, as by `Session.expect_columns`.

        Sessions are what they are without it, and cost less when they follow each other. Others wait meanwhile, so it
        is closed all the same after a session that leaves it open for half a second; call `let_go` before waiting for
        anything.
        """
        ...

    def let_go(self) -> None:
        """Close the database if it is only kept at hand; the next session opens it again."""
        ...

    def query(self, sql: str, params: Params = ()) -> Relation:
        """A read-only question, answered when `.rows()`, `.to_pandas()` or `.to_arrow()` is called."""
        ...
