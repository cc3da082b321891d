"""Kaplan-Meier and Wilson beside scipy's, over many random samples."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from random import Random

import numpy as np
import pytest
from scipy import stats

from sfsync.audit.metrics.kaplan_meier import kaplan_meier
from sfsync.audit.metrics.newcombe import Pair, mantel_haenszel, newcombe95
from sfsync.audit.metrics.wilson import wilson95


def sample(seed):
    """Days and whether it happened then: few or many, with ties, from hardly any to nearly all censored."""
    dice = Random(seed)
    size, longest, share = dice.choice((1, 2, 7, 60, 400)), dice.choice((1, 5, 90, 2000)), dice.random()
    return [(dice.randint(0, longest), dice.random() < share) for _ in range(size)]


def curve_of(rows):
    counts = Counter(rows)
    return kaplan_meier([(day, counts[day, True], counts[day, False]) for day in {day for day, _ in rows}])


@pytest.mark.parametrize("seed", range(60))
def test_kaplan_meier_is_scipys(seed):
    rows = sample(seed)
    times, happened = (np.array(column) for column in zip(*rows, strict=True))
    data = stats.CensoredData(uncensored=times[happened], right=times[~happened])
    theirs, ours = stats.ecdf(data).sf, curve_of(rows)
    for day, surviving in zip(theirs.quantiles, theirs.probabilities, strict=True):
        assert 1 - ours.happened_by(int(day)) == pytest.approx(surviving, abs=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_its_intervals_are_scipys(seed):
    rows = sample(seed)
    times, happened = (np.array(column) for column in zip(*rows, strict=True))
    data = stats.CensoredData(uncensored=times[happened], right=times[~happened])
    theirs, ours = stats.ecdf(data).sf, curve_of(rows)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning) if _is_undefined(theirs) else nullcontext():
        interval = theirs.confidence_interval(method="log-log")
    for place, day in enumerate(theirs.quantiles):
        told = ours.interval95(int(day))
        if told is not None:
            low, high = 1 - interval.high.probabilities[place], 1 - interval.low.probabilities[place]
            assert told == pytest.approx([low, high], abs=1e-9)


def _is_undefined(curve):
    return bool(np.any((curve.probabilities == 0) | (curve.probabilities == 1)))


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 1), (1, 1), (3, 3), (5, 10), (842, 8000), (4238, 6711), (0, 500), (499, 500)]
)
def test_wilson_is_scipys(hits, n):
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson95(hits, n) == pytest.approx([100 * theirs.low, 100 * theirs.high], abs=1e-9)


def test_a_difference_has_the_interval_of_the_textbook():
    # Newcombe (1998), table II, method 10: 56/70 - 48/80 is 0.2000, with 0.0524 to 0.3339.
    assert newcombe95(Pair(56, 70, 48, 80)) == pytest.approx([5.24, 33.39], abs=0.005)
    # 9/10 - 3/10 is 0.6000, with 0.1705 to 0.8090.
    assert newcombe95(Pair(9, 10, 3, 10)) == pytest.approx([17.05, 80.90], abs=0.005)


def test_of_an_empty_group_there_is_no_difference():
    assert newcombe95(Pair(0, 0, 1, 2)) is None
    assert mantel_haenszel([Pair(0, 0, 1, 2)]) is None


def test_one_stratum_pools_to_its_own_difference():
    pooled = mantel_haenszel([Pair(56, 70, 48, 80)])
    assert pooled.difference == pytest.approx(20.0)
    low, high = pooled.interval95
    plain = 100 * 1.959963984540054 * (0.8 * 0.2 / 70 + 0.6 * 0.4 / 80) ** 0.5
    assert (high - low) / 2 == pytest.approx(plain, rel=0.05)


def test_pooling_takes_out_what_the_strata_do():
    # Simpson's paradox: in both strata the first does better, taken together worse.
    strata = [Pair(81, 87, 234, 270), Pair(192, 263, 55, 80)]
    pooled = mantel_haenszel(strata)
    assert 273 / 350 < 289 / 350
    assert pooled.difference > 0
    weights = [87 * 270 / 357, 263 * 80 / 343]
    differences = [81 / 87 - 234 / 270, 192 / 263 - 55 / 80]
    expected = sum(w * d for w, d in zip(weights, differences, strict=True)) / sum(weights)
    assert pooled.difference == pytest.approx(100 * expected)


def test_the_pooled_interval_covers_the_truth_about_as_often_as_it_says():
    dice = np.random.default_rng(1)
    covered = 0
    for _ in range(1000):
        strata = [
            Pair(int(dice.binomial(n, base + 0.1)), n, int(dice.binomial(m, base)), m)
            for n, m, base in ((40, 60, 0.2), (25, 80, 0.5), (70, 30, 0.7))
        ]
        low, high = mantel_haenszel(strata).interval95
        covered += low <= 10 <= high
    assert 930 <= covered <= 970
