from __future__ import annotations

import logging
import socket
import threading

import pytest
import requests

from sfsync.errors import IncompleteAnswer, RequestRefused, SessionExpired, TemporaryFailure, Unreachable, UsageError
from sfsync.salesforce import connect
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Call, Transport, json_of

THING = "/services/data/v66.0/thing"


def ask(transport, server, method="GET", **options):
    return transport.run(Call(method, server.url + THING, **options), json_of)


def test_every_request_says_who_we_are_and_asks_for_gzip(server, org, make_answer, token):
    server.on(f"GET {THING}", make_answer(200, {"fine": True}))
    assert org.get_json(THING) == {"fine": True}
    headers = server.requests[-1].headers
    assert headers["Authorization"] == f"Bearer {token}"
    assert headers["Sforce-Call-Options"] == "client=sfsync"
    assert headers["User-Agent"].startswith("sfsync/")
    assert headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("status", [406, 408, 420, 429, 500, 502, 503, 504])
def test_a_request_that_changes_nothing_is_repeated_after_a_passing_failure(
    server, transport, waits, make_answer, status
):
    server.on(f"GET {THING}", make_answer(status, "busy"), make_answer(status, "busy"), make_answer(200, {"n": 1}))
    assert ask(transport, server) == {"n": 1}
    assert len(waits) == 2
    assert waits[0] < waits[1]


@pytest.mark.parametrize("code", ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"])
def test_an_error_body_that_means_try_again_is_tried_again_whatever_its_status(
    server, transport, waits, make_answer, make_error, code
):
    server.on(f"GET {THING}", make_error(400, code), make_answer(200, [1]))
    assert ask(transport, server) == [1]
    assert len(waits) == 1


def test_when_it_never_gets_better_the_last_failure_is_raised_with_the_number_of_attempts(
    server, transport, waits, make_answer
):
    server.on(f"GET {THING}", make_answer(503, "down"))
    with pytest.raises(TemporaryFailure, match=r"localhost:\d+ cannot answer now: down") as raised:
        ask(transport, server)
    assert raised.value.context["attempts"] == 5
    assert len(waits) == 4
    assert raised.value.hint


def test_the_waits_together_are_bounded_too(server, make_answer):
    waits: list[float] = []
    policy = RetryPolicy(attempts=100, total_seconds=20, sleep=waits.append)
    transport = Transport(ca_file=server.ca_file, policy=policy)
    server.on(f"GET {THING}", make_answer(503))
    with pytest.raises(TemporaryFailure):
        ask(transport, server)
    assert sum(waits) <= 20
    assert 4 <= len(waits) < 10


def test_retry_after_is_honoured(server, transport, waits, make_answer):
    server.on(f"GET {THING}", make_answer(429, "slow down", {"Retry-After": "17"}), make_answer(200, 1))
    assert ask(transport, server) == 1
    assert waits == [17.0]


def test_retry_after_as_a_date_is_measured_by_the_servers_own_clock(server, transport, waits, make_answer):
    # http.server sends a Date of its own first; ours is what `requests` joins to it, so the test answers without one.
    def dated(_request):
        return make_answer(503, "", {"Retry-After": "Sat, 31 Jan 2099 12:00:21 GMT"})

    server.on(f"GET {THING}", dated, make_answer(200, 1))
    with pytest.raises(TemporaryFailure) as raised:  # decades by that clock: longer than we may wait
        ask(transport, server)
    assert raised.value.context["retryAfter"] > 1e9
    assert waits == []


def test_a_wait_longer_than_our_patience_is_not_begun(server, transport, waits, make_answer):
    server.on(f"GET {THING}", make_answer(429, "come back tomorrow", {"Retry-After": "86400"}))
    with pytest.raises(TemporaryFailure) as raised:
        ask(transport, server)
    assert waits == []
    assert raised.value.context["retryAfter"] == 86400


@pytest.mark.parametrize("failure", ["status 503", "connection closed"])
def test_a_creation_whose_fate_is_unknown_is_not_sent_again(server, transport, waits, make_answer, failure):
    broken = make_answer(503) if failure == "status 503" else make_answer(hang_up=True)
    server.on(f"POST {THING}", broken)
    with pytest.raises((TemporaryFailure, Unreachable)):
        ask(transport, server, "POST", body=b"{}")
    assert len(server.requests) == 1
    assert waits == []


def test_a_creation_that_certainly_was_not_processed_is_sent_again(server, transport, waits, make_answer, make_error):
    server.on(
        f"POST {THING}",
        make_answer(429),
        make_error(400, "UNABLE_TO_LOCK_ROW"),
        make_error(503, "SERVER_UNAVAILABLE"),
        make_error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
        make_answer(201, {"id": "x"}),
    )
    assert ask(transport, server, "POST", body=b"{}") == {"id": "x"}
    assert len(waits) == 4


def test_a_creation_that_found_nobody_listening_is_tried_again(waits):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        transport = Transport(policy=RetryPolicy(attempts=3, sleep=waits.append))
        with pytest.raises(Unreachable, match=rf"127.0.0.1:{port} cannot be reached: Connection refused"):
            transport.run(Call("POST", f"https://127.0.0.1:{port}/x", body=b""), json_of)
    assert len(waits) == 2


def test_a_creation_that_may_be_repeated_is_sent_again(server, transport, make_answer):
    server.on(f"POST {THING}", make_answer(hang_up=True), make_answer(500), make_answer(200, 1))
    assert ask(transport, server, "POST", body=b"{}", repeatable=True) == 1


def test_silence_is_a_time_out(server, waits, make_answer):
    transport = Transport(ca_file=server.ca_file, timeouts=(5, 0.1), policy=RetryPolicy(attempts=2, sleep=waits.append))
    server.on(f"GET {THING}", make_answer(200, 1, delay=0.5))
    with pytest.raises(Unreachable, match="did not answer in time"):
        ask(transport, server)
    assert len(waits) == 1


def test_an_answer_cut_short_is_asked_for_again(server, transport, make_answer):
    whole = make_answer(200, {"rows": list(range(1000))})
    server.on(
        f"GET {THING}",
        make_answer(200, whole.body, cut=100),
        make_answer(200, whole.body, cut=100, chunked=True),
        whole,
    )
    assert ask(transport, server) == whole.body


def test_an_answer_always_cut_short_is_incomplete(server, transport, make_answer):
    server.on(f"GET {THING}", make_answer(200, {"rows": [1, 2, 3]}, cut=5))
    with pytest.raises(IncompleteAnswer):
        ask(transport, server)


def test_a_name_that_does_not_exist_is_not_tried_again(waits, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    transport = Transport(policy=RetryPolicy(sleep=waits.append))
    with pytest.raises(Unreachable, match=r"The name nowhere\.example cannot be resolved"):
        transport.run(Call("GET", "https://nowhere.example/"), json_of)
    assert waits == []


def test_a_server_we_do_not_trust_is_an_error_that_names_the_way_out(server, waits):
    transport = Transport(policy=RetryPolicy(sleep=waits.append), env={})
    with pytest.raises(Unreachable, match="certificate that this machine does not trust") as raised:
        ask(transport, server)
    assert "REQUESTS_CA_BUNDLE" in raised.value.hint
    assert waits == []


def test_requests_ca_bundle_of_the_environment_is_used(server, make_answer, monkeypatch):
    server.on(f"GET {THING}", make_answer(200, 1))
    assert ask(Transport(env={"REQUESTS_CA_BUNDLE": server.ca_file}), server) == 1
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca_file)
    assert ask(Transport(), server) == 1


def test_a_ca_file_given_expressly_counts_more_than_the_environment(server, make_answer, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    server.on(f"GET {THING}", make_answer(200, 1))
    assert ask(Transport(ca_file=server.ca_file), server) == 1
    session = requests.Session()
    session.verify = server.ca_file
    assert ask(Transport(session), server) == 1


def test_a_missing_ca_file_is_said_to_be_missing(server, tmp_path):
    with pytest.raises(Unreachable, match=r"certificate file does not exist.*gone\.pem") as raised:
        ask(Transport(env={"REQUESTS_CA_BUNDLE": str(tmp_path / "gone.pem")}), server)
    assert "REQUESTS_CA_BUNDLE" in raised.value.hint


def test_netrc_does_not_replace_our_token(server, transport, make_answer, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine localhost login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.on(f"GET {THING}", make_answer(200, 1))
    ask(transport, server, token=Secret("00Dtoken"))
    ask(transport, server)
    assert [r.headers["Authorization"] for r in server.requests] == ["Bearer 00Dtoken", None]


def test_a_redirect_is_not_followed_with_our_token(server, transport, make_answer):
    server.on(f"GET {THING}", make_answer(302, "", {"Location": "https://elsewhere.example/services"}))
    with pytest.raises(RequestRefused, match=r"somewhere else: elsewhere\.example") as raised:
        ask(transport, server, token=Secret("00Dtoken"))
    assert "My Domain" in raised.value.hint


def test_plain_http_is_refused(transport):
    with pytest.raises(UsageError, match="https"):
        transport.run(Call("GET", "http://localhost/"), json_of)


def test_cookies_are_not_kept(server, transport, make_answer):
    server.on(f"GET {THING}", make_answer(200, 1, {"Set-Cookie": "sid=00Dsecret; Path=/"}))
    ask(transport, server)
    ask(transport, server)
    assert server.requests[-1].headers["Cookie"] is None


def test_usage_counts_the_requests_and_reads_the_orgs_own_count(server, org, make_answer):
    assert (org.usage.calls, org.usage.used, org.usage.allowed) == (0, None, None)
    info = {"Sforce-Limit-Info": "api-usage=25/5000; per-app-api-usage=17/250(appName=sfsync)"}
    server.on(f"GET {THING}", make_answer(503), make_answer(200, 1, info))
    org.get_json(THING)
    usage = org.usage
    assert (usage.calls, usage.used, usage.allowed) == (2, 25, 5000)
    assert (usage.app_used, usage.app_allowed) == (17, 250)


def test_threads_do_not_share_a_session(server, transport, make_answer):
    server.on(f"GET {THING}", make_answer(200, 1))
    seen = []

    def work():
        seen.append(transport._session())
        ask(transport, server)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(session) for session in [*seen, transport._session()]}) == 4
    assert len(server.requests) == 3


def test_an_expired_session_of_a_login_that_cannot_be_repeated_ends_the_run(server, org, make_error):
    server.on(f"GET {THING}", make_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    with pytest.raises(SessionExpired, match="Session expired or invalid") as raised:
        org.get_json(THING)
    assert len(server.asked(f"GET {THING}")) == 1
    assert "new access token" in raised.value.hint


def test_retries_are_told_to_the_log(server, transport, make_answer, caplog):
    server.on(f"GET {THING}", make_answer(503, "<html><title>Maintenance</title></html>"), make_answer(200, 1))
    with caplog.at_level(logging.INFO, "sfsync"):
        ask(transport, server)
    assert "Trying again in" in caplog.text
    assert "a web page “Maintenance”" in caplog.text


def test_an_unreachable_org_is_one_error_without_the_request_in_its_chain(server, token):
    transport = Transport(policy=RetryPolicy(attempts=1), env={})
    with pytest.raises(Unreachable) as raised:
        connect(env={"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url}, transport=transport)
    error = raised.value
    assert error.__cause__ is None
    assert error.__suppress_context__
