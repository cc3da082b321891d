"""Reads one object's window into spool files, by REST when it is small and by Bulk API 2.0 when it is large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Literal

from sfsync.errors import IncompleteAnswer, JobNotReady, RequestRefused, SfsyncError
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.bulk_query import BulkQuery, SpooledPage
from sfsync.salesforce.query import QueryPage, query_pages
from sfsync.sync import spool
from sfsync.sync.events import JobStateSeen, OnEvent, PageRead
from sfsync.sync.job_note import JobNote, add_page, read_note, read_pages
from sfsync.sync.window import Window

ApiChoice = Literal["auto", "rest", "bulk"]

#: Addresses longer than 16,384 bytes are refused (HTTP 414 or 431); a query this long goes to Bulk, as a body.
LONGEST_REST_QUERY = 12_000

#: Setup objects have no IsDeleted: while one page lists them all, listing them is how a removed one is noticed.
ONE_PAGE = 2000


@dataclass(frozen=True, slots=True)
class SpooledRead:
    """An object's records, complete and counted, in files.

    Attributes:
        pages: CSV files with the stored fields as columns.
        rows: How many records the org says they hold.
        api: How they were read.
        listing: They are every record of the object, whatever its stamp.
        after_commit: To be called once the records are safe in the store (deletes the Bulk job).
    """

    pages: tuple[Path, ...]
    rows: int
    api: Literal["rest", "bulk"]
    listing: bool
    after_commit: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one pull reads: from which org, to which spool folder, and where the line between REST and Bulk runs."""

    org: Org
    spool: Path
    api: ApiChoice
    bulk_threshold: int
    on_event: OnEvent

    def read(self, describe: ObjectDescribe, window: Window, expected: int | None) -> SpooledRead:
        """Read a window of an object.

        Args:
            describe: The object.
            window: Which records.
            expected: About how many there are, or None when nobody knows yet.
        """
        if describe.field("IsDeleted") is None:  # whatever API is wanted: of a window none would be seen to be missing
            listed = self._read_listing(describe, window, expected)
            if listed is not None:
                return listed
        if self._wants_bulk(describe, window, expected):
            try:
                return self._read_bulk(describe, window)
            except RequestRefused as error:
                # Some setup objects are not offered to Bulk; whether a query as such is allowed, REST will tell.
                if self.api == "bulk" or error.error_code != "INVALIDENTITY":
                    raise
        return self._read_rest(describe, window)

    def _wants_bulk(self, describe: ObjectDescribe, window: Window, expected: int | None) -> bool:
        if self.api != "auto":
            return self.api == "bulk"
        if len(window.soql(describe, ordered=True)) > LONGEST_REST_QUERY:
            return True
        return expected is not None and expected > self.bulk_threshold

    def _read_listing(self, describe: ObjectDescribe, window: Window, expected: int | None) -> SpooledRead | None:
        """Every record of a small object without IsDeleted, or None when it is not small."""
        if expected is not None and expected > ONE_PAGE:
            return None
        whole = Window(None, None, where=window.where)
        pages = query_pages(self.org, whole.soql(describe, ordered=True))
        first = next(pages)
        if first.total_size > ONE_PAGE:
            return None
        return self._spool_rest(describe, chain([first], pages), listing=True)

    def _read_rest(self, describe: ObjectDescribe, window: Window) -> SpooledRead:
        pages = query_pages(
            self.org, window.soql(describe, ordered=True), deleted_too=describe.field("IsDeleted") is not None
        )
        first = next(pages)
        if self.api == "auto" and first.total_size > self.bulk_threshold:
            return self._read_bulk(describe, window)
        return self._spool_rest(describe, chain([first], pages), listing=window.is_listing)

    def _spool_rest(self, describe: ObjectDescribe, pages: Iterator[QueryPage], *, listing: bool) -> SpooledRead:
        folder = spool.fresh_folder(self.spool, describe.name)
        names = [f.name for f in describe.stored_fields]
        files: list[Path] = []
        rows = 0
        for page in pages:
            file = folder / f"{len(files) + 1:05}.csv"
            written = spool.write_page(file, names, page.records)
            files.append(file)
            rows += written
            self.on_event(PageRead(describe.name, written))
        return SpooledRead(tuple(files), rows, "rest", listing, lambda: None)

    def _read_bulk(self, describe: ObjectDescribe, window: Window) -> SpooledRead:
        folder = spool.fresh_folder(self.spool, describe.name)
        soql = window.soql(describe, ordered=False)
        job = BulkQuery.create(self.org, soql, deleted_too=describe.field("IsDeleted") is not None)
        if window.upper is not None:
            after = None if window.after is None else window.after.isoformat()
            note = JobNote(job.id, self.org.instance_url, self.org.api_version, soql, after, window.upper.isoformat())
            note.write(folder)
        return self._finish_bulk(describe, job, folder, (), listing=window.is_listing)

    def unfinished(self, describe: ObjectDescribe, after: datetime | None, where: str = "") -> JobNote | None:
        """The Bulk job that a killed pull left, if its answer is still the one that is wanted.

        Args:
            describe: The object as it is now; other fields than the job's make its answer useless.
            after: Upper bound of the object's last finished pull, or None when everything is wanted.
            where: Which records are mirrored at all, as SOQL.
        """
        note = read_note(self.spool / describe.name)
        if note is None or self.api == "rest":
            return None
        begins = None if note.after is None else datetime.fromisoformat(note.after)
        same = (note.org, note.api_version, begins) == (self.org.instance_url, self.org.api_version, after)
        return note if same and Window(None, None, where=where).asks_alike(describe, note.soql) else None

    def read_unfinished(self, describe: ObjectDescribe, note: JobNote) -> SpooledRead | None:
        """The records of a job that a killed pull left, fetching only missing pages; None when the job is no use."""
        folder, job = self.spool / describe.name, BulkQuery(self.org, note.job_id)
        try:
            return self._finish_bulk(describe, job, folder, read_pages(folder), listing=False)
        except (RequestRefused, IncompleteAnswer):
            return None  # failed, aborted, dropped by the org, or not what it announced: a new job will tell
        except JobNotReady:
            job.abort()  # an earlier pull began it, and this one has waited as long as one can: it is stuck
            return None

    def _finish_bulk(
        self, describe: ObjectDescribe, job: BulkQuery, folder: Path, here: Sequence[SpooledPage], *, listing: bool
    ) -> SpooledRead:
        def on_page(page: SpooledPage) -> None:
            if page not in here:
                add_page(folder, page)
            self.on_event(PageRead(describe.name, page.rows))

        def delete_job() -> None:
            try:
                job.delete()
            except SfsyncError:
                return  # the org drops it by itself after seven days; the records are safe

        job.wait(lambda now: self.on_event(JobStateSeen(describe.name, now.state, now.rows)))
        pages = job.download(folder, on_page, here=here)
        rows = sum(page.rows for page in pages)
        return SpooledRead(tuple(page.path for page in pages), rows, "bulk", listing, delete_job)
