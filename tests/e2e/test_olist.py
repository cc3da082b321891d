"""The whole path on real data: a served org, then a pull and an audit in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit import load_rules


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, olist_org: Any, sfsync: Callable[..., Any]) -> Path:
    """An empty folder, pulled into with nothing but three environment variables."""
    folder = tmp_path_factory.mktemp("mirror")
    done = sfsync("pull", "--project", folder, "--json", env=olist_org.env)
    assert done.code == 0, done.err
    apis = {each["object"]: each["api"] for each in done.json["result"]["objects"] if each["state"] == "done"}
    assert apis["Lead"] == "bulk"
    assert apis["Opportunity"] == "rest"
    return folder


@pytest.fixture(scope="module")
def audit(project: Path, sfsync: Callable[..., Any]) -> dict[str, Any]:
    """The audit's envelope."""
    done = sfsync("audit", "--project", project, "--json")
    assert done.code == 1, done.err  # there are errors to find
    envelope: dict[str, Any] = json.loads(done.out)
    assert envelope["status"] == 1
    return envelope


@pytest.fixture(scope="module")
def truth(real_data: Callable[[str], Path]) -> dict[str, Any]:
    """Figures that two independent computations on the raw files agreed on."""
    figures = json.loads((real_data("olist") / "ground_truth.json").read_text())["figures"]
    return {figure["id"]: figure["value"] for figure in figures}


def metric(audit: dict[str, Any], metric_id: str) -> dict[str, Any]:
    return next(each for each in audit["result"]["metrics"] if each["id"] == metric_id)


def rule(audit: dict[str, Any], rule_id: str) -> dict[str, Any]:
    return next(each for each in audit["result"]["rules"] if each["id"] == rule_id)


def test_the_mirror_answers_in_sql(project: Path, sfsync: Callable[..., Any]) -> None:
    done = sfsync("query", "--project", project, "--json", "SELECT count(*) AS n FROM sf.Lead")
    assert done.json["result"]["records"] == [{"n": 8000}]


def test_every_object_of_the_org_is_in_the_mirror(project: Path, sfsync: Callable[..., Any]) -> None:
    status = sfsync("status", "--project", project, "--json").json["result"]
    records = {each["name"]: each["records"] for each in status["objects"]}
    expected = {"Lead": 8000, "Account": 842, "Contact": 842, "Opportunity": 842, "User": 42}
    assert {name: records[name] for name in expected} == expected
    assert status["runs"][0]["state"] == "done"


def test_8000_leads_842_converted_are_10_525_percent(audit: dict[str, Any], truth: dict[str, Any]) -> None:
    conversion = metric(audit, "M01")
    assert conversion["n"] == truth["n_leads"] == 8000
    assert conversion["context"]["converted"] == truth["n_closed"] == 842
    assert conversion["value"] == pytest.approx(10.525)
    low, high = conversion["context"]["wilson95"]
    assert low < 10.525 < high


def test_conversion_by_source_is_as_in_the_raw_files(audit: dict[str, Any], truth: dict[str, Any]) -> None:
    found = {each["source"]: (each["n"], each["converted"]) for each in metric(audit, "M01")["context"]["by_source"]}
    assert found == {source: (each["n"], each["hits"]) for source, each in truth["conv_by_origin"].items()}


def test_conversion_by_month_is_as_in_the_raw_files(audit: dict[str, Any], truth: dict[str, Any]) -> None:
    found = {each["month"]: (each["n"], each["converted"]) for each in metric(audit, "M01")["context"]["by_month"]}
    assert found == {month: (each["n"], each["hits"]) for month, each in truth["conv_by_cohort_month"].items()}


def test_days_to_convert_are_as_in_the_raw_files(audit: dict[str, Any]) -> None:
    converted = metric(audit, "M03")["context"]["converted_only"]
    assert converted["n"] == 842
    assert converted["median"] == 14
    assert converted["mean"] == pytest.approx(48.44, abs=0.005)
    assert converted["share_within_30"] == pytest.approx(65.9, abs=0.05)


def test_a_win_rate_from_wins_alone_is_not_shown(audit: dict[str, Any]) -> None:
    win_rate = metric(audit, "M05")
    assert win_rate["value"] is None
    assert "lost" in win_rate["reason"]


def test_60_leads_have_no_source_open_and_converted_together(audit: dict[str, Any]) -> None:
    found = rule(audit, "LI001")
    assert (found["state"], found["count"], found["eligible"]) == ("finding", 60, 8000)
    assert found["breakdown"] == {"open": 46, "converted": 14}
    assert sum(each["rule"] == "LI001" for each in audit["result"]["findings"]) == 60


def test_one_lead_was_converted_before_it_was_created(audit: dict[str, Any]) -> None:
    assert rule(audit, "CV006")["count"] == 1
    (finding,) = [each for each in audit["result"]["findings"] if each["rule"] == "CV006"]
    assert finding["record_id"] == "00Q5e00000001eYEAQ"


def test_rules_without_their_criteria_are_not_evaluable_and_say_how_to_enable_them(audit: dict[str, Any]) -> None:
    for rule_id in ("LQ001", "LQ002"):
        blind = rule(audit, rule_id)
        assert blind["state"] == "not_evaluable"
        assert blind["reason"]
        assert "definitions" in blind["enable"]


def test_the_whole_catalogue_and_twenty_metrics_are_all_there(audit: dict[str, Any]) -> None:
    # But for those that are off until somebody turns them on.
    enabled = {rule.id for rule in load_rules() if rule.enabled}
    assert {each["id"] for each in audit["result"]["rules"]} == enabled
    assert {each["id"] for each in audit["result"]["metrics"]} == {f"M{number:02d}" for number in range(1, 21)}
    assert audit["result"]["as_of"].endswith("Z")


def test_a_second_pull_finds_nothing_new(project: Path, olist_org: Any, sfsync: Callable[..., Any]) -> None:
    done = sfsync("pull", "--project", project, "--json", env=olist_org.env)
    assert done.code == 0, done.err
    for each in done.json["result"]["objects"]:
        assert (each["inserted"], each["updated"], each["deleted"]) == (0, 0, 0), each


def test_the_report_is_one_file_with_the_figures(project: Path, sfsync: Callable[..., Any], tmp_path: Path) -> None:
    done = sfsync("report", "--project", project, "--output", tmp_path / "report.html")
    assert done.code == 0, done.err
    page = (tmp_path / "report.html").read_text()
    assert "10.5" in page
    assert "CV006" in page
    assert "00Q5e00000001eYEAQ" in page


def test_the_mirror_is_proven_equal_to_the_org_in_every_value(
    project: Path, olist_org: Any, sfsync: Callable[..., Any]
) -> None:
    done = sfsync("verify", "--project", project, "--values", "--json", env=olist_org.env)
    assert done.code == 0, done.out + done.err
    assert done.json["result"]["equal"] is True
    assert {each["object"]: each["records"] for each in done.json["result"]["objects"]}["Lead"] == 8000
