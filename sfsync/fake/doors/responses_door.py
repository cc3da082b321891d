"""The door through the `responses` package: within a context, every `requests` session reaches the fake org."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import responses
from requests.models import PreparedRequest
from werkzeug.wrappers import Request

from sfsync.fake.app import App
from sfsync.fake.doors.in_process import environ_of, exception_for
from sfsync.fake.weather import LineDropped

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@contextmanager
def responses_door(app: App) -> Iterator[responses.RequestsMock]:
    """Answer every https request of every `requests` session; yields the mock, for more responses of your own."""

    def answer(request: PreparedRequest) -> Any:
        try:
            response = app.answer(Request(environ_of(request)))
        except LineDropped as dropped:
            return exception_for(dropped, request)
        body = b"".join(response.iter_encoded())
        response.close()
        return response.status_code, list(response.headers.items()), body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in _METHODS:
            mock.add_callback(method, re.compile(r"https://.*"), callback=answer, content_type=None)
        yield mock
