"""Whatever goes wrong, no password, token or key is in a message, a `repr`, a traceback or a log record."""

from __future__ import annotations

import logging
import traceback

import pytest

from sfsync.errors import SfsyncError
from sfsync.salesforce import connect
from sfsync.salesforce.auth.choose import choose_login
from sfsync.salesforce.auth.password import LOGIN_VERSION

PASSWORD, SECURITY_TOKEN, CLIENT_SECRET = "Sup3r-S3cret&", "sEcUrItYtOkEn42", "0123456789ABCDEF0123"
SESSION = "00D000000000001!AQEAQtestTokenThatMustNeverBeSeen"
HIDDEN = (PASSWORD, "Sup3r-S3cret", SECURITY_TOKEN, CLIENT_SECRET, SESSION, "testTokenThatMustNeverBeSeen")
THING = "/services/data/v66.0/thing"


@pytest.fixture
def watch(caplog):
    """Everything is logged at its most talkative, by our own code and by requests and urllib3."""
    caplog.set_level(logging.DEBUG)

    def check(*shown):
        said = [caplog.text, *(repr(record.__dict__) for record in caplog.records)]
        for thing in shown:
            said += [str(thing), repr(thing)]
            if isinstance(thing, BaseException):
                said += traceback.format_exception(thing)
            if isinstance(thing, SfsyncError):
                said += [str(thing.context), str(thing.hint)]
        everything = "\n".join(said)
        for secret in HIDDEN:
            assert secret not in everything
        return everything

    return check


def environment(server, flow):
    return {
        "token": {"SF_ACCESS_TOKEN": SESSION, "SF_ORG_INSTANCE_URL": server.url},
        "password": {
            "SF_USERNAME": "ada@example.com",
            "SF_PASSWORD": PASSWORD,
            "SF_SECURITY_TOKEN": SECURITY_TOKEN,
            "SF_LOGIN_URL": server.url,
        },
        "client": {"SF_CLIENT_ID": "3MVG9", "SF_CLIENT_SECRET": CLIENT_SECRET, "SF_LOGIN_URL": server.url},
    }[flow]


def echo(make_answer, status):
    """The worst server: it sends back everything it was sent."""

    def answer(request):
        said = f"You sent {dict(request.headers)} and {request.body.decode()} (session {SESSION})"
        return make_answer(
            status, [{"message": said, "errorCode": f"ODD_{SESSION}"}], {"X-Echo": said.replace("\n", " ")}
        )

    return answer


@pytest.mark.parametrize("flow", ["token", "password", "client"])
@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 500, 503])
def test_not_by_a_server_that_echoes_everything(server, transport, make_answer, watch, flow, status):
    for path in ("GET /services/data", "POST /services/oauth2/token", f"POST /services/Soap/u/{LOGIN_VERSION}"):
        server.on(path, echo(make_answer, status))
    env = environment(server, flow)
    with pytest.raises(SfsyncError) as raised:
        connect(env=env, transport=transport)
    assert watch(raised.value, transport, choose_login(None, None, env))


@pytest.mark.parametrize("status", [400, 401, 403, 418, 500, 503])
def test_not_by_requests_that_fail(server, org, make_answer, watch, status):
    server.on(f"GET {THING}", echo(make_answer, status))
    server.on(f"POST {THING}", echo(make_answer, status))
    errors = []
    for send in (lambda: org.get_json(THING), lambda: org.post_json(THING, {})):
        with pytest.raises(SfsyncError) as raised:
            send()
        errors.append(raised.value)
    assert "urllib3.connectionpool" in watch(*errors, org, org.login, org.usage)


def test_not_by_a_connection_that_breaks(server, org, make_answer, watch):
    server.on(f"GET {THING}", make_answer(hang_up=True))
    with pytest.raises(SfsyncError) as raised:
        org.get_json(THING)
    assert watch(raised.value, org)


def test_not_by_a_working_session(server, org, make_answer, watch):
    server.on(f"GET {THING}", make_answer(200, {"fine": 1}))
    org.get_json(THING)
    shown = watch(org, org.login, org.simple_salesforce, org.simple_salesforce.session)
    assert f"GET {server.url.removeprefix('https://')}{THING}: 200" in shown
