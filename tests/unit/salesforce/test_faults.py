from __future__ import annotations

import pytest

from sfsync.errors import LimitReached, RequestRefused, SessionExpired, TemporaryFailure, Unreachable
from sfsync.salesforce.transport import Call, json_of

THING = "/services/data/v66.0/thing"


@pytest.fixture
def refused(server, transport):
    """The error that an answer leads to."""

    def send(answer):
        server.on(f"GET {THING}", answer)
        with pytest.raises(Exception) as raised:
            transport.run(Call("GET", server.url + THING), json_of)
        return raised.value

    return send


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_FIELD", RequestRefused),
        (400, "INVALID_TYPE", RequestRefused),
        (400, "MALFORMED_QUERY", RequestRefused),
        (404, "NOT_FOUND", RequestRefused),
        (409, "UNKNOWN", RequestRefused),
        (403, "API_DISABLED_FOR_ORG", RequestRefused),
        (401, "INVALID_SESSION_ID", SessionExpired),
        (403, "INVALID_SESSION_ID", SessionExpired),
        (401, "", SessionExpired),
        (403, "REQUEST_LIMIT_EXCEEDED", LimitReached),
        (403, "TXN_SECURITY_METERING_ERROR", LimitReached),
        (400, "LIMIT_EXCEEDED", LimitReached),
        (500, "UNKNOWN_EXCEPTION", TemporaryFailure),
        (500, "APEX_ERROR", TemporaryFailure),
        (503, "SERVER_UNAVAILABLE", TemporaryFailure),
    ],
)
def test_status_and_code_decide_the_kind_of_error(refused, make_error, status, code, kind):
    assert type(refused(make_error(status, code))) is kind


def test_a_refusal_keeps_salesforces_words_and_gives_a_hint(refused, make_error):
    message = "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Lead'."
    error = refused(make_error(400, "INVALID_FIELD", message))
    assert error.error_code == "INVALID_FIELD"
    assert error.status == 400
    assert "No such column 'Foo' on entity 'Lead'" in error.message
    assert "\n" not in error.message
    assert "field-level security" in error.hint


def test_several_errors_are_all_told(refused, make_answer):
    body = [{"message": "one", "errorCode": "A"}, {"message": "two", "errorCode": "B"}]
    assert "one; two (A)" in refused(make_answer(400, body)).message


def test_the_daily_limit_asks_to_come_back_later(refused, make_error):
    error = refused(make_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    assert error.exit_code == 75
    assert "TotalRequests Limit exceeded" in error.message


def test_too_many_at_once_is_not_too_many_today(refused, make_error):
    error = refused(
        make_error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
    )
    assert isinstance(error, TemporaryFailure)


def test_a_session_without_api_permission_has_its_own_hint(refused, make_error):
    error = refused(make_error(403, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"))
    assert "API Enabled" in error.hint


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_web_page_is_called_one(refused, make_answer, status):
    page = "<!DOCTYPE html><html><head><title>Down for\n maintenance</title></head><body>…</body></html>"
    error = refused(make_answer(status, page, {"Content-Type": "text/html"}))
    assert "a web page “Down for maintenance”" in error.message
    assert type(error) is {200: Unreachable, 403: RequestRefused, 503: TemporaryFailure}[status]
    assert "<html" not in error.message


def test_hostile_words_are_tamed(refused, make_error):
    error = refused(make_error(400, "BAD\x1b[31m", "x" * 5000 + "\x1b]0;title\x07\u202e"))
    assert "\x1b" not in error.message
    assert "\u202e" not in error.message
    assert len(error.message) < 600


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[1]", b"null", b"[{", b"\xff\xfe", b"[{}]", b'{"error":null}'])
def test_an_error_body_of_any_kind_makes_a_clear_error(refused, make_answer, body):
    error = refused(make_answer(418, body))
    assert isinstance(error, RequestRefused)
    assert error.error_code == "HTTP_418"


def test_json_that_breaks_off_is_not_taken_for_an_answer(refused, make_answer):
    assert "JSON that cannot be read" in refused(make_answer(200, '{"records": [')).message
