"""Several questions in one API call: Composite, with at most 25 GET requests each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sfsync.errors import RequestRefused
from sfsync.salesforce.answers import understood
from sfsync.salesforce.org import Org

#: Salesforce takes so many requests in one.
MOST_TOGETHER = 25


def ask_together(org: Org, paths: Mapping[str, str]) -> dict[str, Any]:
    """The decoded answers of several GET requests, in one API call for every 25.

    What the org refuses within, or altogether (an org or user without Composite), is left out: ask for that alone, and
    the error that comes is the right one.

    Args:
        org: Whom to ask.
        paths: What you call each question → its path, parameters included. Not queries: only five of those fit.
    """
    answers: dict[str, Any] = {}
    remaining = iter(paths.items())
    while chunk := dict(islice(remaining, MOST_TOGETHER)):
        if len(chunk) == 1 and len(paths) == 1:
            return {}  # alone it costs the same, and its refusal says more
        try:
            answers.update(_ask(org, chunk))
        except RequestRefused:
            return answers
    return answers


def _ask(org: Org, paths: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    names = list(paths)
    asked = [{"method": "GET", "url": paths[name], "referenceId": f"r{number}"} for number, name in enumerate(names)]
    answer = org.post_json(org.data_path("composite"), {"allOrNone": False, "compositeRequest": asked}, repeatable=True)
    with understood(org.name, "a composite answer"):
        return iter(
            [
                (names[int(str(one["referenceId"])[1:])], one["body"])
                for one in answer["compositeResponse"]
                if int(one["httpStatusCode"]) == 200
            ]
        )
