"""Expected figures by lifelines 0.30.3 and statsmodels 0.15.0, which agree:

python -c "from lifelines import KaplanMeierFitter as K; k = K().fit(TIMES, EVENTS)
print(k.survival_function_, k.confidence_interval_, k.median_survival_time_, k.percentile(0.75))"
"""

from __future__ import annotations

from collections import Counter

import pytest

from sfsync.audit.metrics.kaplan_meier import kaplan_meier

# Weeks in remission of 21 patients on 6-MP (Freireich and others, 1963): the textbook example of censoring.
TIMES = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
EVENTS = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def counts(times, events):
    pairs = Counter(zip(times, events, strict=True))
    return [(day, pairs[day, 1], pairs[day, 0]) for day in set(times)]


@pytest.fixture
def remission():
    return kaplan_meier(counts(TIMES, EVENTS))


def test_the_curve_is_the_textbook_one(remission):
    assert [step.day for step in remission.steps] == [6, 7, 10, 13, 16, 22, 23]
    assert [step.surviving for step in remission.steps] == pytest.approx(
        [
            0.857142857142857,
            0.8067226890756299,
            0.7529411764705878,
            0.6901960784313722,
            0.6274509803921566,
            0.5378151260504199,
            0.44817927170868327,
        ]
    )


def test_quantiles_are_the_first_day_on_which_they_are_reached(remission):
    assert remission.quantile(0.25) == 13
    assert remission.quantile(0.5) == 23


def test_a_quantile_that_the_curve_never_reaches_is_none(remission):
    assert remission.quantile(0.75) is None
    assert remission.highest_share == pytest.approx(1 - 0.44817927170868327)


@pytest.mark.parametrize(
    ("day", "low", "high"),
    [
        (6, 1 - 0.9515517476469969, 1 - 0.6197179552659838),
        (10, 1 - 0.8893618351692651, 1 - 0.5031995107999564),
        (12, 1 - 0.8893618351692651, 1 - 0.5031995107999564),
        (23, 1 - 0.6801426284952412, 1 - 0.18805200595923233),
    ],
)
def test_intervals_are_the_ones_lifelines_gives(remission, day, low, high):
    assert remission.interval95(day) == pytest.approx([low, high])


def test_nothing_is_said_beyond_the_last_day_anyone_was_watched(remission):
    assert remission.happened_by(35) is not None
    assert remission.happened_by(36) is None
    assert remission.interval95(36) is None


def test_a_quantile_reached_exactly_counts_as_reached():
    # (9/10)·(8/9)·…·(5/6) is a hair off one half in floating point.
    curve = kaplan_meier([(day, 1, 0) for day in range(1, 11)])
    assert curve.quantile(0.5) == 5
    assert curve.quantile(0.9) == 9


def test_everyone_on_one_day_ends_at_one_without_an_interval():
    curve = kaplan_meier([(4, 3, 0)])
    assert curve.happened_by(4) == 1
    assert curve.interval95(4) is None


def test_nobody_gives_an_empty_curve():
    curve = kaplan_meier([])
    assert curve.quantile(0.5) is None
    assert curve.happened_by(0) is None
    assert curve.highest_share == 0
