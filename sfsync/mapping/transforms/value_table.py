"""A table of values in a CSV file: the org's in the column `org`, yours in the column `local`."""

from __future__ import annotations

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
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UnusableTable(f"`{shown(name)}` cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnusableTable(f"`{shown(name)}` is not UTF-8 text") from None
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)  # lines end where CSV says, not at U+2028
        header = [each.strip().casefold() for each in next(reader, [])]
        if sorted(header) != ["local", "org"]:
            raise UnusableTable(f"`{shown(name)}` should have the two columns `org` and `local`")
        rows = [tuple(row) for row in reader if any(row)]
    except csv.Error as error:
        raise UnusableTable(f"`{shown(name)}` is no CSV file: {error}") from None
    if any(len(row) != 2 or not all(row) for row in rows):
        raise UnusableTable(f"`{shown(name)}` has a line without both values")
    if not 0 < len(rows) <= MOST_ROWS:
        raise UnusableTable(f"`{shown(name)}` has {len(rows):,} lines; it takes from 1 to {MOST_ROWS:,}")
    org, local = header.index("org"), header.index("local")
    pairs = tuple(dict.fromkeys((row[org], row[local]) for row in rows))
    first: dict[str, str] = {}
    for org_value, local_value in pairs:
        if first.setdefault(local_value, org_value) != org_value:
            raise UnusableTable(f"`{shown(name)}` gives `{shown(local_value)}` two values of the org")
    return ValueTable(name, pairs, hashlib.sha256(content).hexdigest())
