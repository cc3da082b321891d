"""Random schedules: whatever happens to an org and to the pulls of it, in the end the mirror equals the org.

Any number of them, from any seed::

    python tests/soak/schedules.py --count 5000 --seed 1

A schedule that breaks a promise is printed with its seed, cut down to the steps that it takes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours, wherever this is started from

from schedule_steps import STEPS, Step, draw_plan, draw_schedule, play
from schedule_world import Plan, World


@dataclass(frozen=True)
class Failure:
    """A schedule that broke a promise.

    Attributes:
        seed: From which it was drawn.
        plan: How its pulls are made.
        steps: What happens, cut down where that was asked for.
        error: What was found.
        trace: Where.
    """

    seed: int
    plan: Plan
    steps: tuple[Step, ...]
    error: str
    trace: str

    def __str__(self) -> str:
        steps = "\n".join(f"    {one}" for one in self.steps)
        return f"seed {self.seed}: {self.error}\n  {self.plan}\n{steps}\n{self.trace}"


def run(plan: Plan, steps: Sequence[Step], folder: Path) -> None:
    """Play a schedule, and prove in the end that mirror and org are equal."""
    world = World(plan, folder)
    try:
        for one in steps:
            play(world, one)
        world.fake.weather.clear()
        world.fake.clock.advance(timedelta(hours=1))
        STEPS["pull_once"](world, None, None, None, formulas_now=True)
        with world.store.reading():  # all questions in one session
            for name in plan.objects:
                world.check_equal(name)
                if plan.history:
                    world.check_past(name)
        world.check_kept()
        if plan.verifies:
            world.verify()
    finally:
        world.close()


def drawn(seed: int) -> tuple[Plan, list[Step]]:
    """The schedule of a seed."""
    chance = random.Random(f"schedule {seed}")
    return draw_plan(chance), draw_schedule(chance)


def failure_of(seed: int, plan: Plan, steps: Sequence[Step]) -> Failure | None:
    """What a schedule breaks, or None."""
    folder = Path(tempfile.mkdtemp(prefix="sfsync-schedule-", dir=_quick_folder()))
    try:
        run(plan, steps, folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, the schedule shows it
        return Failure(seed, plan, tuple(steps), f"{type(error).__name__}: {error}", traceback.format_exc(limit=-6))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _quick_folder() -> str | None:
    """Memory, where the machine offers it as a folder: what is shown here does not depend on the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def smallest(failure: Failure, patience: float = 120.0) -> Failure:
    """The same failure with as few steps as can be found in so many seconds."""
    until = time.monotonic() + patience
    kind = failure.error.split(":")[0]
    size = max(1, len(failure.steps) // 2)
    while size and time.monotonic() < until:
        place, cut = 0, False
        while place < len(failure.steps) and time.monotonic() < until:
            fewer = failure.steps[:place] + failure.steps[place + size :]
            found = failure_of(failure.seed, failure.plan, fewer)
            if found is not None and found.error.split(":")[0] == kind:
                failure, cut = found, True
            else:
                place += size
        if not cut or size > 1:
            size //= 2
    return failure


def play_seed(seed: int) -> Failure | None:
    """Draw a schedule and play it."""
    return failure_of(seed, *drawn(seed))


def main() -> None:
    """Play schedules until one fails, or all are through."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="how many schedules")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the others follow")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--keep-going", action="store_true", help="print every failure, not only the first")
    options = parser.parse_args()
    begun, failed = time.monotonic(), 0
    seeds = range(options.seed, options.seed + options.count)
    with ProcessPoolExecutor(options.jobs, max_tasks_per_child=200) as pool:
        results = map(play_seed, seeds) if options.jobs == 1 else pool.map(play_seed, seeds)
        for number, failure in enumerate(results, start=1):
            if failure is not None:
                failed += 1
                sys.stdout.write(f"{smallest(failure)}\n")
                sys.stdout.flush()
                if not options.keep_going:
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
            if number % 50 == 0:
                sys.stderr.write(f"{number} of {options.count}, {time.monotonic() - begun:.0f} s\n")
    sys.stdout.write(f"{number} schedules, {failed} failed, {time.monotonic() - begun:.1f} s\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
