"""Bulk API 2.0 query: the org gathers a large answer by itself, then we fetch its pages as CSV files."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sfsync.errors import BudgetReached, IncompleteAnswer, LimitReached, RequestRefused
from sfsync.salesforce.answers import understood
from sfsync.salesforce.download import Download
from sfsync.salesforce.job_polling import abort_job, delete_job, wait_for_job
from sfsync.salesforce.org import Org
from sfsync.salesforce.redaction import clean
from sfsync.salesforce.versions import RESULT_PAGES

_ERROR_CODE = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")
_CSV_HEADERS = {"Accept": "text/csv"}


@dataclass(frozen=True, slots=True)
class JobState:
    """Where a job stands.

    Attributes:
        state: `UploadComplete`, `InProgress`, `JobComplete`, `Failed` or `Aborted`.
        rows: Records processed so far; in the end, the number of rows of the answer.
        error: Why it failed, or None.
    """

    state: str
    rows: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SpooledPage:
    """One page of the answer on disk.

    Attributes:
        path: UTF-8 CSV with a header line, byte for byte as the org sent it.
        rows: Records in it, by the org's own count.
        address: Where in the org it was fetched; the same for as long as the job lives.
    """

    path: Path
    rows: int
    address: str = ""


class BulkQuery:
    """One Bulk query job of an org.

    A job lives seven days, and its pages can be fetched again as long as it does: keep its `id` until the rows are
    safe, and `BulkQuery(org, id)` goes on where a killed process stopped. Results must be read with the API version
    that created the job.
    """

    def __init__(self, org: Org, job_id: str) -> None:
        self.org = org
        self.id = job_id
        self._done: JobState | None = None

    def __repr__(self) -> str:
        return f"BulkQuery({self.org.name!r}, {self.id!r})"

    @classmethod
    def create(cls, org: Org, soql: str, *, deleted_too: bool = False) -> BulkQuery:
        """Start a job.

        The request may be sent again when its fate is unknown. A job too many changes nothing in the org: it counts
        towards the 10,000 a day and disappears by itself, while a nightly run that fails on a hiccup costs a night.

        Args:
            org: Whom to ask.
            soql: Without ORDER BY and LIMIT, which would keep the org from splitting the work.
            deleted_too: Also what lies in the recycle bin (`queryAll`).

        Raises:
            RequestRefused: The org refuses the query.
        """
        body = {
            "operation": "queryAll" if deleted_too else "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        answer = org.post_json(org.data_path("jobs", "query"), body, repeatable=True)
        with understood(org.name, "a new Bulk job"):
            return cls(org, str(answer["id"]))

    def state(self) -> JobState:
        """Ask where the job stands."""
        answer = self.org.get_json(self._path())
        with understood(self.org.name, f"the state of Bulk job {self.id}"):
            rows = int(answer.get("numberRecordsProcessed") or 0)
            return JobState(str(answer["state"]), rows, answer.get("errorMessage"))

    def wait(self, on_state: Callable[[JobState], None] | None = None, *, patience: float = 4 * 3600.0) -> JobState:
        """Wait until the answer is ready; it polls quickly at first, and then ever more slowly.

        Args:
            on_state: Told every state that is seen.
            patience: Seconds to wait in all.

        Raises:
            RequestRefused: The job failed or was aborted.
            JobNotReady: It is still running when patience ends; the job goes on.
        """
        now = wait_for_job(self.org, self.id, self.state, on_state, patience)
        if now.state != "JobComplete":
            raise self._failed(now)
        self._done = now
        return now

    def download(
        self,
        folder: Path,
        on_page: Callable[[SpooledPage], None] | None = None,
        *,
        connections: int = 8,
        here: Sequence[SpooledPage] = (),
    ) -> list[SpooledPage]:
        """Fetch the answer into `folder/00001.csv`, `00002.csv`, …; pages without rows are not kept.

        A page is written beside its name first and appears under it only when it is complete; one that breaks off is
        fetched again from the start. Rows are in no order, across pages and within.

        Args:
            folder: Made when missing, readable by the owner only.
            on_page: Told each page when it is on disk, in the calling thread and in whatever order they come.
            connections: How many pages to fetch at once, where the org can say in advance which there are, and as long
                as other downloads from the same org leave room (`Org.downloads`).
            here: Pages that an earlier call has put into `folder`; those are not fetched again.

        Returns:
            The pages, in the org's order.

        Raises:
            IncompleteAnswer: Pages and job do not agree on the number of rows; the job is kept.
        """
        done = self._done or self.wait()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fetch = _Fetch(self, folder, here)
        parallel = self.org.supports(RESULT_PAGES) and connections > 1
        pages: dict[int, SpooledPage] = {}
        # Closed at once when `on_page` raises, so that the other threads stop downloading.
        with closing(fetch.in_parallel(connections) if parallel else fetch.one_by_one()) as arriving:
            for number, page in arriving:
                pages[number] = page
                if on_page and page.rows:
                    on_page(page)
        rows = sum(page.rows for page in pages.values())
        if rows != done.rows:
            raise IncompleteAnswer(
                f"Bulk job {self.id} has {done.rows} rows, but its pages {rows}.",
                hint="Run the command again; the job is kept in the org.",
                context={"job": self.id, "announced": done.rows, "received": rows},
            )
        return [page for _number, page in sorted(pages.items()) if page.rows]

    def abort(self) -> None:
        """Give the job up; one that is over, or gone, is fine."""
        abort_job(self.org, self._path())

    def delete(self) -> None:
        """Delete the job and its results in the org; one that is gone already is fine."""
        delete_job(self.org, self._path())

    def _path(self, *parts: str) -> str:
        return self.org.data_path("jobs", "query", self.id, *parts)

    def _failed(self, now: JobState) -> RequestRefused:
        said = clean(now.error or "the org gives no reason")
        code = _ERROR_CODE.search(said)
        return RequestRefused(
            f"Bulk job {self.id} was {now.state.lower()}: {said}"
            if now.state == "Aborted"
            else f"Bulk job {self.id} failed: {said}",
            error_code=code[1] if code else f"JOB_{now.state.upper()}",
            status=200,
            hint="Someone stopped the job in Setup → Bulk Data Load Jobs."
            if now.state == "Aborted"
            else "Change the query as the message says, or ask for a smaller window of records.",
        )


@dataclass(frozen=True, slots=True)
class _Got:
    page: SpooledPage
    locator: str | None  # of the page that follows, by the answer's own header


class _Stopped(Exception):
    """Another page failed: stop fetching this one."""


class _Fetch:
    """Fetches the pages of one finished job."""

    def __init__(self, job: BulkQuery, folder: Path, here: Sequence[SpooledPage] = ()) -> None:
        self._job = job
        self._org = job.org
        self._folder = folder
        self._here = {page.address: page for page in here}
        self._stop = threading.Event()

    def one_by_one(self) -> Generator[tuple[int, SpooledPage], None, None]:
        """Each page's answer says where the next one is."""
        results = self._job._path("results")  # noqa: SLF001 - one module, one job
        url, number, seen = results, 1, {""}
        while True:
            got = self._page(url, number)
            yield number, got.page
            if got.locator is None:
                return
            if got.locator in seen:
                raise IncompleteAnswer(f"Bulk job {self._job.id} leads in a circle.", hint="Run the command again.")
            seen.add(got.locator)
            url, number = f"{results}?locator={quote(got.locator, safe='')}", number + 1

    def in_parallel(self, connections: int) -> Generator[tuple[int, SpooledPage], None, None]:
        """The org lists the pages' addresses, five at a time; several threads fetch them."""
        addresses = self._addresses()
        try:
            first = list(islice(addresses, 1))
        except RequestRefused as refused:
            if refused.status != 404:
                raise
            yield from self.one_by_one()  # this org does not list them after all
            return
        waiting: dict[Future[_Got], int] = {}
        with ThreadPoolExecutor(connections, thread_name_prefix="bulk-page") as pool:
            try:
                for number, url in enumerate(chain(first, addresses), start=1):
                    if self._is_here(url, number):
                        yield number, self._here[url]
                        continue
                    while len(waiting) > connections:  # one more than can run: the list is read ahead, but not far
                        yield from self._finished(waiting)
                    waiting[pool.submit(self._page, url, number)] = number
                while waiting:
                    yield from self._finished(waiting)
            except (BudgetReached, LimitReached):
                # Nothing more may be asked, but what is under way is paid for: kept, it need not be fetched again.
                pool.shutdown(wait=True, cancel_futures=True)
                yield from self._paid_for(waiting)
                raise
            finally:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def _is_here(self, url: str, number: int) -> bool:
        page = self._here.get(url)
        return page is not None and page.path == self._final(number) and page.path.exists()

    def _final(self, number: int) -> Path:
        return self._folder / f"{number:05d}.csv"

    @staticmethod
    def _finished(waiting: dict[Future[_Got], int]) -> Iterator[tuple[int, SpooledPage]]:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(future), future.result().page

    @staticmethod
    def _paid_for(waiting: dict[Future[_Got], int]) -> Iterator[tuple[int, SpooledPage]]:
        for future, number in waiting.items():
            if not future.cancelled() and future.exception() is None:
                yield number, future.result().page

    def _addresses(self) -> Iterator[str]:
        link: str | None = self._job._path("resultPages")  # noqa: SLF001 - one module, one job
        followed: set[str] = set()
        while link is not None:
            followed.add(link)
            answer: Any = self._org.get_json(link)
            with understood(self._org.name, f"the list of pages of Bulk job {self._job.id}"):
                listed = [str(item["resultUrl"]) for item in answer["resultPages"]]
                # The guide's table says nextRecordUrl, its example nextRecordsUrl.
                link = None if answer.get("done") else answer.get("nextRecordsUrl") or answer.get("nextRecordUrl")
            yield from listed
            if link in followed:
                raise IncompleteAnswer(f"The list of pages of Bulk job {self._job.id} leads in a circle.")

    def _page(self, url: str, number: int) -> _Got:
        final = self._final(number)
        partial = final.with_suffix(".part")

        def spool(download: Download) -> _Got:
            download.expect("csv")
            rows = self._row_count(download)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for piece in download.pieces():
                    if self._stop.is_set():
                        raise _Stopped
                    file.write(piece)
            return _Got(SpooledPage(final, rows, url), _locator(download))

        try:
            with self._org.downloads:
                got = self._org.read_stream(url, spool, headers=_CSV_HEADERS, stop=self._stop)
            if got.page.rows:
                partial.replace(final)
        finally:
            partial.unlink(missing_ok=True)
        return got

    def _row_count(self, download: Download) -> int:
        text = download.headers.get("Sforce-NumberOfRecords", "")
        if not (text.isascii() and text.isdigit()):
            raise IncompleteAnswer(
                f"A page of Bulk job {self._job.id} came without its number of rows.", hint="Run the command again."
            )
        return int(text)


def _locator(download: Download) -> str | None:
    """Where the next page is; the end is the text `null`, or no header."""
    value = download.headers.get("Sforce-Locator", "").strip()
    return None if value in {"", "null"} else value
