"""Bulk API 2.0 query jobs: created, run, polled, read page by page, aborted and deleted."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.database import literal, quote
from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.ids import is_valid_id, make_id, to_18
from sfsync.fake.kept_results import Kept
from sfsync.fake.wire import csv_expression, json_datetime
from sfsync.soql import Query
from sfsync.soql.ast import ChildQuery, TypeOf

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

UPLOADED, RUNNING, COMPLETE = "UploadComplete", "InProgress", "JobComplete"
FAILED, ABORTED = "Failed", "Aborted"

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PIPE": "|", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\\n", "CRLF": "\\r\\n"}

#: Up to this version the columns of a result are in alphabetical order.
_LAST_ALPHABETICAL = 49.0

_LINKS_PER_ANSWER = 5
_JOB_PREFIX = "750"


@dataclass(frozen=True, slots=True)
class Transition:
    """How a job comes from created to complete, and whether it does.

    Attributes:
        polls: So many polls still see it `InProgress`.
        seconds: It stays `InProgress` for so long, by the org's clock.
        error: It ends `Failed`, with this message.
        stuck: It never ends.
    """

    polls: int = 0
    seconds: float = 0.0
    error: str | None = None
    stuck: bool = False


@dataclass
class BulkSettings:
    """How the org runs query jobs.

    Attributes:
        transition: Of jobs created from now on.
        page: Rows of a result page where the client asks for nothing else.
        shuffled: Whether results come in another order than the query's, as they may.
    """

    transition: Transition = field(default_factory=Transition)
    page: int = 100_000
    shuffled: bool = False


@dataclass
class BulkJob:
    """One query job."""

    id: str
    operation: str
    query: str
    compiled: CompiledQuery
    version: str
    user_id: str
    created: datetime
    delimiter: str
    line_ending: str
    transition: Transition
    kept: Kept
    state: str = UPLOADED
    polls: int = 0

    @property
    def ended(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in {COMPLETE, FAILED, ABORTED}


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of a job's result, written to a file that its reader removes."""

    path: Path
    rows: int
    locator: str


class BulkJobs:
    """All query jobs of one org."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._lock = Lock()
        self._jobs: dict[str, BulkJob] = {}
        self._files = count(1)
        self.settings = BulkSettings()
        self.created = 0

    def create(self, request: dict[str, Any], version: str, user_id: str) -> BulkJob:
        """Make and run a job; raises the fault that tells what the request lacks."""
        operation = request.get("operation")
        if operation not in {"query", "queryAll"}:
            raise faults.invalid_job("operation must be query or queryAll")
        text = request.get("query")
        if not isinstance(text, str) or not text.strip():
            raise faults.invalid_job("query is required")
        delimiter, ending = request.get("columnDelimiter", "COMMA"), request.get("lineEnding", "LF")
        if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
            raise faults.invalid_job("columnDelimiter or lineEnding is not one of the supported values")
        query, compiled = self._org.queries.compiled(text, all_rows=operation == "queryAll")
        _refuse_unsupported(query, compiled)
        kept = self._org.queries.results.keep(compiled.sql, len(compiled.columns), shuffled=self.settings.shuffled)
        with self._lock:
            number = self.created
            self.created += 1
        job = BulkJob(
            id=make_id(_JOB_PREFIX, number),
            operation=operation,
            query=text,
            compiled=compiled,
            version=version,
            user_id=user_id,
            created=self._org.clock.now(),
            delimiter=delimiter,
            line_ending=ending,
            transition=self.settings.transition,
            kept=kept,
        )
        with self._lock:
            self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> BulkJob:
        """The job of this Id; raises 404."""
        job = self._jobs.get(to_18(job_id)) if is_valid_id(job_id, _JOB_PREFIX) else None
        if job is None:
            raise faults.not_found()
        return job

    def poll(self, job_id: str) -> BulkJob:
        """The job after another look at it: its state moves as its transition says."""
        job = self.get(job_id)
        with self._lock:
            if not job.ended:
                job.polls += 1
                how = job.transition
                elapsed = self._org.clock.now() - job.created
                if how.stuck or job.polls <= how.polls or elapsed < timedelta(seconds=how.seconds):
                    job.state = RUNNING
                else:
                    job.state = FAILED if how.error else COMPLETE
        return job

    def abort(self, job_id: str) -> BulkJob:
        """Stop a job that has not ended."""
        job = self.get(job_id)
        if job.ended:
            raise faults.job_state_forbids("Aborting already Completed Job not allowed")
        job.state = ABORTED
        return job

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, and its results."""
        job = self.get(job_id)
        if not job.ended:
            raise faults.job_state_forbids("Deleting a job that is not Completed, Aborted or Failed is not allowed")
        with self._lock:
            self._jobs.pop(job.id, None)
        self._org.queries.results.drop(job.kept)

    def __iter__(self) -> Iterator[BulkJob]:
        with self._lock:
            return iter(tuple(self._jobs.values()))

    def finished(self, job_id: str, version: str) -> BulkJob:
        """The job, if its results can be read in this API version."""
        job = self.get(job_id)
        if job.state != COMPLETE:
            raise faults.job_not_complete(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", job.state).upper())
        if job.version != version:
            raise faults.job_of_other_version(version, job.version)
        return job

    def page(self, job: BulkJob, locator: str | None, most: int | None) -> ResultPage:
        """One page of a job's result."""
        start = _offset(job, locator)
        length = most or self.settings.page
        names = [".".join(column.path) for column in job.compiled.columns]
        places = list(range(len(names)))
        if float(job.version) <= _LAST_ALPHABETICAL:
            places.sort(key=lambda place: names[place].casefold())
        listed = ", ".join(
            f"{csv_expression(f'c{place}', job.compiled.columns[place].type)} AS {quote(names[place])}"
            for place in places
        )
        path = self._org.database.scratch / f"page-{next(self._files)}.csv"
        options = (
            f"FORMAT csv, HEADER true, FORCE_QUOTE *, DELIMITER {literal(DELIMITERS[job.delimiter])},"
            f" NEW_LINE '{LINE_ENDINGS[job.line_ending]}'"
        )
        with self._org.database.reading() as cursor:
            cursor.execute(
                f"COPY (SELECT {listed} FROM {job.kept.table} WHERE {job.kept.span(start, length)})"
                f" TO {literal(str(path))} ({options})"
            )
        end = min(start + length, job.kept.rows)
        return ResultPage(path, end - start, _locator(end) if end < job.kept.rows else "null")

    def links(self, job: BulkJob, locator: str | None) -> tuple[list[str], str | None]:
        """Locators of up to five pages from here on, and of what follows them."""
        start, page = _offset(job, locator), self.settings.page
        starts = range(start, max(job.kept.rows, 1), page)[:_LINKS_PER_ANSWER]
        following = start + len(starts) * page
        return [_locator(one) for one in starts], _locator(following) if following < job.kept.rows else None

    def info(self, job: BulkJob, *, full: bool) -> dict[str, Any]:
        """A job as the API tells of it: with counts and the like only when asked for by its Id."""
        body: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.compiled.object,
            "createdById": job.user_id,
            "createdDate": json_datetime(job.created.replace(microsecond=0)),
            "systemModstamp": json_datetime(job.created.replace(microsecond=0)),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if full:
            body["jobType"] = "V2Query"
            body["numberRecordsProcessed"] = job.kept.rows if job.state == COMPLETE else 0
            body["retries"] = 0
            body["totalProcessingTime"] = 0
            body["isPkChunkingSupported"] = True
            if job.state == FAILED:
                body["errorMessage"] = job.transition.error
        return body


def _refuse_unsupported(query: Query, compiled: CompiledQuery) -> None:
    selected = [one.what for one in query.select]
    if any(isinstance(what, ChildQuery) for what in selected):
        raise faults.bulk_bad_query("Aggregate Relationships not supported in Bulk V2 Query with CSV content type")
    if any(isinstance(what, TypeOf) for what in selected):
        raise faults.bulk_bad_query("TYPEOF is not supported in Bulk V2 Query")
    if compiled.is_count or compiled.is_aggregate:
        raise faults.bulk_bad_query("Aggregate functions and GROUP BY are not supported in Bulk V2 Query")
    if query.offset is not None:
        raise faults.bulk_bad_query("OFFSET is not supported in Bulk V2 Query")
    if any(column.type in {"address", "location"} for column in compiled.columns):
        raise faults.bulk_feature_missing("Selecting compound data not supported in Bulk Query")


def _locator(start: int) -> str:
    """Where a page begins, as an opaque text: base64 of the row number, without padding."""
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _offset(job: BulkJob, locator: str | None) -> int:
    if not locator:
        return 0
    try:
        start = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error) as error:
        raise faults.bad_bulk_locator(locator) from error
    if not 0 <= start <= job.kept.rows:
        raise faults.bad_bulk_locator(locator)
    return start
