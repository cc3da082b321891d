"""Pages on their way from the org to the store, as files: a pull's memory does not grow with the org."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sfsync.errors import SfsyncError


def fresh_folder(spool: Path, object_name: str) -> Path:
    """An empty folder for one object's pages; what a killed pull left there is thrown away."""
    folder = spool / object_name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise SfsyncError(
            f"the spool folder {folder} cannot be made: {error.strerror}",
            hint="check the folder's permissions and free space; the mirror is as it was",
        ) from error
    return folder


def write_page(path: Path, fields: Sequence[str], records: Iterable[Mapping[str, Any]]) -> int:
    """Write one REST page the way Bulk would have sent it, and return its number of records.

    A loop over rows, but only of small answers: large ones are read by Bulk, whose pages come as CSV.
    """
    rows = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(fields)
            for record in records:
                writer.writerow([_cell(record.get(name)) for name in fields])
                rows += 1
    except OSError as error:
        raise SfsyncError(
            f"the spool file {path} cannot be written: {error.strerror}",
            hint="check free disk space; the mirror is as it was",
        ) from error
    return rows


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value  # None becomes an empty cell, which is how both APIs write "no value"
