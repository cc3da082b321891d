"""How fast the fake org is, next to what the machine can do at best.

`python benchmarks/fake_org.py [--leads N] [--times N] [--json]`; exits with 1 where a figure is not what it has to be.

Every figure stands beside a physical limit measured in the same run, on the same machine, and their ratio: absolute
numbers say more about the machine than about the program.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

COLUMNS = (
    "Id, LastName, FirstName, Company, Email, Phone, Street, City, Country, LeadSource, Status, OwnerId, CreatedDate,"
    " LastModifiedDate, SystemModstamp, IsConverted, AnnualRevenue, NumberOfEmployees, Website, Title, Industry"
)
VERSION = "60.0"
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        what: In words.
        value: Of the fake org.
        unit: Of both.
        limit: What the machine can do at best, or None where there is no such thing.
        limited_by: In words.
        wanted: What it has to be (at most, or at least), or None.
        more_is_better: Which of the two.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    limited_by: str = ""
    wanted: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """Share of what would be possible: 1 is as good as it gets."""
        if self.limit is None:
            return None
        return self.value / self.limit if self.more_is_better else self.limit / self.value

    @property
    def good(self) -> bool:
        """Whether it is what it has to be."""
        if self.wanted is None:
            return True
        return self.value >= self.wanted if self.more_is_better else self.value <= self.wanted


def seconds(action: Callable[[], Any]) -> float:
    """How long this takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def typical(action: Callable[[], Any], times: int) -> float:
    """How long this takes as a rule: the median of many."""
    for _ in range(times // 10):
        action()
    return statistics.median(seconds(action) for _ in range(times))


def memory_of(pid: int) -> float:
    """Megabytes of memory that a process uses; 0 where the machine does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0.0)


# --- the server ----------------------------------------------------------------------------------------------------


@contextmanager
def served(leads: int) -> Iterator[tuple[dict[str, Any], float]]:
    """`sfsync fake serve` in another process, and how long it took to be ready."""
    command = [sys.executable, "-m", "sfsync", "fake", "serve", "--port", "0", "--json", "--seed", "1"]
    begun = time.perf_counter()
    with subprocess.Popen([*command, "--leads", str(leads)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = time.perf_counter() - begun
        try:
            yield json.loads(line), ready
        finally:
            process.terminate()


def server_figures(leads: int) -> list[Figure]:
    """Ready, streaming and memory."""
    with served(leads) as (facts, ready), requests.Session() as session:
        session.trust_env = False
        session.verify = facts["ca_file"]
        session.headers.update({"Authorization": f"Bearer {facts['token']}", "Accept-Encoding": "identity"})
        before = memory_of(facts["pid"])
        job, made = bulk_job(session, facts["url"])
        kept = memory_of(facts["pid"])
        size, took = read_pages(session, job)
        streamed = memory_of(facts["pid"])
        curled = curl_pages(facts, job)
        growth = memory_of(facts["pid"]) - streamed
    megabytes = size / 1e6
    limit = static_megabytes_a_second(size)
    return [
        Figure(f"ready with {leads:,} leads", ready, "s", wanted=60),
        Figure("memory when ready", before, "MB"),
        Figure(f"job over {leads:,} leads until complete", made, "s"),
        Figure(
            f"Bulk 2.0 result of {megabytes:,.0f} MB, one connection, Python client",
            megabytes / took,
            "MB/s",
            limit,
            "a static file over TLS from a server that does nothing else, same client",
            100,
            more_is_better=True,
        ),
        *curled,
        Figure("memory that the kept result of the job takes", kept - before, "MB"),
        Figure(f"memory that streaming its {megabytes:,.0f} MB takes", streamed - kept, "MB", wanted=300),
        Figure("memory that streaming it again adds to that", growth, "MB", wanted=50),
    ]


def bulk_job(session: requests.Session, url: str) -> tuple[str, float]:
    """The address of a complete job over all leads, and how long it took."""
    jobs = f"{url}/services/data/v{VERSION}/jobs/query"
    begun = time.perf_counter()
    made = session.post(jobs, json={"operation": "query", "query": f"SELECT {COLUMNS} FROM Lead"}).json()["id"]
    while session.get(f"{jobs}/{made}").json()["state"] != "JobComplete":
        time.sleep(0.05)
    return f"{jobs}/{made}", time.perf_counter() - begun


def read_pages(session: requests.Session, job: str) -> tuple[int, float]:
    """Bytes of a job's result, and how long they took, page after page."""
    size, locator = 0, ""
    begun = time.perf_counter()
    while locator != "null":
        with session.get(f"{job}/results", params={"locator": locator} if locator else {}, stream=True) as page:
            page.raise_for_status()
            locator = page.headers["Sforce-Locator"]
            for piece in page.iter_content(CHUNK):
                size += len(piece)
    return size, time.perf_counter() - begun


def curl_pages(facts: dict[str, Any], job: str) -> list[Figure]:
    """The same result, read by curl: a client that costs next to nothing."""
    curl = shutil.which("curl")
    if curl is None:
        return []
    size, took, locator = 0, 0.0, ""
    with tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers"
        while locator != "null":
            address = f"{job}/results" + (f"?locator={locator}" if locator else "")
            command = [curl, "--silent", "--fail", "--cacert", facts["ca_file"], "--dump-header", str(headers)]
            command += ["--header", f"Authorization: Bearer {facts['token']}", "--output", os.devnull]
            command += ["--write-out", "%{size_download} %{time_total}", address]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            size, took = size + int(told[0]), took + float(told[1])
            lines = headers.read_text().splitlines()
            locator = next(line.split(": ")[1] for line in lines if line.lower().startswith("sforce-locator"))
    limit = static_megabytes_a_second(size, curl=curl)
    what = f"the same, read by {Path(curl).name}"
    by = "a static file over TLS from a server that does nothing else, same client"
    return [Figure(what, size / took / 1e6, "MB/s", limit, by, 100, more_is_better=True)]


STATIC_SERVER = """
import socket, ssl, sys, trustme
folder, size = sys.argv[1], int(sys.argv[2])
authority = trustme.CA()
authority.cert_pem.write_to_path(folder + "/ca.pem")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(context)
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
while True:
    plain, _ = listening.accept()
    with context.wrap_socket(plain, server_side=True) as connection, open(folder + "/static", "rb") as file:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
        while piece := file.read(262144):
            connection.sendall(piece)
"""


def static_megabytes_a_second(size: int, curl: str | None = None) -> float:
    """How fast a file of this size comes over TLS from a process that does nothing but send it."""
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "static").open("wb") as file:
            for _ in range(size // CHUNK + 1):
                file.write(os.urandom(CHUNK // 4) * 4)
            file.truncate(size)
        command = [sys.executable, "-c", STATIC_SERVER, folder, str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = f"https://localhost:{process.stdout.readline().strip()}/"
            try:
                took = seconds(lambda: read_static(address, f"{folder}/ca.pem", curl))
            finally:
                process.kill()
    return size / 1e6 / took


def read_static(address: str, ca_file: str, curl: str | None) -> None:
    """Read the file, and throw it away."""
    if curl is not None:
        subprocess.run([curl, "--silent", "--fail", "--cacert", ca_file, "-o", os.devnull, address], check=True)
        return
    with requests.Session() as session:
        session.trust_env = False
        with session.get(address, verify=ca_file, stream=True) as answer:
            for _ in answer.iter_content(CHUNK):
                pass


# --- in process ----------------------------------------------------------------------------------------------------


def round_trips(times: int) -> list[Figure]:
    """simple-salesforce without a socket: get, create and a small query."""
    from simple_salesforce import Salesforce
    from werkzeug.wrappers import Response

    from sfsync.fake import FakeOrg
    from sfsync.fake.doors.in_process import in_process_session

    class Nothing:
        """An application that has its answer ready: what is left is the client's own time."""

        body = b'{"totalSize":0,"done":true,"records":[]}'

        def answer(self, _: Any) -> Response:
            return Response(self.body, content_type="application/json;charset=UTF-8")

    with FakeOrg.seeded() as org:
        sf = Salesforce(instance_url=org.instance_url, session_id=org.token, session=org.session(), version=VERSION)
        bare = Salesforce(
            instance_url=org.instance_url, session_id="x", session=in_process_session(Nothing()), version=VERSION
        )
        lead = sf.query("SELECT Id FROM Lead LIMIT 1")["records"][0]["Id"]
        soql = "SELECT Id, Name, Status FROM Lead WHERE Status = 'Qualified' LIMIT 10"
        new = {"LastName": "New", "Company": "Acme"}
        actions = {
            "get": (lambda: sf.Lead.get(lead), lambda: bare.Lead.get(lead)),
            "create": (lambda: sf.Lead.create(new), lambda: bare.Lead.create(new)),
            "small query": (lambda: sf.query(soql), lambda: bare.query(soql)),
        }
        by = "the client itself, with an answer that is ready"
        return [
            Figure(f"REST {name} in process", 1000 * typical(full, times), "ms", 1000 * typical(empty, times), by, 3.0)
            for name, (full, empty) in actions.items()
        ]


def start_up(times: int) -> list[Figure]:
    """Importing the plugin, and a fresh org."""
    ours = "import sfsync.testing; from sfsync.fake import FakeOrg; FakeOrg.{}.close()"
    bare = "import pytest, duckdb, orjson, werkzeug.wrappers; duckdb.connect()"

    def run(code: str) -> float:
        inner = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
        done = [
            float(subprocess.run([sys.executable, "-c", inner], capture_output=True, text=True, check=True).stdout)
            for _ in range(times)
        ]
        return 1000 * statistics.median(done)

    limit, by = run(bare), "importing pytest, DuckDB, orjson and Werkzeug, and opening a database"
    return [
        Figure("import sfsync.testing and an empty FakeOrg", run(ours.format("empty()")), "ms", limit, by, 300),
        Figure("import sfsync.testing and the org of `fake_org`", run(ours.format("seeded()")), "ms", limit, by),
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=1_000_000, help="leads of the served org")
    parser.add_argument("--times", type=int, default=200, help="repetitions of short measurements")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    figures = [*start_up(5), *round_trips(chosen.times), *server_figures(chosen.leads)]
    if chosen.json:
        told = [{**asdict(figure), "ratio": figure.ratio, "good": figure.good} for figure in figures]
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        for figure in figures:
            sys.stdout.write(line_of(figure) + "\n")
    sys.exit(0 if all(figure.good for figure in figures) else 1)


def line_of(figure: Figure) -> str:
    """A figure in words."""
    parts = [f"{figure.what}: {figure.value:,.1f} {figure.unit}"]
    if figure.limit is not None:
        parts.append(f"{figure.ratio:.2f} of what is possible ({figure.limit:,.1f} {figure.unit}: {figure.limited_by})")
    if figure.wanted is not None:
        wanted = f"{'at least' if figure.more_is_better else 'at most'} {figure.wanted:g} {figure.unit}"
        parts.append(f"{'good' if figure.good else 'NOT GOOD'}, wanted {wanted}")
    return "; ".join(parts)


if __name__ == "__main__":
    main()
