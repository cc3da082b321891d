"""Takes a delimited text apart, record by record, with the line that each begins on.

The database's own reader does this for files of the plain sort, and much faster. This one reads what that does not
take (other encodings, mixed line ends), finds out the delimiter, and says where and why a file cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: Longest record taken, in characters; Salesforce itself takes 400,000.
LONGEST_RECORD = 4_000_000


class Malformed(Exception):
    """A text is not written by the rules; `line` is 1-based."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it begins on, and its values."""

    line: int
    values: list[str]


def read_records(lines: Iterable[str], delimiter: str, quote: str, *, first_line: int = 1) -> Iterator[Record]:
    """The records of a text, blank lines left out.

    A value in quotes may hold delimiters, line ends and doubled quotes; blanks around the quotes are not part of it.
    A quote within a value that does not begin with one stands for itself.

    Args:
        lines: Physical lines with their ends as they are, like those of a file opened with `newline=""`.
        delimiter: One character.
        quote: One character.
        first_line: Number of the first line.

    Raises:
        Malformed: A quote is not closed, or something follows one that is.
    """
    return _Reader(iter(lines), delimiter, quote, first_line - 1).records()


class _Reader:
    def __init__(self, lines: Iterator[str], delimiter: str, quote: str, number: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._quote = quote
        self._number = number
        blanks = "" if delimiter == " " else " *"
        self._opening = re.compile(blanks + re.escape(quote))
        self._after = re.compile(f"{blanks}({re.escape(delimiter)}|\r?\n|\r|\\Z)")

    def records(self) -> Iterator[Record]:
        for text in self._lines:
            self._number += 1
            line = self._number
            bare = text.rstrip("\r\n")
            if not bare:
                continue
            yield Record(line, self._quoted(text) if self._quote in text else bare.split(self._delimiter))

    def _quoted(self, text: str) -> list[str]:
        """The values of a record that has quotes somewhere, and may go on over several lines."""
        values: list[str] = []
        at = 0
        while True:
            opened = self._opening.match(text, at)
            if opened is None:
                value, at, more = self._bare(text, at)
            else:
                value, text, at, more = self._in_quotes(text, opened.end())
            values.append(value)
            if not more:
                return values

    def _bare(self, text: str, at: int) -> tuple[str, int, bool]:
        end = text.find(self._delimiter, at)
        if end < 0:
            return text[at:].rstrip("\r\n"), len(text), False
        return text[at:end], end + 1, True

    def _in_quotes(self, text: str, start: int) -> tuple[str, str, int, bool]:
        """A value whose quote is opened: the value, the text with the lines it took, where to go on, and whether."""
        opened_on = self._number
        at = start
        while True:
            closing = text.find(self._quote, at)
            if closing < 0:
                at = len(text)
                following = next(self._lines, None)
                if following is None or at > LONGEST_RECORD:
                    raise Malformed("a quote is opened here and never closed", opened_on)
                self._number += 1
                text += following
            elif text.startswith(self._quote, closing + 1):
                at = closing + 2
            else:
                break
        after = self._after.match(text, closing + 1)
        if after is None:
            raise Malformed("something stands behind a closing quote (quotes within a value are doubled)", self._number)
        value = text[start:closing].replace(self._quote * 2, self._quote)
        return value, text, after.end(), after.group(1) == self._delimiter
