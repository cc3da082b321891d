"""The cheapest look at a mirror: how many records the org has of each object, beside how many the mirror has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sfsync.errors import BudgetReached, IncompleteAnswer, LimitReached, RequestRefused, TemporaryFailure
from sfsync.salesforce import Org
from sfsync.salesforce.query import count
from sfsync.store import Session
from sfsync.store.mirror import ObjectState
from sfsync.store.names import table
from sfsync.sync.events import ObjectCounted


@dataclass(frozen=True, slots=True)
class Counting:
    """How objects are counted.

    Attributes:
        org: Whom to ask.
        sizes: Object → about how many records it has, for those that are too large to be counted, or have no filter.
        threshold: Up to so many records an object is counted exactly, which costs one call.
    """

    org: Org
    sizes: Mapping[str, int]
    threshold: int

    def count(self, states: Sequence[ObjectState], live: Mapping[str, int]) -> Iterator[ObjectCounted]:
        """Count the live records of each object in the org; one that cannot be counted is left out.

        Args:
            states: The mirrored objects.
            live: Object → live records of the mirror.
        """
        for state in states:
            here = live[state.name]
            exact = self._exactly(state) if max(here, self.sizes.get(state.name, 0)) <= self.threshold else None
            if exact is not None:
                yield ObjectCounted(state.name, exact, here, exact=True)
            elif state.name in self.sizes and not state.selection.where:
                yield ObjectCounted(state.name, self.sizes[state.name], here, exact=False)

    def _exactly(self, state: ObjectState) -> int | None:
        where = f" WHERE {state.selection.where}" if state.selection.where else ""
        try:
            return count(self.org, f"SELECT COUNT() FROM {state.name}{where}")
        except (RequestRefused, IncompleteAnswer, TemporaryFailure, BudgetReached, LimitReached):
            return None  # the proof itself will say what is wrong


def live_records(session: Session, states: Sequence[ObjectState]) -> dict[str, int]:
    """Object → live records of the mirror."""
    return {
        state.name: int(session.execute(f"SELECT count(*) FROM {table('sf', state.name)}").scalar()) for state in states
    }
