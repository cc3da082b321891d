"""CSV as clients upload it, read row by row and as strictly as Bulk API reads it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

#: Longest header line.
_LONGEST_HEADER = 32_000

#: Most columns.
_MOST_COLUMNS = 5_000

#: What the CSV reader of the standard library says → what Salesforce says.
_UNCLOSED = "unexpected end of data"
_UNESCAPED = "expected after"
_TOO_LARGE = "field larger than field limit"


class BatchRefused(Exception):
    """The data as a whole cannot be worked on; the message is what the job or batch will say."""


class CsvRows:
    """The rows of one file, each a list of as many texts as the header has; iterate once.

    Attributes:
        header: The names of the columns.
        header_line: The header as it was uploaded, without its line ending.
        readable: False once a row was met that cannot be read.

    Args:
        path: The file, in UTF-8.
        delimiter: One character.
        line_ending: `LF` or `CRLF`, which the file must keep to; None takes any.
    """

    def __init__(self, path: Path, delimiter: str = ",", line_ending: str | None = None) -> None:
        self._file = path.open(encoding="utf-8-sig", errors="replace", newline="\n")
        self._lines = _Lines(self._file)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._line_ending = line_ending
        self.header_line = ""
        self.header: list[str] = []
        self.readable = True

    def read_header(self) -> list[str]:
        """The names of the columns; raises BatchRefused when there are none, or too many."""
        self._lines.keep = []
        try:
            self.header = self._next() or []
        finally:
            self.header_line = "".join(self._lines.keep).rstrip("\r\n")
            self._lines.keep = None
        if not any(self.header):
            # from memory
            raise BatchRefused("InvalidBatch : Failed to parse CSV header. No header row was found")
        if len(self.header) > _MOST_COLUMNS or len(self.header_line) > _LONGEST_HEADER:
            # from memory
            raise BatchRefused("InvalidBatch : The header row has too many columns or characters")
        return self.header

    def __iter__(self) -> Iterator[list[str]]:
        width = len(self.header)
        while (row := self._next()) is not None:
            if not row:
                continue
            if len(row) != width:
                self.readable = False
                # from memory
                raise BatchRefused(
                    "ClientInputError : Failed to parse CSV. Number of columns in a row does not match the header:"
                    f" {len(row)} instead of {width}"
                )
            yield row

    def rest(self) -> Iterator[str]:
        """The line that could not be read and those behind it, as they are."""
        yield self._lines.last
        yield from self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self) -> list[str] | None:
        try:
            row = next(self._reader, None)
        except csv.Error as error:
            self.readable = False
            raise BatchRefused(self._told(str(error))) from error
        if row is not None and self._line_ending is not None and not self._fits(self._lines.last):
            self.readable = False
            raise BatchRefused(self._wrong_ending())
        return row

    def _fits(self, line: str) -> bool:
        return not line.endswith("\n") or line.endswith("\r\n") == (self._line_ending == "CRLF")

    def _told(self, message: str) -> str:
        if message.startswith("new-line character"):  # a carriage return in the midst of a line
            return self._wrong_ending()
        if message == _UNCLOSED:
            return "ClientInputError : Failed to parse CSV. EOF reached before closing an opened quote"
        if _UNESCAPED in message:
            problem = "Found unescaped quote. A value with quote should be within a quote"
            return f"ClientInputError : Failed to parse CSV. {problem}"
        if message.startswith(_TOO_LARGE):
            return "ClientInputError : Failed to parse CSV. Exceeded max field size"  # from memory
        return f"ClientInputError : Failed to parse CSV. {message}"  # from memory

    def _wrong_ending(self) -> str:
        ending = self._line_ending or "LF"
        return f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {ending}"


class _Lines:
    """The lines of a file on their way to the CSV reader, which does not tell how they ended."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.last = ""
        self.keep: list[str] | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self._file)
        if self.keep is not None:
            self.keep.append(self.last)
        return self.last
