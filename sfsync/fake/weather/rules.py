"""When troubles strike: by method, path, object, count and chance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from threading import Lock
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeVar

from sfsync.fake.weather.asked import JobObjects

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from sfsync.fake.dml.outcome import RowError
    from sfsync.fake.weather.troubles import Trouble
    from sfsync.fake.weather.work import JobTrouble, WorkTrouble

W = TypeVar("W", bound="WorkTrouble")

#: The request that this thread is at; None when the org's owner works on it directly.
_current: ContextVar[Request | None] = ContextVar("sfsync_fake_request", default=None)


@dataclass
class Rule:
    """When a trouble strikes.

    Attributes:
        trouble: What happens.
        method: Only for this method.
        path: Only for paths in which this regular expression is found.
        object_name: Only for requests (or writes, or jobs) of this object.
        nth: Only the n-th fitting one, counted from 1.
        times: At most so many times; None for always.
        probability: Only with this probability; chance is seeded, so that it repeats itself.
        written: How a file put it; None for a rule made in Python.
        seen: How many fitting ones came by.
        struck: How often it happened.
    """

    trouble: Trouble | WorkTrouble
    method: str | None = None
    path: str = ""
    object_name: str | None = None
    nth: int | None = None
    times: int | None = 1
    probability: float | None = None
    random: Random = field(default_factory=lambda: Random("weather"), repr=False)  # noqa: S311 - repeatable by design
    written: dict[str, Any] | None = None
    seen: int = 0
    struck: int = 0

    @property
    def told(self) -> dict[str, Any]:
        """The rule as a file would put it, as far as that is known, and how often it was there."""
        known = self.written or {"trouble": type(self.trouble).__name__, "path": self.path, "method": self.method}
        return {**known, "seen": self.seen, "struck": self.struck}

    def asks(self, request: Request | None) -> bool:
        """Whether method and path are those of this request."""
        if request is None:
            return self.method is None and not self.path
        return self.method in {None, request.method} and re.search(self.path, request.path) is not None

    @property
    def may_strike(self) -> bool:
        """Whether it can still happen."""
        spent = self.times is not None and self.struck >= self.times
        return not spent and (self.nth is None or self.seen < self.nth)

    def count(self) -> bool:
        """Count one that fits, and say whether the trouble strikes it."""
        self.seen += 1
        if self.nth not in {None, self.seen} or (self.times is not None and self.struck >= self.times):
            return False
        if self.probability is not None and self.random.random() >= self.probability:
            return False
        self.struck += 1
        return True


class Weather:
    """The rules in force.

    Args:
        seed: Of everything that is left to chance.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = Lock()
        self._rules: list[Rule] = []
        self._jobs = JobObjects()
        self.seed = seed

    def add(  # noqa: PLR0913 - as many as there are ways to choose requests
        self,
        trouble: Trouble | WorkTrouble,
        *,
        method: str | None = None,
        path: str = "",
        object_name: str | None = None,
        nth: int | None = None,
        times: int | EllipsisType | None = ...,
        probability: float | None = None,
    ) -> Rule:
        """Let a trouble strike; see `Rule` for when. Returns the rule, whose `struck` counts.

        Unless `times` is given, it strikes once: or always, when it has a probability or is a lasting trouble.
        """
        if isinstance(times, EllipsisType):
            times = None if probability is not None or trouble.lasting else 1
        with self._lock:
            random = Random(f"weather {self.seed} {len(self._rules)}")  # noqa: S311
            rule = Rule(trouble, method, path, object_name, nth, times, probability, random)
            self._rules.append(rule)
        return rule

    def load(self, file: Path | str) -> list[Rule]:
        """Add the rules of a YAML or JSON file; raises ConfigError with file, line and column."""
        from sfsync.fake.weather.file import read_weather  # noqa: PLC0415 - few orgs have a file

        return read_weather(Path(file)).add_to(self)

    def clear(self) -> None:
        """Fair weather again."""
        with self._lock:
            self._rules.clear()

    # --- asked by the protocol -------------------------------------------------------------------------------------

    def meet(self, request: Request) -> list[Trouble]:
        """The troubles that strike this request; until `leave`, the org works for it."""
        _current.set(request)
        if not self._rules:
            return []
        from sfsync.fake.weather.troubles import Trouble  # noqa: PLC0415 - there are rules, so it is there already

        with self._lock:
            chosen = [rule for rule in self._rules if isinstance(rule.trouble, Trouble) and rule.asks(request)]
            about = self._jobs.about(request) if any(rule.object_name for rule in chosen) else frozenset()
            return [
                rule.trouble
                for rule in chosen
                if (rule.object_name is None or rule.object_name.lower() in about)
                and isinstance(rule.trouble, Trouble)
                and rule.count()
            ]

    def leave(self, request: Request, response: Response | None) -> None:
        """The org is done with this request."""
        if response is not None:
            self._jobs.note(request, response)
            if self._rules:
                self._shuffle(request, response)
        _current.set(None)

    def _shuffle(self, request: Request, response: Response) -> None:
        from sfsync.fake.weather import shuffling  # noqa: PLC0415 - nothing is shuffled in fair weather
        from sfsync.fake.weather.work import Shuffled  # noqa: PLC0415

        listed = shuffling.object_of(request, response)
        for rule, _ in self._strike(Shuffled, listed) if listed else ():
            shuffling.shuffle(response, rule.random)

    # --- asked by the org at its work ------------------------------------------------------------------------------

    def row_errors(self, object_name: str, record_ids: Sequence[str | None]) -> dict[int, RowError]:
        """Place → why that record of a write cannot be written now; None stands for records to be made."""
        if not self._rules:
            return {}
        from sfsync.fake.weather.work import LockedRows, locked  # noqa: PLC0415

        errors: dict[int, RowError] = {}
        for rule, trouble in self._strike(LockedRows, object_name):
            errors.update({place: locked(record_ids[place]) for place in trouble.strike(record_ids, rule.random)})
        return errors

    def commit_delay(self, object_name: str) -> timedelta:
        """How long ago the transaction began that writes these records now."""
        if not self._rules:
            return timedelta()
        from sfsync.fake.weather.work import LateCommit  # noqa: PLC0415

        return sum((trouble.delay for _, trouble in self._strike(LateCommit, object_name)), timedelta())

    def longest_transaction(self, object_name: str) -> timedelta:
        """For how long the transactions have been under way, at most, that may still commit records of this object."""
        if not self._rules:
            return timedelta()
        from sfsync.fake.weather.work import LateCommit  # noqa: PLC0415

        name = object_name.lower()
        return sum(
            (
                rule.trouble.delay
                for rule in self
                if isinstance(rule.trouble, LateCommit)
                and rule.may_strike
                and (rule.object_name is None or rule.object_name.lower() == name)
            ),
            timedelta(),
        )

    def job(self, object_name: str) -> JobTrouble | None:
        """What is to become of a job that is created now, or None when nothing stands against it."""
        if not self._rules:
            return None
        from sfsync.fake.weather.work import JobTrouble  # noqa: PLC0415

        return next((trouble for _, trouble in self._strike(JobTrouble, object_name, most=1)), None)

    def shuffles(self, object_name: str) -> bool:
        """Whether a Bulk query that asks for no order gets a strange one; REST answers are shuffled in `leave`."""
        if not self._rules:
            return False
        from sfsync.fake.weather.work import Shuffled  # noqa: PLC0415

        return bool(self._strike(Shuffled, object_name))

    def _strike(self, kind: type[W], object_name: str, most: int | None = None) -> list[tuple[Rule, W]]:
        """The troubles of a kind that strike now, and no more of them than that."""
        if not self._rules:
            return []
        request, name = _current.get(), object_name.lower()
        with self._lock:
            striking = (
                (rule, rule.trouble)
                for rule in self._rules
                if isinstance(rule.trouble, kind)
                and (rule.object_name is None or rule.object_name.lower() == name)
                and rule.asks(request)
                and rule.count()
            )
            return list(islice(striking, most))

    def __iter__(self) -> Iterator[Rule]:
        with self._lock:
            return iter(tuple(self._rules))

    def __len__(self) -> int:
        return len(self._rules)
