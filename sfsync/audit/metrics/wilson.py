"""The Wilson score interval: how sure a share can be, given how few records it rests on."""

from __future__ import annotations

from math import sqrt

#: The 97.5th percentile of the standard normal distribution: 95 % lies between minus and plus this.
Z_95 = 1.959963984540054

#: A share of fewer records than this is shown, but never ranked: its interval is wider than most differences.
SMALLEST_RANKABLE = 30


def wilson95(hits: int, n: int) -> list[float] | None:
    """The 95 % interval of the share `hits / n`, in percent as `[low, high]`, or None when nothing was counted.

    It stays within 0 and 100 and says something sensible for 0 and for `n` hits, where the textbook interval
    (share ± 1.96 standard errors) has no width at all.
    """
    if n <= 0:
        return None
    share = hits / n
    spread = Z_95 * Z_95 / n
    middle = share + spread / 2
    reach = Z_95 * sqrt((share * (1 - share) + spread / 4) / n)
    low = 0.0 if hits == 0 else 100 * (middle - reach) / (1 + spread)
    high = 100.0 if hits == n else 100 * (middle + reach) / (1 + spread)
    return [low, high]


def percent(hits: int, n: int) -> float | None:
    """The share in percent, unrounded, or None when nothing was counted."""
    return 100 * hits / n if n else None
