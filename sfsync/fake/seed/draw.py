"""Random choices that come out the same on every version of Python."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from statistics import NormalDist
from typing import Generic, TypeVar

T = TypeVar("T")

#: Points of a quantile table: fine enough that its tails look smooth.
_POINTS = 200


class Weighted(Generic[T]):
    """Values that are drawn in proportion to their weights."""

    __slots__ = ("_bounds", "_values")

    def __init__(self, weights: Sequence[tuple[T, float]]) -> None:
        self._values = [value for value, _ in weights]
        self._bounds = list(accumulate(weight for _, weight in weights))

    def at(self, share: float) -> T:
        """The value at this share (0 to 1, exclusive) of the total weight."""
        return self._values[min(bisect_right(self._bounds, share * self._bounds[-1]), len(self._values) - 1)]


class Lognormal:
    """A lognormal distribution without its far tail, as a table of quantiles.

    A table, because a sum and a product of two numbers are the same on every machine, and a chain of logarithms is not.

    Args:
        median: The middle value.
        sigma: Spread of the logarithm.
        cut: Share of the distribution that is kept; what lies above is never drawn.
    """

    __slots__ = ("_table",)

    def __init__(self, median: float, sigma: float, cut: float = 0.99) -> None:
        low = 0.005
        shares = [low + (cut - low) * i / _POINTS for i in range(_POINTS + 1)]
        self._table = [round(median * math.exp(sigma * NormalDist().inv_cdf(share)), 6) for share in shares]

    @property
    def highest(self) -> float:
        """The largest value that can be drawn."""
        return self._table[-1]

    def at(self, share: float) -> float:
        """The value below which this share (0 to 1, exclusive) of the draws lie."""
        place = share * _POINTS
        index = int(place)
        low, high = self._table[index], self._table[index + 1]
        return low + (high - low) * (place - index)


class Draw:
    """A seeded source of choices, all made from `Random.random()`.

    That is the one method whose sequence Python promises never to change; `choice`, `shuffle` and the rest may differ
    between versions.
    """

    __slots__ = ("share",)

    def __init__(self, seed: int) -> None:
        # Seeded with a text: with an integer, Python takes the absolute value, and 1 and -1 would be one org.
        self.share = Random(f"seed {seed}").random  # noqa: S311 - a test org needs repeatable choices, not secret ones

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.share() < probability

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound` - 1."""
        return int(self.share() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.share() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, all alike."""
        return values[int(self.share() * len(values))]

    def weighted(self, values: Weighted[T]) -> T:
        """One of the values, in proportion to its weight."""
        return values.at(self.share())

    def lognormal(self, distribution: Lognormal) -> float:
        """A value of this distribution."""
        return distribution.at(self.share())

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in random order."""
        result = list(values)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result
