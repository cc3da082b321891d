"""Bulk API 1.0: jobs that clients fill batch by batch, each batch a query or up to 10,000 records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.bulk.classic_batches import COMPLETED, IN_PROGRESS, NOT_PROCESSED, QUEUED, Batch, BatchWork
from sfsync.fake.bulk.classic_faults import AsyncRefused
from sfsync.fake.bulk.register import JobRegister
from sfsync.fake.bulk.result_csv import scratch_file
from sfsync.fake.bulk.settings import (
    ABORTED,
    BATCH_PREFIX,
    FAILED,
    JOB_PREFIX,
    OPEN,
    BulkSettings,
    Progress,
    Transition,
)
from sfsync.fake.bulk.writes import Load, load_of
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.ids import is_valid_id, make_id, to_18
from sfsync.fake.wire import json_datetime

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

CLOSED = "Closed"

CONTENT_TYPES = ("XML", "CSV", "JSON")

QUERIES = ("query", "queryAll")

#: A job takes batches for so long after its creation.
FILLED_FOR = timedelta(hours=24)

#: Longest batch, in bytes.
MOST_BYTES = 10_000_000


@dataclass
class ClassicJob:
    """One job.

    Attributes:
        load: What it does; for queries only its `object`, `operation` and user count.
        chunk_rows: Rows of a chunk where the client asked for PK chunking, else 0.
    """

    id: str
    load: Load
    content_type: str
    version: str
    created: datetime
    modified: datetime
    concurrency: str
    assignment_rule_id: str | None
    transition: Transition
    chunk_rows: int = 0
    state: str = OPEN
    batches: dict[str, Batch] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def born(self) -> datetime:
        """From when on its age counts: its youngest batch keeps it."""
        return max([self.created, *(batch.created for batch in tuple(self.batches.values()))])

    @property
    def is_query(self) -> bool:
        """Whether its batches are queries."""
        return self.load.operation in QUERIES

    @property
    def speaks_json(self) -> bool:
        """Whether its batches are answered in JSON: those of XML and CSV jobs are answered in XML."""
        return self.content_type == "JSON"


class ClassicJobs:
    """All Bulk API 1.0 jobs of one org."""

    def __init__(self, org: FakeOrg, settings: BulkSettings, numbers: Iterator[int]) -> None:
        self._org = org
        self._numbers = numbers
        self._lock = Lock()
        self._jobs = JobRegister(org.clock, self._free)
        self._work = BatchWork(org, settings)
        self.settings = settings
        self.batches_made = 0

    def create(self, request: Mapping[str, Any], version: str, user_id: str, *, chunk_rows: int = 0) -> ClassicJob:
        """Make a job; raises AsyncRefused with what the request lacks."""
        content_type = request.get("contentType") or "XML"
        if content_type not in CONTENT_TYPES:
            raise AsyncRefused("InvalidJob", f"Unsupported content type: {content_type}")  # from memory
        now = self._org.clock.now()
        job = ClassicJob(
            id=make_id(JOB_PREFIX, next(self._numbers)),
            load=self._load(request, user_id),
            content_type=content_type,
            version=version,
            created=now,
            modified=now,
            concurrency="Serial" if str(request.get("concurrencyMode")) in {"Serial", "1"} else "Parallel",
            assignment_rule_id=request.get("assignmentRuleId"),
            transition=self.settings.transition,
            chunk_rows=chunk_rows,
        )
        return self._jobs.add(job)

    def get(self, job_id: str) -> ClassicJob:
        """The job of this Id."""
        job = self._jobs.find(job_id)
        if job is None:
            raise AsyncRefused("InvalidJob", f"Invalid job id: {job_id}")
        return job

    def change(self, job_id: str, state: Any) -> ClassicJob:
        """Close or abort a job."""
        job = self.get(job_id)
        with job.lock:
            if state not in (CLOSED, ABORTED):
                raise AsyncRefused("InvalidJobState", f"Invalid job state: {state}")  # from memory
            if job.state not in {OPEN, state}:
                message = f"Changing the state of the job is not allowed: it is {job.state}"  # from memory
                raise AsyncRefused("InvalidJobState", message)
            job.state = state
            job.modified = self._org.clock.now()
            if state == ABORTED:
                for batch in job.batches.values():
                    if not batch.ended and not batch.worked:
                        batch.state = NOT_PROCESSED
        return job

    def add_batch(self, job_id: str, data: bytes) -> Batch:
        """Hand in a batch."""
        job = self.get(job_id)
        if len(data) > MOST_BYTES:
            # from memory
            raise AsyncRefused("InvalidBatch", f"Batch size exceeds the limit of {MOST_BYTES} bytes")
        with job.lock:
            if job.state != OPEN:
                # from memory
                raise AsyncRefused("InvalidJobState", f"Unable to create a batch: the job is {job.state}")
            if self._org.clock.now() - job.created > FILLED_FOR:
                # from memory: the limit is documented, the words are not
                raise AsyncRefused("InvalidJobState", "Unable to create a batch: the job is more than 24 hours old")
            batch = self._batch(job)
            batch.request = scratch_file(self._org, "batch")
            batch.request.write_bytes(data)
            if job.transition.immediate:
                self._run(job, batch)
        return batch

    def batch(self, job_id: str, batch_id: str) -> tuple[ClassicJob, Batch]:
        """A job and one of its batches."""
        job = self.get(job_id)
        batch = job.batches.get(to_18(batch_id)) if is_valid_id(batch_id, BATCH_PREFIX) else None
        if batch is None:
            raise AsyncRefused("InvalidBatch", f"Invalid batch id: {batch_id}")  # from memory
        return job, batch

    def poll(self, job: ClassicJob, batch: Batch) -> Batch:
        """A batch after another look at it."""
        with job.lock:
            if not batch.ended:
                if batch.progress.due(self._org.clock.now()):
                    self._run(job, batch)
                    batch.state = batch.final
                else:
                    batch.state = IN_PROGRESS
                batch.modified = self._org.clock.now()
        return batch

    def finished(self, job_id: str, batch_id: str) -> tuple[ClassicJob, Batch]:
        """A job and one of its batches whose results can be read."""
        job, batch = self.batch(job_id, batch_id)
        if batch.state in {FAILED, NOT_PROCESSED}:
            raise AsyncRefused("InvalidBatch", "Records not processed")
        if batch.state != COMPLETED:
            raise AsyncRefused("InvalidBatch", "Batch not completed")  # from memory
        return job, batch

    def __iter__(self) -> Iterator[ClassicJob]:
        return iter(self._jobs)

    def summary(self, job: ClassicJob) -> dict[str, Any]:
        """A job as the lists of Bulk API 2.0 tell of it."""
        return {
            "id": job.id,
            "operation": job.load.operation,
            "object": job.load.object,
            "createdById": job.load.options.user_id,
            "createdDate": json_datetime(job.created.replace(microsecond=0)),
            "systemModstamp": json_datetime(job.modified.replace(microsecond=0)),
            "state": job.state,
            "concurrencyMode": job.concurrency,
            "contentType": job.content_type,
            "apiVersion": float(job.version),
            "jobType": "Classic",
            "isPkChunkingEnabled": bool(job.chunk_rows),
        }

    def _load(self, request: Mapping[str, Any], user_id: str) -> Load:
        if request.get("operation") not in QUERIES:
            return load_of(self._org, request, user_id, self.settings)
        name = request.get("object")
        if not isinstance(name, str) or not name:
            raise faults.invalid_job("object is required")  # from memory
        facts = self._org.behaviour.visible_to(user_id).facts(name)
        if facts is None:
            raise faults.invalid_job(f"Unable to find object: {name}")  # from memory
        return Load(facts.name, request["operation"], None, WriteOptions(user_id))

    def _batch(self, job: ClassicJob) -> Batch:
        with self._lock:
            number = self.batches_made
            self.batches_made += 1
        now = self._org.clock.now()
        batch = Batch(make_id(BATCH_PREFIX, number), job.id, now, now, Progress(job.transition, now), QUEUED)
        job.batches[batch.id] = batch
        return batch

    def _free(self, job: ClassicJob) -> None:
        """Remove the files and the query results of a job that nobody can ask for any more."""
        with job.lock:
            for batch in job.batches.values():
                self._work.drop(batch)

    def _run(self, job: ClassicJob, batch: Batch) -> None:
        """Do the work of a batch, unless it has been done; a query may make more batches, one a chunk."""
        if batch.worked or batch.request is None:
            return
        batch.worked = True
        if job.transition.error is not None:
            batch.final, batch.message = FAILED, job.transition.error
        elif job.is_query:
            self._work.query(job, batch, lambda: self._batch(job))
        else:
            self._work.load(job, batch)
