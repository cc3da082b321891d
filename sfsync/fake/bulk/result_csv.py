"""Rows of a kept query result as CSV files, written by the database; a few of them, by Python."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.kept_results import Kept
from sfsync.fake.sql_names import literal, quote
from sfsync.fake.wire import MACROS, csv_few, csv_select

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Up to this version the columns of a result are in alphabetical order.
_LAST_ALPHABETICAL = 49.0

#: Up to so many values Python writes a page in less time than it takes the database to plan how it would.
FEW_VALUES = 5_000

_CHUNK = 256 * 1024
_NUMBERS = count(1)


def scratch_file(org: FakeOrg, kind: str) -> Path:
    """A new name in the org's scratch folder."""
    return org.database.scratch / f"{kind}-{next(_NUMBERS)}"


def write_csv(  # noqa: PLR0913 - a result, a span of it and a dialect
    org: FakeOrg,
    compiled: CompiledQuery,
    kept: Kept,
    span: tuple[int, int],
    *,
    version: str,
    delimiter: str = ",",
    line_ending: str = "\n",
) -> Path:
    """A header and some rows of a result (from, how many), everything quoted, in a file that its reader removes."""
    names = [".".join(column.path) for column in compiled.columns]
    places = list(range(len(names)))
    if float(version) <= _LAST_ALPHABETICAL:
        places.sort(key=lambda place: names[place].casefold())
    columns = [(f"c{place}", compiled.columns[place].type, quote(names[place])) for place in places]
    source, path = f"{kept.table} WHERE {kept.span(*span)}", scratch_file(org, "page")
    if min(span[1], kept.rows) * len(columns) <= FEW_VALUES:
        with org.database.reading() as cursor, path.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, delimiter=delimiter, lineterminator=line_ending, quoting=csv.QUOTE_ALL)
            lines.writerow([names[place] for place in places])
            lines.writerows(csv_few(cursor, source, columns))
        return path
    ending = line_ending.replace("\r", "\\r").replace("\n", "\\n")
    options = f"FORMAT csv, HEADER true, FORCE_QUOTE *, DELIMITER {literal(delimiter)}, NEW_LINE '{ending}'"
    org.database.teach(MACROS)
    with org.database.reading() as cursor:
        cursor.execute(f"COPY ({csv_select(source, columns)}) TO {literal(str(path))} ({options})")
    return path


class FileBody:
    """A file as a response body, read piece by piece; removed at the end unless it is kept."""

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        self._path = path
        self._keep = keep

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def close(self) -> None:
        """Remove the file."""
        if not self._keep:
            self._path.unlink(missing_ok=True)
