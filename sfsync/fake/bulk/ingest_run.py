"""The work of an ingest job: its upload read row by row, written in batches, told in three files of results."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import IO, TYPE_CHECKING

from sfsync.fake.bulk.columns import Columns, check_columns, read_columns
from sfsync.fake.bulk.csv_rows import BatchRefused, CsvRows
from sfsync.fake.bulk.result_csv import scratch_file
from sfsync.fake.bulk.settings import DELIMITERS, LINE_ENDINGS, BulkSettings
from sfsync.fake.bulk.writes import error_text, result_id, write

if TYPE_CHECKING:
    from sfsync.fake.bulk.ingest_jobs import IngestJob
    from sfsync.fake.org import FakeOrg

SUCCESSFUL, UNSUCCESSFUL, UNPROCESSED = "successful", "failed", "unprocessed"

#: What a job says that stops in the middle of its rows and was given nothing else to say.
_STOPPED = "TooManyLockFailure : Too many lock failure (200) Trying again later."  # from memory


@dataclass
class Results:
    """What came of the rows of a job: how many, and a file of each kind."""

    files: dict[str, Path]
    processed: int = 0
    failed: int = 0
    batches: int = 0
    milliseconds: int = 0

    def path(self, kind: str) -> Path:
        """The file of a kind."""
        return self.files[kind]

    def drop(self) -> None:
        """Remove the files."""
        for path in self.files.values():
            path.unlink(missing_ok=True)


class _Writers:
    """The three files, each with its header."""

    def __init__(self, job: IngestJob, results: Results, header_line: str) -> None:
        delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
        self.files: dict[str, IO[str]] = {
            kind: path.open("w", encoding="utf-8", newline="") for kind, path in results.files.items()
        }
        for kind, columns in ((SUCCESSFUL, ("sf__Id", "sf__Created")), (UNSUCCESSFUL, ("sf__Id", "sf__Error"))):
            own = [f'"{column}"' for column in columns]
            self.files[kind].write(delimiter.join([*own, header_line] if header_line else own) + ending)
        self.files[UNPROCESSED].write(f"{header_line}{ending}" if header_line else "")
        self._writers = {
            kind: csv.writer(file, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
            for kind, file in self.files.items()
        }

    def add(self, kind: str, rows: Iterable[Sequence[str]]) -> None:
        """Write rows of a kind."""
        self._writers[kind].writerows(rows)

    def close(self) -> None:
        """Close the files."""
        for file in self.files.values():
            file.close()


class _Run:
    """One job at work."""

    def __init__(self, org: FakeOrg, job: IngestJob, settings: BulkSettings) -> None:
        self._org = org
        self._job = job
        self._settings = settings
        self._random = Random(job.id)  # noqa: S311 - the order of results, the same each time
        kinds = (SUCCESSFUL, UNSUCCESSFUL, UNPROCESSED)
        self.results = Results({kind: scratch_file(org, kind) for kind in kinds})

    def work(self, upload: CsvRows) -> str | None:
        """Work on the whole upload; returns why the job failed, or None."""
        error, columns = None, None
        try:
            columns = self._columns(upload)
        except BatchRefused as refused:
            error = str(refused)
        out = _Writers(self._job, self.results, upload.header_line)
        try:
            if columns is not None:
                error = self._batches(upload, columns, out)
            if error is not None:
                self._leave(upload, out)
        finally:
            out.close()
        return error

    def _columns(self, upload: CsvRows) -> Columns:
        load = self._job.load
        catalog = self._org.behaviour.visible_to(load.options.user_id)
        names = upload.read_header()
        facts = catalog.facts(load.object)
        if facts is None:
            raise BatchRefused(f"InvalidBatch : Unable to find object: {load.object}")  # from memory
        columns = read_columns(names, facts, catalog)
        check_columns(names, load.operation, load.key)
        return columns

    def _batches(self, upload: CsvRows, columns: Columns, out: _Writers) -> str | None:
        """Work on one batch after the other, until the rows or the job's luck run out."""
        rows = iter(upload)
        left = self._job.fail_after
        while True:
            batch: list[list[str]] = []
            try:
                size = self._settings.batch if left is None else min(self._settings.batch, left)
                for row in islice(rows, size):
                    batch.append(row)  # noqa: PERF402 - what was read before a bad row is not lost
                if batch:
                    self._batch(batch, columns, out)
            except BatchRefused as refused:
                out.add(UNPROCESSED, batch)
                return str(refused)
            if left is not None:
                left -= len(batch)
                if left <= 0:
                    return self._job.transition.error or _STOPPED
            if len(batch) < size:
                return None if left is None else (self._job.transition.error or None)

    def _batch(self, batch: Sequence[Sequence[str]], columns: Columns, out: _Writers) -> None:
        load = self._job.load
        records = [columns.row(cells) for cells in batch]
        outcomes = write(self._org, load, records, apart=columns.point_to(load.object))
        done, refused = [], []
        for cells, record, outcome in zip(batch, records, outcomes, strict=True):
            record_id = result_id(outcome, record, self._job.version)
            if outcome.success:
                done.append((record_id, "true" if outcome.created else "false", *cells))
            else:
                refused.append((record_id, error_text(outcome.errors), *cells))
        if self._settings.shuffled:
            self._random.shuffle(done)
            self._random.shuffle(refused)
        out.add(SUCCESSFUL, done)
        out.add(UNSUCCESSFUL, refused)
        self.results.processed += len(batch)
        self.results.failed += len(refused)
        self.results.batches += 1

    def _leave(self, upload: CsvRows, out: _Writers) -> None:
        """Everything that was not worked on, as it is where it cannot be read."""
        try:
            if upload.readable:
                out.add(UNPROCESSED, upload)
        except BatchRefused:
            pass
        if not upload.readable:
            out.files[UNPROCESSED].writelines(upload.rest())


def run(org: FakeOrg, job: IngestJob, settings: BulkSettings) -> tuple[Results, str | None]:
    """Do the work of a job; returns what came of it, and why it failed or None."""
    started = time.monotonic()
    work = _Run(org, job, settings)
    assert job.upload is not None  # noqa: S101 - a job is only closed with data
    with CsvRows(job.upload, DELIMITERS[job.delimiter], job.line_ending) as upload:
        error = work.work(upload)
    work.results.milliseconds = round((time.monotonic() - started) * 1000)
    return work.results, error


def untouched(org: FakeOrg, job: IngestJob) -> Results:
    """The results of a job that ended before it began: nothing done, and the upload as it came."""
    assert job.upload is not None  # noqa: S101 - a job is only run with data
    results = Results({kind: scratch_file(org, kind) for kind in (SUCCESSFUL, UNSUCCESSFUL, UNPROCESSED)})
    with CsvRows(job.upload, DELIMITERS[job.delimiter]) as upload:
        with suppress(BatchRefused):
            upload.read_header()
        _Writers(job, results, upload.header_line).close()
    results.files[UNPROCESSED].unlink()
    results.files[UNPROCESSED] = job.upload
    return results
