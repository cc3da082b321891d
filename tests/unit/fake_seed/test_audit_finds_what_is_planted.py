"""The audit of a mirror of a seeded org finds every planted flaw and nothing else, for every rule that the seed knows.

The flaws that the other rules find are planted, one by one, in tests/audit_plants.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake.catalog import standard_catalog
from sfsync.fake.custom_fields import from_describe
from sfsync.fake.seed import SeedData, custom_fields, definitions, plant
from sfsync.records import ObjectDescribe, RuleState
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import save_cursor
from sfsync.store.mirror import column_types, find_drift, prepare_mirror, shape_table
from sfsync.store.names import table

AS_OF = datetime(2026, 1, 31, 12)
LAG = timedelta(minutes=5)

#: The rules that the seed knows.
KNOWN = {
    *("LI001", "LQ001", "LQ002", "LA004", "CV001", "CV002"),
    *("CV003", "CV006", "OP001", "OP007", "FC001", "FM009"),
}


def describe(name: str, columns: list[str]) -> ObjectDescribe:
    facts = standard_catalog().facts(name)
    assert facts is not None
    described = facts.with_fields([from_describe(field) for field in custom_fields().get(name, ())]).describe
    fields = {field.name: field for field in described.fields}
    return ObjectDescribe(name, name, tuple(fields[column] for column in columns))


def mirrored(folder: Path, data: SeedData) -> DuckDBStore:
    store = DuckDBStore(folder / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        for name, rows in data.tables.items():
            file = folder / f"{name}.csv"
            with file.open("w", encoding="utf-8", newline="") as text:
                writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            described = describe(name, list(rows[0]))
            shape_table(session, described, find_drift(session, described))
            assert session.load_csv(table("sf_all", name), column_types(described), [file]) == len(rows)
            save_cursor(session, described, AS_OF - LAG, "run", history=False)
    return store


@pytest.fixture(scope="module", params=[(1, 50), (2, 50), (3, 400), (4, 400), (5, 4000)], ids=str)
def org(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[SeedData, AuditResult]:
    seed, leads = request.param
    data = plant(seed, leads, AS_OF)
    store = mirrored(tmp_path_factory.mktemp("mirror"), data)
    return data, audit(store, Settings(definitions=definitions()), select=sorted(KNOWN))


def test_each_rule_finds_exactly_what_is_planted(org: tuple[SeedData, AuditResult]) -> None:
    data, result = org
    found = {
        one.rule.id: {finding.record_id for finding in result.findings(one.rule.id)}
        for one in result.rules
        if one.rule.id in KNOWN
    }
    assert found == data.planted


def test_every_rule_can_be_judged_and_says_no_more_than_what_the_seed_leaves_out(
    org: tuple[SeedData, AuditResult],
) -> None:
    _, result = org
    assert {one.rule.id: one.state for one in result.rules} == dict.fromkeys(KNOWN, RuleState.FINDING)
    left_out = ("not in the mirror", "are not seen")
    said = [reason for one in result.rules if one.reason for reason in one.reason.split("; ")]
    assert [reason for reason in said if not any(words in reason for words in left_out)] == []


def test_figures_of_a_seeded_org_are_those_of_a_healthy_firm(org: tuple[SeedData, AuditResult]) -> None:
    data, result = org
    value = {metric.id: metric.value for metric in result.metrics}
    reason = {metric.id: metric.reason for metric in result.metrics}
    assert value["M01"] is not None
    assert value["M05"] is not None
    if len(data.tables["Lead"]) > 1000:
        assert 13 < value["M01"] < 24
        assert 24 < value["M05"] < 38
        assert value["M03"] is None
        assert "fewer than half" in str(reason["M03"])
