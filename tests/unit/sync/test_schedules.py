"""Random schedules of work, pulls, trouble and kills: in the end mirror = org; `tests/soak/schedules.py` plays more."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial

import pytest
import schedule_world
from schedule_steps import STEPS, TROUBLES, Step
from schedule_world import Plan
from schedules import drawn, failure_of, play_seed, smallest

from sfsync.sync.options import PullOptions

#: Each test plays so many; together at least three hundred.
SCHEDULES = int(os.environ.get("SFSYNC_SCHEDULES", "300"))
GROUPS = 20


@pytest.mark.parametrize("group", range(GROUPS))
def test_whatever_happens_to_the_org_and_to_the_pulls_the_mirror_equals_the_org_in_the_end(group: int) -> None:
    for seed in range(group, SCHEDULES, GROUPS):
        failure = play_seed(seed)
        if failure is not None:
            pytest.fail(str(smallest(failure, patience=60.0)))


def test_a_schedule_is_the_same_for_the_same_seed() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_schedules_hold_every_kind_of_step_and_trouble() -> None:
    steps = [one for seed in range(SCHEDULES) for one in drawn(seed)[1]]
    assert {one.name for one in steps} == set(STEPS)
    assert {one.args[0] for one in steps if one.name == "storm"} == set(TROUBLES)


LATE = (
    Step("insert", (0, 1, 3)),
    Step("wait", (301,)),
    Step("pull_once", (None, None, None)),
    Step("late_insert", (0, 1, 200)),
    Step("wait", (301,)),
    Step("pull_once", (None, None, None)),
)


def test_a_pull_that_reads_up_to_now_and_never_looks_back_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure_of(0, Plan(("Lead",)), LATE) is None
    monkeypatch.setattr(schedule_world, "PullOptions", partial(PullOptions, lag=timedelta(0), overlap=timedelta(0)))
    failure = failure_of(0, Plan(("Lead",)), LATE)
    assert failure is not None
    assert "missing" in failure.error


def test_a_failing_schedule_is_cut_down_to_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_world, "PullOptions", partial(PullOptions, lag=timedelta(0), overlap=timedelta(0)))
    failure = failure_of(0, Plan(("Lead",)), (*LATE, Step("update", (0, 1, 1)), Step("delete", (0, 1))))
    assert failure is not None
    assert [one.name for one in smallest(failure, patience=60.0).steps] == ["pull_once", "late_insert"]
