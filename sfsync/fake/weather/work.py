"""Troubles within the org's work, which it asks about while it is at it: locked rows, jobs that fail, late commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, ClassVar

from sfsync.fake.ids import to_15

if TYPE_CHECKING:
    from sfsync.fake.dml.outcome import RowError


class WorkTrouble:
    """One kind of trouble that the org meets in the middle of its work.

    Attributes:
        lasting: Whether it strikes every time, unless told otherwise.
    """

    lasting: ClassVar[bool] = False


@dataclass(frozen=True)
class LockedRows(WorkTrouble):
    """Some records of a write are locked by somebody else: UNABLE_TO_LOCK_ROW, and they stay as they were.

    Attributes:
        share: Of the records of the write, drawn by lot.
        rows: Just so many of them, the first ones, instead.
        ids: Just these records (15 or 18 characters), instead.
    """

    share: float = 1.0
    rows: int | None = None
    ids: tuple[str, ...] = ()

    def strike(self, record_ids: Sequence[str | None], random: Random) -> list[int]:
        """Places of the records that are locked."""
        if self.ids:
            locked = {to_15(one) for one in self.ids}
            return [place for place, one in enumerate(record_ids) if one is not None and to_15(one) in locked]
        if self.rows is not None:
            return list(range(min(self.rows, len(record_ids))))
        return [place for place in range(len(record_ids)) if random.random() < self.share]


def locked(record_id: str | None) -> RowError:
    """What Salesforce says of a record that somebody else has locked."""
    from sfsync.fake.dml.outcome import RowError  # noqa: PLC0415 - the weather is there before anything is written

    named = f": {to_15(record_id)}" if record_id else ""
    message = f"unable to obtain exclusive access to this record or 1 records{named}"
    return RowError("UNABLE_TO_LOCK_ROW", message)


@dataclass(frozen=True)
class JobTrouble(WorkTrouble):
    """What becomes of a Bulk job that is created now.

    Attributes:
        polls: So many polls still see it `InProgress`.
        seconds: It stays `InProgress` for so long, by the org's clock.
        error: It ends `Failed`, with this message.
        stuck: It never ends.
        after_rows: An ingest job that fails does so after so many rows, which stay written; the others are
            unprocessed.
    """

    polls: int = 0
    seconds: float = 0.0
    error: str | None = None
    stuck: bool = False
    after_rows: int | None = None


def JobStuck() -> JobTrouble:  # noqa: N802 - reads as the other troubles do
    """The job stays `InProgress` for ever."""
    return JobTrouble(stuck=True)


def JobFailed(  # noqa: N802
    message: str = "InternalServerError : Unable to process the job", after_rows: int | None = None
) -> JobTrouble:
    """The job ends `Failed`; with `after_rows`, after it has written so many rows."""
    return JobTrouble(error=message, after_rows=after_rows)


def JobSlow(polls: int = 0, seconds: float = 0.0) -> JobTrouble:  # noqa: N802
    """The job takes so many polls, or so many seconds by the org's clock."""
    return JobTrouble(polls=polls, seconds=seconds)


@dataclass(frozen=True)
class Shuffled(WorkTrouble):
    """Records of a query without ORDER BY come in any order: those of a Bulk result, and of a first REST page."""

    lasting = True


@dataclass(frozen=True)
class LateCommit(WorkTrouble):
    """What is written now belongs to a transaction that began some time ago.

    The stamps are of its beginning: whoever reads changes by SystemModstamp may have read past them already.
    """

    seconds: float

    @property
    def delay(self) -> timedelta:
        """From beginning to commit."""
        return timedelta(seconds=self.seconds)
