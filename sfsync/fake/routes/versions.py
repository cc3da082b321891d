"""Which API versions there are, and what each offers."""

from __future__ import annotations

from werkzeug.wrappers import Response

from sfsync.fake.routing import NEWEST_VERSION, OLDEST_VERSION, Context, Coverage, Route, json_response

_SEASONS = ("Summer", "Winter", "Spring")
_FIRST_YEAR = 2014  # version 31.0 was Summer '14


def label(number: int) -> str:
    """The release a version came with: three a year, Winter and Spring counted to the year that follows."""
    years, season = divmod(number - OLDEST_VERSION, len(_SEASONS))
    year = _FIRST_YEAR + years + (1 if season else 0)
    return f"{_SEASONS[season]} '{year % 100:02d}"


def versions(_: Context) -> Response:
    """All versions; needs no login, as with the real thing."""
    return json_response(
        [
            {"label": label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
        ]
    )


def resources(context: Context, version: str) -> Response:
    """What this version offers, by name, and who asks (`identity`)."""
    root = f"/services/data/v{version}"
    names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling")
    user = f"{context.base_url}/id/{context.org.org_id}/{context.user_id}"
    return json_response({**{name: f"{root}/{name}" for name in names}, "identity": user})


ROUTES = (
    Route("GET", "/services/data", versions, "API versions", login=False),
    Route(
        "GET",
        "/services/data/v<version:version>",
        resources,
        "Resources of a version",
        Coverage.PARTIAL,
        "lists the resources served here",
    ),
)
