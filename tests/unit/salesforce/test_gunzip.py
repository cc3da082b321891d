from __future__ import annotations

import gzip
import random
import subprocess
import sys

import pytest

from sfsync.salesforce.gunzip import FASTEST, ZLIB, Damaged, Gunzip, Inflater

INFLATERS = [ZLIB] if FASTEST is ZLIB else [ZLIB, FASTEST]
TEXT = "".join(f'"{n}","Ada ""{n % 7}""","é😀\u2028"\n' for n in range(3000)).encode()

pytestmark = pytest.mark.parametrize("inflater", INFLATERS, ids=lambda inflater: inflater.begin.__module__)


def inflated(inflater: Inflater, data: bytes, step: int = 1000) -> bytes:
    stream = Gunzip(inflater)
    pieces = [piece for begin in range(0, len(data), step) for piece in stream.decode(data[begin : begin + step])]
    stream.finish()
    return b"".join(pieces)


@pytest.mark.parametrize("step", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_what_was_compressed_comes_back_whatever_the_pieces(inflater: Inflater, step: int, level: int) -> None:
    assert inflated(inflater, gzip.compress(TEXT, level), step) == TEXT


def test_nothing_at_all_is_nothing(inflater: Inflater) -> None:
    assert inflated(inflater, b"") == b""
    assert inflated(inflater, gzip.compress(b"")) == b""


def test_members_that_follow_one_another_are_one_text(inflater: Inflater) -> None:
    assert inflated(inflater, gzip.compress(b"one, ") + gzip.compress(b"") + gzip.compress(b"two"), 5) == b"one, two"


def test_very_much_of_the_same_comes_in_bounded_bites(inflater: Inflater) -> None:
    bites = list(Gunzip(inflater).decode(gzip.compress(bytes(20_000_000))))
    assert sum(len(bite) for bite in bites) == 20_000_000
    assert max(len(bite) for bite in bites) <= 1024 * 1024


def test_data_that_end_too_early_are_never_taken_for_whole(inflater: Inflater) -> None:
    whole = gzip.compress(TEXT)
    for end in [*range(1, 40), len(whole) // 2, *range(len(whole) - 20, len(whole))]:
        with pytest.raises(Damaged, match="end too early"):
            inflated(inflater, whole[:end])


def test_damaged_data_are_never_taken_for_right(inflater: Inflater) -> None:
    chance = random.Random(4)
    whole = gzip.compress(TEXT[:2000])
    refused = 0
    for _ in range(2000):
        place, bit = (
            chance.randrange(10, len(whole)),
            1 << chance.randrange(8),
        )  # the header holds a time, which is free
        damaged = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
        try:
            assert inflated(inflater, damaged, chance.choice([1, 50, 10**6])) == TEXT[:2000]
        except Damaged:
            refused += 1
    assert refused > 1900


def test_what_follows_the_data_is_not_overlooked(inflater: Inflater) -> None:
    with pytest.raises(Damaged):
        inflated(inflater, gzip.compress(TEXT) + b"<html>")


def test_without_isa_l_zlib_does_the_same(inflater: Inflater) -> None:
    program = (
        "import sys; sys.modules['isal'] = None\n"
        "from sfsync.salesforce.gunzip import FASTEST, ZLIB, Gunzip\n"
        "import gzip; assert FASTEST is ZLIB; assert b''.join(Gunzip().decode(gzip.compress(b'x'))) == b'x'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
