"""Bulk API 2.0 ingest jobs: created, filled by one upload, closed, run, asked for results, aborted and deleted."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.bulk.ingest_run import Results, run, untouched
from sfsync.fake.bulk.query_jobs import dialect
from sfsync.fake.bulk.register import JobRegister
from sfsync.fake.bulk.result_csv import scratch_file
from sfsync.fake.bulk.settings import (
    ABORTED,
    COMPLETE,
    FAILED,
    JOB_PREFIX,
    OPEN,
    RUNNING,
    UPLOADED,
    BulkSettings,
    Progress,
    Transition,
)
from sfsync.fake.bulk.writes import Load, load_of
from sfsync.fake.ids import make_id, to_15
from sfsync.fake.wire import json_datetime

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


@dataclass
class IngestJob:
    """One ingest job.

    Attributes:
        upload: The file that the client sent.
        results: What came of its rows, once the job has run.
        final: How the job will end, known once it has run.
    """

    id: str
    load: Load
    version: str
    created: datetime
    modified: datetime
    delimiter: str
    line_ending: str
    assignment_rule_id: str | None
    transition: Transition
    fail_after: int | None
    state: str = OPEN
    upload: Path | None = None
    progress: Progress | None = None
    results: Results | None = None
    final: str = ""
    error: str | None = None
    lock: Lock = field(default_factory=Lock)

    @property
    def born(self) -> datetime:
        """From when on its age counts."""
        return self.created

    @property
    def ended(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in {COMPLETE, FAILED, ABORTED}


class IngestJobs:
    """All ingest jobs of one org."""

    def __init__(self, org: FakeOrg, settings: BulkSettings, numbers: Iterator[int]) -> None:
        self._org = org
        self._numbers = numbers
        self._jobs = JobRegister(org.clock, _free)
        self.settings = settings
        self.batches = 0

    def create(self, request: dict[str, Any], version: str, user_id: str) -> IngestJob:
        """Make a job that waits for its data; raises the fault that tells what the request lacks."""
        load = load_of(self._org, request, user_id, self.settings)
        if request.get("contentType") not in (None, "CSV"):
            raise faults.invalid_job("contentType must be CSV")  # from memory
        delimiter, ending = dialect(request)
        now = self._org.clock.now()
        settings = self.settings.in_weather(self._org.weather, load.object)
        job = IngestJob(
            id=make_id(JOB_PREFIX, next(self._numbers)),
            load=load,
            version=version,
            created=now,
            modified=now,
            delimiter=delimiter,
            line_ending=ending,
            assignment_rule_id=request.get("assignmentRuleId"),
            transition=settings.transition,
            fail_after=settings.fail_after,
        )
        return self._jobs.add(job)

    def get(self, job_id: str) -> IngestJob:
        """The job of this Id; raises 404."""
        job = self._jobs.find(job_id)
        if job is None:
            raise faults.not_found()
        return job

    def upload(self, job_id: str, chunks: Iterable[bytes], encoding: str = "") -> None:
        """Take in a job's data: once, as they come, into a file."""
        job = self.get(job_id)
        with job.lock:
            if job.state != OPEN:
                raise faults.job_state_forbids(f"Uploading data is not allowed: the job is in state {job.state}")
            if job.upload is not None:
                raise faults.second_upload(to_15(job.id))
            path = scratch_file(self._org, "upload")
            try:
                with path.open("wb") as file:
                    for chunk in decoded(chunks, encoding, self.settings.upload_limit):
                        file.write(chunk)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            job.upload = path

    def close(self, job_id: str) -> IngestJob:
        """Let a job begin its work."""
        job = self.get(job_id)
        with job.lock:
            if job.state != OPEN:
                raise faults.job_state_forbids(f"Closing the job is not allowed: it is in state {job.state}")
            if job.upload is None:
                raise faults.job_state_forbids("Closing the job is not allowed: no data was uploaded")  # from memory
            self._move(job, UPLOADED)
            job.progress = Progress(job.transition, self._org.clock.now())
            if job.transition.immediate:
                self._run(job)
        return job

    def poll(self, job_id: str) -> IngestJob:
        """The job after another look at it: its state moves as its transition says."""
        job = self.get(job_id)
        if not job.lock.acquire(blocking=False):
            return job  # somebody else's look has set it to work
        try:
            if job.progress is not None and not job.ended:
                if job.progress.due(self._org.clock.now()):
                    self._run(job)
                    self._move(job, job.final)
                else:
                    self._move(job, RUNNING)
        finally:
            job.lock.release()
        return job

    def abort(self, job_id: str) -> IngestJob:
        """Stop a job that has not ended."""
        job = self.get(job_id)
        with job.lock:
            if job.ended or job.final:
                raise faults.job_state_forbids("Aborting already Completed Job not allowed")
            if job.upload is not None:
                job.results = untouched(self._org, job)
            self._move(job, ABORTED)
        return job

    def delete(self, job_id: str) -> None:
        """Remove a job, its data and its results."""
        job = self.get(job_id)
        if job.state in {OPEN, RUNNING}:
            raise faults.job_state_forbids("Deleting a job that is not Completed, Aborted or Failed is not allowed")
        self._jobs.remove(job)

    def result(self, job_id: str, kind: str) -> Path | None:
        """The file with the `successful`, `failed` or `unprocessed` rows; None when there is nothing to tell."""
        job = self.get(job_id)
        if not job.ended:
            # from memory
            raise faults.job_state_forbids(f"Results are not available: the job is in state {job.state}")
        return job.results.path(kind) if job.results is not None else None

    def __iter__(self) -> Iterator[IngestJob]:
        return iter(self._jobs)

    def info(self, job: IngestJob, *, full: bool) -> dict[str, Any]:
        """A job as the API tells of it: with counts only when asked for by its Id."""
        body: dict[str, Any] = {
            "id": job.id,
            "operation": job.load.operation,
            "object": job.load.object,
            "createdById": job.load.options.user_id,
            "createdDate": json_datetime(job.created.replace(microsecond=0)),
            "systemModstamp": json_datetime(job.modified.replace(microsecond=0)),
            "state": job.state,
        }
        if job.load.key is not None:
            body["externalIdFieldName"] = job.load.key
        if job.assignment_rule_id is not None:
            body["assignmentRuleId"] = job.assignment_rule_id
        body |= {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job.version)}
        if full:
            body["jobType"] = "V2Ingest"
        if job.state == OPEN:
            body["contentUrl"] = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
        body |= {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}
        return body | self._counts(job) if full else body

    def _counts(self, job: IngestJob) -> dict[str, Any]:
        results = job.results if job.ended else None
        counts: dict[str, Any] = {
            "numberRecordsProcessed": results.processed if results else 0,
            "numberRecordsFailed": results.failed if results else 0,
        }
        if job.state == FAILED:
            counts["errorMessage"] = job.error
        spent = results.milliseconds if results else 0
        return counts | {
            "retries": 0,
            "totalProcessingTime": spent,
            "apiActiveProcessingTime": spent,
            "apexProcessingTime": 0,
        }

    def _move(self, job: IngestJob, state: str) -> None:
        if job.state != state:
            job.state = state
            job.modified = self._org.clock.now()

    def _run(self, job: IngestJob) -> None:
        """Do the work, unless it has been done."""
        if job.final or job.upload is None:
            return
        if job.transition.error is not None and job.fail_after is None:
            job.results, job.error, job.final = untouched(self._org, job), job.transition.error, FAILED
            return
        job.results, job.error = run(self._org, job, self.settings)
        job.final = FAILED if job.error else COMPLETE
        self.batches += job.results.batches


def _free(job: IngestJob) -> None:
    """Remove the files of a job that nobody can ask for any more."""
    with job.lock:
        if job.upload is not None:
            job.upload.unlink(missing_ok=True)
        if job.results is not None:
            job.results.drop()


def decoded(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """An upload as it was before its client compressed it; raises the fault for too much of it."""
    size = 0
    for chunk in _inflated(chunks, encoding):
        size += len(chunk)
        if size > limit:
            raise faults.body_too_large()
        yield chunk


def _inflated(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        yield from chunks
        return
    if name not in {"gzip", "x-gzip", "deflate"}:
        raise faults.unsupported_encoding(encoding)
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip and zlib alike
    try:
        for chunk in chunks:
            data = inflate.decompress(chunk, _PIECE)
            while data:
                yield data
                data = inflate.decompress(inflate.unconsumed_tail, _PIECE)
        yield inflate.flush()
    except zlib.error as error:
        raise faults.bad_request(400, "The request body is not compressed as its Content-Encoding says") from error
    if not inflate.eof:
        raise faults.bad_request(400, "The request body is not compressed as its Content-Encoding says")


_PIECE = 1024 * 1024
