"""API versions: which ones an org offers, and which one we speak."""

from __future__ import annotations

import re

import requests

from sfsync.errors import RequestRefused, SessionExpired, Unreachable, UsageError
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.transport import Call, Transport, json_of

#: Parallel download of Bulk results came with this one; below, results are read one page after the other.
RESULT_PAGES = 58

_VERSION = re.compile(r"v?(\d{1,3})(?:\.0)?", re.IGNORECASE)


def normalised(version: str) -> str:
    """`66`, `66.0` and `v66.0` are all `66.0`.

    Raises:
        UsageError: Anything else.
    """
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        raise UsageError(f"api_version is not an API version: {version[:20]!r}.", hint="Write it like 66.0.")
    return f"{int(match[1])}.0"


def offered_versions(transport: Transport, instance_url: str) -> list[str]:
    """The API versions of an org, oldest first. Needs no login and costs no API call."""

    def read(response: requests.Response) -> list[str]:
        answer = json_of(response)
        items = answer if isinstance(answer, list) else []
        versions = {str(item["version"]) for item in items if isinstance(item, dict) and "version" in item}
        return sorted((v for v in versions if _VERSION.fullmatch(v)), key=float)

    try:
        versions = transport.run(Call("GET", f"{instance_url}/services/data"), read)
    except SessionExpired:  # what any 401 is called; no session was needed here
        raise _not_an_org(instance_url, "HTTP_401") from None
    except RequestRefused as refused:
        if refused.error_code == "REDIRECTED":
            raise
        raise _not_an_org(instance_url, refused.error_code) from None
    if not versions:
        raise _not_an_org(instance_url, "no API versions")
    return versions


def choose_version(transport: Transport, instance_url: str, pinned: str | None) -> str:
    """The pinned version if the org offers it, else the newest one.

    Raises:
        RequestRefused: The org does not offer the pinned version.
    """
    versions = offered_versions(transport, instance_url)
    if pinned is None:
        return versions[-1]
    wanted = normalised(pinned)
    if wanted not in versions:
        raise RequestRefused(
            f"{host_of(instance_url)} does not offer API version {wanted}.",
            error_code="UNSUPPORTED_API_VERSION",
            status=404,
            hint=f"It offers {versions[0]} to {versions[-1]}; leave api_version out to use the newest.",
        )
    return wanted


def _not_an_org(instance_url: str, why: str) -> Unreachable:
    return Unreachable(
        f"{host_of(instance_url)} does not answer like a Salesforce org ({why}).",
        hint="Use the org's My Domain address, https://….my.salesforce.com (Setup → My Domain).",
    )
