"""Bulk API 2.0 query jobs: created, run, polled, read page by page, aborted and deleted."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.bulk.register import JobRegister
from sfsync.fake.bulk.result_csv import write_csv
from sfsync.fake.bulk.settings import (
    ABORTED,
    COMPLETE,
    DELIMITERS,
    FAILED,
    JOB_PREFIX,
    LINE_ENDINGS,
    RUNNING,
    UPLOADED,
    BulkSettings,
    Progress,
)
from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.ids import make_id
from sfsync.fake.kept_results import Kept
from sfsync.fake.wire import json_datetime
from sfsync.soql import Query
from sfsync.soql.ast import ChildQuery, TypeOf

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_LINKS_PER_ANSWER = 5


@dataclass
class QueryJob:
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
    progress: Progress
    kept: Kept
    state: str = UPLOADED

    @property
    def born(self) -> datetime:
        """From when on its age counts."""
        return self.created

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


class QueryJobs:
    """All query jobs of one org."""

    def __init__(self, org: FakeOrg, settings: BulkSettings, numbers: Iterator[int]) -> None:
        self._org = org
        self._lock = Lock()
        self._jobs = JobRegister[QueryJob](org.clock, lambda job: org.queries.results.drop(job.kept))
        self._numbers = numbers
        self.settings = settings
        self.created = 0

    def create(self, request: dict[str, Any], version: str, user_id: str) -> QueryJob:
        """Make and run a job; raises the fault that tells what the request lacks."""
        operation = request.get("operation")
        if operation not in ("query", "queryAll"):
            raise faults.invalid_job("operation must be query or queryAll")
        text = request.get("query")
        if not isinstance(text, str) or not text.strip():
            raise faults.invalid_job("query is required")
        delimiter, ending = dialect(request)
        query, compiled = self._org.queries.compiled(text, all_rows=operation == "queryAll", user_id=user_id)
        refuse_unsupported(query, compiled)
        settings = self.settings.in_weather(self._org.weather, compiled.object)
        shuffled = self.settings.shuffled or (settings.shuffled and not query.order_by)
        kept = self._org.queries.results.keep(compiled.sql, len(compiled.columns), shuffled=shuffled)
        now = self._org.clock.now()
        job = QueryJob(
            id=make_id(JOB_PREFIX, next(self._numbers)),
            operation=operation,
            query=text,
            compiled=compiled,
            version=version,
            user_id=user_id,
            created=now,
            delimiter=delimiter,
            line_ending=ending,
            progress=Progress(settings.transition, now),
            kept=kept,
        )
        with self._lock:
            self.created += 1
        return self._jobs.add(job)

    def get(self, job_id: str) -> QueryJob:
        """The job of this Id; raises 404."""
        job = self._jobs.find(job_id)
        if job is None:
            raise faults.not_found()
        return job

    def poll(self, job_id: str) -> QueryJob:
        """The job after another look at it: its state moves as its transition says."""
        job = self.get(job_id)
        with self._lock:
            if not job.ended:
                if job.progress.due(self._org.clock.now()):
                    job.state = FAILED if job.progress.transition.error else COMPLETE
                else:
                    job.state = RUNNING
        return job

    def abort(self, job_id: str) -> QueryJob:
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
        self._jobs.remove(job)

    def __iter__(self) -> Iterator[QueryJob]:
        return iter(self._jobs)

    def finished(self, job_id: str, version: str) -> QueryJob:
        """The job, if its results can be read in this API version."""
        job = self.get(job_id)
        if job.state != COMPLETE:
            raise faults.job_not_complete(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", job.state).upper())
        if job.version != version:
            raise faults.job_of_other_version(version, job.version)
        return job

    def page(self, job: QueryJob, locator: str | None, most: int | None) -> ResultPage:
        """One page of a job's result."""
        start = _offset(job, locator)
        length = most or self.settings.page
        path = write_csv(
            self._org,
            job.compiled,
            job.kept,
            (start, length),
            version=job.version,
            delimiter=DELIMITERS[job.delimiter],
            line_ending=LINE_ENDINGS[job.line_ending],
        )
        end = min(start + length, job.kept.rows)
        return ResultPage(path, end - start, _locator(end) if end < job.kept.rows else "null")

    def links(self, job: QueryJob, locator: str | None) -> tuple[list[str], str | None]:
        """Locators of up to five pages from here on, and of what follows them."""
        start, page = _offset(job, locator), self.settings.page
        starts = range(start, max(job.kept.rows, 1), page)[:_LINKS_PER_ANSWER]
        following = start + len(starts) * page
        return [_locator(one) for one in starts], _locator(following) if following < job.kept.rows else None

    def info(self, job: QueryJob, *, full: bool) -> dict[str, Any]:
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
                body["errorMessage"] = job.progress.transition.error
        return body


def dialect(request: dict[str, Any]) -> tuple[str, str]:
    """Names of the delimiter and of the line ending that a job request asks for; raises the fault for others."""
    asked = {name: value for name, value in request.items() if value is not None}
    delimiter, ending = asked.get("columnDelimiter", "COMMA"), asked.get("lineEnding", "LF")
    if delimiter not in tuple(DELIMITERS) or ending not in tuple(LINE_ENDINGS):
        raise faults.invalid_job("columnDelimiter or lineEnding is not one of the supported values")
    return delimiter, ending


def refuse_unsupported(query: Query, compiled: CompiledQuery) -> None:
    """Raise the fault for what SOQL knows and Bulk queries do not."""
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


def _offset(job: QueryJob, locator: str | None) -> int:
    if not locator:
        return 0
    try:
        start = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error) as error:
        raise faults.bad_bulk_locator(locator) from error
    if not 0 <= start <= job.kept.rows:
        raise faults.bad_bulk_locator(locator)
    return start
