from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from sfsync.fake.clock import Clock

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_clock_starts_where_it_is_told_and_ticks_on():
    clock = Clock(NEW_YEAR)
    first = clock.now()
    assert NEW_YEAR <= first < NEW_YEAR + timedelta(minutes=1)
    assert clock.now() >= first


def test_a_clock_can_be_set_and_advanced():
    clock = Clock(NEW_YEAR, ticking=False)
    clock.advance(timedelta(days=3))
    assert clock.now() == NEW_YEAR + timedelta(days=3)
    clock.set(datetime(2020, 5, 6, 7, 8, 9))
    assert clock.now() == datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_moments_of_other_zones_are_turned_into_utc():
    clock = Clock(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), ticking=False)
    assert clock.now() == NEW_YEAR
    assert clock.now().tzinfo is UTC


def test_a_frozen_clock_moves_only_when_told():
    clock = Clock(NEW_YEAR)
    clock.freeze()
    assert clock.now() == clock.now()
    clock.advance(timedelta(seconds=1))
    assert clock.now() > NEW_YEAR


def test_stamps_are_naive_utc_in_whole_seconds():
    clock = Clock(NEW_YEAR + timedelta(microseconds=123456), ticking=False)
    assert clock.stamp() == datetime(2026, 1, 1)


def test_without_a_start_it_is_the_machines_time():
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(minutes=1)
