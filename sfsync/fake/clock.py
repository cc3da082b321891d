"""The fake org's own clock: every stamp, `Date` header and date literal comes from it, never from the machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock


class Clock:
    """A clock that ticks in real time from any moment you set, or stands still.

    Args:
        start: Where it starts (naive means UTC); None for the machine's own time.
        ticking: False for a clock that moves only when told to.
    """

    def __init__(self, start: datetime | None = None, *, ticking: bool = True) -> None:
        self._lock = Lock()
        self._start, self._ticks_at_start = start, ticking
        self._ticking = ticking
        self._set(start or datetime.now(UTC))

    def now(self) -> datetime:
        """The org's time, in UTC, to the microsecond."""
        with self._lock:
            if not self._ticking:
                return self._base
            return self._base + timedelta(seconds=time.monotonic() - self._mark)

    def stamp(self) -> datetime:
        """The org's time as records carry it: naive UTC, whole seconds."""
        return self.now().replace(microsecond=0, tzinfo=None)

    def set(self, moment: datetime) -> None:
        """Jump to a moment (naive means UTC), backwards too."""
        with self._lock:
            self._set(moment)

    def advance(self, by: timedelta) -> None:
        """Jump forward."""
        self.set(self.now() + by)

    def freeze(self) -> None:
        """Stand still from now on; `set` and `advance` still move the clock."""
        moment = self.now()
        with self._lock:
            self._ticking = False
            self._set(moment)

    def tick(self) -> None:
        """Tick on from where it stands."""
        moment = self.now()
        with self._lock:
            self._ticking = True
            self._set(moment)

    @property
    def ticking(self) -> bool:
        """Whether it moves by itself."""
        return self._ticking

    def restart(self) -> None:
        """Go back to how it began."""
        with self._lock:
            self._ticking = self._ticks_at_start
            self._set(self._start or datetime.now(UTC))

    def _set(self, moment: datetime) -> None:
        self._base = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        self._mark = time.monotonic()
