"""A YAML file after reading: its plain data, and the place in the file where each part of it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.errors import Problem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one node stands, as character offsets into the text.

    Attributes:
        key: Start of its key, or None for list items and the top level.
        start: Start of the value.
        end: End of the value.
        text: A scalar as written in the file, without quotes; None for lists and blocks.
        block: The scalar is written as a `|` or `>` block below its key.
    """

    key: int | None
    start: int
    end: int
    text: str | None = None
    block: bool = False


class Lines:
    """Turns character offsets into 1-based lines and columns that always lie inside the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._last = len(text.rstrip())
        self._starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character; an offset past the last visible character is the end of the text."""
        inside = max(0, min(offset, self._last))
        line = bisect_right(self._starts, inside)
        return line, inside - self._starts[line - 1] + 1

    def line_number(self, offset: int) -> int:
        """The 0-based line an offset lies in."""
        return bisect_right(self._starts, offset) - 1

    def line(self, number: int) -> tuple[int, str]:
        """Start offset and text (without line end) of a 0-based line; empty past the end."""
        if number >= len(self._starts):
            return len(self.text), ""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text)
        return start, self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read: plain dicts, lists and scalars, each with its place.

    Attributes:
        name: The file as messages call it (relative to the project where possible).
        data: The top-level block; keys are always text, as written.
        lines: The text, for places.
        spots: Where each key path stands.
    """

    name: str
    data: dict[str, Any]
    lines: Lines
    spots: Mapping[KeyPath, Spot]

    def nearest(self, *keys: str | int) -> KeyPath:
        """The longest path into the file along `keys`; steps the file does not have are left out."""
        found: KeyPath = ()
        for key in keys:
            if (*found, key) in self.spots:
                found = (*found, key)
        return found

    def place(self, *keys: str | int, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at `keys`, or of its key with `key=True`.

        A path that the file does not have gives the place of the nearest thing around it.
        """
        spot = self.spots[self.nearest(*keys)]
        return self.lines.place(spot.key if key and spot.key is not None else spot.start)

    def place_in_text(self, keys: KeyPath, row: int | None, column: int | None) -> tuple[int, int]:
        """Line and column of a character inside a text value, e.g. where a filter goes wrong.

        Args:
            keys: Path of the text.
            row: 1-based line within the text; None for the text as a whole.
            column: 1-based column within that line.
        """
        spot = self.spots.get(keys)
        if spot is None or spot.text is None or row is None or column is None:
            return self.place(*keys)
        rows = spot.text.split("\n")
        if not 1 <= row <= len(rows):
            return self.lines.place(spot.start)
        if spot.block:
            start, source = self.lines.line(self.lines.line_number(spot.start) + row)
            at = start + len(source) - len(rows[row - 1]) if source.endswith(rows[row - 1]) else None
        else:
            found = self.lines.text.find(spot.text, spot.start, spot.end)
            at = found if found >= 0 and len(rows) == 1 else None
        return self.lines.place(spot.start if at is None else at + column - 1)

    def text_at(self, *keys: str | int) -> str | None:
        """A scalar exactly as it is written in the file, or None for lists, blocks and unknown paths."""
        spot = self.spots.get(keys)
        return spot.text if spot else None

    def problem(self, *keys: str | int, message: str, hint: str | None = None, key: bool = False) -> Problem:
        """A problem at the value of `keys`, or at its key with `key=True`."""
        line, column = self.place(*keys, key=key)
        return Problem(self.name, line, column, message, hint)
