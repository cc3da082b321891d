"""The org's limits, and how many records it has."""

from __future__ import annotations

from werkzeug.wrappers import Response

from sfsync.fake.dml import direct
from sfsync.fake.routing import Context, Coverage, Route, json_response

#: What a Developer Edition has, roughly.
_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 5_120,
    "FileStorageMB": 10_240,
    "HourlyAsyncReportRuns": 1_200,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "SingleEmail": 5_000,
}


def limits(context: Context, version: str) -> Response:  # noqa: ARG001 - the same in every version
    """Every limit with what is left of it."""
    allowed = context.org.settings.daily_api_requests
    body = {
        "DailyApiRequests": {"Max": allowed, "Remaining": max(allowed - context.org.app.used, 0)},
        **{name: {"Max": most, "Remaining": most} for name, most in _LIMITS.items()},
    }
    body["DailyBulkV2QueryJobs"]["Remaining"] -= context.org.bulk.created
    body["DailyBulkApiBatches"]["Remaining"] -= context.org.bulk.batches
    return json_response(dict(sorted(body.items())))


def record_count(context: Context, version: str) -> Response:  # noqa: ARG001
    """How many records the named objects have; names that the org does not know are left out."""
    visible = context.visible
    wanted = context.request.args.get("sObjects", "")
    known = [facts for name in wanted.split(",") if (facts := visible.facts(name.strip())) is not None]
    chosen = known if wanted else sorted(visible, key=lambda facts: facts.name)
    return json_response(
        {"sObjects": [{"count": direct.live(context.org, facts), "name": facts.name} for facts in chosen]}
    )


ROUTES = (
    Route("GET", "/services/data/v<version:version>/limits", limits, "Limits", Coverage.PARTIAL, "16 limits"),
    Route(
        "GET",
        "/services/data/v<version:version>/limits/recordCount",
        record_count,
        "Record counts",
        note="exact, where the real one is stale and approximate",
    ),
)
