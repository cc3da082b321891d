"""An org that takes uploads at next to no cost of its own: Bulk 2.0 ingest with results that say all went well.

`python benchmarks/static_ingest.py --folder DIR` serves over TLS and prints its address as JSON. It has no leads, so a
mirror of it is empty; an uploaded CSV is answered with its own lines, each with an Id in front. `GET /seconds` tells
the seconds of processor time that the server has used, so that they can be told apart from its clients'.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from static_org import DATA, Answer, Line, Pages, StaticOrg, _json, _run

KEY = "Crm_Id__c"
#: What is pushed, besides the key: field → type.
PUSHED = {
    "LastName": "string",
    "FirstName": "string",
    "Company": "string",
    "Email": "email",
    "Phone": "phone",
    "Title": "string",
    "City": "string",
    "LeadSource": "picklist",
    "AnnualRevenue": "currency",
}
SYSTEM = {"Id": "id", "IsDeleted": "boolean", "IsConverted": "boolean", "SystemModstamp": "datetime"}


def describe() -> dict[str, Any]:
    """Lead as the describe call has it."""
    written = {"createable": True, "updateable": True, "nillable": True}
    fields = [{"name": name, "type": kind, "label": name, "length": 18} for name, kind in SYSTEM.items()]
    fields += [{"name": name, "type": kind, "label": name, "length": 255, **written} for name, kind in PUSHED.items()]
    key = {"externalId": True, "unique": True, "idLookup": True}
    fields.append({"name": KEY, "type": "string", "label": KEY, "length": 32, **written, **key})
    fields[-2] |= {"length": 0, "precision": 18, "scale": 2}
    verbs = {"queryable": True, "createable": True, "updateable": True, "deletable": True}
    return {"name": "Lead", "label": "Lead", "keyPrefix": "00Q", **verbs, "fields": fields}


class IngestOrg(StaticOrg):
    """Answers what a push asks for."""

    def __init__(self) -> None:
        super().__init__(Pages(Path(), 0))
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The answer to one request."""
        path = urlsplit(target).path
        if path == "/seconds":
            return _json(time.process_time())
        if path.startswith(f"{DATA}/jobs/ingest"):
            self.calls += 1
            return self._ingest(method, path.removeprefix(f"{DATA}/jobs/ingest").strip("/").split("/"), body)
        return super().answer(method, target, body)

    def _about(self, part: str) -> Answer:
        if part == "sobjects/Lead/describe":
            return _json(describe())
        if part == "limits":
            return _json({"DailyApiRequests": {"Max": 1_000_000, "Remaining": 1_000_000}})
        return super()._about(part)

    def _query(self, parts: list[str], query: dict[str, str]) -> Answer:
        del parts, query
        return _json({"totalSize": 0, "done": True, "records": []})

    def _ingest(self, method: str, parts: list[str], body: bytes) -> Answer:
        job, *rest = parts
        if method == "POST":
            job = f"7505e{len(self.files):010}AAA"
            self.files[job] = b""
            return _json(self._job_info(job))
        if method == "PUT":
            self.files[job] += body
            return Answer(201)
        if method == "PATCH":
            self.answers[job] = self._work(self.files[job])
            self.files[job] = b""
            return _json(self._job_info(job))
        if method == "DELETE":
            return Answer(204)
        if not rest:
            return _json(self._job_info(job))
        content = self.answers[job][1] if rest == ["successfulResults"] else b'"sf__Id","sf__Error"\n'
        return Answer(200, content, (("Content-Type", "text/csv"),))

    def _job_info(self, job: str) -> dict[str, Any]:
        done = job in self.answers
        counts = {"numberRecordsProcessed": self.answers[job][0] if done else 0, "numberRecordsFailed": 0}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        state = "JobComplete" if done else "Open"
        return {"id": job, "object": "Lead", "state": state, "createdDate": now, "contentUrl": "", **counts}

    def _work(self, content: bytes) -> tuple[int, bytes]:
        """The results: the lines as they came (values of the benchmark have no line ends), each with an Id."""
        header, *lines = content.rstrip().split(b"\n")
        ids = (b'"00Q5e%010dEAA","true",' % number for number in range(len(lines)))
        answered = b"\n".join(map(bytes.__add__, ids, lines))
        return len(lines), b'"sf__Id","sf__Created",' + header + b"\n" + answered + b"\n"


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="for the certificate")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before every answer")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="megabytes a second of each answer")
    options = parser.parse_args()
    try:
        asyncio.run(_run(IngestOrg(), Line(options.latency / 1000, options.bandwidth * 1e6), options.folder))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
