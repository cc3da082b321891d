"""Facts about real data that two independent computations agree on."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.records import ObjectDescribe, RuleState
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import save_cursor, save_describe
from sfsync.store.mirror import column_types, find_drift, prepare_mirror, shape_table
from sfsync.store.names import table
from tests.unit.audit.conftest import field_describe

AS_OF = datetime(2018, 12, 1)


@pytest.fixture(scope="module")
def result(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    store = DuckDBStore(tmp_path_factory.mktemp("olist") / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        for file in sorted(real_data("olist_org").glob("*.csv")):
            with file.open(encoding="utf-8") as lines:
                columns = next(csv.reader(lines))
            describe = ObjectDescribe(file.stem, file.stem, tuple(field_describe(name, []) for name in columns))
            shape_table(session, describe, find_drift(session, describe))
            session.load_csv(table("sf_all", file.stem), column_types(describe), [file])
            save_cursor(session, describe, AS_OF, "20181201T000000Z-test")
            save_describe(session, describe, AS_OF)
    return audit(store, Settings())


def test_60_leads_have_no_source_46_open_and_14_converted(result: AuditResult) -> None:
    rule = result.rule("LI001")
    assert (rule.count, rule.eligible, rule.breakdown) == (60, 8000, {"open": 46, "converted": 14})
    assert len(result.findings("LI001")) == 60


def test_one_lead_was_converted_before_it_was_created(result: AuditResult) -> None:
    rule = result.rule("CV006")
    assert (rule.count, rule.eligible, rule.breakdown) == (1, 842, {"before creation": 1})
    assert [finding.message for finding in result.findings("CV006")] == [
        "Converted on 2018-03-06, but created on 2018-03-08"
    ]


@pytest.mark.parametrize(("rule_id", "eligible"), [("CV001", 842), ("CV002", 842), ("CV003", 2526), ("OP001", 842)])
def test_no_converted_lead_lacks_anything_it_points_to(result: AuditResult, rule_id: str, eligible: int) -> None:
    rule = result.rule(rule_id)
    assert (rule.state, rule.eligible) == (RuleState.PASS, eligible)


def test_sources_were_carried_over_wherever_the_conversion_created_something(result: AuditResult) -> None:
    rule = result.rule("FM009")
    assert rule.state is RuleState.PASS
    assert rule.eligible == 2 * (842 - 14 - 1)  # without those that had no source, and the one with the impossible date


def test_qualification_is_not_evaluable_until_criteria_are_bound(result: AuditResult) -> None:
    for rule_id in ("LQ001", "LQ002"):
        rule = result.rule(rule_id)
        assert rule.state is RuleState.NOT_EVALUABLE
        assert "framework" in (rule.reason or "")
        assert "frameworks:" in (rule.enable or "")


def test_no_open_opportunity_is_nothing_to_judge(result: AuditResult) -> None:
    assert result.rule("OP007").vacuous


def test_a_missing_stage_table_is_not_agreement(result: AuditResult) -> None:
    assert result.rule("FC001").state is RuleState.NOT_EVALUABLE


def test_the_numbers_that_decided_are_told_with_their_basis(result: AuditResult) -> None:
    numbers = {t.segment: (t.n, t.origin) for t in result.rule("LA004").thresholds}
    assert numbers["social"] == (75, "auto")
    assert numbers["email"] == (15, "fallback")
    assert numbers["organic_search"] == (270, "auto")  # 271 converted, one of them before it was created
