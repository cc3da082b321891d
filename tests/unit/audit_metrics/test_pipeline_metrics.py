"""M06 to M15: what is open, how it moves, and what becomes of it."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest

from sfsync.audit.metrics.context import MetricContext, Scope
from sfsync.audit.metrics.m06_velocity import compute as velocity
from sfsync.audit.metrics.m07_stage_duration import compute as stage_duration
from sfsync.audit.metrics.m08_funnel import compute as funnel
from sfsync.audit.metrics.m09_coverage import compute as coverage
from sfsync.audit.metrics.m10_forecast import compute as forecast
from sfsync.audit.metrics.m11_waterfall import compute as waterfall
from sfsync.audit.metrics.m12_pipeline_age import compute as age
from sfsync.audit.metrics.m13_slippage import compute as slippage
from sfsync.audit.metrics.m14_expected_revenue import compute as expected_revenue
from sfsync.audit.metrics.m15_leaderboard import compute as leaderboard
from sfsync.audit.metrics.periods import complete_quarters, fiscal_quarter, start_of
from sfsync.store.history import keep_versions, shape_history
from sfsync.store.mirror import mirror_columns

BASE = {"CreatedDate": "2025-01-01", "OwnerId": "005A", "Amount": 100.0, "CloseDate": "2026-02-15"}
OPEN = BASE | {"IsClosed": False, "IsWon": False, "StageName": "Prospecting"}
WON = BASE | {"IsClosed": True, "IsWon": True, "StageName": "Closed Won", "CloseDate": "2025-12-01"}
LOST = WON | {"IsWon": False, "StageName": "Closed Lost"}
MORE = {"Probability": "DOUBLE", "ForecastCategory": "VARCHAR"}


def step(deal, at, stage="Prospecting", amount=100.0, closes="2026-02-15", **more):
    return {"deal": deal, "at": at, "StageName": stage, "Amount": amount, "CloseDate": closes} | more


def by(rows, key):
    return {row[key]: row for row in rows}


def bars(result, place=0):
    told = result.context["waterfalls"][place]
    assert told["residual"] == 0
    return {bar["bar"]: (bar["n"], bar["amount"]) for bar in told["bars"] if bar["n"]}


# Periods


@pytest.mark.parametrize(
    ("day", "start", "first", "last", "label"),
    [
        (date(2026, 1, 31), 1, date(2026, 1, 1), date(2026, 3, 31), "FY2026 Q1"),
        (date(2026, 12, 31), 1, date(2026, 10, 1), date(2026, 12, 31), "FY2026 Q4"),
        (date(2026, 2, 1), 2, date(2026, 2, 1), date(2026, 4, 30), "FY2027 Q1"),
        (date(2026, 1, 31), 4, date(2026, 1, 1), date(2026, 3, 31), "FY2026 Q4"),
        (date(2024, 2, 29), 12, date(2023, 12, 1), date(2024, 2, 29), "FY2024 Q1"),
    ],
)
def test_fiscal_quarters_begin_where_the_org_says(day, start, first, last, label):
    quarter = fiscal_quarter(day, start)
    assert (quarter.first, quarter.last, quarter.label) == (first, last, label)


def test_complete_quarters_follow_each_other_without_a_gap():
    context = MetricContext(datetime(2026, 1, 31), "UTC", {}, fiscal_year_start_month=2)
    quarters = complete_quarters(context)
    assert quarters[-1].last == date(2025, 10, 31)
    assert all((after.first - before.last).days == 1 for before, after in pairwise(quarters))


def test_a_day_begins_in_the_orgs_zone_also_when_clocks_change():
    context = MetricContext(datetime(2026, 1, 31), "Europe/Berlin", {})
    assert start_of(context, date(2026, 1, 1)) == datetime(2025, 12, 31, 23)
    assert start_of(context, date(2026, 7, 1)) == datetime(2026, 6, 30, 22)


# M06


def test_velocity_is_made_of_four_numbers_of_each_currency(mirror):
    eur = {"CurrencyIsoCode": "EUR"}
    rows = [OPEN | eur] * 4 + [WON | eur | {"Amount": 300.0}] + [LOST | eur] + [OPEN | {"CurrencyIsoCode": "JPY"}]
    mirror.opportunities(rows, CurrencyIsoCode="VARCHAR")
    told = mirror.compute(velocity)
    assert told.value is None
    assert "never added up" in told.reason
    eur = by(told.context["by_currency"], "currency")["EUR"]
    assert (eur["open"], eur["win_rate"], eur["mean_won"], eur["median_days"]) == (4, 50.0, 300.0, 334)
    assert eur["per_day"] == pytest.approx(4 * 0.5 * 300 / 334)


def test_the_cycle_of_velocity_ends_at_the_real_closing_not_on_the_close_date(mirror):
    mirror.opportunities([OPEN, WON, LOST])
    mirror.stages()
    mirror.history(step(1, "2025-01-01"), step(1, "2025-05-01", "Closed Won"), step(2, "2025-05-01", "Closed Lost"))
    (row,) = mirror.compute(velocity).context["by_currency"]
    assert row["median_days"] == 120


def test_a_total_over_all_currencies_needs_rates_and_a_rate_for_each(mirror):
    rows = [OPEN | {"CurrencyIsoCode": "EUR"}, WON | {"CurrencyIsoCode": "USD"}, LOST | {"CurrencyIsoCode": "USD"}]
    mirror.opportunities(rows, CurrencyIsoCode="VARCHAR")
    rates = {"metrics": {"rates": {"to": "EUR", "rates": {"USD": 0.5}}}}
    told = mirror.compute(velocity, definitions=rates)
    assert told.context["by_currency"][-1]["currency"] == "all, in EUR"
    assert told.value == pytest.approx(1 * 0.5 * 50 / 334)
    assert "1 USD = 0.5 EUR" in told.context["currency_policy"]
    without = {"metrics": {"rates": {"to": "EUR", "rates": {"JPY": 0.5}}}}
    told = mirror.compute(velocity, definitions=without)
    assert told.value is None
    assert "without a rate" in told.reason


def test_there_is_no_velocity_where_nothing_is_lost(mirror):
    mirror.opportunities([OPEN, WON])
    assert "no opportunity is recorded as lost" in mirror.compute(velocity).reason


# M07


def test_a_visit_that_goes_on_is_counted_for_as_long_as_it_lasts(mirror):
    mirror.opportunities([OPEN, OPEN, OPEN])
    mirror.stages()
    mirror.history(
        step(0, "2026-01-01"),
        step(0, "2026-01-11", "Qualification"),
        step(1, "2026-01-01"),
        step(1, "2026-01-21", "Qualification"),
        step(2, "2026-01-01"),
    )
    told = mirror.compute(stage_duration)
    prospecting = by(told.context["by_stage"], "stage")["Prospecting"]
    assert (prospecting["n"], prospecting["ended"], prospecting["going_on"]) == (3, 2, 1)
    assert prospecting["median"] == 20  # the mean of those that ended would say 15
    assert not prospecting["rankable"]


def test_rows_that_change_no_stage_make_no_visit_and_a_return_makes_one(mirror):
    mirror.opportunities([OPEN])
    mirror.stages()
    mirror.history(
        step(0, "2026-01-01"),
        step(0, "2026-01-03", amount=5.0),
        step(0, "2026-01-05", "Qualification"),
        step(0, "2026-01-06", "Prospecting"),
    )
    told = by(mirror.compute(stage_duration).context["by_stage"], "stage")
    assert (told["Prospecting"]["n"], told["Prospecting"]["ended"]) == (2, 1)
    assert told["Prospecting"]["median"] == 4


def test_moves_of_one_second_stand_in_the_order_of_their_ids(mirror):
    mirror.opportunities([OPEN])
    mirror.stages()
    mirror.history(step(0, "2026-01-01T10:00:00"), step(0, "2026-01-01T10:00:00", "Qualification"))
    told = by(mirror.compute(stage_duration).context["by_stage"], "stage")
    assert (told["Prospecting"]["ended"], told["Qualification"]["going_on"]) == (1, 1)


def test_what_was_born_closed_was_never_in_an_open_stage(mirror):
    mirror.opportunities([WON, OPEN, OPEN])
    mirror.stages()
    mirror.history(step(0, "2026-01-01", "Closed Won"), step(1, "2026-01-01"))
    told = mirror.compute(stage_duration)
    assert {row["reason"]: row["n"] for row in told.context["exclusions"]} == {
        "opportunities born closed": 1,
        "opportunities without any history": 1,
    }
    assert told.context["not_evaluable"] == 1


def test_stages_of_different_processes_are_told_apart(mirror):
    mirror.opportunities([OPEN | {"RecordTypeId": "012A"}, OPEN | {"RecordTypeId": "012B"}], RecordTypeId="VARCHAR")
    names = {"Id": "VARCHAR", "Name": "VARCHAR", "BusinessProcessId": "VARCHAR"}
    mirror.make(
        "RecordType",
        names,
        [
            {"Id": "012A", "Name": "New", "BusinessProcessId": "019A"},
            {"Id": "012B", "Name": "Renewal", "BusinessProcessId": "019B"},
        ],
    )
    mirror.stages()
    mirror.history(step(0, "2026-01-01"), step(1, "2026-01-02"))
    assert {row["process"] for row in mirror.compute(stage_duration).context["by_stage"]} == {"New", "Renewal"}


def test_without_stage_history_a_duration_is_not_evaluable(mirror):
    mirror.opportunities([OPEN])
    told = mirror.compute(stage_duration)
    assert told.reason == "not evaluable: the mirror holds no OpportunityHistory"
    assert "OpportunityHistory" in told.context["enable"]


# M08


def test_who_skips_a_stage_has_come_as_far_as_it(mirror):
    mirror.stages()
    mirror.opportunities([WON, WON, LOST, LOST])
    mirror.history(
        step(0, "2025-01-01"),
        step(0, "2025-01-02", "Qualification"),
        step(0, "2025-01-03", "Proposal"),
        step(0, "2025-01-04", "Closed Won"),
        step(1, "2025-01-01"),
        step(1, "2025-01-03", "Proposal"),  # skips Qualification
        step(1, "2025-01-04", "Closed Won"),
        step(2, "2025-01-01"),
        step(2, "2025-01-02", "Closed Lost"),
        step(3, "2025-01-01", "Proposal"),  # goes back
        step(3, "2025-01-02", "Qualification"),
        step(3, "2025-01-03", "Closed Lost"),
    )
    told = mirror.compute(funnel)
    (process,) = told.context["by_process"]
    steps = [(each["stage"], each["reached"], each["of"]) for each in process["steps"]]
    assert steps == [("Prospecting", 4, 4), ("Qualification", 3, 4), ("Proposal", 3, 3), ("(won)", 2, 3)]
    assert all(each["percent"] <= 100 for each in process["steps"])
    visited = {"Qualification": 2, "Proposal": 3}  # of those that visited: 3 ÷ 2
    assert 100 * visited["Proposal"] / visited["Qualification"] == 150
    assert told.value == 50.0


def test_a_process_of_the_definitions_has_its_own_stages_in_its_own_order(mirror):
    mirror.stages()
    mirror.opportunities([LOST | {"RecordTypeId": "012A"}, WON | {"RecordTypeId": "012B"}], RecordTypeId="VARCHAR")
    mirror.make(
        "RecordType", {"Id": "VARCHAR", "DeveloperName": "VARCHAR"}, [{"Id": "012A", "DeveloperName": "Renewal"}]
    )
    mirror.history(
        step(0, "2025-01-01", "Proposal"),
        step(0, "2025-01-02", "Qualification"),
        step(0, "2025-01-03", "Closed Lost"),
        step(1, "2025-01-01", "Qualification"),
        step(1, "2025-01-03", "Closed Won"),
    )
    process = {"record_types": ["Renewal"], "stages": ["Proposal", "Qualification", "Closed Won", "Closed Lost"]}
    told = mirror.compute(funnel, definitions={"deals": {"sales_processes": {"Renewals": process}}})
    steps = {
        each["process"]: [(row["stage"], row["reached"], row["of"]) for row in each["steps"]]
        for each in told.context["by_process"]
    }
    assert steps == {
        "Renewals": [("Proposal", 1, 1), ("Qualification", 1, 1), ("(won)", 0, 1)],
        "012B": [("Qualification", 1, 1), ("(won)", 1, 1)],
    }


def test_young_opportunities_have_not_had_their_time(mirror):
    mirror.stages()
    mirror.opportunities([WON, LOST, OPEN | {"CreatedDate": "2026-01-20"}])
    told = mirror.compute(funnel)
    assert told.n == 2
    assert told.context["cohort"]["because"] == "only 2 have closed, too few to say how long one takes"
    assert {row["reason"]: row["n"] for row in told.context["exclusions"]} == {"younger than 90 days": 1}


def test_without_stage_order_there_is_no_funnel(mirror):
    mirror.opportunities([WON])
    assert mirror.compute(funnel).reason == "not evaluable: the mirror holds no OpportunityStage"


# M09


def quotas(*more, **options):
    return {
        "metrics": {
            "quotas": [{"from": "2026-01-01", "to": "2026-03-31", "amount": 1000} | each for each in more or ({},)]
        }
        | options
    }


def test_coverage_is_what_may_still_close_over_what_is_still_missing(mirror):
    mirror.opportunities(
        [
            OPEN | {"Amount": 900.0},
            OPEN | {"CloseDate": "2026-01-10", "Amount": 5000.0},  # past due: covers nothing
            OPEN | {"CloseDate": "2026-04-01"},  # another quarter
            WON | {"CloseDate": "2026-01-15", "Amount": 400.0},
            OPEN | {"Amount": 7.0, "ForecastCategory": "Omitted"},
        ],
        **MORE,
    )
    told = mirror.compute(coverage, definitions=quotas())
    assert told.value == 900 / 600
    assert {row["reason"]: row["n"] for row in told.context["exclusions"]} == {
        "open with a CloseDate before the as-of day": 1,
        "omitted from forecasts": 1,
    }
    assert any("Omitted are left out" in note for note in told.context["notes"])
    included = mirror.compute(coverage, definitions=quotas(omitted="in"))
    assert included.value == 907 / 600


def test_without_a_quota_the_pipeline_is_told_and_how_to_give_one(mirror):
    mirror.opportunities([OPEN])
    told = mirror.compute(coverage)
    assert told.reason == "not evaluable: no quota is given for FY2026 Q1"
    assert "quotas" in told.context["enable"]
    assert told.context["by_currency"][0]["open_amount"] == 100


def test_a_quota_that_is_reached_needs_no_coverage(mirror):
    mirror.opportunities([OPEN, WON | {"CloseDate": "2026-01-15", "Amount": 1000.0}])
    told = mirror.compute(coverage, definitions=quotas())
    assert (told.value, told.reason) == (None, "the quota is reached: there is nothing left to cover")


def test_a_quota_is_of_one_currency_and_may_be_of_one_owner(mirror):
    rows = [
        OPEN | {"CurrencyIsoCode": "EUR"},
        OPEN | {"CurrencyIsoCode": "JPY", "Amount": 1e6, "OwnerId": "005000000000001AAA"},
    ]
    mirror.opportunities(rows, CurrencyIsoCode="VARCHAR")
    told = mirror.compute(
        coverage,
        definitions=quotas({"currency": "EUR"}, {"currency": "JPY", "amount": 2e6, "owner": "005000000000001"}),
    )
    assert [(row["currency"], row["coverage"]) for row in told.context["coverage"]] == [("EUR", 0.1), ("JPY", 0.5)]
    assert told.value == 0.1
    unnamed = mirror.compute(coverage, definitions=quotas())
    assert "names no currency" in unnamed.reason


# M10


def test_a_forecast_is_judged_by_the_fields_of_then(mirror):
    # At the start of the quarter 80 % of 100; today's fields say 100 % of 60, which would be no error at all.
    mirror.stages()
    mirror.opportunities(
        [
            WON | {"Amount": 60.0, "Probability": 100.0, "CloseDate": "2025-11-20"},
            LOST | {"Amount": 50.0, "Probability": 0.0},
        ],
        **MORE,
    )
    mirror.history(
        step(0, "2025-09-01", "Proposal", 100.0, "2025-11-30", Probability=80.0),
        step(0, "2025-11-20", "Closed Won", 60.0, "2025-11-20", Probability=100.0),
        step(1, "2025-09-01", "Proposal", 50.0, "2025-12-30", Probability=20.0),
        step(1, "2025-12-20", "Closed Lost", 50.0, "2025-12-20", Probability=0.0),
    )
    told = mirror.compute(forecast)
    (row,) = told.context["by_period"]
    assert (row["period"], row["expected"], row["won"]) == ("FY2025 Q4", 90.0, 60.0)
    assert told.value == pytest.approx(50.0)
    assert row["bias"] == pytest.approx(50.0)
    bins = by(told.context["calibration"], "bin")
    assert (bins["80 to 89"]["percent"], bins["20 to 29"]["percent"]) == (100.0, 0.0)
    assert told.context["brier"]["score"] == pytest.approx((0.2**2 + 0.2**2) / 2)
    assert told.context["brier"]["of_always_saying_the_mean"] == 0.25


def test_what_is_not_decided_yet_is_in_no_bin_and_counted(mirror):
    mirror.stages()
    mirror.opportunities([OPEN | {"Probability": 60.0}], **MORE)
    mirror.history(step(0, "2025-09-01", "Proposal", 100.0, "2025-11-30", Probability=60.0))
    told = mirror.compute(forecast)
    assert told.context["brier"] == {"score": None, "of_always_saying_the_mean": None, "n": 0, "won": 0, "open": 1}
    assert told.context["not_evaluable"] == 1
    assert told.reason == "nothing was won in these periods, so there is nothing to measure an error by"


def test_a_forecast_needs_a_past(mirror):
    mirror.opportunities([OPEN | {"Probability": 60.0}], **MORE)
    told = mirror.compute(forecast)
    assert told.reason == "not evaluable: no period that is over has a known beginning"


# M11


def test_every_bar(mirror):
    mirror.stages()
    scope = Scope(date(2026, 1, 1), date(2026, 3, 31))
    now = [
        OPEN | {"Amount": 120.0},  # 0: up
        OPEN | {"Amount": 70.0},  # 1: down
        WON | {"Amount": 110.0, "CloseDate": "2026-01-20"},  # 2: up, then won
        LOST | {"CloseDate": "2026-01-20"},  # 3: lost
        OPEN | {"CloseDate": "2026-05-01"},  # 4: pushed out
        OPEN | {"CloseDate": "2025-12-01"},  # 5: moved out (before the window)
        OPEN,  # 6: pulled in
        OPEN | {"CreatedDate": "2026-01-10"},  # 7: new
        OPEN,  # 8: reopened
        WON | {"CreatedDate": "2026-01-10", "CloseDate": "2026-01-25"},  # 9: new and won
        OPEN | {"IsDeleted": True, "SystemModstamp": "2026-01-15"},  # 10: deleted
        OPEN | {"ForecastCategory": "Omitted"},  # 11: moved out
        LOST | {"CloseDate": "2026-01-25"},  # 12: closed, reopened, closed again
    ]
    mirror.opportunities(now, SystemModstamp="TIMESTAMP", **MORE)
    at, then = "2025-12-01", "2026-01-15"
    mirror.history(
        step(0, at), step(0, then, amount=120.0),
        step(1, at), step(1, then, amount=70.0),
        step(2, at), step(2, then, "Closed Won", 110.0, "2026-01-20"),
        step(3, at), step(3, then, "Closed Lost", closes="2026-01-20"),
        step(4, at), step(4, then, closes="2026-05-01"),
        step(5, at), step(5, then, closes="2025-12-01"),
        step(6, at, closes="2026-05-01"), step(6, then),
        step(7, "2026-01-10"),
        step(8, at, "Closed Lost"), step(8, then),
        step(9, "2026-01-10"), step(9, "2026-01-25", "Closed Won", closes="2026-01-25"),
        step(10, at),
        step(11, at), step(11, then, ForecastCategory="Omitted"),
        step(12, at, "Closed Lost"), step(12, "2026-01-10"), step(12, "2026-01-25", "Closed Lost", closes="2026-01-25"),
    )  # fmt: skip
    told = mirror.compute(waterfall, since="2026-01-01", scope=scope)
    assert bars(told) == {
        "new": (2, 200.0),
        "reopened": (2, 200.0),
        "pulled_in": (1, 100.0),
        "amount_up": (2, 30.0),
        "amount_down": (1, -30.0),
        "pushed_out": (1, -100.0),
        "moved_out": (2, -200.0),
        "won": (2, -210.0),
        "lost": (2, -200.0),
        "deleted": (1, -100.0),
    }
    (only,) = told.context["waterfalls"]
    assert (only["start"], only["end"]) == (800.0, 490.0)
    assert told.value == -310.0


def test_an_opportunity_that_changes_hands_leaves_one_team_and_joins_another(mirror):
    mirror.stages()
    mirror.opportunities([OPEN | {"OwnerId": "005000000000002AAA"}])
    mirror.history(step(0, "2025-12-01"))
    mirror.owner_changes((0, "2026-01-15", "005000000000001AAA", "005000000000002AAA"))
    gave = mirror.compute(waterfall, since="2026-01-01", scope=Scope(owners=("005000000000001",)))
    took = mirror.compute(waterfall, since="2026-01-01", scope=Scope(owners=("005000000000002AAA",)))
    assert bars(gave) == {"moved_out": (1, -100.0)}
    assert bars(took) == {"moved_in": (1, 100.0)}
    assert bars(mirror.compute(waterfall, since="2026-01-01")) == {}


def test_a_currency_that_was_changed_leaves_one_table_and_enters_another(mirror):
    mirror.stages()
    mirror.opportunities([OPEN | {"CurrencyIsoCode": "USD"}], CurrencyIsoCode="VARCHAR")
    with mirror.store.writing() as session:
        shape_history(session, "Opportunity", mirror_columns(session)["Opportunity"])
        keep_versions(session, "Opportunity", 'SELECT "Id" FROM sf_all."Opportunity"', datetime(2026, 1, 15))
        session.execute("""UPDATE sf_all."Opportunity" SET "CurrencyIsoCode" = 'EUR', "Amount" = 90""")
    told = mirror.compute(
        waterfall,
        since="2026-01-10",
        known_from={"Opportunity": datetime(2026, 1, 1)},
        definitions={"metrics": {"rates": {"to": "EUR", "rates": {"USD": 0.8}}}},
    )
    assert [each["currency"] for each in told.context["waterfalls"]] == ["EUR", "USD", "all, in EUR"]
    assert [bars(told, place) for place in range(3)] == [
        {"fx": (1, 90.0)},
        {"fx": (1, -100.0)},
        {"fx": (2, 10.0)},
    ]
    assert told.context["sources"] == {"start": "the mirror as of the pull before", "end": "the mirror as it is"}


def test_a_past_that_nobody_knows_is_not_evaluable(mirror):
    mirror.opportunities([OPEN])
    told = mirror.compute(waterfall, since="2025-06-01", known_from={"Opportunity": datetime(2026, 1, 1)})
    assert told.reason.startswith("not evaluable: how opportunities stood at 2025-06-01 00:00 UTC is not known")
    assert "or ask for a later time" in told.context["enable"]


def test_without_a_chosen_start_it_begins_where_the_past_is_known(mirror):
    mirror.opportunities([OPEN])
    told = mirror.compute(waterfall, known_from={"Opportunity": datetime(2026, 1, 20)})
    assert told.context["from"] == "2026-01-20T00:00:00Z"
    assert told.value == 0


# M13


def test_slipped_is_what_was_due_and_still_open_at_the_end(mirror):
    mirror.stages()
    mirror.opportunities([OPEN, WON, LOST, OPEN, OPEN])
    due, end = "2025-12-15", "2025-10-15"
    mirror.history(
        step(0, "2025-09-01", closes=due), step(0, end, closes="2026-01-15"), step(0, "2026-01-10", closes="2026-02-15"),
        step(1, "2025-09-01", closes=due), step(1, end, "Closed Won", closes=end),
        step(2, "2025-09-01", closes=due), step(2, "2026-01-05", "Closed Lost", closes="2026-01-05"),
        step(3, "2025-09-01", closes=due), step(3, end, closes="2025-12-30"),
        step(4, "2025-09-01", closes="2026-02-15"),
    )  # fmt: skip
    told = mirror.compute(slippage)
    assert told.context["period"]["label"] == "FY2025 Q4"
    # Number 2 was lost in January: looking at what is open now would miss it.
    assert (told.value, told.n, told.context["slipped"]) == (75.0, 4, 3)
    assert told.context["pushes"] == {"pushes": 2, "pushed": 2, "out_of_period": 1, "mean_days": 23.0}
    assert told.context["amounts"][0]["slipped_amount"] == 300.0


def test_a_period_that_is_not_over_counts_what_is_due_after_it(mirror):
    mirror.stages()
    mirror.opportunities([OPEN, OPEN])
    mirror.history(step(0, "2025-12-01"), step(0, "2026-01-10", closes="2026-06-01"), step(1, "2025-12-01"))
    told = mirror.compute(slippage, since="2026-01-01", until="2026-04-01")
    assert (told.n, told.context["slipped"]) == (2, 1)
    assert any("not over" in note for note in told.context["notes"])


def test_slippage_is_read_from_the_mirrors_own_past_where_the_org_has_no_history(mirror):
    mirror.opportunities([OPEN | {"CloseDate": "2025-12-01"}])
    with mirror.store.writing() as session:
        shape_history(session, "Opportunity", mirror_columns(session)["Opportunity"])
        keep_versions(session, "Opportunity", 'SELECT "Id" FROM sf_all."Opportunity"', datetime(2025, 11, 15))
        session.execute("""UPDATE sf_all."Opportunity" SET "CloseDate" = DATE '2026-02-15'""")
    told = mirror.compute(slippage, known_from={"Opportunity": datetime(2025, 9, 1)})
    assert (told.value, told.n, told.context["pushes"]) == (100.0, 1, None)


# M14


def test_expected_revenue_by_what_was_really_won_from_a_stage(mirror):
    mirror.stages()
    rows = [OPEN | {"Probability": 10.0, "ForecastCategory": "Pipeline"}] + [WON] * 15 + [LOST] * 15
    mirror.opportunities(rows, **MORE)
    mirror.history(
        *(
            row
            for deal in range(1, 31)
            for row in (
                step(deal, "2025-01-01"),
                step(deal, "2025-03-01", "Closed Won" if deal <= 15 else "Closed Lost"),
            )
        )
    )
    (row,) = mirror.compute(expected_revenue).context["by_currency"]
    assert (row["expected"], row["by_history"]) == (10.0, 50.0)


def test_an_expected_revenue_of_the_org_that_is_not_the_product_is_counted(mirror):
    mirror.opportunities([OPEN | {"Probability": 10.0, "ExpectedRevenue": 99.0}], ExpectedRevenue="DOUBLE", **MORE)
    told = mirror.compute(expected_revenue)
    assert (told.value, told.context["expected_revenue_differs"]) == (10.0, 1)


def test_what_has_no_amount_or_no_probability_is_left_out_and_counted(mirror):
    mirror.opportunities([OPEN | {"Amount": None, "Probability": 10.0}, OPEN, OPEN | {"Probability": 50.0}], **MORE)
    told = mirror.compute(expected_revenue)
    assert (told.value, told.n, told.context["not_evaluable"]) == (50.0, 1, 2)


# M15


def test_an_opportunity_belongs_to_who_owned_it_when_it_closed(mirror):
    mirror.stages()
    mirror.opportunities([WON | {"OwnerId": "005C"}, LOST | {"OwnerId": "005C"}, WON | {"OwnerId": "005C"}])
    mirror.history(step(0, "2025-01-01"), step(0, "2025-06-01", "Closed Won"))
    mirror.owner_changes(
        (0, "2025-03-01", "005A", "005B"),
        (0, "2025-07-01", "005B", "005C"),  # handed over after it had closed
        (1, "2025-11-01", "005A", "005C"),  # before its CloseDate
        (2, "2026-01-01", "005D", "005C"),  # after its CloseDate
    )
    told = mirror.compute(leaderboard)
    assert {row["owner_id"]: (row["n"], row["won"]) for row in told.context["owners"]} == {
        "005B": (1, 1),
        "005C": (1, 0),
        "005D": (1, 1),
    }
    assert told.context["changed_hands"] == 2


def test_ranks_are_spans_and_few_are_never_ranked(mirror):
    rows = [
        *([WON | {"OwnerId": "005A"}] * 90 + [LOST | {"OwnerId": "005A"}] * 10),
        *([WON | {"OwnerId": "005B"}] * 50 + [LOST | {"OwnerId": "005B"}] * 50),
        *([WON | {"OwnerId": "005C"}] * 48 + [LOST | {"OwnerId": "005C"}] * 52),
        *([WON | {"OwnerId": "005D"}] * 3),
        *([LOST | {"OwnerId": "005E"}] * 19),
    ]
    mirror.opportunities(rows)
    owners = by(mirror.compute(leaderboard).context["owners"], "owner_id")
    assert {name: row["rank"] for name, row in owners.items()} == {
        "005A": [1, 1],
        "005B": [2, 3],
        "005C": [2, 3],
        "005D": None,
        "005E": None,
    }


def test_a_period_counts_what_closed_in_it(mirror):
    mirror.opportunities([WON, WON | {"CloseDate": "2025-06-01"}, LOST])
    told = mirror.compute(leaderboard, since="2025-10-01", until="2026-01-01")
    assert told.n == 2


# M12


def test_ages_and_amounts_by_age(mirror):
    mirror.opportunities([OPEN, OPEN | {"CreatedDate": "2026-01-21"}, OPEN | {"CreatedDate": "2026-02-05"}, WON])
    told = mirror.compute(age)
    assert told.n == 2
    assert {row["reason"]: row["n"] for row in told.context["exclusions"]} == {
        "closed": 1,
        "created after the as-of day": 1,
    }
    ages, amounts = told.context["tables"]
    assert [row["n"] for row in ages["rows"]] == [1, 0, 0, 0, 0, 1]
    assert (amounts["rows"][0]["from_0"], amounts["rows"][0]["from_366"]) == (100.0, 100.0)
