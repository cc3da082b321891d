"""Batches of Bulk API 1.0 at work: records loaded, queries run, results laid down in the job's own format."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.fake import faults
from sfsync.fake.bulk.classic_data import records_of
from sfsync.fake.bulk.classic_results import load_results, record_width
from sfsync.fake.bulk.csv_rows import BatchRefused
from sfsync.fake.bulk.query_jobs import refuse_unsupported
from sfsync.fake.bulk.result_csv import scratch_file
from sfsync.fake.bulk.settings import RESULT_PREFIX, BulkSettings, Progress
from sfsync.fake.bulk.writes import write
from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.ids import make_id
from sfsync.fake.kept_results import Kept

if TYPE_CHECKING:
    from sfsync.fake.bulk.classic_jobs import ClassicJob
    from sfsync.fake.org import FakeOrg

QUEUED, IN_PROGRESS, COMPLETED = "Queued", "InProgress", "Completed"
FAILED, NOT_PROCESSED = "Failed", "NotProcessed"

#: Most records of a batch.
_MOST_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A part of a query's answer: some rows of a kept result."""

    compiled: CompiledQuery
    kept: Kept
    start: int
    rows: int


@dataclass
class Batch:
    """One batch.

    Attributes:
        request: What the client sent; None for a batch that the org made itself.
        worked: Whether the work was done, or tried.
        final: The state in which it will end, known once it was worked on.
        message: Why it failed.
        outcomes: The file with what came of its records.
        results: The results of a query, by Id.
    """

    id: str
    job_id: str
    created: datetime
    modified: datetime
    progress: Progress
    state: str
    request: Path | None = None
    worked: bool = False
    final: str = ""
    message: str | None = None
    processed: int = 0
    failed: int = 0
    milliseconds: int = 0
    outcomes: Path | None = None
    results: dict[str, QueryResult] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in {COMPLETED, FAILED, NOT_PROCESSED}


class BatchWork:
    """Does the work of batches."""

    def __init__(self, org: FakeOrg, settings: BulkSettings) -> None:
        self._org = org
        self._settings = settings
        self._numbers = count()

    def load(self, job: ClassicJob, batch: Batch) -> None:
        """Write the records of a batch."""
        started = time.monotonic()
        try:
            self._load(job, batch)
            batch.final = COMPLETED
        except BatchRefused as refused:
            batch.final, batch.message = FAILED, str(refused)
        batch.milliseconds = round((time.monotonic() - started) * 1000)

    def query(self, job: ClassicJob, batch: Batch, another: Callable[[], Batch]) -> None:
        """Run the query of a batch.

        Args:
            job: The batch's job.
            batch: The batch.
            another: Makes one more batch of the job, for a chunk of the answer.
        """
        started = time.monotonic()
        try:
            parts = self._query(job, batch)
        except faults.RestFault as fault:
            batch.final = FAILED
            batch.message = f"InvalidBatch : Failed to process query: {fault.code}: {fault.message}"
            return
        batch.milliseconds = round((time.monotonic() - started) * 1000)
        if job.chunk_rows:
            batch.final = NOT_PROCESSED
            for part in parts:
                self._complete(another(), part)
        else:
            self._complete(batch, parts[0])

    def drop(self, batch: Batch) -> None:
        """Remove what a batch holds."""
        for path in (batch.request, batch.outcomes):
            if path is not None:
                path.unlink(missing_ok=True)
        for result in batch.results.values():
            self._org.queries.results.drop(result.kept)

    def _load(self, job: ClassicJob, batch: Batch) -> None:
        assert batch.request is not None  # noqa: S101 - what clients hand in has a body
        load = job.load
        facts = self._org.behaviour.visible_to(load.options.user_id).facts(load.object)
        if facts is None:
            raise BatchRefused(f"InvalidBatch : Unable to find object: {load.object}")  # from memory
        records = records_of(self._org, job, facts, batch.request)
        if len(records.rows) > _MOST_RECORDS:
            # from memory
            raise BatchRefused(f"InvalidBatch : Too many records in the batch: {len(records.rows)}")
        outcomes = write(self._org, load, records.rows, apart=load.object in records.parents)
        batch.processed = len(outcomes)
        batch.failed = sum(1 for outcome in outcomes if not outcome.success)
        batch.outcomes = scratch_file(self._org, "outcomes")
        batch.outcomes.write_bytes(load_results(job.content_type, outcomes, records.rows, job.version))

    def _query(self, job: ClassicJob, batch: Batch) -> list[QueryResult]:
        assert batch.request is not None  # noqa: S101 - what clients hand in has a body
        text = batch.request.read_text(encoding="utf-8-sig", errors="replace").strip()
        org = self._org
        user = job.load.options.user_id
        query, compiled = org.queries.compiled(text, all_rows=job.load.operation == "queryAll", user_id=user)
        refuse_unsupported(query, compiled)
        sql, columns = compiled.record_sql, record_width(compiled)
        if job.content_type == "CSV":
            sql, columns = compiled.sql, len(compiled.columns)
        kept = org.queries.results.keep(sql, columns, shuffled=self._settings.shuffled)
        step = job.chunk_rows or max(kept.rows, 1)
        starts = range(0, max(kept.rows, 1), step)
        return [QueryResult(compiled, kept, start, min(step, kept.rows - start)) for start in starts]

    def _complete(self, batch: Batch, part: QueryResult) -> None:
        batch.worked = True
        batch.final = COMPLETED
        batch.processed = part.rows
        batch.results = {make_id(RESULT_PREFIX, next(self._numbers)): part}
        if batch.request is None:
            batch.state = COMPLETED
