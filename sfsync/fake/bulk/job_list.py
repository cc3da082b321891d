"""Lists of jobs, filtered and page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.fake import faults

#: Jobs of one page.
_PAGE = 1000


def job_list(jobs: Sequence[dict[str, Any]], asked: Mapping[str, str], path: str) -> dict[str, Any]:
    """One page of jobs.

    Args:
        jobs: All there are, as their own resources tell of them.
        asked: Parameters of the request: `jobType`, `isPkChunkingEnabled`, `queryLocator`.
        path: Where the list was asked for.
    """
    kind = asked.get("jobType")
    if kind is not None:
        jobs = [job for job in jobs if job["jobType"] == kind]
    if asked.get("isPkChunkingEnabled", "").lower() == "true":
        jobs = [job for job in jobs if job.get("isPkChunkingEnabled")]
    locator = asked.get("queryLocator", "0")
    if not locator.isascii() or not locator.isdigit():
        raise faults.invalid_locator()
    start = int(locator)
    end = start + _PAGE
    more = f"{path}?queryLocator={end}" if end < len(jobs) else None
    if more and kind:
        more += f"&jobType={kind}"
    return {"done": more is None, "records": list(jobs[start:end]), "nextRecordsUrl": more}
