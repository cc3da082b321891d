"""Expected intervals by statsmodels 0.15.0:

python -c "from statsmodels.stats.proportion import proportion_confint as pc; print(pc(842, 8000, method='wilson'))"
"""

from __future__ import annotations

import pytest

from sfsync.audit.metrics.wilson import percent, wilson95


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (1, 1, 20.65493143772374, 100.0),
        (3, 3, 43.850296824495445, 100.0),
        (5, 10, 23.659309051256393, 76.3406909487436),
        (0, 10, 0.0, 27.753279986288927),
        (1, 29, 0.6113214292762668, 17.175521879320293),
        (14, 60, 14.439561736642831, 35.436270377601964),
        (842, 8000, 9.871382834881832, 11.216509366688394),
        (4238, 6711, 61.988691478311395, 64.29636693779574),
    ],
)
def test_the_interval_is_the_one_statsmodels_gives(hits, n, low, high):
    assert wilson95(hits, n) == pytest.approx([low, high], abs=1e-9)


@pytest.mark.parametrize("n", [1, 7, 30, 1_000_000])
def test_the_ends_are_exact_when_nothing_or_everything_counts(n):
    assert wilson95(0, n)[0] == 0.0
    assert wilson95(n, n)[1] == 100.0


def test_nothing_counted_has_neither_share_nor_interval():
    assert wilson95(0, 0) is None
    assert percent(0, 0) is None
