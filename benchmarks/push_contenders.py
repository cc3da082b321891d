"""Ways to upsert leads; each runs in a process and a folder of its own, in which `make` has put what it needs.

Run by `push.py`: `python push_contenders.py NAME ROWS`, with the org in SF_ORG_INSTANCE_URL, SF_ACCESS_TOKEN and
REQUESTS_CA_BUNDLE. Prints rows, peak memory and the seconds of its phases as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from static_ingest import KEY, PUSHED

#: Field → its value of lead number `i`, as SQL.
VALUES = {
    KEY: "'C-' || lpad(i::VARCHAR, 9, '0')",
    "LastName": "'Last ' || i",
    "FirstName": "'First ' || (hash(i) % 5000)",
    "Company": "'Company ' || (i % 90000) || ', Inc.'",
    "Email": "'person' || i || '@company' || (i % 90000) || '.example.com'",
    "Phone": "'+1 555 ' || lpad((i % 10000000)::VARCHAR, 7, '0')",
    "Title": "'Director of ' || (i % 40)",
    "City": "'City ' || (i % 3000)",
    "LeadSource": "'Web'",
    "AnnualRevenue": "(i % 100000) * 1000.5",
}
ROOT = "/services/data/v66.0/jobs/ingest"
TABLE = ", ".join(f'{sql} AS "{name.lower()}"' for name, sql in VALUES.items())
MAPPING = f"""
object: Lead
table: crm.leads
direction: push
key: {KEY}
fields: {{{", ".join(f"{name}: {name.lower()}" for name in (KEY, *PUSHED))}}}
"""

#: Phase → seconds on the clock, and of this process's CPU.
phases: dict[str, tuple[float, float]] = {}


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Time a part."""
    begun, used = time.monotonic(), time.process_time()
    yield
    phases[name] = (time.monotonic() - begun, time.process_time() - used)


# --- what there is before the race --------------------


def make(rows: int) -> None:
    """A CSV that is ready to be sent, and a project with an empty mirror and a local table of the same leads."""
    import duckdb

    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in VALUES.items())
    duckdb.execute(f"COPY (SELECT {columns} FROM range({rows}) AS r(i)) TO 'leads.csv' (HEADER, FORCE_QUOTE *)")
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.sync.pull import pull

    store = open_store(Path("mirror.duckdb"))
    with connect() as org:
        assert pull(org, store, workspace=Path(), objects=["Lead"]).objects[0].state == "done"
    with store.writing() as session:
        session.execute("CREATE SCHEMA crm")
        session.execute(f"CREATE TABLE crm.leads AS SELECT {TABLE} FROM range({rows}) AS r(i)")


def make_mirror(rows: int) -> None:
    """A project whose mirror has every lead, and whose local table differs in every hundredth."""
    make(1)
    from sfsync.store import open_store

    with open_store(Path("mirror.duckdb")).writing() as session:
        columns = ", ".join(f'"{name}"' for name in VALUES)
        ids = "'00Q5e' || lpad(i::VARCHAR, 10, '0') || 'EAA'"
        session.execute(
            f'INSERT INTO sf_all."Lead" ("Id", "IsDeleted", "SystemModstamp", {columns}) SELECT {ids}, false,'
            f" TIMESTAMP '2026-01-01', {', '.join(VALUES.values())} FROM range({rows}) AS r(i)"
        )
        changed = TABLE.replace("'City ' ||", "CASE WHEN i % 100 = 0 THEN 'New ' ELSE '' END || 'City ' ||")
        session.execute(f"CREATE OR REPLACE TABLE crm.leads AS SELECT {changed} FROM range({rows}) AS r(i)")


# --- contenders --------------------


def curl(path: str, *options: str) -> bytes:
    """One request."""
    command = ["curl", "-sS", "--fail", "--cacert", os.environ["REQUESTS_CA_BUNDLE"], "-H", "Expect:"]
    command += ["-H", f"Authorization: Bearer {os.environ['SF_ACCESS_TOKEN']}", *options]
    return subprocess.run([*command, os.environ["SF_ORG_INSTANCE_URL"] + path], check=True, capture_output=True).stdout


def reference(rows: int) -> int:
    """Curl sends the ready file and fetches its results; nothing is made, kept or compared."""
    del rows
    said = ("-H", "Content-Type: application/json", "-d")
    body = {"operation": "upsert", "object": "Lead", "externalIdFieldName": KEY, "contentType": "CSV"}
    job = json.loads(curl(ROOT, *said, json.dumps({**body, "lineEnding": "LF"})))["id"]
    with phase("upload"):
        curl(f"{ROOT}/{job}/batches", "-X", "PUT", "-H", "Content-Type: text/csv", "-T", "leads.csv")
    with phase("the org's work"):
        curl(f"{ROOT}/{job}", "-X", "PATCH", *said, '{"state": "UploadComplete"}')
        while (told := json.loads(curl(f"{ROOT}/{job}")))["state"] not in {"JobComplete", "Failed"}:
            time.sleep(0.1)
    with phase("results"):
        for kind in ("successfulResults", "failedResults", "unprocessedrecords"):
            curl(f"{ROOT}/{job}/{kind}", "-o", f"{kind}.csv")
    return int(told["numberRecordsProcessed"]) - int(told["numberRecordsFailed"])


def sfsync(rows: int) -> int:
    """A plan out of a local table, and its apply: matched, checked, written down row by row."""
    del rows
    with phase("import"):
        from sfsync.mapping.load import parse_mapping
        from sfsync.salesforce import connect
        from sfsync.store import open_store
        from sfsync.sync.apply.run import apply
        from sfsync.sync.plan.make import make_plan
    store, mapping = open_store(Path("mirror.duckdb")), parse_mapping(MAPPING, "lead.yml")
    with phase("plan"):
        plan = make_plan(store, [mapping])
    with phase("apply"), connect() as org:
        done = apply(org, store, plan.id, workspace=Path(), mappings=[mapping])
    assert done.complete, (done.counts, done.stopped)
    return int(done.counts["done"])


def simple_salesforce(rows: int) -> int:
    """simple-salesforce's bulk2 upsert of the ready file, and its results."""
    del rows
    from urllib.parse import urlsplit

    from simple_salesforce import Salesforce

    client = Salesforce(
        instance=urlsplit(os.environ["SF_ORG_INSTANCE_URL"]).netloc,
        session_id=os.environ["SF_ACCESS_TOKEN"],
        version="66.0",
    )
    with phase("upsert"):
        jobs = client.bulk2.Lead.upsert(csv_file="leads.csv", external_id_field=KEY)
    with phase("results"):
        for job in jobs:
            client.bulk2.Lead.get_successful_records(job["job_id"], file="successful.csv")
            client.bulk2.Lead.get_failed_records(job["job_id"], file="failed.csv")
    return sum(int(job["numberRecordsProcessed"]) - int(job["numberRecordsFailed"]) for job in jobs)


def plan_changed(rows: int) -> int:
    """A plan over a mirror that is there already, of a table in which every hundredth row was changed."""
    from sfsync.mapping.load import parse_mapping
    from sfsync.store import open_store
    from sfsync.sync.plan.make import make_plan

    with phase("plan"):
        plan = make_plan(open_store(Path("mirror.duckdb")), [parse_mapping(MAPPING, "lead.yml")])
    assert plan.change_count == rows // 100, plan.change_count
    return rows


CONTENDERS: dict[str, Callable[[int], int]] = {
    "curl PUT of a ready CSV": reference,
    "sfsync": sfsync,
    "simple-salesforce bulk2": simple_salesforce,
}
OTHERS: dict[str, Callable[[int], object]] = {
    "make": make,
    "make mirror": make_mirror,
    "sfsync plan, 1 % changed": plan_changed,
}


def main() -> None:
    """Run one, and tell what it cost."""
    rows = (CONTENDERS | OTHERS)[sys.argv[1]](int(sys.argv[2]))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(json.dumps({"rows": rows, "peak": peak, "phases": phases}))


if __name__ == "__main__":
    main()
