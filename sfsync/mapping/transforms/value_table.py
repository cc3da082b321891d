"""A table of values in a CSV file: the org's in the column `org`, yours in the column `local`.

Spreadsheets write it with commas, semicolons or tabs, with a byte-order mark or without, with empty columns behind.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from sfsync.config.spelling import shown

#: A file of values is read whole; whoever has more of them joins a table instead.
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class ValueTable:
    """The values of one file.

    Attributes:
        file: As the mapping names it.
        rows: (org, local), in the order of the file.
        digest: Of the content: a plan made with other content is stale.
    """

    file: str
    rows: tuple[tuple[str, str], ...]
    digest: str

    def to_org(self) -> dict[str, str]:
        """Local value → org's."""
        return {local: org for org, local in self.rows}

    def to_local(self) -> dict[str, str]:
        """Org's value → the first local one."""
        return dict(reversed(self.rows))


class UnusableTable(ValueError):
    """A file that is no table of values; its message says why."""


def read_value_table(path: Path, name: str) -> ValueTable:
    """The table in a file. Raises `UnusableTable`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnusableTable(f"`{shown(name)}` cannot be read: {error.strerror or error}") from None
    rows = _rows(_text(content, name), name)
    if not 0 < len(rows) <= MOST_ROWS:
        raise UnusableTable(f"`{shown(name)}` has {len(rows):,} lines; it takes from 1 to {MOST_ROWS:,}")
    first: dict[str, tuple[str, int]] = {}
    for line, org_value, local_value in rows:
        other, there = first.setdefault(local_value, (org_value, line))
        if other != org_value:
            lines = f"in the lines {there} and {line}"
            raise UnusableTable(f"`{shown(name)}` gives `{shown(local_value)}` two values of the org, {lines}")
    pairs = tuple(dict.fromkeys((org, local) for _, org, local in rows))
    return ValueTable(name, pairs, hashlib.sha256(content).hexdigest())


def _text(content: bytes, name: str) -> str:
    """The file's text: UTF-8, or what its byte-order mark says."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"`{shown(name)}` is not UTF-8 text: the byte {content[error.start]:02X} in line {line}"
        raise UnusableTable(f"{message} (save it as `CSV UTF-8`)") from None


def _rows(text: str, name: str) -> list[tuple[int, str, str]]:
    """Line, org's value and local value of every line that has any."""
    delimiter = _delimiter(text, name)
    lines = io.StringIO(text, newline="")  # lines end where CSV says, not at U+2028
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    rows: list[tuple[int, str, str]] = []
    header = [each.strip().casefold() for each in next(reader, [])]
    org, local = header.index("org"), header.index("local")
    try:
        for row in reader:
            if not any(row):
                continue
            if len(row) < 2 or any(row[2:]) or not (row[org] and row[local]):
                what = "a line with more than two values" if any(row[2:]) else "a line without both values"
                raise UnusableTable(f"`{shown(name)}` has {what}: line {reader.line_num}")
            rows.append((reader.line_num, row[org], row[local]))
    except csv.Error as error:
        raise UnusableTable(f"`{shown(name)}` is no CSV file: {error} in line {reader.line_num}") from None
    return rows


def _delimiter(text: str, name: str) -> str:
    """What divides the two columns: the names of the columns are known, so only one mark can."""
    first = text.replace("\r", "\n").partition("\n")[0]
    for mark in (",", ";", "\t"):
        names = [each.strip(' "').casefold() for each in first.split(mark)]
        if sorted(names[:2]) == ["local", "org"] and not any(names[2:]):
            return mark
    raise UnusableTable(f"`{shown(name)}` should have the two columns `org` and `local`, named by its first line")
