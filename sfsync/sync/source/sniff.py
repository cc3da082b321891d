"""Finds out how a delimited text is written, or says why that cannot be known."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.sync.source.csv_records import Malformed, read_records
from sfsync.sync.source.faults import unreadable

_CANDIDATES = (",", ";", "\t", "|")
_NAMES = {"\t": "tab", " ": "blank"}
#: What is looked at.
SAMPLE = 1_000_000
_MOST_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The delimiter, and how it is known, for people."""

    delimiter: str
    how: str

    @property
    def note(self) -> str:
        """For people."""
        return f"delimiter: {named(self.delimiter)} ({self.how})"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a text would be with one delimiter: columns of its first record, and whether all have as many."""

    delimiter: str
    columns: int
    even: bool


def named(delimiter: str) -> str:
    """A delimiter as people can see it."""
    return _NAMES.get(delimiter, f"`{delimiter}`")


def find_delimiter(lines: list[str], quote: str, shown_as: str, *, whole: bool) -> Sniffed:
    """The delimiter of a text, when only one can be meant.

    Args:
        lines: Its first lines, from the header on.
        quote: Around values.
        shown_as: What messages call the file.
        whole: Those are all of its lines; else the last of them may be cut.

    Raises:
        SourceError: It may be one or another.
    """
    readings = [_reading(lines, each, quote, whole=whole) for each in _CANDIDATES]
    several = [each for each in readings if each.columns > 1]
    if not several:
        return _single_column(readings, shown_as)
    even = [each for each in several if each.even]
    if len(several) == 1:
        only = several[0]
        return Sniffed(only.delimiter, f"detected: the header has {only.columns} columns by it")
    if len(even) == 1:
        only = even[0]
        return Sniffed(only.delimiter, f"detected: every line has {only.columns} columns by it, and by no other")
    choices = " or ".join(named(each.delimiter) for each in even or several)
    raise unreadable(shown_as, f"the columns may be divided by {choices}", _hint((even or several)[0].delimiter))


def _single_column(readings: list[_Reading], shown_as: str) -> Sniffed:
    uneven = [each for each in readings if not each.even]
    if uneven:
        found = named(uneven[0].delimiter)
        message = f"the header has one column, and lines below it hold {found}"
        hint = 'declare what divides the columns: `delimiter: ","`; text that holds it stands in quotes'
        raise unreadable(shown_as, message, hint)
    return Sniffed(",", "there is one column, and nothing that could divide it")


def _hint(delimiter: str) -> str:
    written = "\\t" if delimiter == "\t" else delimiter
    return f'declare it, like `delimiter: "{written}"`'


def _reading(lines: list[str], delimiter: str, quote: str, *, whole: bool) -> _Reading:
    first, even = 0, True
    records = read_records(lines, delimiter, quote)
    counts: list[int] = []
    try:
        for record in records:
            counts.append(len(record.values))
            if len(counts) == _MOST_RECORDS:
                break
    except Malformed:
        # A value in quotes that the end of the sample cuts through is no fault of the text.
        even = not whole
    else:
        if not whole and len(counts) > 1 and len(counts) < _MOST_RECORDS:
            counts.pop()
    if counts:
        first = counts[0]
        even = even and all(count == first for count in counts)
    return _Reading(delimiter, first, even)
