"""Sends a step by Bulk API 2.0: the database writes the file and reads the results, whatever their number and order."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.errors import RequestRefused, SalesforceError, SfsyncError
from sfsync.salesforce.bulk_ingest import BulkIngest, IngestOperation, IngestResults, IngestState
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.apply.bulk_files import BATCH, carriable, choose, file_sql, spans_of
from sfsync.sync.apply.check import reject_moved
from sfsync.sync.apply.current import Current, CurrentReader
from sfsync.sync.apply.events import JobSeen, Trouble
from sfsync.sync.apply.step_rows import StepRows, in_stretches, is_settled, outcome_count
from sfsync.sync.apply.tables import within
from sfsync.sync.apply.unknown import mark_unknown, resolve_unknown
from sfsync.sync.apply.work import Apply, write_options

_NOW, _RESULTS = quote("apply now"), quote("apply results")
_MOST_UPLOADS = 3
#: Columns of results, beside those that were sent.
_TOLD = ("sf__id", "sf__created", "sf__error")


class NotForBulk(Exception):
    """The org does not take this object or operation by Bulk."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """One file: the batch's number, and where it lies."""

    number: int
    file: Path


def fits_bulk(rows: StepRows) -> bool:
    """Whether Bulk can write a step as it was planned.

    It has no header for duplicate rules, runs the active assignment rule only by its Id, and a record that cannot be
    found by a key could not be told from its twin in the results.
    """
    options = write_options(rows.step)
    active_rule = options.auto_assign and options.assignment_rule_id is None
    return not rows.is_keyless and options.duplicates == "block" and not active_rule


def send_by_bulk(work: Apply, rows: StepRows) -> None:
    """Send the pending changes of a step, one Bulk job after the other.

    Raises:
        NotForBulk: The org does not take them by Bulk; nothing was sent.
        SfsyncError: The org cannot be written to now; a job that began goes on there.
    """
    failures, looks = 0, 0
    for near in in_stretches(work.store, rows, lambda session: spans_of(session, rows, work.options)):
        while _is_pending(work, near):
            upload = _prepare(work, rows, near, _current(work, rows, again=looks > 0))
            looks += 1
            if upload is None:
                break
            try:
                _send(work, rows, upload)
            except NotForBulk:
                raise
            except _UploadFailed as failed:
                failures += 1
                work.on_event(Trouble(rows.step.object, failed.error.message))
                if failures >= _MOST_UPLOADS:
                    raise failed.error from None
            finally:
                upload.file.unlink(missing_ok=True)
            work.run.note_spending(work.store)


def _is_pending(work: Apply, rows: StepRows) -> bool:
    """Whether anything is left for a file, found out before the org is asked what changed there."""
    left = f"SELECT 1 FROM {rows.from_sql} WHERE {rows.pending} AND {carriable(rows)} LIMIT 1"
    with work.store.reading() as session:
        return not is_settled(session, rows) and bool(session.execute(left).rows)


class _UploadFailed(Exception):
    """The file may not have arrived; the job was given up before it began."""

    def __init__(self, error: SalesforceError) -> None:
        super().__init__(error.message)
        self.error = error


def _current(work: Apply, rows: StepRows, *, again: bool) -> Current:
    """What was changed since the mirror's bound; of an object that is mirrored in part, also every key.

    The first look settles whatever moved, in every change of the step. Further ones, between its jobs, ask what others
    have changed since this run began: to read again what the jobs before have written would be for nothing, and would
    make changes of the org's automation look like somebody else's.
    """
    known = work.known[rows.step.object]
    by = (rows.key_field,) if rows.key_field else ()
    fields = tuple(dict.fromkeys((*by, *(each.name for each in rows.compared))))
    reader = CurrentReader(work.org, rows.describe, fields, work.folder)
    since, not_by = (work.began, work.org.user_id) if again else (None, None)
    if rows.key_field is not None and not known.is_whole:
        return reader.having(rows.key_field, since=since, not_by=not_by)
    return reader.changed_since(since or known.upper, not_by=not_by)


def _prepare(work: Apply, rows: StepRows, near: StepRows, current: Current) -> _Upload | None:
    """Settle those that moved, write down what is about to be sent, and write the file; None when none is left.

    Args:
        work: The apply.
        rows: Of the step: the first look at the org is the only one at what was changed before this run began.
        near: Those of its stretch.
        current: What was changed in the org.
    """
    file = work.folder / "upload.csv"
    with work.store.writing() as session:
        current.load(session, _NOW)
        reject_moved(session, work, rows, _NOW, every=False, only=carriable(rows))
        if not choose(session, near, work.options):
            return None
        number = work.begin_batch(session, near, "bulk", BATCH)
        session.write_csv(file_sql(near, work.batch_rows(near, number)), file)
    return _Upload(number, file)


def _operation(rows: StepRows) -> IngestOperation:
    if rows.step.action == "delete":
        return "hardDelete" if rows.step.options.get("hard") else "delete"
    return "upsert" if rows.key_field is not None else "update"


def _send(work: Apply, rows: StepRows, upload: _Upload) -> None:
    rule = write_options(rows.step).assignment_rule_id
    try:
        job = BulkIngest.create(
            work.org, _operation(rows), rows.step.object, key_field=rows.key_field, assignment_rule_id=rule
        )
    except RequestRefused as refused:
        work.void_batch(upload.number)
        raise NotForBulk(refused.message) from refused
    except BaseException:
        work.void_batch(upload.number)  # an open job writes nothing
        raise
    work.note_job(upload.number, job.id)
    work.store.let_go()  # others may look while the org is at work
    try:
        job.upload(upload.file)
    except SalesforceError as error:
        _give_up(work, job, upload.number)
        raise _UploadFailed(error) from error
    except SfsyncError:
        _give_up(work, job, upload.number)
        raise
    try:
        job.close()
    except RequestRefused as refused:
        if job.state().state != "Open":
            finish_job(work, rows, upload.number, job)
            return
        _give_up(work, job, upload.number)
        raise _UploadFailed(refused) from refused
    finish_job(work, rows, upload.number, job)


def _give_up(work: Apply, job: BulkIngest, number: int) -> None:
    """Give up a job that was never closed: it has written nothing, and never will."""
    work.void_batch(number)
    try:
        job.abort()
    except SfsyncError:
        return  # the org drops an open job by itself


def take_up(work: Apply, rows: StepRows, number: int, job_id: str) -> None:
    """Go on with the job of a run that was stopped; one that was never closed is given up, its changes wait again.

    Raises:
        SfsyncError: The org cannot be asked now, or the job is still at work.
    """
    job = BulkIngest(work.org, job_id)
    try:
        state = job.state()
    except RequestRefused as refused:
        if refused.status != 404:
            raise
        with work.store.writing() as session:
            mark_unknown(session, work, rows, number, "JOB_GONE", f"the org no longer has Bulk job {job_id}")
        return
    if state.state == "Open":
        job.abort()
        work.void_batch(number)
        return
    finish_job(work, rows, number, job)


def finish_job(work: Apply, rows: StepRows, number: int, job: BulkIngest) -> None:
    """Wait for a job that was closed, and settle its changes by its results."""
    with work.store.writing() as session:
        work.mark_batch(session, number, "sent")
        rows = replace(rows, span=work.span_of(session, number))
    work.store.let_go()
    name = rows.step.object
    state = job.wait(
        lambda now: work.on_event(JobSeen(name, job.id, now.state, now.processed)), patience=work.options.patience
    )
    folder = work.folder / "results"
    shutil.rmtree(folder, ignore_errors=True)
    results = job.results(folder)
    with work.store.writing() as session:
        _store_results(session, work, rows, number, state, results)
        work.tell_of_batch(session, rows, number)
    shutil.rmtree(folder, ignore_errors=True)
    resolve_unknown(work, replace(rows, span=None))


def _store_results(
    session: Session, work: Apply, rows: StepRows, number: int, state: IngestState, results: IngestResults
) -> None:
    _load_results(session, rows, results)
    told = _told_once(session, work, rows)
    _forget_guesses(session, work, rows, number)
    before = outcome_count(session, rows)
    why = literal(state.error or f"Bulk job {state.state}")
    code = literal(f"BULK_JOB_{state.state.upper()}")
    text = "coalesce(o.error, '')"
    coded = f"regexp_matches({text}, '^[A-Z][A-Z0-9_]+:')"
    wrote = f"o.state = 'done' AND {literal(rows.step.action)} = 'create' AND NOT o.created"
    session.execute(
        work.settle(
            rows.step,
            f"{work.batch_rows(rows, number)} JOIN {_RESULTS} AS o ON o.correlation = {rows.correlation}",
            span=rows.span,
            record_id=f"CASE WHEN o.state = 'unprocessed' THEN NULL ELSE coalesce(o.record_id, {rows.record_id}) END",
            created="o.state = 'done' AND o.created",
            code=f"CASE WHEN o.state = 'unprocessed' THEN {code} WHEN {wrote} THEN 'WAS_THERE' WHEN o.state = 'done' "
            f"THEN NULL WHEN {coded} THEN split_part({text}, ':', 1) ELSE 'NO_REASON' END",
            message=f"CASE WHEN o.state = 'unprocessed' THEN {why} WHEN o.state = 'done' THEN NULL WHEN {coded} "
            f"THEN substr({text}, length(split_part({text}, ':', 1)) + 2) ELSE {text} END",
        )
    )
    session.execute(f"DROP TABLE {_RESULTS}")
    strange = told - (outcome_count(session, rows) - before)
    if strange > 0:
        work.unbalanced.append(f"a Bulk job of {rows.step.object} has results for {strange:,} records not sent")
    if is_settled(session, rows):
        work.mark_batch(session, number, "done")
    else:
        mark_unknown(session, work, rows, number, "NOT_REPORTED", "the Bulk job's results do not name this record")


def _load_results(session: Session, rows: StepRows, results: IngestResults) -> None:
    """Make the table of results: each record once, by the column that was sent and comes back."""
    by = rows.key_field or "Id"
    session.execute(f"DROP TABLE IF EXISTS {_RESULTS}")
    session.execute(
        f"CREATE TEMPORARY TABLE {_RESULTS} (correlation VARCHAR, state VARCHAR, record_id VARCHAR, created BOOLEAN,"
        " error VARCHAR)"
    )
    kinds = (("done", results.successful), ("rejected", results.failed), ("unprocessed", results.unprocessed))
    for state, file in kinds:
        columns = _header(file)
        if not columns:
            continue
        told = {column.casefold(): column for column in columns}
        key, found = told.get(by.casefold(), told.get("sf__id")), [told.get(name) for name in _TOLD]
        page = quote("apply page")
        kept = list(dict.fromkeys(column for column in (key, *found) if column is not None))
        session.execute(f"CREATE TEMPORARY TABLE {page} ({', '.join(f'{quote(c)} VARCHAR' for c in kept)})")
        session.load_csv(page, dict.fromkeys(columns, "VARCHAR"), [file], only=kept)
        named, record_id, created, error = ("NULL" if each is None else quote(each) for each in (key, *found))
        session.execute(
            f"INSERT INTO {_RESULTS} SELECT {named}, {literal(state)}, {record_id}, "
            f"coalesce(lower({created}) = 'true', FALSE), {error} FROM {page}"
        )
        session.execute(f"DROP TABLE {page}")


def _told_once(session: Session, work: Apply, rows: StepRows) -> int:
    """Leave out records that the results name twice, which is no account of what became of them; how many are left."""
    told, named, distinct = session.execute(
        f"SELECT count(*), count(correlation), count(DISTINCT correlation) FROM {_RESULTS}"
    ).rows[0]
    if named == distinct:
        return int(told)
    several = f"SELECT correlation FROM {_RESULTS} GROUP BY correlation HAVING count(*) > 1 AND correlation IS NOT NULL"
    twice = session.execute(f"SELECT count(*) FROM ({several}) AS x").scalar()
    work.unbalanced.append(f"a Bulk job of {rows.step.object} has two results for {twice:,} records")
    session.execute(f"DELETE FROM {_RESULTS} WHERE correlation IN ({several})")
    return int(session.execute(f"SELECT count(*) FROM {_RESULTS}").scalar())


def _forget_guesses(session: Session, work: Apply, rows: StepRows, number: int) -> None:
    """What was held of the changes of a batch as long as its results were not there is nothing any more."""
    guessed = (
        f"FROM sfsync.outcomes AS e WHERE {within('e', rows.span)}e.plan_id = {literal(work.plan.id)}"
        " AND e.state IN ('unknown', 'unprocessed')"
    )
    if session.execute(f"SELECT 1 {guessed} LIMIT 1").rows:
        batch = f"SELECT s.change_no FROM {work.batch_rows(rows, number)}"
        session.execute(f"DELETE {guessed} AND e.change_no IN ({batch})")


def _header(file: Path) -> Sequence[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines), [])
