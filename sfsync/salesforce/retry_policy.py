"""When a request is sent again, and how long we wait before: decided here and nowhere else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from sfsync.salesforce.faults import AttemptFailed

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waits with jitter, bounded by the number of attempts and by the time they take together.

    What is sent again: a temporary failure (connection, time-out, 5xx, 429, 420, 406, a locked row) of a request that
    may be repeated; of one that may not (a POST that creates something) only when it certainly was not processed.

    Attributes:
        attempts: How often a request is sent at most.
        total_seconds: No wait is begun that would end later than this after the first attempt.
        first_wait: Seconds before the second attempt; doubled for each one after.
        longest_wait: Upper bound of one wait, unless the org asks for more (`Retry-After`).
        jitter: Up to so many seconds are added, so that parallel downloads do not come back in step.
        sleep: How to wait; tests give one that does not.
    """

    attempts: int = 5
    total_seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    jitter: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], T], *, repeatable: bool, what: str, stop: threading.Event | None = None) -> T:
        """The result of `attempt`, called until it succeeds or trying again makes no sense.

        Args:
            attempt: One try; a failure is an `AttemptFailed`.
            repeatable: Doing it twice does no harm.
            what: For the log, e.g. `GET /services/data/v66.0/limits`.
            stop: Ends the waiting, and with it the attempts, when someone else sets it.

        Raises:
            AttemptFailed: The last one.
        """
        failures: list[AttemptFailed] = []

        def worth_it(error: BaseException) -> bool:
            return isinstance(error, AttemptFailed) and error.temporary and (repeatable or error.unprocessed)

        def sleep(seconds: float) -> None:
            if stop is not None and self.sleep is time.sleep:
                stop.wait(seconds)
            else:
                self.sleep(seconds)
            if stop is not None and stop.is_set():
                raise failures[-1]

        def tell(state: tenacity.RetryCallState) -> None:
            failures.append(_failure(state))
            _log.info(
                "%s: %s Trying again in %.1f s (attempt %d of %d).",
                what,
                failures[-1].error.message,
                state.upcoming_sleep,
                state.attempt_number + 1,
                self.attempts,
            )

        retrying = tenacity.Retrying(
            stop=self._is_enough,
            wait=self._pause,
            retry=tenacity.retry_if_exception(worth_it),
            sleep=sleep,
            before_sleep=tell,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except AttemptFailed as failed:
            failed.error.context.setdefault("attempts", retrying.statistics.get("attempt_number", 1))
            raise

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        # Waits are added up as well as measured, so that a sleep that does not sleep is bounded like a real one.
        elapsed = max(state.seconds_since_start or 0.0, state.idle_for)
        return state.attempt_number >= self.attempts or elapsed + state.upcoming_sleep > self.total_seconds

    def _pause(self, state: tenacity.RetryCallState) -> float:
        exponential = tenacity.wait_exponential(multiplier=self.first_wait, max=self.longest_wait)
        growing = exponential(state) + tenacity.wait_random(0, self.jitter)(state)
        return max(growing, _failure(state).retry_after or 0.0)


def _failure(state: tenacity.RetryCallState) -> AttemptFailed:
    """What the attempt that is about to be repeated failed with; nothing else is ever repeated."""
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, AttemptFailed):
        raise TypeError("only an AttemptFailed is tried again")
    return error
