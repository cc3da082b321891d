"""In a made-up org whose faults are known, each rule finds those, and nothing else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.audit.load import load_rules
from sfsync.config.settings import Settings
from sfsync.fake.seed import SeedData, definitions, plant
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import save_cursor
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.store.names import quote, table

AS_OF = datetime(2026, 1, 31, 12)
OBJECTS = ("Lead", "Opportunity", "Account", "Contact", "LeadStatus", "OpportunityStage")


def field_type(values: list[Any]) -> str:
    types = {type(value) for value in values if value is not None}
    if types <= {bool} and types:
        return "boolean"
    if types <= {int, float} and types:
        return "double"
    return {datetime: "datetime", date: "date"}.get(next(iter(types), str), "string")


def fill(store: DuckDBStore, tables: dict[str, list[dict[str, Any]]]) -> None:
    with store.writing() as session:
        prepare_mirror(session)
        for name in OBJECTS:
            rows = tables[name]
            columns = list(rows[0])
            fields = tuple(FieldDescribe(c, field_type([row[c] for row in rows])) for c in columns)
            describe = ObjectDescribe(name, name, fields)
            shape_table(session, describe, find_drift(session, describe))
            names, marks = ", ".join(map(quote, columns)), ", ".join("?" * len(columns))
            session.connection.executemany(
                f"INSERT INTO {table('sf_all', name)} ({names}) VALUES ({marks})",
                [[row[column] for column in columns] for row in rows],
            )
            save_cursor(session, describe, AS_OF, "20260131T120000Z-test")


@pytest.fixture(scope="module", params=[(1, 400), (2, 50), (5, 400), (7, 3000)], ids=str)
def org(request: pytest.FixtureRequest) -> SeedData:
    seed, leads = request.param
    return plant(seed, leads, AS_OF)


@pytest.fixture(scope="module")
def result(org: SeedData, tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    store = DuckDBStore(tmp_path_factory.mktemp("seeded") / "mirror.duckdb")
    fill(store, org.tables)
    return audit(store, Settings.model_validate({"definitions": definitions()}))


@pytest.mark.parametrize("rule_id", [rule.id for rule in load_rules()])
def test_what_was_planted_is_found_and_nothing_else(result: AuditResult, org: SeedData, rule_id: str) -> None:
    found = {finding.record_id for finding in result.findings(rule_id)}
    assert found == org.planted[rule_id]


@pytest.mark.parametrize("rule_id", [rule.id for rule in load_rules()])
def test_every_rule_can_judge_and_has_something_to_judge(result: AuditResult, rule_id: str) -> None:
    rule = result.rule(rule_id)
    assert rule.eligible is not None
    assert rule.count <= rule.eligible
    assert sum(rule.severities.values()) == rule.count
