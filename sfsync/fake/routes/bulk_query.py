"""Bulk API 2.0 query jobs over HTTP."""

from __future__ import annotations

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.bulk.job_list import job_list
from sfsync.fake.bulk.result_csv import FileBody
from sfsync.fake.bulk.settings import ABORTED
from sfsync.fake.routing import Context, Route, json_response

#: `resultPages` came with this version.
_FIRST_WITH_PAGES = 58.0


def create(context: Context, version: str) -> Response:
    """Make a job."""
    job = context.org.bulk.queries.create(context.json(), version, context.user_id)
    return json_response(context.org.bulk.queries.info(job, full=False))


def list_jobs(context: Context, version: str) -> Response:
    """All query jobs and those of Bulk API 1.0, in no particular order."""
    bulk = context.org.bulk
    jobs = [bulk.queries.info(job, full=True) for job in bulk.queries]
    jobs += [bulk.classic.summary(job) for job in bulk.classic]
    return json_response(job_list(jobs, context.request.args, f"/services/data/v{version}/jobs/query"))


def get(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """One job, a poll further."""
    return json_response(context.org.bulk.queries.info(context.org.bulk.queries.poll(job_id), full=True))


def change(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Abort a job: the one change there is."""
    if context.json().get("state") != ABORTED:
        context.org.bulk.queries.get(job_id)
        raise faults.invalid_job("The only state a query job can be changed to is Aborted")
    return json_response(context.org.bulk.queries.info(context.org.bulk.queries.abort(job_id), full=False))


def delete(context: Context, version: str, job_id: str) -> Response:  # noqa: ARG001
    """Delete a job."""
    context.org.bulk.queries.delete(job_id)
    return Response(status=204)


def results(context: Context, version: str, job_id: str) -> Response:
    """One page of a result."""
    jobs = context.org.bulk.queries
    page = jobs.page(jobs.finished(job_id, version), context.request.args.get("locator"), _max_records(context))
    response = Response(FileBody(page.path), content_type="text/csv")
    response.headers["Sforce-NumberOfRecords"] = str(page.rows)
    response.headers["Sforce-Locator"] = page.locator
    response.headers["Content-Length"] = str(page.path.stat().st_size)
    return response


def result_pages(context: Context, version: str, job_id: str) -> Response:
    """Links to up to five pages, to be read side by side."""
    if float(version) < _FIRST_WITH_PAGES:
        raise faults.not_found()
    jobs = context.org.bulk.queries
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


_ROOT = "/services/data/v<version:version>/jobs/query"

ROUTES = (
    Route("POST", _ROOT, create, "Bulk 2.0 query: create"),
    Route("GET", _ROOT, list_jobs, "Bulk 2.0 query: list"),
    Route("GET", f"{_ROOT}/<job_id>", get, "Bulk 2.0 query: job"),
    Route("PATCH", f"{_ROOT}/<job_id>", change, "Bulk 2.0 query: abort"),
    Route("DELETE", f"{_ROOT}/<job_id>", delete, "Bulk 2.0 query: delete"),
    Route("GET", f"{_ROOT}/<job_id>/results", results, "Bulk 2.0 query: results"),
    Route("GET", f"{_ROOT}/<job_id>/resultPages", result_pages, "Bulk 2.0 query: parallel results"),
    Route("GET", f"{_ROOT}/<job_id>/resultpages", result_pages, "Bulk 2.0 query: parallel results"),
)
