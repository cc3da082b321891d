"""The difference of two shares: how sure it can be, and what is left of it when like is compared with like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from sfsync.audit.metrics.wilson import Z_95, wilson95


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups of one kind: hits and size of the first and of the second."""

    hits: int
    n: int
    other_hits: int
    other_n: int


def newcombe95(pair: Pair) -> list[float] | None:
    """The 95 % interval of the difference of two shares, in points of percent (Newcombe's, of two Wilson intervals)."""
    first, second = wilson95(pair.hits, pair.n), wilson95(pair.other_hits, pair.other_n)
    if first is None or second is None:
        return None
    share, other = 100 * pair.hits / pair.n, 100 * pair.other_hits / pair.other_n
    low = sqrt((share - first[0]) ** 2 + (second[1] - other) ** 2)
    high = sqrt((first[1] - share) ** 2 + (other - second[0]) ** 2)
    return [share - other - low, share - other + high]


@dataclass(frozen=True, slots=True)
class Pooled:
    """A difference within strata: in points of percent, with its 95 % interval and the strata it rests on."""

    difference: float
    interval95: list[float]
    strata: int


def mantel_haenszel(pairs: Iterable[Pair]) -> Pooled | None:
    """The common difference of shares over strata (Mantel-Haenszel), with the variance of Sato (1989).

    Strata in which one group is empty say nothing and are left out; None when none is left.
    """
    usable = [pair for pair in pairs if pair.n and pair.other_n]
    if not usable:
        return None
    weights = [pair.n * pair.other_n / (pair.n + pair.other_n) for pair in usable]
    total = sum(weights)
    above = sum((pair.hits * pair.other_n - pair.other_hits * pair.n) / (pair.n + pair.other_n) for pair in usable)
    difference = above / total
    p = sum(
        (
            pair.n**2 * pair.other_hits
            - pair.other_n**2 * pair.hits
            + pair.n * pair.other_n * (pair.other_n - pair.n) / 2
        )
        / (pair.n + pair.other_n) ** 2
        for pair in usable
    )
    q = sum(
        (pair.hits * (pair.other_n - pair.other_hits) + pair.other_hits * (pair.n - pair.hits))
        / (2 * (pair.n + pair.other_n))
        for pair in usable
    )
    reach = Z_95 * sqrt(max(0.0, difference * p + q)) / total
    return Pooled(100 * difference, [100 * (difference - reach), 100 * (difference + reach)], len(usable))
