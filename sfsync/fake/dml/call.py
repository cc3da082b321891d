"""One write in the making: the org, the object as the writer sees it, the transaction, and what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Cursor
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.shape import Shape
from sfsync.fake.dml.state import WriteState, state_of
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


@dataclass(frozen=True)
class Call:
    """What every step of one write works with.

    Attributes:
        org: The org.
        shape: The object.
        options: How the client wants it.
        cursor: The transaction that everything happens in.
        now: The stamp of everything written.
        state: What the org's writes remember.
    """

    org: FakeOrg
    shape: Shape
    options: WriteOptions
    cursor: Cursor
    now: datetime
    state: WriteState

    @property
    def facts(self) -> ObjectFacts:
        """The object with all its fields."""
        return self.shape.whole

    def on(self, object_name: str) -> Call:
        """The same call, about another object, which the org itself writes to."""
        return replace(self, shape=shape_of(self.org, object_name, replace(self.options, system=True)))


@contextmanager
def writing(org: FakeOrg, object_name: str, options: WriteOptions, *, adding: bool = False) -> Iterator[Call]:
    """A call in a transaction of its own, or as a part of the one that is running.

    Args:
        org: The org.
        object_name: Whose records are written, in any case.
        options: How the client wants it.
        adding: The records are new, so that only their own table is at issue.
    """
    shape = shape_of(org, object_name, options)
    sql = quote(shape.name) if adding else None
    with org.database.together(sql), org.database.writing(sql) as cursor:
        yield Call(org, shape, options, cursor, _stamp(org, object_name, options), state_of(org))


def _stamp(org: FakeOrg, object_name: str, options: WriteOptions) -> datetime:
    """When the transaction began: now, unless the weather would have it commit late."""
    return org.clock.stamp() if options.system else org.clock.stamp() - org.weather.commit_delay(object_name)


def shape_of(org: FakeOrg, object_name: str, options: WriteOptions) -> Shape:
    """The object as this writer sees it; raises the fault of an unknown object."""
    whole = org.catalog.facts(object_name)
    facts = whole if options.system else visible(org, options.user_id).facts(object_name)
    if whole is None or facts is None:
        raise faults.not_found()
    return state_of(org).shape(facts, whole)


def visible(org: FakeOrg, user_id: str) -> Any:
    """The catalogue as a user sees it."""
    behaviour = getattr(org, "behaviour", None)
    return org.visible if behaviour is None else behaviour.visible_to(user_id)


def behaviour_of(org: FakeOrg) -> Any:
    """The org's rules, where it has any."""
    return getattr(org, "behaviour", None)
