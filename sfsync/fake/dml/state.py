"""What the writes of one org remember from call to call: the next Id of each kind, shapes of objects, stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Cursor, OrgDatabase
from sfsync.fake.dml.shape import Shape
from sfsync.fake.ids import first_of_pod, make_ids, number_of
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage makes of the opportunities in it."""

    is_closed: bool
    is_won: bool
    probability: float | None
    category: str | None
    category_name: str | None


@dataclass
class WriteState:
    """The memory of one org's writes.

    Attributes:
        next_purge: When the recycle bin next has something to give up.
    """

    next_purge: datetime
    _counters: dict[str, int] = field(default_factory=dict)
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _stages: dict[str, Stage] | None = None
    _lock: Lock = field(default_factory=Lock)

    def shape(self, facts: ObjectFacts, whole: ObjectFacts) -> Shape:
        """The object as the writer sees it, for writing."""
        shape = self._shapes.get(whole.name)
        if shape is None or shape.facts is not facts or shape.whole is not whole:
            shape = self._shapes[whole.name] = Shape(facts, whole)
        return shape

    def new_ids(self, org: FakeOrg, facts: ObjectFacts, wanted: int) -> list[str]:
        """So many Ids that no record has or had, counting on from the records there are."""
        with self._lock:
            following = self._counters.get(facts.prefix)
            if following is None:
                following = _after_the_last(org, facts.prefix)
            self._counters[facts.prefix] = following + wanted
        return make_ids(facts.prefix, following, wanted)

    def skip(self, prefix: str) -> None:
        """Somebody chose Ids: look again before the next one is given out."""
        with self._lock:
            self._counters.pop(prefix, None)

    def stages(self, cursor: Cursor) -> dict[str, Stage]:
        """The org's stages by name."""
        if self._stages is None:
            rows = cursor.execute(
                'SELECT "MasterLabel", "IsClosed", "IsWon", "DefaultProbability", "ForecastCategory",'
                ' "ForecastCategoryName" FROM "OpportunityStage" ORDER BY "Id" DESC'
            ).fetchall()
            self._stages = {
                name: Stage(bool(closed), bool(won), probability, category, category_name)
                for name, closed, won, probability, category, category_name in rows
                if name
            }
        return self._stages

    def forget_stages(self) -> None:
        """The stages may have changed."""
        self._stages = None


_states: WeakKeyDictionary[OrgDatabase, WriteState] = WeakKeyDictionary()

#: Deleted records stay in the recycle bin for so long.
BIN_TIME = timedelta(days=15)


def state_of(org: FakeOrg) -> WriteState:
    """The memory of this org's writes."""
    state = _states.get(org.database)
    if state is None:
        # What is in the bin when the org is made was put there just now, whatever its stamps tell.
        state = _states.setdefault(org.database, WriteState(org.clock.stamp() + BIN_TIME))
    return state


def _after_the_last(org: FakeOrg, prefix: str) -> int:
    """The number after the highest that a record's Id was made of; histories and setup rows share key prefixes."""
    start = first_of_pod(prefix)
    tables = [facts.name for facts in org.catalog if facts.prefix == prefix]
    union = " UNION ALL ".join(f'SELECT max("Id") AS id FROM {quote(t)} WHERE starts_with("Id", $1)' for t in tables)
    with org.database.reading(union) as cursor:
        row = cursor.execute(f"SELECT max(id) FROM ({union})", [start]).fetchone()
    number = number_of(row[0]) if row and row[0] else None
    return 0 if number is None else number + 1
