"""What the fake org's tests share: one empty org, and a client that talks to it in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sfsync.fake import FakeOrg

DATA = "/services/data/v60.0"


class Client:
    """A bare HTTP client that is logged in."""

    def __init__(self, org: FakeOrg) -> None:
        self.org = org
        self.session = org.session()
        self.session.headers["Authorization"] = f"Bearer {org.token}"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.org.instance_url + path, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self("GET", path, **options)

    def query(self, soql: str, **options: Any) -> Any:
        return self.get(f"{DATA}/query", params={"q": soql}, **options).json()

    def rows(self, soql: str) -> list[dict[str, Any]]:
        answer = self.query(soql)
        assert answer["done"], "use `query` for more than one page"
        return [{name: value for name, value in row.items() if name != "attributes"} for row in answer["records"]]

    def bulk(self, soql: str, **properties: Any) -> dict[str, Any]:
        body = {"operation": "query", "query": soql, **properties}
        response = self("POST", f"{DATA}/jobs/query", json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with FakeOrg.empty() as org:
        yield org


@pytest.fixture
def client(org: FakeOrg) -> Client:
    return Client(org)


@pytest.fixture
def client_of() -> Callable[[FakeOrg], Client]:
    return Client


@pytest.fixture
def leads(org: FakeOrg) -> list[str]:
    """Seven leads, `Lead 0` to `Lead 6`."""
    return org.insert("Lead", [{"LastName": f"Lead {number}", "Company": "Acme"} for number in range(7)])
