from __future__ import annotations

import threading
from contextlib import closing

import pytest

from sfsync.sync.read_ahead import WAITING, read_ahead


def double(number: int) -> int:
    return 2 * number


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("read-")]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_work_comes_back_once_with_its_result(threads: int) -> None:
    got = dict(read_ahead(range(20), double, threads=threads, stop=threading.Event()))
    assert got == {number: 2 * number for number in range(20)}
    assert not readers()


def test_nothing_to_read_is_nothing_to_do() -> None:
    assert list(read_ahead([], double, threads=4, stop=threading.Event())) == []


def test_one_thread_keeps_the_order() -> None:
    assert [work for work, _read in read_ahead(range(20), double, threads=1, stop=threading.Event())] == [*range(20)]


def test_what_a_read_raises_comes_back_as_its_result_and_the_others_go_on() -> None:
    def read(number: int) -> int:
        if number == 3:
            raise KeyError(number)
        return number

    got = dict(read_ahead(range(6), read, threads=2, stop=threading.Event()))
    assert isinstance(got.pop(3), KeyError)
    assert got == {number: number for number in (0, 1, 2, 4, 5)}


def test_so_many_are_read_at_once_and_no_more() -> None:
    together = threading.Barrier(3, timeout=30)
    at_once: list[int] = []
    busy, lock = [0], threading.Lock()

    def read(number: int) -> int:
        with lock:
            busy[0] += 1
            at_once.append(busy[0])
        together.wait()  # passes only when three are here at the same time
        with lock:
            busy[0] -= 1
        return number

    assert len(dict(read_ahead(range(9), read, threads=3, stop=threading.Event()))) == 9
    assert max(at_once) == 3


def test_reading_ahead_is_bounded_while_nobody_takes_over() -> None:
    begun: list[int] = []
    full = threading.Event()

    def read(number: int) -> int:
        begun.append(number)
        if len(begun) == 2 + WAITING:
            full.set()
        return number

    with closing(read_ahead(range(100), read, threads=2, stop=threading.Event())) as reading:
        next(reading)
        assert full.wait(30)
        # The first one is taken over but not yet done with, so it still counts.
        assert len(begun) == 2 + WAITING
        next(reading)
    assert len(begun) <= 3 + WAITING


def test_leaving_early_stops_the_threads() -> None:
    stop = threading.Event()
    begun: list[int] = []

    def read(number: int) -> int:
        begun.append(number)
        if number:
            stop.wait(30)
        return number

    with closing(read_ahead(range(50), read, threads=4, stop=stop)) as reading:
        next(reading)
    assert stop.is_set()
    assert not readers()
    assert len(begun) <= 4 + WAITING + 1


def test_stop_is_left_alone_when_everything_was_read() -> None:
    stop = threading.Event()
    list(read_ahead(range(3), double, threads=2, stop=stop))
    assert not stop.is_set()
