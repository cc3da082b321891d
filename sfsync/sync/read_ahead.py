"""Several objects are read at once, by threads; one thread, the caller's, takes them over one after the other."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")

#: So many objects may wait in the spool, read and not yet stored, beside those that are being read.
WAITING = 2

#: Seconds without anything to take over, after which the caller is told that it may have to wait.
_SOON = 0.05

#: Seconds that threads get to notice that the run is over; one that hangs in the network is left behind.
_FAREWELL = 10.0


def read_ahead(
    works: Sequence[W],
    read: Callable[[W], R],
    *,
    threads: int,
    stop: threading.Event,
    idle: Callable[[], None] = lambda: None,
) -> Generator[tuple[W, R | BaseException], None, None]:
    """Each work with what reading it gave, or with what it raised, as they are done.

    Close the generator when leaving early: `stop` is set then, and the threads end.

    Args:
        works: In the order in which they are begun.
        read: Called in threads.
        threads: How many.
        stop: Set when nobody wants the rest any more; `read` should notice it soon.
        idle: Called in the caller's thread before it waits for long.
    """
    crew = _Crew(read, threading.Semaphore(threads + WAITING), stop)
    for each in works:
        crew.todo.put(each)
    # Daemons: the end of the program does not wait for an answer that never comes.
    names = [f"read-{number}" for number in range(1, min(threads, len(works)) + 1)]
    members = [threading.Thread(target=crew.work, name=name, daemon=True) for name in names]
    try:
        for member in members:
            member.start()
        for _each in works:
            yield crew.next(idle)
            crew.room.release()
    except BaseException:
        stop.set()
        raise
    finally:
        crew.room.release(max(1, len(members)))
        deadline = time.monotonic() + _FAREWELL
        for member in members:
            if member.ident is not None:
                member.join(max(0.0, deadline - time.monotonic()))


class _Crew(Generic[W, R]):
    """What the threads share."""

    def __init__(self, read: Callable[[W], R], room: threading.Semaphore, stop: threading.Event) -> None:
        self.read = read
        self.room = room
        self.stop = stop
        self.todo: queue.SimpleQueue[W] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[W, R | BaseException]] = queue.SimpleQueue()

    def next(self, idle: Callable[[], None]) -> tuple[W, R | BaseException]:
        """What was read next."""
        with suppress(queue.Empty):
            return self.done.get(timeout=_SOON)
        idle()
        return self.done.get()

    def work(self) -> None:
        """Read one after the other, as long as there is something to read and room for it."""
        while True:
            self.room.acquire()
            try:
                each = self.todo.get_nowait()
            except queue.Empty:
                return
            if self.stop.is_set():
                return
            try:
                self.done.put((each, self.read(each)))
            except BaseException as error:  # noqa: BLE001 - what it means is decided where it is taken over
                self.done.put((each, error))
