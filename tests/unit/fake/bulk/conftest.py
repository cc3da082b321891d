"""Bulk jobs as short as a line in a test."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

DATA = "/services/data/v60.0"
JOBS = f"{DATA}/jobs/ingest"


class Ingest:
    """Runs ingest jobs through HTTP."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def open(self, operation: str = "insert", object_name: str = "Lead", **properties: Any) -> str:
        response = self.client("POST", JOBS, json={"operation": operation, "object": object_name, **properties})
        assert response.status_code == 200, response.text
        return str(response.json()["id"])

    def put(self, job: str, data: str | bytes, **headers: str) -> Any:
        body = data.encode() if isinstance(data, str) else data
        headers = {"Content-Type": "text/csv"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client("PUT", f"{JOBS}/{job}/batches", data=body, headers=headers)

    def close(self, job: str) -> Any:
        return self.client("PATCH", f"{JOBS}/{job}", json={"state": "UploadComplete"})

    def job(self, job: str) -> dict[str, Any]:
        return dict(self.client.get(f"{JOBS}/{job}").json())

    def text(self, job: str, kind: str) -> str:
        response = self.client.get(f"{JOBS}/{job}/{kind}")
        assert response.status_code == 200, response.text
        return response.content.decode()

    def rows(self, job: str, kind: str, delimiter: str = ",") -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text(job, kind), newline=""), delimiter=delimiter))

    def __call__(
        self, data: str | bytes, operation: str = "insert", object_name: str = "Lead", **properties: Any
    ) -> dict[str, Any]:
        """The whole way of a job; how it stands at the end."""
        job = self.open(operation, object_name, **properties)
        assert self.put(job, data).status_code == 201
        assert self.close(job).status_code == 200
        return self.job(job)


@pytest.fixture
def ingest(client: Any) -> Ingest:
    return Ingest(client)
