"""The order of mappings in a plan: parents before children, and cycles broken where a reference may wait."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.mapping.schema import Mapping


def in_order(mappings: Sequence[Mapping]) -> list[Mapping]:
    """The mappings, each after those that may make its parents; in the order given wherever nothing else decides.

    Where mappings need one another, the one that needs the fewest comes first: its references to records that are made
    later are set in a second pass.
    """
    waiting, done = list(mappings), []
    while waiting:
        needs = [len(_needs(each, waiting)) for each in waiting]
        done.append(waiting.pop(needs.index(min(needs))))
    return done


def _needs(mapping: Mapping, others: Sequence[Mapping]) -> set[str]:
    """The objects of its lookups that others still make."""
    parents = {name for lookup in mapping.pushed_lookups().values() for name in lookup.objects}
    return parents & {other.object for other in others if other.object != mapping.object}
