"""What a pull writes down about a Bulk job beside its pages, so that a killed pull can be taken up where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import SfsyncError
from sfsync.salesforce.bulk_query import SpooledPage

_JOB, _PAGES = "job.json", "pages.jsonl"


@dataclass(frozen=True, slots=True)
class JobNote:
    """One Bulk job of one object.

    Attributes:
        job_id: The job.
        org: Whose: the instance's address.
        api_version: With which its results must be read.
        soql: What it reads; fields and window are in it, so the same text is the same answer.
        after: Upper bound (ISO, naive UTC) from which the window began, or None for everything.
        upper: Upper bound of its window.
    """

    job_id: str
    org: str
    api_version: str
    soql: str
    after: str | None
    upper: str

    @property
    def upper_bound(self) -> datetime:
        """Up to which instant (naive UTC) the object will be mirrored once the job's records are stored."""
        return datetime.fromisoformat(self.upper)

    def write(self, folder: Path) -> None:
        """Keep the note, whole or not at all; from now on a killed pull can be taken up."""
        draft = folder / f"{_JOB}.new"
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(folder / _JOB)
        except OSError as error:
            raise SfsyncError(
                f"the spool folder {folder} cannot be written: {error.strerror}",
                hint="check free disk space; the mirror is as it was",
            ) from error


def add_page(folder: Path, page: SpooledPage) -> None:
    """Note a page that is complete on disk."""
    with (folder / _PAGES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"file": page.path.name, "rows": page.rows, "address": page.address}) + "\n")


def read_note(folder: Path) -> JobNote | None:
    """The note of an unfinished job, or None; one that cannot be read is none."""
    try:
        return JobNote(**json.loads((folder / _JOB).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def read_pages(folder: Path) -> Sequence[SpooledPage]:
    """The pages that are complete on disk."""
    pages = []
    try:
        lines = (folder / _PAGES).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    for line in lines:
        try:
            found = json.loads(line)
            pages.append(SpooledPage(folder / found["file"], int(found["rows"]), found["address"]))
        except (ValueError, KeyError, TypeError):
            continue  # a line that a kill cut short: its page is fetched again
    return pages
