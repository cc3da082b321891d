from __future__ import annotations

import json

import pytest

from sfsync.audit.metrics.m01_conversion import compute as conversion

OLIST_BY_SOURCE = {
    "(blank)": (60, 14),
    "direct_traffic": (499, 56),
    "display": (118, 6),
    "email": (493, 15),
    "organic_search": (2296, 271),
    "other": (150, 4),
    "other_publicities": (65, 3),
    "paid_search": (1586, 195),
    "referral": (284, 24),
    "social": (1350, 75),
    "unknown": (1099, 179),
}
OLIST_BY_MONTH = {
    "2017-06": (4, 0),
    "2017-07": (239, 2),
    "2017-08": (386, 9),
    "2017-09": (312, 7),
    "2017-10": (416, 14),
    "2017-11": (445, 18),
    "2017-12": (200, 11),
    "2018-01": (1141, 152),
    "2018-02": (1028, 149),
    "2018-03": (1174, 167),
    "2018-04": (1352, 183),
    "2018-05": (1303, 130),
}


def test_real_marketing_leads_give_the_known_rate(olist):
    result = olist.compute(conversion)
    assert (result.n, result.context["converted"], result.value) == (8000, 842, 10.525)
    assert result.context["rate"] == 0.10525
    assert result.context["wilson95"] == pytest.approx([9.871382834881832, 11.216509366688394])
    assert result.reason is None


def test_real_marketing_leads_give_the_known_breakdowns(olist):
    context = olist.compute(conversion).context
    assert {row["source"]: (row["n"], row["converted"]) for row in context["by_source"]} == OLIST_BY_SOURCE
    assert {row["month"]: (row["n"], row["converted"]) for row in context["by_month"]} == OLIST_BY_MONTH
    assert all(row["mature"] for row in context["by_month"])


def test_the_conversion_dated_before_its_lead_is_counted_and_said_so(olist):
    notes = olist.compute(conversion).context["notes"]
    assert [note for note in notes if note.startswith("1 conversion dated before")]


def test_late_cohorts_of_real_leads_are_not_judged_while_they_are_young(olist):
    context = olist.compute(conversion, as_of="2018-06-30T00:00:00").context
    immature = [row["month"] for row in context["by_month"] if not row["mature"]]
    assert immature == ["2018-04", "2018-05"]
    assert context["excluded_immature"] > 0


def test_leads_younger_than_the_horizon_are_left_out_and_counted(mirror):
    mirror.leads(
        [("2025-01-01", "2025-01-05"), ("2025-01-02",), ("2025-11-02",), ("2025-11-03",), ("2026-01-30", "2026-01-31")]
    )
    result = mirror.compute(conversion)
    assert (result.value, result.n) == (pytest.approx(100 / 3), 3)  # 2025-11-02 is 90 days old, 2025-11-03 is not
    assert result.context["created"] == 5
    assert result.context["excluded_immature"] == 2
    assert result.context["excluded_immature_converted"] == 1
    assert result.context["exclusions"] == [{"reason": "younger than 90 days", "n": 2}]


def test_a_horizon_counts_only_leads_old_enough_and_conversions_fast_enough(mirror):
    mirror.leads(
        [
            ("2025-01-01", "2025-01-31"),
            ("2025-01-01", "2025-02-01"),
            ("2025-12-15", "2025-12-20"),
            ("2026-01-15", "2026-01-16"),
        ]
    )
    horizons = {row["days"]: row for row in mirror.compute(conversion).context["horizons"]}
    assert {days: (row["n"], row["converted"]) for days, row in horizons.items()} == {
        30: (3, 2),
        60: (2, 2),
        90: (2, 2),
        180: (2, 2),
        365: (2, 2),
    }
    assert horizons[30]["percent"] == pytest.approx(200 / 3)


def test_the_horizon_is_configurable(mirror):
    mirror.leads([("2026-01-01", "2026-01-05"), ("2026-01-20",)])
    result = mirror.compute(conversion, maturity_days=30)
    assert (result.value, result.n) == (100.0, 1)
    assert "30 days" in result.definition


def test_creation_days_are_those_of_the_configured_zone(mirror):
    mirror.leads([("2025-01-01T02:00:00", "2024-12-31")])
    here = mirror.compute(conversion).context
    there = mirror.compute(conversion, timezone="America/New_York").context
    assert (here["by_month"][0]["month"], there["by_month"][0]["month"]) == ("2025-01", "2024-12")
    assert any("before the lead was created" in note for note in here["notes"])
    assert not any("before the lead was created" in note for note in there["notes"])
    assert there["timezone"] == "America/New_York"


def test_a_month_is_mature_when_its_last_day_is(mirror):
    mirror.leads([("2025-10-01",), ("2025-11-01",)])
    months = mirror.compute(conversion).context["by_month"]
    assert [(row["month"], row["mature"]) for row in months] == [("2025-10", True), ("2025-11", False)]
    assert months[1]["percent_within_maturity"] is None


def test_months_are_compared_within_the_same_time(mirror):
    mirror.leads([("2025-01-01", "2025-02-01"), ("2025-01-01", "2025-12-01")])
    month = mirror.compute(conversion).context["by_month"][0]
    assert (month["percent"], month["percent_within_maturity"]) == (100.0, 50.0)


def test_blank_sources_are_one_source_of_their_own(mirror):
    mirror.leads(
        [("2025-01-01", None, source) for source in (None, "", " \t\n\v\f\r\N{NO-BREAK SPACE}", "Web", " Web\n")]
    )
    rows = mirror.compute(conversion).context["by_source"]
    assert {row["source"]: row["n"] for row in rows} == {"(blank)": 3, "Web": 2}


def test_a_source_of_few_leads_is_shown_but_not_ranked(mirror):
    mirror.leads([("2025-01-01", None, "Fair")] * 29 + [("2025-01-01", None, "Web")] * 30)
    rows = mirror.compute(conversion).context["by_source"]
    assert {row["source"]: row["rankable"] for row in rows} == {"Fair": False, "Web": True}


def test_free_text_sources_end_in_one_row_for_the_rest(mirror):
    mirror.leads(
        [("2025-01-01", None, f"campaign {number:03d}") for number in range(105)] + [("2025-01-01", None, "Web")] * 40
    )
    rows = mirror.compute(conversion).context["by_source"]
    assert len(rows) == 101
    assert (rows[0]["source"], rows[0]["n"]) == ("Web", 40)
    assert (rows[-1]["source"], rows[-1]["n"], rows[-1]["rankable"]) == ("(6 further sources)", 6, False)


def test_blank_stays_itself_even_among_the_rest(mirror):
    mirror.leads(
        [("2025-01-01", None, f"campaign {number:03d}") for number in range(101) for _ in range(2)]
        + [("2025-01-01", None, None)]
    )
    rows = mirror.compute(conversion).context["by_source"]
    assert {row["source"]: row["n"] for row in rows[-2:]} == {"(1 further sources)": 2, "(blank)": 1}


def test_leads_in_the_recycle_bin_are_left_out_and_counted(mirror):
    gone = {"IsDeleted": True, "MasterRecordId": "00Q000000000000AAA"}
    mirror.leads([("2025-01-01", "2025-01-05"), ("2025-01-01", "2025-01-06", "Web", gone)], MasterRecordId="VARCHAR")
    result = mirror.compute(conversion)
    assert result.n == 1
    assert result.context["deleted_left_out"] == {"n": 1, "converted": 1, "merged": 1}
    assert {"reason": "in the recycle bin", "n": 1} in result.context["exclusions"]


def test_conversions_with_impossible_dates_are_counted_and_named(mirror):
    undated = {"IsConverted": True}
    mirror.leads([("2025-01-01", None, "Web", undated), ("2025-01-01", "2026-03-01"), ("2025-01-01", "2024-01-01")])
    result = mirror.compute(conversion)
    assert result.value == 100.0
    assert [note.split(":")[0] for note in result.context["notes"][1:]] == [
        "1 conversion dated before the lead was created",
        "1 conversion without a date, so in no horizon",
        "1 conversion dated after the as-of day",
    ]


def test_leads_without_a_created_date_are_left_out_and_counted(mirror):
    mirror.leads([(None,), ("2025-01-01", "2025-01-02")])
    result = mirror.compute(conversion)
    assert (result.n, result.value) == (1, 100.0)
    assert result.context["exclusions"] == [{"reason": "without a created date", "n": 1}]


def test_no_leads_is_no_rate(mirror):
    mirror.leads([])
    result = mirror.compute(conversion)
    assert (result.value, result.n, result.reason) == (None, 0, "there are no leads")


def test_only_young_leads_is_no_rate(mirror):
    mirror.leads([("2026-01-30", "2026-01-31")])
    result = mirror.compute(conversion)
    assert result.value is None
    assert "no lead is 90 days old" in result.reason


def test_without_leads_in_the_mirror_it_is_not_evaluable(mirror):
    assert mirror.compute(conversion).reason == "not evaluable: the mirror holds no Lead"


def test_without_the_needed_columns_it_is_not_evaluable(mirror):
    mirror.leads([], without=("IsConverted",))
    assert mirror.compute(conversion).reason.startswith("not evaluable: Lead has no IsConverted")


def test_a_column_of_another_type_is_as_good_as_absent(mirror):
    mirror.leads([], IsConverted="VARCHAR")
    assert mirror.compute(conversion).reason.startswith("not evaluable: Lead has no IsConverted")


def test_what_needs_no_missing_column_is_still_told(mirror):
    mirror.leads([("2025-01-01", "2025-01-02")], without=("ConvertedDate", "LeadSource", "IsDeleted"))
    result = mirror.compute(conversion)
    assert result.value == 100.0
    assert result.context["horizons"] is None
    assert result.context["by_source"] is None
    assert result.context["deleted_left_out"] is None


def test_everything_it_says_can_be_written_as_json(olist):
    assert json.loads(json.dumps(dict(olist.compute(conversion).context)))["as_of"] == "2026-01-31T12:00:00Z"
