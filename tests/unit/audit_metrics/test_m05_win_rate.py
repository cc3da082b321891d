from __future__ import annotations

import json

import pytest

from sfsync.audit.metrics.m05_win_rate import compute as win_rate

HISTORY = {"Id": "VARCHAR", "OpportunityId": "VARCHAR", "StageName": "VARCHAR", "CreatedDate": "TIMESTAMP"}
WON = {"IsClosed": True, "IsWon": True, "StageName": "Closed Won", "CloseDate": "2025-06-10", "OwnerId": "005A"}
LOST = {"IsClosed": True, "IsWon": False, "StageName": "Closed Lost", "CloseDate": "2025-06-20", "OwnerId": "005B"}
OPEN = {"IsClosed": False, "IsWon": False, "StageName": "Prospecting", "CloseDate": "2025-07-01", "OwnerId": "005A"}


def moves(*stages):
    """History rows `(opportunity number, instant, stage)`."""
    return [
        {"Id": f"008{n:012d}AAA", "OpportunityId": f"006{opp:012d}AAA", "CreatedDate": at, "StageName": stage}
        for n, (opp, at, stage) in enumerate(stages)
    ]


def months(result):
    return {row["month"]: (row["n"], row["won"]) for row in result.context["by_month"]}


def test_real_opportunities_give_the_known_rate(maven):
    result = maven.compute(win_rate)
    assert (result.context["won"], result.context["lost"], result.context["open"], result.n) == (4238, 2473, 2089, 6711)
    assert result.value == pytest.approx(63.15, abs=0.005)
    assert result.context["wilson95"] == pytest.approx([61.988691478311395, 64.29636693779574])


def test_real_amounts_are_told_but_not_turned_into_a_rate_where_losses_have_none(maven):
    (amounts,) = maven.compute(win_rate).context["amounts"]
    assert (amounts["currency"], amounts["won_amount"], amounts["lost_amount"]) == (None, 10_005_534, 0)
    assert amounts["percent"] is None


def test_a_win_rate_cannot_be_computed_from_wins_alone(mirror):
    mirror.opportunities([WON, WON, OPEN])
    result = mirror.compute(win_rate)
    assert (result.value, result.n) == (None, 2)
    assert "cannot be computed from wins alone" in result.reason
    assert (result.context["wilson95"], result.context["by_month"], result.context["by_owner"]) == (None, None, None)


def test_losses_alone_are_a_win_rate_of_nought(mirror):
    mirror.opportunities([LOST, LOST])
    result = mirror.compute(win_rate)
    assert (result.value, result.reason) == (0.0, None)


def test_nothing_closed_is_no_rate(mirror):
    mirror.opportunities([OPEN])
    assert mirror.compute(win_rate).reason == "there are no closed opportunities"


def test_an_owner_with_wins_alone_has_all_of_them_and_is_not_ranked(mirror):
    mirror.opportunities([WON] * 3 + [LOST] * 30)
    owners = {row["owner_id"]: row for row in mirror.compute(win_rate).context["by_owner"]}
    assert (owners["005A"]["percent"], owners["005A"]["rankable"]) == (100.0, False)
    assert (owners["005B"]["percent"], owners["005B"]["rankable"]) == (0.0, True)


def test_amounts_of_different_currencies_are_never_added_up(mirror):
    rows = [
        WON | {"Amount": 100.0, "CurrencyIsoCode": "USD"},
        LOST | {"Amount": 300.0, "CurrencyIsoCode": "USD"},
        WON | {"Amount": 10_000_000.0, "CurrencyIsoCode": "JPY"},
        WON | {"CurrencyIsoCode": "JPY"},
        LOST | {"Amount": 10_000_000.0, "CurrencyIsoCode": "JPY"},
    ]
    mirror.opportunities(rows, CurrencyIsoCode="VARCHAR")
    amounts = {row.pop("currency"): row for row in mirror.compute(win_rate).context["amounts"]}
    assert amounts["USD"] == {"won_amount": 100, "lost_amount": 300, "without_amount": 0, "percent": 25}
    assert amounts["JPY"] == {"won_amount": 1e7, "lost_amount": 1e7, "without_amount": 1, "percent": 50}


def test_the_month_of_closing_is_that_of_the_stage_history_where_there_is_one(mirror):
    mirror.opportunities([WON, LOST])
    mirror.make("OpportunityHistory", HISTORY, moves((0, "2025-01-02", "Prospecting"), (0, "2025-03-04", "Closed Won")))
    result = mirror.compute(win_rate)
    assert months(result) == {"2025-03": (1, 1), "2025-06": (1, 0)}
    assert result.context["close_instant"] == {
        "source": "OpportunityHistory, else CloseDate",
        "by_history": 1,
        "by_close_date": 1,
        "close_date_differs": 1,
    }


def test_a_reopened_deal_closes_when_its_last_closed_run_begins(mirror):
    mirror.opportunities([WON, LOST])
    stages = ("Closed Lost", "Prospecting", "Closed Lost", "Closed Won", "Closed Won")
    mirror.make(
        "OpportunityHistory",
        HISTORY,
        moves(*((0, f"2025-{month:02d}-05", stage) for month, stage in enumerate(stages, 1))),
    )
    assert months(mirror.compute(win_rate)) == {"2025-03": (1, 1), "2025-06": (1, 0)}


def test_moves_within_one_second_are_ordered_by_id(mirror):
    mirror.opportunities([WON, LOST])
    at = "2025-02-01T10:00:00"
    mirror.make("OpportunityHistory", HISTORY, moves((0, at, "Prospecting"), (0, at, "Closed Won")))
    assert months(mirror.compute(win_rate))["2025-02"] == (1, 1)


def test_history_that_ends_open_cannot_say_when_a_deal_closed(mirror):
    mirror.opportunities([WON, LOST])
    mirror.make("OpportunityHistory", HISTORY, moves((0, "2025-01-02", "Closed Won"), (0, "2025-03-04", "Prospecting")))
    assert months(mirror.compute(win_rate)) == {"2025-06": (2, 1)}


def test_a_deal_born_closed_closed_when_it_was_made(mirror):
    mirror.opportunities([WON, LOST])
    mirror.make("OpportunityHistory", HISTORY, moves((0, "2025-04-02", "Closed Won")))
    assert months(mirror.compute(win_rate))["2025-04"] == (1, 1)


def test_closed_stages_are_those_the_org_defines_whatever_their_names(mirror):
    mirror.opportunities([WON | {"StageName": "Gewonnen"}, LOST])
    mirror.make(
        "OpportunityStage",
        {"ApiName": "VARCHAR", "IsClosed": "BOOLEAN"},
        [{"ApiName": "Gewonnen", "IsClosed": True}, {"ApiName": "Fast gewonnen", "IsClosed": True}],
    )
    mirror.make(
        "OpportunityHistory",
        HISTORY,
        moves((0, "2025-01-02", "Analyse"), (0, "2025-02-02", "Fast gewonnen"), (0, "2025-03-02", "Gewonnen")),
    )
    assert months(mirror.compute(win_rate))["2025-02"] == (1, 1)


def test_a_deal_whose_flag_contradicts_its_stage_does_not_make_that_stage_a_closed_one(mirror):
    mirror.opportunities([WON, LOST, LOST | {"StageName": "Analyse"}])
    mirror.make(
        "OpportunityStage",
        {"ApiName": "VARCHAR", "IsClosed": "BOOLEAN"},
        [{"ApiName": "Closed Won", "IsClosed": True}, {"ApiName": "Analyse", "IsClosed": False}],
    )
    mirror.make("OpportunityHistory", HISTORY, moves((0, "2025-01-02", "Analyse"), (0, "2025-03-02", "Closed Won")))
    assert months(mirror.compute(win_rate))["2025-03"] == (1, 1)


def test_the_closing_day_is_that_of_the_configured_zone(mirror):
    mirror.opportunities([WON, LOST])
    mirror.make("OpportunityHistory", HISTORY, moves((0, "2025-05-01T02:00:00", "Closed Won")))
    assert "2025-05" in months(mirror.compute(win_rate))
    assert "2025-04" in months(mirror.compute(win_rate, timezone="America/New_York"))


def test_what_is_neither_won_nor_lost_is_left_out_and_counted(mirror):
    mirror.opportunities(
        [
            WON,
            LOST,
            OPEN,
            OPEN | {"IsWon": True},
            OPEN | {"IsClosed": None},
            WON | {"IsWon": None},
            WON | {"IsDeleted": True},
        ]
    )
    result = mirror.compute(win_rate)
    assert result.n == 2
    assert {row["reason"]: row["n"] for row in result.context["exclusions"]} == {
        "still open": 1,
        "won but not closed, which contradicts itself": 1,
        "without saying whether closed or won": 2,
        "in the recycle bin": 1,
    }


def test_closed_deals_without_a_date_count_but_are_in_no_month(mirror):
    mirror.opportunities([WON | {"CloseDate": None}, LOST, LOST | {"CloseDate": "2027-01-01"}])
    result = mirror.compute(win_rate)
    assert result.n == 3
    assert sum(n for n, _ in months(result).values()) == 2
    assert any("no close date" in note for note in result.context["notes"])
    assert any("after the as-of day" in note for note in result.context["notes"])


def test_missing_columns_cost_their_own_breakdown_alone(mirror):
    mirror.opportunities([WON, LOST], without=("Amount", "OwnerId", "CloseDate", "StageName", "IsDeleted"))
    result = mirror.compute(win_rate)
    assert (result.value, result.context["amounts"], result.context["by_owner"]) == (50.0, None, None)
    assert result.context["by_month"] == []


def test_without_the_needed_columns_it_is_not_evaluable(mirror):
    mirror.opportunities([], without=("IsWon",))
    assert mirror.compute(win_rate).reason.startswith("not evaluable: Opportunity has no IsWon")


def test_everything_it_says_can_be_written_as_json(maven):
    assert json.dumps(dict(maven.compute(win_rate).context))
