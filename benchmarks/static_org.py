"""An org that costs next to nothing to run: leads in ready-made pages, so that a benchmark measures its clients alone.

`python benchmarks/static_org.py --rows 1000000 --folder pages` makes the pages (once: they are kept in the folder),
then serves them over TLS and prints its address as JSON. It answers what a mirror of leads needs: versions, global
describe, describe, record counts, Bulk 2.0 query jobs with their result pages, and REST queries; everything from files
and ready bytes. Queries are not understood: one with a lower bound of SystemModstamp is answered with the leads that
changed, any other with all of them. `--latency` holds every answer back, `--bandwidth` limits each connection.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import ssl
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100_000
REST_PAGE = 2000
PIECE = 256 * 1024
TOKEN = "00D5e000000bench!token"
DATA = "/services/data/v66.0"
UPPER = "TIMESTAMP '2025-01-01'"
LATER = "TIMESTAMP '2026-01-01'"


def _stamp(expression: str) -> str:
    return f"strftime({expression}, '%Y-%m-%dT%H:%M:%S.000Z')"


def _reference(prefix: str, spread: int) -> str:
    return f"'{prefix}' || lpad((hash(i) % {spread})::VARCHAR, 10, '0') || 'AAA'"


#: Field → its type, and its value for lead number `i` as SQL: forty stored fields, about half a kilobyte a record.
FIELDS: dict[str, tuple[str, str]] = {
    "Id": ("id", "'00Q5e' || lpad(i::VARCHAR, 10, '0') || 'EAA'"),
    "IsDeleted": ("boolean", "CASE WHEN i % 97 = 0 THEN 'true' ELSE 'false' END"),
    "MasterRecordId": ("reference", "''"),
    "LastName": ("string", "'Last ' || i || CASE WHEN changed THEN ' (married)' ELSE '' END"),
    "FirstName": ("string", "'First ' || (hash(i) % 5000)"),
    "Salutation": ("picklist", "CASE WHEN i % 2 = 0 THEN 'Ms.' ELSE 'Mr.' END"),
    "Name": ("string", "'First ' || (hash(i) % 5000) || ' Last ' || i"),
    "Title": ("string", "'Director of ' || (i % 40)"),
    "Company": ("string", "'Company ' || (i % 90000) || ', Inc.'"),
    "Street": ("textarea", "(i % 999) || ' Main Street' || chr(10) || 'Floor ' || (i % 7)"),
    "City": ("string", "'City ' || (i % 3000)"),
    "State": ("string", "'State ' || (i % 50)"),
    "PostalCode": ("string", "lpad((hash(i) % 99999)::VARCHAR, 5, '0')"),
    "Country": ("string", "'Country ' || (i % 90)"),
    "Phone": ("phone", "'+1 555 ' || lpad((i % 10000000)::VARCHAR, 7, '0')"),
    "MobilePhone": ("phone", "'+1 777 ' || lpad((hash(i) % 10000000)::VARCHAR, 7, '0')"),
    "Fax": ("phone", "''"),
    "Email": ("email", "'person' || i || '@company' || (i % 90000) || '.example.com'"),
    "Website": ("url", "'https://www.company' || (i % 90000) || '.example.com/'"),
    "Description": ("textarea", "'Met at the fair; asked about \"pricing\", wants a call. ' || repeat('x', i % 120)"),
    "LeadSource": ("picklist", "'Web'"),
    "Status": ("picklist", "'Open - Not Contacted'"),
    "Industry": ("picklist", "'Technology'"),
    "Rating": ("picklist", "CASE i % 3 WHEN 0 THEN 'Hot' WHEN 1 THEN 'Warm' ELSE 'Cold' END"),
    "AnnualRevenue": ("currency", "((i % 100000) * 1000.5)::VARCHAR"),
    "NumberOfEmployees": ("int", "(hash(i) % 5000)::VARCHAR"),
    "OwnerId": ("reference", _reference("0055e", 200)),
    "HasOptedOutOfEmail": ("boolean", "'false'"),
    "IsConverted": ("boolean", "CASE WHEN i % 5 = 0 THEN 'true' ELSE 'false' END"),
    "ConvertedDate": (
        "date",
        "CASE WHEN i % 5 = 0 THEN strftime(DATE '2024-06-01' + (i % 300)::INT, '%Y-%m-%d') ELSE '' END",
    ),
    "ConvertedAccountId": ("reference", f"CASE WHEN i % 5 = 0 THEN {_reference('0015e', 200000)} ELSE '' END"),
    "ConvertedContactId": ("reference", f"CASE WHEN i % 5 = 0 THEN {_reference('0035e', 200000)} ELSE '' END"),
    "ConvertedOpportunityId": ("reference", "''"),
    "IsUnreadByOwner": ("boolean", "'false'"),
    "CreatedDate": ("datetime", _stamp("TIMESTAMP '2023-01-01' + to_seconds(i * 12)")),
    "CreatedById": ("reference", _reference("0055e", 200)),
    "LastModifiedDate": ("datetime", _stamp(f"CASE WHEN changed THEN {LATER} ELSE {UPPER} - to_seconds(i * 6) END")),
    "LastModifiedById": ("reference", _reference("0055e", 200)),
    "SystemModstamp": ("datetime", _stamp(f"CASE WHEN changed THEN {LATER} ELSE {UPPER} - to_seconds(i * 6) END")),
    "LastActivityDate": ("date", "strftime(DATE '2024-01-01' + (i % 300)::INT, '%Y-%m-%d')"),
}


# --- the pages --------------------


@dataclass(frozen=True)
class Pages:
    """Ready-made answers in a folder: `00001.csv.gz` and so on for all leads, another one for those that changed."""

    folder: Path
    rows: int
    step: int = 100

    @property
    def changed(self) -> Path:
        """The leads that changed."""
        return self.folder / f"changed-{self.step}.csv.gz"

    def files(self, job: str) -> list[tuple[Path, int]]:
        """The pages of a job and the records in each."""
        if job == CHANGED:
            return [(self.changed, len(range(0, self.rows, self.step)))]
        return [
            (self.folder / f"{number + 1:05}.csv.gz", min(PAGE, self.rows - begin))
            for number, begin in enumerate(range(0, self.rows, PAGE))
        ]

    def make(self) -> None:
        """Write what is not there yet, on every processor."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spans = [(f"{n + 1:05}", begin, 1, PAGE) for n, begin in enumerate(range(0, self.rows, PAGE))]
        spans.append((f"changed-{self.step}", 0, self.step, 0))
        with ProcessPoolExecutor() as pool:
            list(pool.map(self._make_page, spans))

    def _make_page(self, span: tuple[str, int, int, int]) -> None:
        import duckdb

        name, begin, step, size = span
        end = min(self.rows, begin + size) if size else self.rows
        final, draft = self.folder / f"{name}.csv.gz", self.folder / f"{name}.csv"
        if final.exists():
            return
        columns = ", ".join(f'{sql} AS "{field}"' for field, (_type, sql) in FIELDS.items())
        connection = duckdb.connect(config={"threads": 1})
        numbers = f"(SELECT i, {str(step > 1).upper()} AS changed FROM range({begin}, {end}, {step}) AS r(i))"
        connection.execute(f"COPY (SELECT {columns} FROM {numbers}) TO '{draft}' (HEADER, FORCE_QUOTE *)")
        final.with_suffix(".new").write_bytes(gzip.compress(draft.read_bytes(), 6, mtime=0))
        draft.unlink()
        final.with_suffix(".new").rename(final)


# --- the answers --------------------

EVERYTHING, CHANGED = "7505e000000ALLAAA", "7505e000000CHGAAA"


@dataclass(frozen=True)
class Answer:
    """What is sent: a status, a body or a file, and headers beside the usual ones."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json;charset=UTF-8"),)
    file: Path | None = None


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


class StaticOrg:
    """Answers requests; the only state is how often it was asked."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.calls = 0
        self._rest: list[bytes] | None = None

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The answer to one request."""
        address = urlsplit(target)
        path, query = address.path, {key: values[0] for key, values in parse_qs(address.query).items()}
        if path == "/services/data":
            return _json([{"label": "Bench", "url": DATA, "version": "66.0"}])
        if path == "/calls":
            return _json(self.calls)
        self.calls += 1
        part = path.removeprefix(DATA).strip("/")
        if part == "composite":
            return self._together(json.loads(body)["compositeRequest"])
        if part.startswith("jobs/query"):
            return self._job(method, part.split("/")[2:], query, body)
        if part.startswith(("query", "queryAll")):
            return self._query(part.split("/")[1:], query)
        return self._about(part)

    def _together(self, asked: list[dict[str, str]]) -> Answer:
        answers = []
        for one in asked:
            answer = self._about(urlsplit(one["url"]).path.removeprefix(DATA).strip("/"))
            known = {"httpHeaders": {}, "httpStatusCode": answer.status, "referenceId": one["referenceId"]}
            answers.append({"body": json.loads(answer.body), **known})
        return _json({"compositeResponse": answers})

    def _about(self, part: str) -> Answer:
        if part == "":
            return _json({"identity": "https://login.salesforce.com/id/00D5e000000benchEAA/0055e0000000001AAA"})
        if part == "sobjects":
            return _json({"sobjects": [{"name": "Lead", "queryable": True}]})
        if part == "sobjects/Lead/describe":
            return _json(describe())
        if part in {"sobjects/Lead/deleted", "sobjects/Lead/updated"}:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
            found = {"deletedRecords": [], "earliestDateAvailable": "2020-01-01T00:00:00.000+0000"}
            return _json({**found, "ids": [], "latestDateCovered": now})
        if part == "limits/recordCount":
            return _json({"sObjects": [{"name": "Lead", "count": self.pages.rows}]})
        return _json([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)

    def _job(self, method: str, parts: list[str], query: dict[str, str], body: bytes) -> Answer:
        if method == "POST":
            soql = json.loads(body)["query"]
            return _json({"id": CHANGED if ">=" in soql else EVERYTHING, "state": "UploadComplete"})
        if method == "DELETE":
            return Answer(204)
        job, *rest = parts
        files = self.pages.files(job)
        if not rest:
            rows = sum(count for _file, count in files)
            return _json({"id": job, "state": "JobComplete", "numberRecordsProcessed": rows})
        if rest == ["resultPages"]:
            begin = int(query.get("from", "0"))
            urls = [f"{DATA}/jobs/query/{job}/results?locator={n}" for n in range(len(files))][begin : begin + 5]
            done = begin + 5 >= len(files)
            more = {} if done else {"nextRecordsUrl": f"{DATA}/jobs/query/{job}/resultPages?from={begin + 5}"}
            return _json({"resultPages": [{"resultUrl": url} for url in urls], "done": done, **more})
        number = int(query.get("locator") or 0)
        file, count = files[number]
        following = str(number + 1) if number + 1 < len(files) else "null"
        headers = (
            ("Content-Type", "text/csv"),
            ("Sforce-NumberOfRecords", str(count)),
            ("Sforce-Locator", following),
            ("Content-Encoding", "gzip"),
        )
        return Answer(headers=headers, file=file)

    def _query(self, parts: list[str], query: dict[str, str]) -> Answer:
        """The changed leads as REST pages; nothing else is asked by REST of an object this large."""
        if not re.search(r"\bFROM Lead\b", query.get("q", "FROM Lead")):
            return _json({"totalSize": 0, "done": True, "records": []})
        self._rest = self._rest or list(self._rest_pages())
        number = int(parts[0].split("-")[1]) // REST_PAGE if parts else 0
        return Answer(body=self._rest[number])

    def _rest_pages(self) -> Iterator[bytes]:
        import csv
        import io

        text = gzip.decompress(self.pages.changed.read_bytes()).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        for begin in range(0, len(rows), REST_PAGE):
            records = [
                {"attributes": {"type": "Lead"}, **{key: value or None for key, value in row.items()}}
                for row in rows[begin : begin + REST_PAGE]
            ]
            done = begin + REST_PAGE >= len(rows)
            more = {} if done else {"nextRecordsUrl": f"{DATA}/query/01g5e-{begin + REST_PAGE}"}
            yield json.dumps({"totalSize": len(rows), "done": done, **more, "records": records}).encode()


def describe() -> dict[str, Any]:
    """Lead as the describe call has it."""
    fields = [{"name": name, "type": kind, "label": name, "length": 255} for name, (kind, _sql) in FIELDS.items()]
    return {"name": "Lead", "label": "Lead", "keyPrefix": "00Q", "queryable": True, "fields": fields}


# --- the wire --------------------


@dataclass(frozen=True)
class Line:
    """What the way to the org is like: seconds before every answer, bytes a second on each connection (0: no limit)."""

    latency: float = 0.0
    bytes_per_second: float = 0.0


class Wire:
    """HTTP/1.1 over TLS, connections kept open."""

    def __init__(self, org: StaticOrg, line: Line) -> None:
        self.org, self.line = org, line

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").rstrip().split("\r\n")
                method, target, _version = first.split(" ")
                headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if self.line.latency:
                    await asyncio.sleep(self.line.latency)
                await self._send(
                    writer, self.org.answer(method, target, body), "gzip" in headers.get("accept-encoding", "")
                )
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, gzipped: bool) -> None:
        headers = dict(answer.headers)
        body = answer.file.read_bytes() if answer.file is not None else answer.body
        if answer.file is not None and not gzipped:
            body = zlib.decompress(body, 31)
            del headers["Content-Encoding"]
        headers |= {"Content-Length": str(len(body)), "Date": formatdate(usegmt=True)}
        head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} Whatever\r\n{head}\r\n".encode())
        size = max(1, int(self.line.bytes_per_second / 50)) if self.line.bytes_per_second else PIECE
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for begin in range(0, len(body), size):
            writer.write(memoryview(body)[begin : begin + size])
            await writer.drain()
            if self.line.bytes_per_second:
                await asyncio.sleep(max(0.0, begun + (begin + size) / self.line.bytes_per_second - loop.time()))
        await writer.drain()


async def _run(org: StaticOrg, line: Line, folder: Path) -> None:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(Wire(org, line).serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    told = {"url": f"https://localhost:{port}", "token": TOKEN, "ca_file": str(folder / "ca.pem"), "pid": os.getpid()}
    print(json.dumps(told), flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Make the pages, then serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where the pages are kept")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before every answer")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="megabytes a second on each connection")
    parser.add_argument("--changed-every", type=int, default=100, help="every nth lead has changed")
    options = parser.parse_args()
    pages = Pages(options.folder.resolve() / str(options.rows), options.rows, options.changed_every)
    pages.make()
    try:
        asyncio.run(_run(StaticOrg(pages), Line(options.latency / 1000, options.bandwidth * 1e6), pages.folder))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
