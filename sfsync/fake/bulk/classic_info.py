"""Jobs and batches as Bulk API 1.0 tells of them, in XML or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from sfsync.fake.bulk.classic_batches import COMPLETED, FAILED, IN_PROGRESS, QUEUED, Batch
from sfsync.fake.bulk.classic_faults import NAMESPACE
from sfsync.fake.bulk.classic_jobs import ClassicJob
from sfsync.fake.bulk.classic_xml import HEAD, element
from sfsync.fake.wire import json_datetime, soap_datetime

_COUNTED = {
    "numberBatchesQueued": QUEUED,
    "numberBatchesInProgress": IN_PROGRESS,
    "numberBatchesCompleted": COMPLETED,
    "numberBatchesFailed": FAILED,
}


def job_info(job: ClassicJob, *, json: bool) -> bytes:
    """One job."""
    batches = list(job.batches.values())
    ended = [batch for batch in batches if batch.ended]
    spent = sum(batch.milliseconds for batch in ended)
    body: dict[str, Any] = {
        "id": job.id,
        "operation": job.load.operation,
        "object": job.load.object,
        "createdById": job.load.options.user_id,
        "createdDate": _moment(job.created, json=json),
        "systemModstamp": _moment(job.modified, json=json),
        "state": job.state,
        "externalIdFieldName": job.load.key,
        "assignmentRuleId": job.assignment_rule_id,
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        **{name: sum(1 for batch in batches if batch.state == state) for name, state in _COUNTED.items()},
        "numberBatchesTotal": len(batches),
        "numberRecordsProcessed": sum(batch.processed for batch in ended),
        "numberRetries": 0,
        "apiVersion": float(job.version),
        "numberRecordsFailed": sum(batch.failed for batch in ended),
        "totalProcessingTime": spent,
        "apiActiveProcessingTime": spent,
        "apexProcessingTime": 0,
    }
    if json:
        return orjson.dumps(body | {"fastPathEnabled": False}, option=orjson.OPT_SORT_KEYS)
    return element("jobInfo", body).encode()


def batch_info(batch: Batch, *, json: bool) -> bytes:
    """One batch."""
    body = _batch(batch, json=json)
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS) if json else element("batchInfo", body).encode()


def batch_list(batches: Sequence[Batch], *, json: bool) -> bytes:
    """All batches of a job."""
    bodies = [_batch(batch, json=json) for batch in batches]
    if json:
        return orjson.dumps({"batchInfo": bodies}, option=orjson.OPT_SORT_KEYS)
    inner = "".join(element("batchInfo", body, root=False) for body in bodies)
    return f'{HEAD}<batchInfoList xmlns="{NAMESPACE}">{inner}</batchInfoList>'.encode()


def result_list(ids: Sequence[str], *, json: bool) -> bytes:
    """The results of a query batch."""
    if json:
        return orjson.dumps(list(ids))
    inner = "".join(f"<result>{one}</result>" for one in ids)
    return f'<result-list xmlns="{NAMESPACE}">{inner}</result-list>'.encode()


def _batch(batch: Batch, *, json: bool) -> dict[str, Any]:
    ended = batch.ended
    spent = batch.milliseconds if ended else 0
    return {
        "id": batch.id,
        "jobId": batch.job_id,
        "state": batch.state,
        "stateMessage": batch.message if ended else None,
        "createdDate": _moment(batch.created, json=json),
        "systemModstamp": _moment(batch.modified, json=json),
        "numberRecordsProcessed": batch.processed if ended else 0,
        "numberRecordsFailed": batch.failed if ended else 0,
        "totalProcessingTime": spent,
        "apiActiveProcessingTime": spent,
        "apexProcessingTime": 0,
    }


def _moment(moment: datetime, *, json: bool) -> str:
    whole = moment.replace(microsecond=0)
    return json_datetime(whole) if json else soap_datetime(whole)
