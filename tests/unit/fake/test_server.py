from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from sfsync.errors import UsageError
from sfsync.fake.doors.certificates import HOSTS
from sfsync.fake.weather import Reset, Silence, Truncated

DATA = "/services/data/v60.0"


@pytest.fixture
def served(org):
    with org.serve(proxy=True) as server:
        yield server


@pytest.fixture
def web(served, monkeypatch):
    """A session as a user would set it up: nothing but the certificate in the environment."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(served.ca_file))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {served.token}"
        yield session


def test_a_client_that_trusts_the_certificate_is_served(web, served):
    assert web.get(f"{served.url}{DATA}/limits").json()["DailyApiRequests"]["Remaining"] == 99_999


def test_a_client_that_does_not_is_turned_away(served):
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection("localhost", served.port, context=context, timeout=10)
    with contextlib.closing(connection), pytest.raises(ssl.SSLError):
        connection.request("GET", "/services/data")


def test_a_client_that_says_nothing_holds_up_nobody(web, served):
    with socket.create_connection(("127.0.0.1", served.port)):
        assert web.get(f"{served.url}/services/data").status_code == 200


def test_what_is_not_tls_is_dropped(web, served):
    with socket.create_connection(("127.0.0.1", served.port)) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            plain.recv(100)
    assert web.get(f"{served.url}/services/data").status_code == 200


def test_one_connection_carries_many_requests(served):
    context = ssl.create_default_context(cafile=str(served.ca_file))
    connection = http.client.HTTPSConnection("localhost", served.port, context=context, timeout=10)
    with contextlib.closing(connection):
        connection.connect()
        sock = connection.sock
        for path in ("/services/data", "/nothing", "/services/data"):
            connection.request("GET", path)
            connection.getresponse().read()
            assert connection.sock is sock


def test_bodies_in_chunks_are_read(web, served):
    text = json.dumps({"operation": "query", "query": "SELECT Id FROM Lead"}).encode()
    response = web.post(f"{served.url}{DATA}/jobs/query", data=iter([text[:20], text[20:]]))
    assert response.json()["state"] == "UploadComplete"


def test_head_has_no_body(web, served):
    response = web.head(f"{served.url}/services/data")
    assert response.status_code == 200
    assert response.content == b""


def raw(served, request):
    context = ssl.create_default_context(cafile=str(served.ca_file))
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(request)
        return secure.recv(1000)


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n",
    ],
)
def test_bodies_that_are_too_long_or_badly_framed_are_refused(served, request_head):
    assert raw(served, request_head).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_is_taken_in_and_judged(web, served):
    response = web.post(f"{served.url}{DATA}/jobs/query", data=b"x" * 2_000_000)
    assert response.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_nonsense_is_answered_as_such(served):
    assert b"400" in raw(served, b"NONSENSE\r\n\r\n")


def test_a_reset_is_a_connection_error(org, web, served):
    org.weather.add(Reset())
    with pytest.raises(requests.exceptions.ConnectionError):
        web.get(f"{served.url}/services/data")
    assert web.get(f"{served.url}/services/data").status_code == 200


def test_silence_is_a_time_out(org, web, served):
    org.weather.add(Silence(30))
    with pytest.raises(requests.exceptions.ReadTimeout):
        web.get(f"{served.url}/services/data", timeout=0.2)


def test_a_page_can_be_cut_off(org, web, served):
    org.weather.add(Truncated(0.5))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        web.get(f"{served.url}{DATA}/sobjects/Lead/describe", headers={"Accept-Encoding": "identity"})


def test_many_clients_are_served_side_by_side(org, served, monkeypatch):
    org.insert("Lead", [{"LastName": str(number), "Company": "X"} for number in range(50)])
    found, params = [], {"q": "SELECT Id, Owner.Name FROM Lead"}

    def ask():
        headers = {"Authorization": f"Bearer {served.token}"}
        for _ in range(5):
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(
                    f"{served.url}{DATA}/query", params=params, headers=headers, verify=str(served.ca_file)
                )
                found.append(answer.json()["totalSize"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(20):
        org.insert("Lead", [{"LastName": f"more {number}", "Company": "X"}])
    for thread in threads:
        thread.join()
    assert len(found) == 30
    assert all(50 <= size <= 70 for size in found)


def test_the_server_ends_with_open_connections_and_leaves_no_file(org):
    with org.serve(proxy=True) as server:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=10)
        connection.connect()
        folder = server.ca_file.parent
    connection.close()
    assert not folder.exists()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_the_certificate_can_be_written_where_you_want_it(org, tmp_path):
    path = tmp_path / "ca.pem"
    with org.serve(ca_file=path) as server:
        assert server.ca_file == path
        assert server.proxy_url is None
    assert b"PRIVATE" not in path.read_bytes()
    assert path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_port_that_is_taken_is_told(org, served):
    with pytest.raises(UsageError, match="cannot listen"), org.serve(port=served.port):
        pass


def test_a_place_that_cannot_be_written_to_is_told(org, tmp_path):
    with pytest.raises(UsageError, match="cannot write"), org.serve(ca_file=tmp_path / "no" / "folder" / "ca.pem"):
        pass


def test_the_certificate_is_good_for_salesforces_names():
    assert {"localhost", "127.0.0.1", "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com"} <= set(
        HOSTS
    )


@pytest.mark.parametrize("host", ["login.salesforce.com", "acme.my.salesforce.com", "test.salesforce.com", "localhost"])
def test_the_proxy_leads_every_salesforce_host_to_the_org(web, served, host):
    web.proxies = {"https": served.proxy_url}
    web.trust_env = False
    response = web.get(f"https://{host}/services/data", verify=str(served.ca_file))
    assert response.json()[0]["version"] == "31.0"


def test_the_proxy_leads_nowhere_else(web, served):
    web.trust_env = False
    web.proxies = {"https": served.proxy_url, "http": served.proxy_url}
    for url in ("https://example.com/", "https://salesforce.com.example.org/"):
        with pytest.raises(requests.exceptions.ProxyError):
            web.get(url, verify=str(served.ca_file))
    assert web.get("http://login.salesforce.com/").status_code == 405


def test_a_proxy_client_that_sends_nonsense_is_dropped(served):
    port = int(served.proxy_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"\r\n\r\n")
        assert b"405" in connection.recv(100)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"x" * 40_000)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


# --- as a process of its own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_told_to_stop_and_ends_well(start_sfsync, tmp_path, number):
    ca_file = tmp_path / "ca.pem"
    environment = {"TMPDIR": str(tmp_path)}
    arguments = ["--port", "0", "--leads", "50", "--ca-file", ca_file, "--token", "my-token", "--json"]
    with start_sfsync("fake", "serve", *arguments, env=environment) as process:
        facts = json.loads(process.stdout.readline())
        assert list(facts) == ["url", "token", "ca_file", "pid"]
        assert facts["token"] == "my-token"
        assert facts["pid"] == process.pid
        assert Path(facts["ca_file"]) == ca_file
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": "Bearer my-token"}
            url = f"{facts['url']}{DATA}/query?q=SELECT+COUNT()+FROM+Lead"
            assert session.get(url, headers=headers, verify=str(ca_file)).json()["totalSize"] == 50
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == ""
    assert "fake Salesforce org" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem"]


def test_the_command_says_how_to_reach_it(start_sfsync):
    with start_sfsync("fake", "serve", "--port", "0", "--leads", "50", "--proxy-port", "0") as process:
        lines = [process.stdout.readline().split() for _ in range(6)]
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert [line[0] for line in lines] == ["url", "token", "ca_file", "proxy", "login", "app"]
    assert "Next: SF_ACCESS_TOKEN=" in err


def test_the_command_refuses_what_makes_no_sense(sfsync, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = sfsync("fake", "serve", "--port", str(port), "--leads", "50")
    assert outcome.code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in outcome.err
    assert "Traceback" not in outcome.err
    for arguments in (
        ["--data", tmp_path / "no"],
        ["--data", tmp_path, "--seed", "1"],
        ["--leads", "3"],
        ["--leads", "0"],
    ):
        outcome = sfsync("fake", "serve", "--port", "0", *arguments)
        assert outcome.code == 2
        assert "Traceback" not in outcome.err
        assert "hint" in outcome.err


def test_the_command_names_file_and_line_of_bad_data(sfsync, tmp_path):
    (tmp_path / "Lead.csv").write_text("Id,LastName\n00Q,A\n")
    outcome = sfsync("fake", "serve", "--port", "0", "--data", tmp_path, "--json")
    assert outcome.code == 2
    assert "Lead.csv:2:1: Id: '00Q' is not a Salesforce Id" in outcome.err
    assert outcome.json["name"] == "ConfigError"


def test_importing_the_command_brings_nothing_heavy(sfsync):
    code = (
        "import sfsync.cli.fake_serve, sys; print([m for m in ('duckdb', 'requests', 'werkzeug') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
