"""Ways to get every lead of an org into a typed DuckDB table; each runs in a process and an empty folder of its own.

Run by `pull.py`: `python pull_contenders.py NAME`, with the org in SF_ORG_INSTANCE_URL, SF_ACCESS_TOKEN and
REQUESTS_CA_BUNDLE. Prints what it left and its peak memory as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KINDS = {"boolean": "BOOLEAN", "int": "INTEGER", "double": "DOUBLE", "currency": "DOUBLE", "percent": "DOUBLE"}
KINDS |= {"date": "DATE", "datetime": "TIMESTAMP"}


def describe() -> list[dict[str, str]]:
    answer = json.loads(curl("/services/data/v66.0/sobjects/Lead/describe"))
    return [field for field in answer["fields"] if field["type"] not in {"address", "location", "base64"}]


def curl(path: str, *options: str) -> bytes:
    command = ["curl", "-sS", "--fail", "--compressed", "--cacert", os.environ["REQUESTS_CA_BUNDLE"]]
    command += ["-H", f"Authorization: Bearer {os.environ['SF_ACCESS_TOKEN']}", *options]
    return subprocess.run([*command, os.environ["SF_ORG_INSTANCE_URL"] + path], check=True, capture_output=True).stdout


def curl_pages(soql: str) -> list[str]:
    """The files of a Bulk 2.0 job, page after page, as its locators lead."""
    root, files, locator = "/services/data/v66.0/jobs/query", list[str](), ""
    body = json.dumps({"operation": "queryAll", "query": soql, "contentType": "CSV"})
    job = json.loads(curl(root, "-H", "Content-Type: application/json", "-d", body))["id"]
    while json.loads(curl(f"{root}/{job}"))["state"] != "JobComplete":
        time.sleep(0.1)
    while locator != "null":
        name = f"{len(files)}.csv"
        curl(f"{root}/{job}/results?locator={locator}", "-o", name, "-D", "headers")
        headers = dict(line.split(": ", 1) for line in Path("headers").read_text().splitlines() if ": " in line)
        locator = {key.lower(): value for key, value in headers.items()}["sforce-locator"]
        files.append(name)
    return files


def select(fields: list[dict[str, str]], condition: str = "") -> str:
    return "SELECT " + ", ".join(field["name"] for field in fields) + f" FROM Lead{condition}"


def connected() -> Any:
    import duckdb

    # Keeping the order of rows, DuckDB's default, costs it half as much again: the reference is the faster one.
    return duckdb.connect("mirror.duckdb", config={"preserve_insertion_order": "false"})


def pages_as_sql(fields: list[dict[str, str]], files: list[str]) -> str:
    columns = {field["name"]: KINDS.get(field["type"], "VARCHAR") for field in fields}
    return (
        f"SELECT * FROM read_csv({files!r}, columns = {columns!r}, header = true, delim = ',', "
        "quote = '\"', escape = '\"', auto_detect = false, nullstr = '')"
    )


def load(fields: list[dict[str, str]], files: list[str]) -> int:
    with connected() as connection:
        connection.execute(f"CREATE TABLE Lead AS {pages_as_sql(fields, files)}")
        return int(connection.execute("SELECT count(*) FROM Lead").fetchall()[0][0])


# --- everything --------------------


def reference() -> int:
    """Curl to files, page after page, then DuckDB's read_csv with declared types."""
    fields = describe()
    return load(fields, curl_pages(select(fields)))


def sfsync() -> int:
    """`sfsync pull`: history, counts and crash safety on, as always."""
    command = [sys.executable, "-m", "sfsync", "pull", "Lead", "--project", ".", "--json"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    (lead,) = _payload(told)["objects"]
    return int(lead["total"])


def _client() -> Any:
    from simple_salesforce import Salesforce

    return Salesforce(
        instance_url=os.environ["SF_ORG_INSTANCE_URL"], session_id=os.environ["SF_ACCESS_TOKEN"], version="66.0"
    )


def simple_salesforce() -> int:
    """simple-salesforce's bulk2 download to files, then the same load as the reference."""
    fields = describe()
    results = _client().bulk2.Lead.download(select(fields), path=".", max_records=100_000)
    return load(fields, [result["file"] for result in results])


def simple_salesforce_pandas() -> int:
    """simple-salesforce's bulk2 pages in memory, pandas, DuckDB: what its examples do; types are guessed."""
    import io

    import duckdb
    import pandas as pd

    pages: Iterator[str] = _client().bulk2.Lead.query(select(describe()), max_records=100_000)
    frame = pd.concat([pd.read_csv(io.StringIO(page), low_memory=False) for page in pages])
    with duckdb.connect("mirror.duckdb") as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE Lead AS SELECT * FROM frame")
    return len(frame)


# --- what changed: the folder holds a mirror of everything already --------------------


def changed_reference() -> int:
    """Curl what changed, then delete and insert."""
    fields = describe()
    files = curl_pages(select(fields, " WHERE SystemModstamp >= 2025-06-01T00:00:00Z"))
    with connected() as connection:
        connection.execute(f"CREATE TEMP TABLE delta AS {pages_as_sql(fields, files)}")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM Lead WHERE Id IN (SELECT Id FROM delta)")
        connection.execute("INSERT INTO Lead SELECT * FROM delta")
        connection.execute("COMMIT")
        return int(connection.execute("SELECT count(*) FROM delta").fetchall()[0][0])


def changed_sfsync() -> int:
    """`sfsync pull` once more; every replaced version goes to the history."""
    command = [sys.executable, "-m", "sfsync", "pull", "Lead", "--project", ".", "--json"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    (lead,) = _payload(told)["objects"]
    return int(lead["updated"])


def _payload(told: dict[str, Any]) -> dict[str, Any]:
    """Commands put their answer into the sf CLI's envelope."""
    result: dict[str, Any] = told.get("result", told)
    return result


CONTENDERS: dict[str, Callable[[], int]] = {
    "curl, then DuckDB": reference,
    "sfsync": sfsync,
    "simple-salesforce bulk2, then DuckDB": simple_salesforce,
    "simple-salesforce bulk2, pandas": simple_salesforce_pandas,
}

#: Contender for what changed → the one that made the mirror it begins with.
CHANGED: dict[str, tuple[Callable[[], int], str]] = {
    "curl, then DuckDB (changed)": (changed_reference, "curl, then DuckDB"),
    "sfsync (changed)": (changed_sfsync, "sfsync"),
}


def main() -> None:
    name = sys.argv[1]
    rows = CONTENDERS[name]() if name in CONTENDERS else CHANGED[name][0]()
    # The largest single process: the contender itself, or the command it runs.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"rows": rows, "peak": peak / (1024 if sys.platform == "linux" else 1024 * 1024)}))


if __name__ == "__main__":
    main()
