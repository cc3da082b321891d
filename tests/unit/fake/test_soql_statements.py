"""The published list of SOQL statements, each with the answer that is known or believed of the real org."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import SoqlError
from sfsync.fake.catalog import standard_catalog
from sfsync.fake.database import OrgDatabase
from sfsync.fake.evaluate import OrgCatalog, compile_query
from sfsync.soql import parse


@pytest.fixture(scope="module")
def database() -> Iterator[OrgDatabase]:
    database = OrgDatabase(standard_catalog())
    yield database
    database.close()


def answer(database: OrgDatabase, soql: str) -> dict[str, Any]:
    try:
        compiled = compile_query(parse(soql), OrgCatalog(database.catalog), now=datetime(2026, 1, 31, tzinfo=UTC))
    except SoqlError as error:
        return {"http": 400, "errorCode": error.code, "message": error.message}
    with database.reading() as cursor:
        for statement in (compiled.sql, compiled.record_sql, compiled.count_sql):
            cursor.execute(statement).fetchall()
        for child in compiled.children:
            cursor.execute(child.sql("'001000000000000AAA'")).fetchall()
    return {"http": 200, "record_keys": [column.path[0] for column in compiled.columns]}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    differing = []
    if found["http"] != expected["http"]:
        differing.append(f"http {found['http']}")
    if "errorCode" in expected and found.get("errorCode") not in expected["errorCode"].split("|"):
        differing.append(f"errorCode {found.get('errorCode')}")
    if expected.get("message_contains", "") not in found.get("message", ""):
        differing.append(f"message {found.get('message')}")
    if "record_keys" in expected and found.get("record_keys") != expected["record_keys"]:
        differing.append(f"record_keys {found.get('record_keys')}")
    return differing


def test_statements_are_answered_as_the_real_org_answers_them(
    database: OrgDatabase, real_data: Callable[[str], Path]
) -> None:
    lines = (real_data("soql") / "statements.jsonl").read_text(encoding="utf-8").splitlines()
    statements = [json.loads(line) for line in lines]
    wrong = {
        f"{one['id']} ({one['confidence']}) {one['soql'][:100]}": found
        for one in statements
        if (found := differences(one["expect"], answer(database, one["soql"])))
    }
    assert wrong == {}
