from __future__ import annotations

import threading

import pytest

from sfsync.errors import BudgetReached, UsageError
from sfsync.fake import FakeOrg
from sfsync.salesforce import connect
from sfsync.salesforce.bulk_query import BulkQuery
from sfsync.salesforce.redaction import Secret
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Call, Stopped, Transport, json_of

THING = "/services/data/v66.0/thing"


def test_every_counted_request_is_asked_for_before_it_is_sent_repetitions_too(server, org, make_answer):
    asked: list[Call] = []
    server.on(f"GET {THING}", make_answer(503, "busy"), make_answer(503, "busy"), make_answer(200, {"n": 1}))
    with org.watched(asked.append, threading.Event()):
        assert org.get_json(THING) == {"n": 1}
    assert len(asked) == 3
    org.get_json(THING)
    assert len(asked) == 3


def test_what_the_guard_refuses_is_not_sent(server, org, make_answer):
    server.on(f"GET {THING}", make_answer(200, {"n": 1}))
    before = org.usage.calls

    def refuse(_call: Call) -> None:
        raise BudgetReached("spent")

    with org.watched(refuse, threading.Event()), pytest.raises(BudgetReached):
        org.get_json(THING)
    assert server.asked(f"GET {THING}") == []
    assert org.usage.calls == before


def test_two_runs_at_once_need_a_connection_each(org):
    refused = pytest.raises(UsageError, match="in use by another run")
    with org.watched(print, threading.Event()), refused, org.watched(print, threading.Event()):
        pass
    with org.watched(lambda _call: None, threading.Event()):
        pass


def test_what_costs_nothing_is_not_asked_for(server, org, make_answer):
    server.on("GET /services/data", make_answer(200, [], {"Date": "Sat, 31 Jan 2026 12:00:00 GMT"}))

    def refuse(_call: Call) -> None:
        raise BudgetReached("spent")

    with org.watched(refuse, threading.Event()):
        org.server_time()


def test_a_new_bulk_job_is_told_from_other_requests():
    with FakeOrg.seeded(seed=5, leads=50) as fake:
        org = connect(access_token=fake.token, instance_url=fake.instance_url, session=fake.session())
        asked: list[Call] = []
        with org.watched(asked.append, threading.Event()):
            job = BulkQuery.create(org, "SELECT Id FROM Lead")
            job.wait()
            job.delete()
    assert [call.starts_job for call in asked] == [True, *[False] * (len(asked) - 1)]


def test_a_stop_ends_waiting_and_asking(server, org, make_answer):
    stop = threading.Event()
    server.on(f"GET {THING}", make_answer(200, {"n": 1}))
    with org.watched(lambda _call: None, stop):
        threading.Timer(0.05, stop.set).start()
        Transport.pause(org._transport, 0)  # of the policy's own clock, which does not wait
        stop.wait(30)
        with pytest.raises(Stopped):
            org.get_json(THING)
    assert org.get_json(THING) == {"n": 1}


def test_a_stop_cuts_a_long_pause_short(server, make_answer):
    stop = threading.Event()
    transport = Transport(ca_file=server.ca_file, env={}, policy=RetryPolicy())
    transport.stop = stop
    waiting = threading.Thread(target=transport.pause, args=(3600.0,))
    waiting.start()
    stop.set()
    waiting.join(30)
    assert not waiting.is_alive()
    transport.close()


def test_a_stop_breaks_a_download_off(server, org, make_answer):
    stop = threading.Event()
    server.on(f"GET {THING}", make_answer(200, b"x" * 3_000_000, {"Content-Type": "text/csv"}))
    with org.watched(lambda _call: None, stop), org.stream(THING) as download:
        pieces = download.pieces()
        next(pieces)
        stop.set()
        with pytest.raises(Stopped):
            list(pieces)


def test_many_threads_share_one_pool_of_connections(server, token, make_answer, caplog):
    transport = Transport(ca_file=server.ca_file, env={})
    server.on(f"GET {THING}", make_answer(200, {"n": 1}, delay=0.02))
    call = Call("GET", server.url + THING, token=Secret(token))
    threads = [threading.Thread(target=transport.run, args=(call, json_of)) for _number in range(24)]
    with caplog.at_level("WARNING", logger="urllib3"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not [record for record in caplog.records if "pool is full" in record.message]
    assert transport.usage.calls == 24
    transport.close()


def test_credentials_can_be_given_in_so_many_words():
    with FakeOrg.empty() as fake:
        org = connect(
            access_token=fake.token,
            instance_url=fake.instance_url,
            session=fake.session(),
            env={"SF_TARGET_ORG": "another"},
        )
        assert org.org_id == fake.org_id
        with pytest.raises(UsageError, match="another org is named"):
            connect(access_token=fake.token, instance_url=fake.instance_url, target_org="prod")
        with pytest.raises(UsageError, match="acess_token"):
            connect(acess_token=fake.token)  # type: ignore[call-arg]


def test_a_user_name_and_password_can_be_given_in_so_many_words():
    with FakeOrg.empty() as fake:
        given = fake.credentials
        org = connect(
            username=given.username,
            password=given.password,
            security_token=given.security_token,
            login_url=fake.instance_url,
            session=fake.session(),
        )
        assert org.org_id == fake.org_id
