"""Up to which instant each object can be mirrored now, and which deletions the org's log names until then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sfsync.errors import RequestRefused
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.permissions import view_all
from sfsync.salesforce.replication import GRAIN, REACH, Deleted, Span, get_deleted_of_many
from sfsync.store.coverage import Coverage
from sfsync.store.merge import STAMP
from sfsync.store.mirror import ObjectState

#: Before a first pull no deletion matters, only whether a transaction is under way.
_FIRST_LOOK = timedelta(hours=1)

#: Distance kept from the end of the log's reach, for clocks and for the time that passes until the org is asked.
_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Bound:
    """How far one object can be mirrored now.

    Attributes:
        upper: Everything committed before it will be in the mirror (naive UTC).
        begins: From here on changes may have been committed since the last pull read, before the overlap is taken; None
            before the first pull.
        covered: Up to here the org vouches for the object's changes, and its log of deletions was read.
        deleted: What the log names, or None when the object has none.
        reconcile: Why the log is no proof of deletions this time, so that all Ids must be compared; else None.
        sees_all: Whether the user sees every record, asked only when Ids must be compared.
        notes: What the user should know.
    """

    upper: datetime
    begins: datetime | None = None
    covered: datetime | None = None
    deleted: Deleted | None = None
    reconcile: str | None = None
    sees_all: bool | None = None
    notes: tuple[str, ...] = ()

    def overlap(self, saved: datetime | None, state: ObjectState | None, usual: timedelta) -> timedelta:
        """How far behind `saved` to read again: further than usual for what was under way when the cursor passed it.

        Args:
            saved: Where the window begins, or None for everything.
            state: What the last finished pull left.
            usual: The overlap that was chosen.
        """
        if saved is None or self.begins is None or state is None or self.begins >= state.upper_bound:
            return usual
        return usual + (saved - self.begins)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pull knows before it asks the org how far its changes are committed.

    Attributes:
        describes: The objects.
        states: What the last finished pull left of them.
        coverage: How far their logs were read, and whether deletions were left unproven.
        now: The org's clock (naive UTC).
        upper: The same less the lag.
        overlap: How far behind its last bound an object is read again.
    """

    describes: Mapping[str, ObjectDescribe]
    states: Mapping[str, ObjectState]
    coverage: Mapping[str, Coverage]
    now: datetime
    upper: datetime
    overlap: timedelta


def find_bounds(org: Org, asked: Asked) -> dict[str, Bound]:
    """Ask the org's logs of deletions, 25 objects a call, and fix each object's upper bound.

    The bound is the org's clock less the lag, or earlier: while a long transaction is under way, its records will
    appear with stamps of the past, and the org says from when on (`latestDateCovered`).
    """
    spans = {name: _span(asked, name) for name, each in asked.describes.items() if each.replicateable}
    answers = get_deleted_of_many(org, spans)
    bounds = {name: _bound(asked, name, spans.get(name), answers.get(name)) for name in asked.describes}
    doubtful = [name for name, bound in bounds.items() if bound.reconcile]
    if doubtful:
        sees_all = view_all(org, doubtful)
        bounds |= {name: replace(bounds[name], sees_all=sees_all[name]) for name in doubtful}
    return bounds


def _begins(asked: Asked, name: str) -> datetime | None:
    """Where the window of an object begins, before the overlap: what was not covered last time is read again."""
    state = asked.states.get(name)
    if state is None:
        return None
    known = asked.coverage.get(name)
    return min(state.upper_bound, known.covered) if known and known.covered else state.upper_bound


def _span(asked: Asked, name: str) -> Span:
    """The span to ask the log about: whole minutes, within its reach, never past the org's clock."""
    begins = _begins(asked, name)
    start = asked.upper - _FIRST_LOOK if begins is None else begins - asked.overlap
    start = max(_minute(start), _minute(asked.now - REACH + _MARGIN))
    end = min(_minute(asked.upper + GRAIN - timedelta(microseconds=1)), _minute(asked.now))
    # The org refuses spans of a minute or less.
    return min(start, end - 2 * GRAIN), end


def _bound(asked: Asked, name: str, span: Span | None, answer: Deleted | RequestRefused | None) -> Bound:
    state, begins = asked.states.get(name), _begins(asked, name)
    # A clock that went backwards (a longer lag, say) must not move the cursor backwards.
    upper = asked.upper if state is None else max(state.upper_bound, asked.upper)
    late, notes = _too_long_ago(asked, name), list[str]()
    if not isinstance(answer, Deleted) or span is None:
        if isinstance(answer, RequestRefused):
            notes.append(f"the org does not show its log of deletions: {answer.message}")
        return Bound(upper, begins, upper, None, late, notes=tuple(notes))
    covered = answer.latest_date_covered
    if covered < min(span[1], upper):
        upper = covered if state is None else max(state.upper_bound, covered)
        notes.append(f"a transaction has been under way since {covered:%Y-%m-%d %H:%M:%S} UTC: mirrored up to there")
    reconcile = late
    if begins is not None and reconcile is None:
        if not answer.whole:
            reconcile = "more records were deleted than the org lists"
        elif answer.earliest_date_available > begins:
            reconcile = f"the org's log of deletions begins at {answer.earliest_date_available:%Y-%m-%d %H:%M} UTC only"
    return Bound(upper, begins, min(covered, upper), answer, reconcile, notes=tuple(notes))


def _too_long_ago(asked: Asked, name: str) -> str | None:
    """Whether the last pull lies so far back that deletions have left Recycle Bin and log since."""
    state = asked.states.get(name)
    gap = asked.now - state.upper_bound if state else timedelta()
    if gap <= REACH or asked.describes[name].field(STAMP) is None:
        return None
    return f"the last pull was {gap.days} days ago, and the org's log of deletions reaches back {REACH.days}"


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
