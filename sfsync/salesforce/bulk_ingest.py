"""Bulk API 2.0 ingest: a CSV file of records goes up, the org works through it, and three CSV files come back.

Nothing is written before the job is closed, so everything up to there may be given up and begun anew; and closing is
a change of state that can be looked up. A job whose Id is known is therefore never sent twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sfsync.errors import IncompleteAnswer, SalesforceError, TemporaryFailure, Unreachable
from sfsync.salesforce.answers import understood
from sfsync.salesforce.download import Download
from sfsync.salesforce.job_polling import abort_job, delete_job, wait_for_job
from sfsync.salesforce.org import Org
from sfsync.salesforce.redaction import clean

IngestOperation = Literal["insert", "update", "upsert", "delete", "hardDelete"]

#: The limit is 150 MB after base64, which is what 112 MB become; the guide advises 100.
MOST_BYTES = 100_000_000

#: Salesforce's name of each kind of result.
_RESULTS = {"successful": "successfulResults", "failed": "failedResults", "unprocessed": "unprocessedrecords"}


@dataclass(frozen=True, slots=True)
class IngestState:
    """Where a job stands.

    Attributes:
        state: `Open`, `UploadComplete`, `InProgress`, `JobComplete`, `Failed` or `Aborted`.
        processed: Records the org has worked on, failed ones included.
        failed: Records it refused.
        error: Why the whole job failed, or None.
    """

    state: str
    processed: int
    failed: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class IngestResults:
    """What became of the records: CSV files as the org sent them, in no order.

    Attributes:
        successful: `sf__Id`, `sf__Created` and the columns that were sent.
        failed: `sf__Id`, `sf__Error` and the columns that were sent.
        unprocessed: The columns that were sent.
    """

    successful: Path
    failed: Path
    unprocessed: Path


class BulkIngest:
    """One ingest job of an org.

    A job lives seven days, and its results can be fetched as often as it does: keep its `id` before the upload, and
    `BulkIngest(org, id)` goes on where a killed process stopped. **A job that failed may have written records**: its
    results tell which, like those of any other.
    """

    def __init__(self, org: Org, job_id: str) -> None:
        self.org = org
        self.id = job_id

    def __repr__(self) -> str:
        return f"BulkIngest({self.org.name!r}, {self.id!r})"

    @classmethod
    def create(
        cls,
        org: Org,
        operation: IngestOperation,
        object_name: str,
        *,
        key_field: str | None = None,
        assignment_rule_id: str | None = None,
    ) -> BulkIngest:
        """Open a job; it writes nothing until it is closed.

        Args:
            org: Where to write.
            operation: What to do with the records.
            object_name: Of which object they are.
            key_field: By which external Id an upsert finds them.
            assignment_rule_id: Bulk runs no assignment rule unless one is named.

        Raises:
            RequestRefused: The user may not, or there is no such object or field.
        """
        body = {
            "operation": operation,
            "object": object_name,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if key_field is not None:
            body["externalIdFieldName"] = key_field
        if assignment_rule_id is not None:
            body["assignmentRuleId"] = assignment_rule_id
        answer = org.post_json(org.data_path("jobs", "ingest"), body, repeatable=True)  # an open job too many is none
        with understood(org.name, "a new Bulk job"):
            return cls(org, str(answer["id"]))

    def upload(self, file: Path) -> None:
        """Send the records: UTF-8, comma, LF, one header line; an empty cell leaves a field alone, `#N/A` empties it.

        Raises:
            ValueError: The file is larger than the org takes; split it.
            SalesforceError: It did not arrive, or may not have: abort the job and begin another.
        """
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"{file.name} has {size:,} bytes, and a job takes {MOST_BYTES:,}")
        self.org.put_file(self._path("batches"), file, "text/csv; charset=UTF-8")

    def close(self) -> None:
        """Let the org begin. When the answer is lost, the job's state tells whether it has.

        Raises:
            RequestRefused: The org will not begin.
        """
        try:
            self.org.send_json("PATCH", self._path(), {"state": "UploadComplete"})
        except (Unreachable, TemporaryFailure, IncompleteAnswer):
            if self.state().state == "Open":
                self.org.send_json("PATCH", self._path(), {"state": "UploadComplete"})

    def state(self) -> IngestState:
        """Ask where the job stands."""
        answer = self.org.get_json(self._path())
        with understood(self.org.name, f"the state of Bulk job {self.id}"):
            said = answer.get("errorMessage")
            return IngestState(
                str(answer["state"]),
                int(answer.get("numberRecordsProcessed") or 0),
                int(answer.get("numberRecordsFailed") or 0),
                clean(str(said), 500) if said else None,
            )

    def wait(
        self, on_state: Callable[[IngestState], None] | None = None, *, patience: float = 4 * 3600.0
    ) -> IngestState:
        """Wait until the org has worked through the records, or given up; see `results` in either case.

        Raises:
            TemporaryFailure: It is still at work when patience (seconds) ends; the job goes on.
        """
        return wait_for_job(self.org, self.id, self.state, on_state, patience)

    def results(self, folder: Path) -> IngestResults:
        """Fetch what became of the records into `folder`; each file appears under its name only when complete."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = {name: self._fetch(kind, folder / f"{name}.csv") for name, kind in _RESULTS.items()}
        return IngestResults(**files)

    def abort(self) -> None:
        """Give the job up; one that is over, or gone, is fine."""
        abort_job(self.org, self._path())

    def delete(self) -> None:
        """Delete the job and its results in the org; one that is gone already is fine."""
        delete_job(self.org, self._path())

    def _path(self, *parts: str) -> str:
        return self.org.data_path("jobs", "ingest", self.id, *parts)

    def _fetch(self, kind: str, final: Path) -> Path:
        partial = final.with_suffix(".part")

        def spool(download: Download) -> None:
            download.expect("csv")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for piece in download.pieces():
                    file.write(piece)

        try:
            self.org.read_stream(self._path(kind), spool, headers={"Accept": "text/csv"})
            partial.replace(final)
        except OSError as error:
            raise SalesforceError(
                f"The results of Bulk job {self.id} cannot be kept: {error.strerror}.",
                hint="Free some disk space; the job keeps them for seven days.",
                context={"job": self.id},
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        return final
