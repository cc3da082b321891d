"""Faults reproduced in two popular packages, each by their own formula, beside the figure that is right.

The expressions of the first are those of Fivetran's dbt_salesforce 2.1.0 (commit 6c7b797); the sums of the second are those
of pipeline-diff 0.1.0 (`buckets.compare`, `ranges.quarter`, `store.FORECAST`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from sfsync.audit.metrics import Bench
from sfsync.audit.metrics.m05_win_rate import compute as win_rate
from sfsync.audit.metrics.m06_velocity import compute as velocity
from sfsync.audit.metrics.m11_waterfall import compute as waterfall
from sfsync.audit.metrics.m12_pipeline_age import compute as age
from sfsync.audit.metrics.m14_expected_revenue import compute as expected_revenue
from sfsync.audit.metrics.m15_leaderboard import compute as leaderboard
from sfsync.audit.metrics.periods import fiscal_quarter

OPEN = {"IsClosed": False, "IsWon": False, "StageName": "Prospecting", "OwnerId": "005A", "CreatedDate": "2025-01-11"}
WON = {"IsClosed": True, "IsWon": True, "StageName": "Closed Won", "OwnerId": "005A", "CreatedDate": "2025-01-01"}
LOST = WON | {"IsWon": False, "StageName": "Closed Lost", "OwnerId": "005B"}


def theirs(mirror, sql, **params):
    with mirror.store.reading() as session:
        return session.execute(sql, params).scalar()


# dbt_salesforce


def test_an_age_is_never_negative(mirror):
    # dbt.datediff takes (first, second); the package hands it current_timestamp first.
    mirror.opportunities([OPEN])
    formula = """SELECT date_diff('day', CAST($now AS TIMESTAMP), "CreatedDate") FROM sf."Opportunity" """
    assert theirs(mirror, formula, now="2026-01-31T12:00:00") == -385
    assert mirror.compute(age).value == 385


def test_days_to_close_are_never_negative(mirror):
    mirror.opportunities(
        [WON | {"CloseDate": "2025-02-09", "Amount": 10.0}, LOST | {"CloseDate": "2025-02-09"}, OPEN | {"Amount": 10.0}]
    )
    formula = """SELECT date_diff('day', "CloseDate", "CreatedDate") FROM sf."Opportunity" WHERE "IsWon" """
    assert theirs(mirror, formula) == -39
    (row,) = mirror.compute(velocity, as_of="2025-12-31T12:00:00").context["by_currency"]
    assert row["median_days"] == 39


def test_an_owner_with_one_win_and_no_loss_has_won_all_and_is_not_ranked(mirror):
    # won and lost are two tables, joined; without a loss the sum is NULL, and coalesce makes it 0 %.
    mirror.opportunities([WON | {"Amount": 50_000.0}] + [LOST | {"Amount": 1.0}] * 40)
    formula = """
    WITH won AS (SELECT "OwnerId" AS o, sum("Amount") AS won FROM sf."Opportunity" WHERE "IsWon" GROUP BY 1),
    lost AS (SELECT "OwnerId" AS o, sum("Amount") AS lost FROM sf."Opportunity" WHERE NOT "IsWon" AND "IsClosed" GROUP BY 1)
    SELECT coalesce(won / (won + lost), 0) FROM won LEFT JOIN lost USING (o) WHERE o = '005A'
    """
    assert theirs(mirror, formula) == 0
    ours = {row["owner_id"]: row for row in mirror.compute(leaderboard).context["owners"]}["005A"]
    assert (ours["percent"], ours["rank"], ours["rankable"]) == (100.0, None, False)
    assert ours["wilson95"][0] == pytest.approx(20.654931437723743)


def test_an_owner_who_has_closed_nothing_has_no_rate_at_all(mirror):
    mirror.opportunities([OPEN | {"OwnerId": "005C"}, WON, LOST])
    formula = """
    SELECT coalesce(sum("Amount") FILTER (WHERE "IsWon") / sum("Amount") FILTER (WHERE "IsClosed"), 0)
    FROM sf."Opportunity" WHERE "OwnerId" = '005C'
    """
    assert theirs(mirror, formula) == 0
    assert "005C" not in {row["owner_id"] for row in mirror.compute(leaderboard).context["owners"]}


def test_a_win_rate_is_one_of_numbers_and_by_month_of_closing_not_of_amounts_alone_and_all_time(mirror):
    mirror.opportunities(
        [WON | {"Amount": 900.0, "CloseDate": "2025-03-01"}] + [LOST | {"Amount": 50.0, "CloseDate": "2025-04-01"}] * 2
    )
    formula = """SELECT sum("Amount") FILTER (WHERE "IsWon") / sum("Amount") FROM sf."Opportunity" WHERE "IsClosed" """
    assert theirs(mirror, formula) == pytest.approx(0.9)
    ours = mirror.compute(win_rate)
    assert ours.value == pytest.approx(100 / 3)
    assert [(row["month"], row["percent"]) for row in ours.context["by_month"]] == [
        ("2025-03", 100.0),
        ("2025-04", 0.0),
    ]


def test_a_probability_is_a_number_from_0_to_100(mirror):
    mirror.opportunities(
        [OPEN | {"Amount": 100_000.0, "Probability": 20.0, "ForecastCategory": "Pipeline"}],
        Probability="DOUBLE",
        ForecastCategory="VARCHAR",
    )
    assert theirs(mirror, 'SELECT "Amount" * "Probability" FROM sf."Opportunity"') == 2_000_000
    assert mirror.compute(expected_revenue).value == 20_000


def test_most_likely_is_pipeline_too(mirror):
    mirror.opportunities(
        [OPEN | {"Amount": 10.0, "Probability": 50.0, "ForecastCategory": "MostLikely"}],
        Probability="DOUBLE",
        ForecastCategory="VARCHAR",
    )
    formula = """
    SELECT CASE WHEN "IsWon" THEN 'Won' WHEN NOT "IsWon" AND "IsClosed" THEN 'Lost'
        WHEN NOT "IsClosed" AND lower("ForecastCategory") IN ('pipeline', 'forecast', 'bestcase') THEN 'Pipeline'
        ELSE 'Other' END FROM sf."Opportunity"
    """
    assert theirs(mirror, formula) == "Other"
    ours = mirror.compute(expected_revenue)
    assert (ours.n, ours.value) == (1, 5.0)


# pipeline-diff


def test_currencies_are_never_added_up(mirror):
    rows = [
        OPEN | {"Amount": 100.0, "CurrencyIsoCode": "USD"},
        OPEN | {"Amount": 10_000_000.0, "CurrencyIsoCode": "JPY"},
    ]
    mirror.opportunities(rows, CurrencyIsoCode="VARCHAR")
    mirror.history(*({"deal": n, "at": "2025-01-11", "StageName": "Prospecting", **row} for n, row in enumerate(rows)))
    assert sum(row["Amount"] for row in rows) == 10_000_100  # `end_total += after["amount"]`
    ours = mirror.compute(waterfall, since="2025-12-01")
    assert ours.value is None
    assert "never added up" in ours.reason
    assert {each["currency"]: each["end"] for each in ours.context["waterfalls"]} == {"USD": 100.0, "JPY": 10_000_000.0}


def test_a_quarter_is_one_of_the_fiscal_year():
    def their_quarter(day):
        index = day.year * 4 + (day.month - 1) // 3
        year, q = divmod(index, 4)
        return date(year, q * 3 + 1, 1), f"Q{q + 1} {year}"

    day = date(2026, 1, 31)
    assert their_quarter(day) == (date(2026, 1, 1), "Q1 2026")
    ours = fiscal_quarter(day, 2)  # a fiscal year that begins in February
    assert (ours.first, ours.last, ours.label) == (date(2025, 11, 1), date(2026, 1, 31), "FY2026 Q4")


def test_commit_to_most_likely_is_a_step_down(mirror):
    forecast = ("commit", "best case", "pipeline", "omitted", "closed")  # no word for MostLikely
    known = {"Forecast": "commit", "BestCase": "best case", "Pipeline": "pipeline"}
    was, now = known.get("Forecast"), known.get("MostLikely")
    assert not (was in forecast[:4] and now in forecast[:4] and was != now)  # so no flag "forecast down"
    mirror.opportunities([OPEN | {"Amount": 7.0, "ForecastCategory": "MostLikely"}], ForecastCategory="VARCHAR")
    at = {"deal": 0, "StageName": "Prospecting", "Amount": 7.0}
    mirror.history(
        at | {"at": "2025-01-11", "ForecastCategory": "Forecast"},
        at | {"at": "2026-01-15", "ForecastCategory": "MostLikely"},
    )
    (move,) = mirror.compute(waterfall, since="2026-01-01").context["forecast_moves"]
    assert (move["from"], move["to"], move["direction"], move["n"]) == ("Forecast", "MostLikely", "down", 1)


def test_what_rates_did_is_a_bar_of_its_own(mirror):
    # Without one, a pipeline that nobody touched changes its total, and nothing says why.
    row = OPEN | {"Amount": 100.0, "CurrencyIsoCode": "USD", "CloseDate": "2026-03-01"}
    mirror.opportunities([row], CurrencyIsoCode="VARCHAR")
    at = {"deal": 0, "StageName": "Prospecting", "Amount": 100.0}
    mirror.history(
        at | {"at": "2025-01-11", "CloseDate": "2025-12-01"}, at | {"at": "2026-01-15", "CloseDate": "2026-03-01"}
    )
    rate = {"IsoCode": "VARCHAR", "StartDate": "DATE", "NextStartDate": "DATE", "ConversionRate": "DOUBLE"}
    mirror.make(
        "DatedConversionRate",
        rate,
        [
            {"IsoCode": code, "StartDate": start, "NextStartDate": end, "ConversionRate": worth}
            for code, start, end, worth in (
                ("EUR", "2000-01-01", "9999-12-31", 1.0),
                ("USD", "2000-01-01", "2026-01-01", 1.25),
                ("USD", "2026-01-01", "9999-12-31", 1.0),
            )
        ],
    )
    policy = {"metrics": {"rates": {"to": "EUR", "policy": "close_date"}}}
    ours = mirror.compute(waterfall, since="2026-01-01", definitions=policy)
    total = ours.context["waterfalls"][-1]
    bars = {bar["bar"]: bar["amount"] for bar in total["bars"] if bar["amount"]}
    assert (total["currency"], total["start"], total["end"], bars, total["residual"]) == (
        "all, in EUR",
        80.0,
        100.0,
        {"fx": 20.0},
        0.0,
    )


def test_the_two_states_are_compared_in_the_same_database(mirror):
    mirror.opportunities([OPEN | {"Amount": 1.0}])
    mirror.history({"deal": 0, "at": "2025-01-11", "StageName": "Prospecting", "Amount": 1.0})
    with mirror.store.reading() as session, Bench(session) as bench:
        context = mirror.context(session, "2026-01-31T12:00:00")
        told = waterfall(bench, replace(context, since=datetime(2025, 6, 1)))
    assert told.context["sources"]["start"].startswith("rebuilt from OpportunityHistory")
    assert told.value == 0
