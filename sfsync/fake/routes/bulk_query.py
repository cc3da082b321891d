"""Bulk API 2.0 query jobs over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.bulk_jobs import ABORTED
from sfsync.fake.routing import Context, Coverage, Route, json_response

_CHUNK = 256 * 1024

#: `resultPages` came with this version.
_FIRST_WITH_PAGES = 58.0


def create(context: Context, version: str) -> Response:
    """Make a job."""
    job = context.org.bulk.create(context.json(), version, context.user_id)
    return json_response(context.org.bulk.info(job, full=False))


def list_jobs(context: Context, version: str) -> Response:  # noqa: ARG001 - jobs of every version are listed
    """All jobs, in no particular order."""
    jobs = [context.org.bulk.info(job, full=True) for job in context.org.bulk]
    return json_response({"done": True, "records": jobs, "nextRecordsUrl": None})


def get(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """One job, a poll further."""
    return json_response(context.org.bulk.info(context.org.bulk.poll(job_id), full=True))


def change(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Abort a job: the one change there is."""
    if context.json().get("state") != ABORTED:
        context.org.bulk.get(job_id)
        raise faults.invalid_job("The only state a query job can be changed to is Aborted")
    return json_response(context.org.bulk.info(context.org.bulk.abort(job_id), full=False))


def delete(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Delete a job."""
    context.org.bulk.delete(job_id)
    return Response(status=204)


def results(context: Context, version: str, job_id: str) -> Response:
    """One page of a result."""
    jobs = context.org.bulk
    page = jobs.page(jobs.finished(job_id, version), context.request.args.get("locator"), _max_records(context))
    response = Response(_FileBody(page.path), content_type="text/csv")
    response.headers["Sforce-NumberOfRecords"] = str(page.rows)
    response.headers["Sforce-Locator"] = page.locator
    response.headers["Content-Length"] = str(page.path.stat().st_size)
    return response


def result_pages(context: Context, version: str, job_id: str) -> Response:
    """Links to up to five pages, to be read side by side."""
    if float(version) < _FIRST_WITH_PAGES:
        raise faults.not_found()
    jobs = context.org.bulk
    locators, following = jobs.links(jobs.finished(job_id, version), context.request.args.get("locator"))
    root = f"/services/data/v{version}/jobs/query/{jobs.get(job_id).id}"
    return json_response(
        {
            "resultPages": [{"resultUrl": f"{root}/results?locator={locator}"} for locator in locators],
            "nextRecordsUrl": f"{root}/resultPages?locator={following}" if following else None,
            "done": following is None,
        }
    )


def _max_records(context: Context) -> int | None:
    text = context.request.args.get("maxRecords")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise faults.invalid_job(f"maxRecords must be a positive number: {text}")
    return int(text)


class _FileBody:
    """A file as a response body, read piece by piece and removed at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def close(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


_ROOT = "/services/data/v<version:version>/jobs/query"

ROUTES = (
    Route("POST", _ROOT, create, "Bulk 2.0 query: create"),
    Route("GET", _ROOT, list_jobs, "Bulk 2.0 query: list", Coverage.PARTIAL, "no filters, one page"),
    Route("GET", f"{_ROOT}/<job_id>", get, "Bulk 2.0 query: job"),
    Route("PATCH", f"{_ROOT}/<job_id>", change, "Bulk 2.0 query: abort"),
    Route("DELETE", f"{_ROOT}/<job_id>", delete, "Bulk 2.0 query: delete"),
    Route("GET", f"{_ROOT}/<job_id>/results", results, "Bulk 2.0 query: results"),
    Route("GET", f"{_ROOT}/<job_id>/resultPages", result_pages, "Bulk 2.0 query: parallel results"),
    Route("GET", f"{_ROOT}/<job_id>/resultpages", result_pages, "Bulk 2.0 query: parallel results"),
)
