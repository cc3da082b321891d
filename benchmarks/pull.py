"""How long a full mirror takes, side by side with others in one run, and against what the wire and the database allow.

Run it with the project's own virtual environment::

    .venv/bin/python benchmarks/pull.py --rows 1000000
    .venv/bin/python benchmarks/pull.py --url https://… --token … --ca-file ca.pem     # any org with leads

Without an address it serves a fake org of that many leads from another process. Every contender is a process of its
own, reads every stored field of Lead by Bulk API 2.0 over TLS, and leaves a typed DuckDB table; they take turns, and
the median of the rounds is printed with CPU time, peak memory and the ratio to the reference: curl, then DuckDB's load.
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
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

FILLED = {
    "LastName": "'Last ' || i",
    "FirstName": "'First ' || (i % 5000)",
    "Company": "'Company ' || (i % 90000) || ', Inc.'",
    "Title": "'Director of ' || (i % 40)",
    "Email": "'person' || i || '@company' || (i % 90000) || '.example.com'",
    "Phone": "'+1 555 ' || lpad((i % 10000000)::VARCHAR, 7, '0')",
    "Street": "(i % 999) || ' Main Street'",
    "City": "'City ' || (i % 3000)",
    "PostalCode": "lpad((i % 99999)::VARCHAR, 5, '0')",
    "Country": "'Country ' || (i % 90)",
    "LeadSource": "'Web'",
    "Status": "'Open - Not Contacted'",
    "Industry": "'Technology'",
    "AnnualRevenue": "(i % 100000) * 1000.5",
    "NumberOfEmployees": "i % 5000",
    "Description": "'Met at the fair; asked about \"pricing\", wants a call. ' || repeat('x', i % 120)",
    "IsConverted": "false",
    "IsDeleted": "false",
    "CreatedDate": "strftime(TIMESTAMP '2024-01-01' + to_seconds(i * 30), '%Y-%m-%dT%H:%M:%S.000Z')",
    "LastModifiedDate": "strftime(TIMESTAMP '2025-01-01' + to_seconds(i * 20), '%Y-%m-%dT%H:%M:%S.000Z')",
    "SystemModstamp": "strftime(TIMESTAMP '2025-01-01' + to_seconds(i * 20), '%Y-%m-%dT%H:%M:%S.000Z')",
}


@dataclass(frozen=True)
class Org:
    """The org that is read."""

    url: str
    token: str
    ca_file: str

    @property
    def env(self) -> dict[str, str]:
        """What a contender needs to reach it."""
        return os.environ | {
            "SF_ACCESS_TOKEN": self.token,
            "SF_ORG_INSTANCE_URL": self.url,
            "REQUESTS_CA_BUNDLE": self.ca_file,
            "BENCH_CA": self.ca_file,
        }


@dataclass(frozen=True)
class Cost:
    """What one run cost: seconds on the clock, seconds of CPU (children included), MiB at the peak, rows it left."""

    wall: float
    cpu: float
    peak: float
    rows: int


# --- contenders: each runs in a process of its own, in an empty folder --------------------


def _describe() -> list[dict[str, str]]:
    fields = json.loads(_curl(f"{os.environ['SF_ORG_INSTANCE_URL']}/services/data/v66.0/sobjects/Lead/describe"))[
        "fields"
    ]
    return [field for field in fields if field["type"] not in {"address", "location", "base64"}]


def _curl(url: str, *options: str) -> bytes:
    command = ["curl", "-sS", "--fail", "--compressed", "--cacert", os.environ["BENCH_CA"]]
    command += ["-H", f"Authorization: Bearer {os.environ['SF_ACCESS_TOKEN']}", *options, url]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _load(fields: list[dict[str, str]], files: list[str]) -> int:
    import duckdb

    kinds = {"boolean": "BOOLEAN", "int": "INTEGER", "double": "DOUBLE", "currency": "DOUBLE", "percent": "DOUBLE"}
    kinds |= {"date": "DATE", "datetime": "TIMESTAMP"}
    columns = {field["name"]: kinds.get(field["type"], "VARCHAR") for field in fields}
    connection = duckdb.connect("mirror.duckdb")
    connection.execute(
        f"CREATE TABLE Lead AS SELECT * FROM read_csv({files!r}, columns = {columns!r}, header = true, delim = ',', "
        "quote = '\"', escape = '\"', auto_detect = false, nullstr = '')"
    )
    return connection.execute("SELECT count(*) FROM Lead").fetchall()[0][0]


def _job(soql: str) -> str:
    body = json.dumps({"operation": "queryAll", "query": soql, "contentType": "CSV"})
    root = f"{os.environ['SF_ORG_INSTANCE_URL']}/services/data/v66.0/jobs/query"
    created = json.loads(_curl(root, "-H", "Content-Type: application/json", "-d", body))
    while json.loads(_curl(f"{root}/{created['id']}"))["state"] != "JobComplete":
        time.sleep(0.1)
    return f"{root}/{created['id']}/results"


def reference() -> int:
    """Curl to files, page after page, then DuckDB's read_csv with declared types."""
    fields = _describe()
    results = _job("SELECT " + ", ".join(field["name"] for field in fields) + " FROM Lead")
    locator, files = "", []
    while locator != "null":
        name = f"{len(files)}.csv"
        _curl(f"{results}?locator={locator}", "-o", name, "-D", "headers")
        headers = dict(line.split(": ", 1) for line in Path("headers").read_text().splitlines() if ": " in line)
        locator = {key.lower(): value for key, value in headers.items()}["sforce-locator"]
        files.append(name)
    return _load(fields, files)


def sfsync() -> int:
    """`sfsync pull`: history, counts and crash safety on, as always."""
    subprocess.run(
        [sys.executable, "-m", "sfsync", "pull", "Lead", "--project", ".", "--json"], check=True, capture_output=True
    )
    import duckdb

    connection = duckdb.connect(".sfsync/mirror.duckdb", read_only=True)
    return connection.execute('SELECT count(*) FROM sf_all."Lead"').fetchall()[0][0]


def simple_salesforce() -> int:
    """simple-salesforce's bulk2 download to files, then the same load as the reference."""
    from simple_salesforce import Salesforce

    client = Salesforce(
        instance_url=os.environ["SF_ORG_INSTANCE_URL"], session_id=os.environ["SF_ACCESS_TOKEN"], version="66.0"
    )
    fields = _describe()
    soql = "SELECT " + ", ".join(field["name"] for field in fields) + " FROM Lead"
    results = client.bulk2.Lead.download(soql, path=".", max_records=100_000)
    return _load(fields, [result["file"] for result in results])


CONTENDERS: dict[str, Callable[[], int]] = {
    "curl, then DuckDB": reference,
    "sfsync": sfsync,
    "simple-salesforce bulk2, then DuckDB": simple_salesforce,
}


# --- the race --------------------


def _measure(name: str, org: Org) -> Cost:
    folder = tempfile.mkdtemp(prefix="pull-bench-")
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--contender", name],
        cwd=folder,
        env=org.env,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    shutil.rmtree(folder)
    if status:
        raise SystemExit(f"{name} failed")
    told = json.loads(said)
    return Cost(wall, usage.ru_utime + usage.ru_stime, told["peak"], told["rows"])


def _run_contender(name: str) -> None:
    import resource

    rows = CONTENDERS[name]()
    # The largest single process: the contender itself, or the command it runs.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"rows": rows, "peak": peak / 1024}))


@contextmanager
def _served(rows: int) -> Iterator[Org]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="pull-bench-org-") as folder:
        columns = ", ".join(f"{sql} AS {name}" for name, sql in FILLED.items())
        ids = "'00Q5e' || lpad(i::VARCHAR, 10, '0')"
        leads = f"SELECT {ids} AS Id, {columns} FROM range({rows}) AS r(i)"
        duckdb.execute(f"COPY ({leads}) TO '{folder}/Lead.csv' (HEADER, FORCE_QUOTE *)")
        command = [sys.executable, "-m", "sfsync", "fake", "serve", "--data", folder, "--port", "0", "--json"]
        command += ["--ca-file", f"{folder}/ca.pem"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            try:
                yield Org(told["url"], told["token"], told["ca_file"])
            finally:
                server.terminate()


def main() -> None:
    """Let the contenders take turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="leads of the fake org")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="leave the others out")
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--ca-file")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        _run_contender(options.contender)
        return
    names = options.only or list(CONTENDERS)
    given = nullcontext(Org(options.url, options.token, options.ca_file)) if options.url else _served(options.rows)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with given as org:
        for number in range(options.rounds):
            for name in names:
                costs[name].append(_measure(name, org))
                print(f"round {number + 1}: {name}: {costs[name][-1].wall:.2f} s", file=sys.stderr)
    _print(costs)


def _print(costs: dict[str, list[Cost]]) -> None:
    first = next(iter(costs))
    base = statistics.median(cost.wall for cost in costs[first])
    print(f"{'':38} {'rows':>10} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9} {'÷ ' + first:>20}")
    for name, runs in costs.items():
        wall, cpu, peak = (statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "peak"))
        print(f"{name:38} {runs[0].rows:>10,} {wall:>8.2f} {cpu:>8.2f} {peak:>9.0f} {wall / base:>20.2f}")


if __name__ == "__main__":
    main()
