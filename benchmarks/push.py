"""How long a push takes, side by side with others in one run, and against what the wire allows.

Run it with the project's own virtual environment::

    python benchmarks/push.py                        # 200,000 leads upserted, by an org that costs next to nothing
    python benchmarks/push.py --rows 1000000 --only sfsync   # memory has to stay the same
    python benchmarks/push.py --plan                 # planning 1,000,000 rows of which 1 % changed
    python benchmarks/push.py --server fake          # the fake org itself, whose writing takes most of the time

Every contender is a process of its own in a folder of its own and upserts the same leads by Bulk API 2.0 over TLS. They
take turns; the median of the rounds is printed with CPU time (of the contender and what it runs), the processor time
of the server meanwhile, peak memory, and the ratio to the reference: curl sends a CSV that lay ready and fetches the
results. sfsync begins with a table: it plans (match, compare, judge every row, write the plan down), applies, and
writes the outcome of every row down. On a machine that others use too, compare CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pull import Org, served
from push_contenders import CONTENDERS

HERE = Path(__file__).resolve().parent
PLAN = "sfsync plan, 1 % changed"


@dataclass(frozen=True)
class Cost:
    """What one run cost: seconds on the clock, of CPU, of the server's CPU; MiB at the peak; rows; phase → both."""

    wall: float
    cpu: float
    server: float
    peak: float
    rows: int
    phases: dict[str, tuple[float, float]]


@contextmanager
def served_org(options: argparse.Namespace, folder: Path) -> Iterator[Org]:
    """The org that the options ask for."""
    if options.server == "fake":
        setup = folder / "setup.json"
        field = {"length": 32, "external_id": True, "unique": True}
        setup.write_text(json.dumps({"fields": {"Lead": {"Crm_Id__c": field}}}))
        command = ["-m", "sfsync", "fake", "serve", "--port", "0", "--json", "--setup", str(setup)]
        command += ["--ca-file", str(folder / "ca.pem")]
    else:
        command = [str(HERE / "static_ingest.py"), "--folder", str(folder), "--latency", str(options.latency)]
    with served(command) as org:
        yield org


def server_seconds(org: Org) -> float:
    """Processor time of the server so far; 0 where it does not tell."""
    context = ssl.create_default_context(cafile=org.ca_file)
    try:
        with urllib.request.urlopen(f"{org.url}/seconds", context=context) as answer:
            return float(json.load(answer))
    except (OSError, ValueError):
        return 0.0


def measured(name: str, rows: int, org: Org, folder: Path) -> Cost:
    """Run one contender in a folder."""
    before, started = server_seconds(org), time.monotonic()
    command = [sys.executable, str(HERE / "push_contenders.py"), name, str(rows)]
    with subprocess.Popen(command, cwd=folder, env=org.env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = status
    if status:
        raise SystemExit(f"{name} failed")
    told = json.loads(said)
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, server_seconds(org) - before, told["peak"], told["rows"], told["phases"])


def race(org: Org, names: list[str], options: argparse.Namespace, made: Path) -> dict[str, list[Cost]]:
    """Let the contenders take turns, each in a copy of what was made for all."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names:
            folder = made.parent / "run"
            shutil.copytree(made, folder)
            costs[name].append(measured(name, options.rows, org, folder))
            shutil.rmtree(folder)
            told = costs[name][-1]
            print(f"round {number + 1}: {name}: {told.wall:.2f} s, CPU {told.cpu:.2f} s", file=sys.stderr)
    return costs


def show(costs: dict[str, list[Cost]]) -> None:
    """The medians, each contender's ratio to the first one of its round, and its phases."""
    first = next(iter(costs.values()))
    columns = f"{'wall s':>8} {'CPU s':>8} {'server':>8} {'peak MiB':>9} {'wall ÷':>7} {'CPU ÷':>7}"
    print(f"{'':28} {'rows':>10} {columns}")
    for name, runs in costs.items():
        middle = {
            what: statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "server", "peak")
        }
        pairs = list(zip(runs, first, strict=True))
        by_wall = statistics.median(run.wall / base.wall for run, base in pairs)
        by_cpu = statistics.median((run.cpu + run.server) / (base.cpu + base.server) for run, base in pairs)
        figures = f"{middle['wall']:>8.2f} {middle['cpu']:>8.2f} {middle['server']:>8.2f} {middle['peak']:>9.0f}"
        print(f"{name:28} {runs[0].rows:>10,} {figures} {by_wall:>7.2f} {by_cpu:>7.2f}")
        for phase in runs[0].phases:
            clock, cpu = (statistics.median(run.phases[phase][which] for run in runs) for which in (0, 1))
            print(f"    {phase:35} {clock:>8.2f} {cpu:>8.2f}")


def main() -> None:
    """Read the options, serve, make what is needed, race, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="leads to upsert (200,000; with --plan 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="leave the others out")
    parser.add_argument("--plan", action="store_true", help="measure planning where every hundredth row was changed")
    parser.add_argument("--server", choices=["static", "fake"], default="static")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before every answer")
    parser.add_argument("--scratch", type=Path, help="where contenders work; default: the system's temporary folder")
    options = parser.parse_args()
    options.rows = options.rows or (1_000_000 if options.plan else 200_000)
    names = [PLAN] if options.plan else options.only or list(CONTENDERS)
    with tempfile.TemporaryDirectory(prefix="push-bench-", dir=options.scratch) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        with served_org(options, Path(scratch)) as org:
            measured("make mirror" if options.plan else "make", options.rows, org, made)
            show(race(org, names, options, made))


if __name__ == "__main__":
    main()
