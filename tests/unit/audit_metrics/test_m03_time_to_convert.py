"""Figures of the estimate on real leads by lifelines 0.30.3, as of 2018-11-15, negative durations set to 0:

python -c "from lifelines import KaplanMeierFitter as K; k = K().fit(DAYS, CONVERTED); print(1 - k.predict(90))"
"""

from __future__ import annotations

import json

import pytest

from sfsync.audit.metrics.m03_time_to_convert import compute as time_to_convert


def test_real_converted_leads_give_the_known_figures(olist):
    only = olist.compute(time_to_convert).context["converted_only"]
    assert (only["n"], only["median"], only["p90"]) == (842, 14, 162)
    assert only["mean"] == pytest.approx(48.440618, abs=1e-6)
    assert only["share_within_30"] == pytest.approx(65.9145, abs=1e-4)
    assert "survivorship" in only["label"]


def test_the_estimate_on_real_leads_is_the_one_lifelines_gives(olist):
    result = olist.compute(time_to_convert, as_of="2018-11-15T00:00:00")
    assert [row["percent"] for row in result.context["km_converted_by"]] == pytest.approx(
        [6.937500000000041, 8.087500000000014, 8.650000000000024, 9.691510500415568, 11.333443079656225]
    )
    assert result.context["km_converted_by"][3]["interval95"] == pytest.approx([9.063209270013506, 10.360836059174183])
    assert result.context["km"] == {"p10": 207, "p25": None, "p50": None, "p75": None, "p90": None}


def test_where_fewer_than_half_convert_there_is_no_median_but_a_reason(olist):
    result = olist.compute(time_to_convert, as_of="2018-11-15T00:00:00")
    assert (result.value, result.n) == (None, 8000)
    assert result.reason == (
        "fewer than half of the leads convert, so there is no median: 11.6% had converted by day 519, "
        "the longest any was watched"
    )
    assert (result.context["converted"], result.context["censored"]) == (842, 7158)


def test_a_conversion_before_creation_is_counted_apart(olist):
    context = olist.compute(time_to_convert).context
    assert context["negative_durations"] == 1
    assert any(note.startswith("1 conversion dated before") for note in context["notes"])


def test_leads_that_still_wait_lengthen_the_median(mirror):
    fast = [("2025-01-01", "2025-01-03")] * 3 + [("2025-01-01", "2025-01-11")] * 3
    mirror.leads([*fast, *[("2025-01-01",)] * 4])
    result = mirror.compute(time_to_convert)
    assert result.value == 10
    assert result.context["converted_only"]["median"] == 6


def test_a_negative_duration_is_day_zero_in_the_estimate(mirror):
    mirror.leads([("2025-01-10", "2025-01-01"), ("2025-01-10", "2025-01-12")])
    result = mirror.compute(time_to_convert)
    assert result.context["km"] == {"p10": 0, "p25": 0, "p50": 0, "p75": 2, "p90": 2}
    assert result.context["converted_only"]["mean"] == -3.5


def test_what_has_no_duration_is_left_out_and_counted(mirror):
    undated = {"IsConverted": True}
    mirror.leads(
        [
            ("2025-01-01", None, "Web", undated),
            ("2025-01-01", "2026-03-01"),
            (None,),
            ("2026-03-01",),
            ("2025-01-01", "2025-01-02"),
        ]
    )
    result = mirror.compute(time_to_convert)
    assert result.n == 1
    assert {row["reason"]: row["n"] for row in result.context["exclusions"]} == {
        "converted without a date": 1,
        "converted on a date after the as-of day": 1,
        "without a created date": 1,
        "created after the as-of day": 1,
    }


def test_every_live_lead_is_counted_or_named_as_left_out_exactly_once(mirror):
    undated = {"IsConverted": True}
    mirror.leads([(None, None, "Web", undated), (None, "2025-01-01"), (None, "2026-12-01"), (None,), ("2025-01-01",)])
    result = mirror.compute(time_to_convert)
    assert result.n + sum(row["n"] for row in result.context["exclusions"]) == 5


def test_tomorrow_is_within_what_time_zones_can_cause(mirror):
    mirror.leads([("2026-01-01", "2026-02-01")])
    assert mirror.compute(time_to_convert, as_of="2026-01-31T23:00:00").n == 1


def test_days_are_those_of_the_configured_zone(mirror):
    mirror.leads([("2025-01-01T02:00:00", "2025-01-05")])
    assert mirror.compute(time_to_convert).value == 4
    assert mirror.compute(time_to_convert, timezone="America/Los_Angeles").value == 5


def test_no_converted_lead_at_all_is_said_plainly(mirror):
    mirror.leads([("2025-01-01",)])
    result = mirror.compute(time_to_convert)
    assert (result.value, result.context["converted_only"]["n"]) == (None, 0)
    assert "0.0%" in result.reason


def test_no_leads_is_no_median(mirror):
    mirror.leads([])
    assert mirror.compute(time_to_convert).reason == "there are no leads whose time can be told"


def test_leads_in_the_recycle_bin_are_left_out_and_counted(mirror):
    mirror.leads([("2025-01-01", "2025-01-02"), ("2025-01-01", None, "Web", {"IsDeleted": True})])
    result = mirror.compute(time_to_convert)
    assert result.n == 1
    assert {"reason": "in the recycle bin", "n": 1} in result.context["exclusions"]


def test_without_the_needed_columns_it_is_not_evaluable(mirror):
    mirror.leads([], without=("ConvertedDate",))
    assert mirror.compute(time_to_convert).reason.startswith("not evaluable: Lead has no ConvertedDate")


def test_everything_it_says_can_be_written_as_json(olist):
    assert json.dumps(dict(olist.compute(time_to_convert).context))
