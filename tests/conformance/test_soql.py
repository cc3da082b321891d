"""What SOQL means: statements asked of one small org over HTTP, each with the rows or the error that Salesforce gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.ids import make_id

FOLDER = Path(__file__).parent / "soql"
DATA = "/services/data/v60.0"
RECORD_IDS = {"User": "005", "Group": "00G", "Account": "001", "Contact": "003", "Opportunity": "006", "Lead": "00Q",
              "OpportunityContactRole": "00K", "Campaign": "701", "CampaignMember": "00v", "Task": "00T"}  # fmt: skip


def read(path: Path) -> Any:
    # YAML 1.1 takes `NA`, `No` and dates for more than text; every such value is quoted in these files.
    return yaml.safe_load(path.read_text(encoding="utf-8"))


ORG = read(FOLDER / "org.yml")
IDS = {
    name: make_id(RECORD_IDS[object_name], 1000 + number)
    for object_name, records in ORG["records"].items()
    for number, name in enumerate(records)
}
CASES = {
    f"{path.stem}: {case['name']}": case for path in sorted(FOLDER.glob("*.yml")) if path.name != "org.yml"
    for case in read(path)
}  # fmt: skip


def spelled_out(value: Any) -> Any:
    """The value with Ids in place of `@name`."""
    if isinstance(value, str):
        return re.sub(r"@(\w+)(\.15)?(?!\w*\.org)", lambda m: _id(m) or m.group(), value)
    if isinstance(value, list):
        return [spelled_out(one) for one in value]
    if isinstance(value, dict):
        return {name: spelled_out(one) for name, one in value.items()}
    return value


def _id(match: re.Match[str]) -> str | None:
    found = IDS.get(match.group(1))
    return found and (found[:15] if match.group(2) else found)


class Asked:
    """The org, and a way to ask it."""

    def __init__(self) -> None:
        self.org = FakeOrg.empty(clock=Clock(datetime.fromisoformat(ORG["now"].isoformat())))
        self.org.clock.freeze()
        for object_name, fields in ORG["fields"].items():
            for field in fields:
                self.org.add_field(object_name, field.pop("name"), field.pop("type"), **field)
        for object_name, records in ORG["records"].items():
            self.org.insert(object_name, [{"Id": IDS[name]} | spelled_out(row) for name, row in records.items()])
        self.session = self.org.session()
        self.session.headers["Authorization"] = f"Bearer {self.org.token}"

    def __call__(self, case: dict[str, Any]) -> requests.Response:
        settings = self.org.settings
        settings.timezone = case.get("timezone", "UTC")
        settings.fiscal_start_month = case.get("fiscal_start_month", 1)
        settings.query_page = case.get("page", 2000)
        soql = spelled_out(case["soql"])
        if case.get("bulk"):
            body = {"operation": "query", "query": soql}
            return self.session.post(f"{self.org.instance_url}{DATA}/jobs/query", json=body)
        path = "queryAll" if case.get("all_rows") else "query"
        return self.session.get(f"{self.org.instance_url}{DATA}/{path}", params={"q": soql})

    def follow(self, url: str) -> Any:
        return self.session.get(self.org.instance_url + url).json()


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.org.close()


def bare(value: Any) -> Any:
    """An answer's value as the cases write it: no attributes, children as a list of their records."""
    if isinstance(value, dict) and "records" in value:
        return [bare(record) for record in value["records"]]
    if isinstance(value, dict) and "attributes" in value:
        return {name: bare(one) for name, one in value.items() if name != "attributes"}
    return value


def rows_of(answer: dict[str, Any]) -> list[Any]:
    """A record with one key as its value, others as their values in order."""
    values = [list(record.values()) for record in bare(answer)]
    return [one[0] if len(one) == 1 else one for one in values]


def in_any_order(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=repr)


@pytest.mark.parametrize("name", CASES)
def test_the_org_answers_as_salesforce_does(ask: Asked, name: str) -> None:
    case = CASES[name]
    response = ask(case)
    body = response.json()
    if "error" in case:
        assert response.status_code == case.get("status", 400), body
        assert body[0]["errorCode"] == case["error"], body
        assert case.get("message", "") in body[0]["message"]
        if "text" in case:
            assert body[0]["message"] == spelled_out(case["text"]).rstrip("\n")
        return
    assert response.status_code == 200, body
    if "count" in case:
        assert (body["totalSize"], body["records"]) == (case["count"], [])
    if "keys" in case:
        assert [key for key in body["records"][0] if key != "attributes"] == case["keys"]
    if "rows" in case:
        wanted = spelled_out(case["rows"])
        found = rows_of(body)
        ordered = "ORDER BY" in case["soql"].upper() or len(wanted) < 2
        assert (found if ordered else in_any_order(found)) == (wanted if ordered else in_any_order(wanted))
        assert body["totalSize"] == case.get("total", len(wanted))
    if "text" in case:
        assert spelled_out(case["text"]) in response.text


def test_there_are_enough_statements() -> None:
    assert len(CASES) >= 250
