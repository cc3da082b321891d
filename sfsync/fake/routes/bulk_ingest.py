"""Bulk API 2.0 ingest jobs over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.bulk.ingest_run import SUCCESSFUL, UNPROCESSED, UNSUCCESSFUL
from sfsync.fake.bulk.job_list import job_list
from sfsync.fake.bulk.result_csv import FileBody
from sfsync.fake.bulk.settings import ABORTED, UPLOADED
from sfsync.fake.routing import Context, Route, json_response

_CHUNK = 256 * 1024

#: Longest content that may come along with the job itself.
_LONGEST_PART = 100_000


def create(context: Context, version: str) -> Response:
    """Make a job; a multipart request brings its data along, and such a job is closed at once."""
    jobs = context.org.bulk.ingest
    if context.request.mimetype != "multipart/form-data":
        return json_response(jobs.info(jobs.create(context.json(), version, context.user_id), full=False))
    asked, content = _parts(context)
    job = jobs.create(asked, version, context.user_id)
    jobs.upload(job.id, [content])
    return json_response(jobs.info(jobs.close(job.id), full=False))


def list_jobs(context: Context, version: str) -> Response:
    """All ingest jobs, those of Bulk API 1.0 among them."""
    bulk = context.org.bulk
    jobs = [bulk.ingest.info(job, full=True) for job in bulk.ingest]
    jobs += [bulk.classic.summary(job) for job in bulk.classic if not job.is_query]
    return json_response(job_list(jobs, context.request.args, f"/services/data/v{version}/jobs/ingest"))


def upload(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001 - the same in every version
    """Take in the data of a job."""
    request = context.request
    encoding = request.headers.get("Content-Encoding", "")
    context.org.bulk.ingest.upload(job_id, _body(request.stream.read), encoding)
    return Response(status=201)


def get(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """One job, a poll further."""
    jobs = context.org.bulk.ingest
    return json_response(jobs.info(jobs.poll(job_id), full=True))


def change(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Close or abort a job."""
    jobs = context.org.bulk.ingest
    state = context.json().get("state")
    if state == UPLOADED:
        job = jobs.close(job_id)
    elif state == ABORTED:
        job = jobs.abort(job_id)
    else:
        jobs.get(job_id)
        raise faults.invalid_job(
            "The state of an ingest job can be changed to UploadComplete or Aborted"
        )  # from memory
    return json_response(jobs.info(job, full=False))


def delete(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Delete a job."""
    context.org.bulk.ingest.delete(job_id)
    return Response(status=204)


def _results(kind: str) -> Callable[..., Response]:
    def results(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
        path = context.org.bulk.ingest.result(job_id, kind)
        if path is None:
            return Response(b"", content_type="text/csv")
        response = Response(FileBody(path, keep=True), content_type="text/csv")
        response.headers["Content-Length"] = str(path.stat().st_size)
        return response

    return results


def _parts(context: Context) -> tuple[dict[str, Any], bytes]:
    """The job and its data out of a multipart request."""
    with context.request as request:  # closes the files
        texts = {name: part.read() for name, part in request.files.items()}
        texts |= {name: text.encode(errors="replace") for name, text in request.form.items()}
    job, content = texts.get("job"), texts.get("content")
    if job is None or content is None:
        raise faults.invalid_job("A multipart request has the parts job and content")  # from memory
    if len(content) > _LONGEST_PART:
        raise faults.body_too_large()
    try:
        asked = orjson.loads(job)
    except orjson.JSONDecodeError as error:
        raise faults.json_unreadable(str(error)) from error
    if not isinstance(asked, dict):
        raise faults.json_unreadable("The HTTP entity body is required to be a JSON object")
    return asked, content


def _body(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK):
        yield chunk


_ROOT = "/services/data/v<version:version>/jobs/ingest"

ROUTES = (
    Route("POST", _ROOT, create, "Bulk 2.0 ingest: create", note="JSON, or multipart with the data"),
    Route("GET", _ROOT, list_jobs, "Bulk 2.0 ingest: list"),
    Route("GET", f"{_ROOT}/<job_id>", get, "Bulk 2.0 ingest: job"),
    Route("PATCH", f"{_ROOT}/<job_id>", change, "Bulk 2.0 ingest: close, abort"),
    Route("DELETE", f"{_ROOT}/<job_id>", delete, "Bulk 2.0 ingest: delete"),
    Route("PUT", f"{_ROOT}/<job_id>/batches", upload, "Bulk 2.0 ingest: upload", note="one upload a job"),
    Route("GET", f"{_ROOT}/<job_id>/successfulResults", _results(SUCCESSFUL), "Bulk 2.0 ingest: successful rows"),
    Route("GET", f"{_ROOT}/<job_id>/failedResults", _results(UNSUCCESSFUL), "Bulk 2.0 ingest: failed rows"),
    Route("GET", f"{_ROOT}/<job_id>/unprocessedrecords", _results(UNPROCESSED), "Bulk 2.0 ingest: unprocessed rows"),
    Route("GET", f"{_ROOT}/<job_id>/unprocessedRecords", _results(UNPROCESSED), "Bulk 2.0 ingest: unprocessed rows"),
)
