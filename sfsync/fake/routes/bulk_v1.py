"""Bulk API 1.0 over HTTP, in XML and JSON, with batches in CSV, XML and JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from werkzeug.wrappers import Request, Response

from sfsync.fake.bulk import classic_results
from sfsync.fake.bulk.classic_faults import CSV, JSON, XML, AsyncRefused, speaks_json, told
from sfsync.fake.bulk.classic_info import batch_info, batch_list, job_info, result_list
from sfsync.fake.bulk.classic_jobs import MOST_BYTES, ClassicJob
from sfsync.fake.bulk.classic_xml import XmlRefused, local, members, parsed
from sfsync.fake.bulk.ingest_jobs import decoded
from sfsync.fake.bulk.result_csv import FileBody, write_csv
from sfsync.fake.routing import Context, Coverage, Route

_CHUNK = 256 * 1024

#: Rows of a chunk where the client asks for PK chunking and no size.
_CHUNK_ROWS, _MOST_CHUNK_ROWS = 100_000, 250_000


def create(context: Context, version: str) -> Response:
    """Make a job."""
    request = _job_request(context)
    job = context.org.bulk.classic.create(request, version, context.user_id, chunk_rows=_pk_chunking(context.request))
    return _job(job, context.request, status=201)


def get(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001 - the same in every version
    """One job."""
    jobs = context.org.bulk.classic
    job = jobs.get(job_id)
    for batch in tuple(job.batches.values()):
        jobs.poll(job, batch)
    return _job(job, context.request)


def change(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Close or abort a job."""
    request = _job_request(context)
    return _job(context.org.bulk.classic.change(job_id, request.get("state")), context.request)


def add_batch(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Hand in a batch."""
    jobs = context.org.bulk.classic
    job = jobs.get(job_id)
    batch = jobs.add_batch(job_id, _body(context.request))
    return _answer(batch_info(batch, json=job.speaks_json), json=job.speaks_json, status=201)


def list_batches(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """All batches of a job."""
    jobs = context.org.bulk.classic
    job = jobs.get(job_id)
    for batch in tuple(job.batches.values()):
        jobs.poll(job, batch)
    return _answer(batch_list(tuple(job.batches.values()), json=job.speaks_json), json=job.speaks_json)


def get_batch(context: Context, version: str, job_id: str, batch_id: str) -> Response:  # noqa: ARG001
    """One batch, a poll further."""
    jobs = context.org.bulk.classic
    job, batch = jobs.batch(job_id, batch_id)
    return _answer(batch_info(jobs.poll(job, batch), json=job.speaks_json), json=job.speaks_json)


def batch_request(context: Context, version: str, job_id: str, batch_id: str) -> Response:  # noqa: ARG001
    """A batch as it was handed in."""
    job, batch = context.org.bulk.classic.batch(job_id, batch_id)
    if batch.request is None:
        return Response(b"", content_type=CSV)
    kind = {"CSV": CSV, "JSON": JSON}.get(job.content_type, XML)
    return Response(FileBody(batch.request, keep=True), content_type=kind)


def batch_result(context: Context, version: str, job_id: str, batch_id: str) -> Response:  # noqa: ARG001
    """What came of the records of a batch, or the results of a query."""
    job, batch = context.org.bulk.classic.finished(job_id, batch_id)
    if job.is_query:
        return _answer(result_list(list(batch.results), json=job.speaks_json), json=job.speaks_json)
    kind = {"CSV": CSV, "JSON": JSON}.get(job.content_type, XML)
    if batch.outcomes is None:
        raise AsyncRefused("InvalidBatch", "Records not processed")
    return Response(FileBody(batch.outcomes, keep=True), content_type=kind)


def query_result(context: Context, version: str, job_id: str, batch_id: str, result_id: str) -> Response:
    """One result of a query."""
    job, batch = context.org.bulk.classic.finished(job_id, batch_id)
    result = batch.results.get(result_id)
    if result is None:
        raise AsyncRefused("InvalidBatch", f"Invalid result id: {result_id}")  # from memory
    if job.content_type == "JSON":
        return Response(classic_results.json_records(context.org, result, version), content_type=JSON)
    if job.content_type == "XML":
        return Response(classic_results.xml_records(context.org, result, version), content_type=XML)
    if result.rows == 0:
        return Response(classic_results.NOTHING_FOUND, content_type=CSV)
    span = (result.start, result.rows)
    path = write_csv(context.org, result.compiled, result.kept, span, version=version)
    return Response(FileBody(path), content_type=CSV)


def _job(job: ClassicJob, request: Request, status: int = 200) -> Response:
    json = speaks_json(request.headers, otherwise=job.speaks_json)
    return _answer(job_info(job, json=json), json=json, status=status)


def _answer(body: bytes, *, json: bool, status: int = 200) -> Response:
    return Response(body, status, content_type=JSON if json else XML)


def _job_request(context: Context) -> dict[str, Any]:
    """The body of a request about a job, in JSON or XML."""
    data = _body(context.request)
    if speaks_json(context.request.headers):
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise AsyncRefused("InvalidJob", "Unable to parse Job") from error
        if not isinstance(body, dict):
            raise AsyncRefused("InvalidJob", "Unable to parse Job")
        return body
    try:
        root = parsed(data)
    except XmlRefused as refused:
        raise AsyncRefused("InvalidXML", str(refused)) from refused
    if local(root) != "jobInfo":
        raise AsyncRefused("InvalidJob", "Unable to parse Job")
    return {name: value for name, value in members(root).items() if value}


def _body(request: Request) -> bytes:
    """The body, uncompressed."""
    stream = request.stream
    chunks = iter(lambda: stream.read(_CHUNK), b"")
    return b"".join(decoded(chunks, request.headers.get("Content-Encoding", ""), MOST_BYTES))


def _pk_chunking(request: Request) -> int:
    """How many rows a chunk of the answer has, 0 for an answer in one piece: `Sforce-Enable-PKChunking`."""
    header = request.headers.get("Sforce-Enable-PKChunking", "").strip()
    if not header or header.lower() == "false":
        return 0
    settings = dict(part.strip().partition("=")[::2] for part in header.split(";"))
    size = settings.get("chunkSize", str(_CHUNK_ROWS)).strip()
    if not size.isascii() or not size.isdigit() or not 0 < int(size) <= _MOST_CHUNK_ROWS:
        raise AsyncRefused("InvalidJob", f"Invalid PK chunking size: {size}")  # from memory
    return int(size)


def _spoken(handler: Callable[..., Response]) -> Callable[..., Response]:
    """The handler, with what it refuses told as this API tells it."""

    def answer(context: Context, version: str, **parts: str) -> Response:
        try:
            return handler(context, version, **parts)
        except AsyncRefused as refused:
            raise told(refused, json=speaks_json(context.request.headers)) from refused

    return answer


def _route(method: str, path: str, handler: Callable[..., Response], title: str, note: str = "") -> Route:
    root = "/services/async/<version:version>/job"
    return Route(method, root + path, _spoken(handler), title, Coverage.FULL, note)


_BATCH = "/<job_id>/batch/<batch_id>"

ROUTES = (
    _route("POST", "", create, "Bulk 1.0: create a job", "XML and JSON; no zip content types"),
    _route("GET", "/<job_id>", get, "Bulk 1.0: job"),
    _route("POST", "/<job_id>", change, "Bulk 1.0: close, abort"),
    _route("POST", "/<job_id>/batch", add_batch, "Bulk 1.0: add a batch", "CSV, XML, JSON"),
    _route("GET", "/<job_id>/batch", list_batches, "Bulk 1.0: batches of a job"),
    _route("GET", _BATCH, get_batch, "Bulk 1.0: batch"),
    _route("GET", f"{_BATCH}/request", batch_request, "Bulk 1.0: request of a batch"),
    _route("GET", f"{_BATCH}/result", batch_result, "Bulk 1.0: results of a batch"),
    _route("GET", f"{_BATCH}/result/<result_id>", query_result, "Bulk 1.0: records of a query"),
)
