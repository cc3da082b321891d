"""How long a mirror takes, side by side with others in one run, and against what the wire and the database allow.

Run it with the project's own virtual environment::

    python benchmarks/pull.py                                # 1,000,000 leads of 40 columns, from ready-made pages
    python benchmarks/pull.py --rows 5000000 --only sfsync   # memory has to stay the same
    python benchmarks/pull.py --incremental                  # every hundredth lead changed (--changed-every 1000)
    python benchmarks/pull.py --nothing                      # nothing changed, eight objects
    python benchmarks/pull.py --latency 100 --bandwidth 1.5  # milliseconds; megabytes a second on each connection
    python benchmarks/pull.py --server fake                  # the fake org itself in place of ready-made pages
    python benchmarks/pull.py --url https://… --token … --ca-file ca.pem     # any org with leads

Without an address it serves leads from another process: by default ready-made, compressed pages, so that the server
takes no processor time from the clients. Every contender is a process of its own, reads every stored field of Lead by
Bulk API 2.0 over TLS, and leaves a DuckDB table. They take turns; the median of the rounds is printed with CPU time
(user and system, of the contender and what it runs), peak memory of its largest process, and the ratio to the
reference: curl, one page after the other, then DuckDB's load of the files with declared types. On a machine that others
use too, compare CPU seconds, or run more rounds. sfsync runs as it always does: history, counts and crash safety on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pull_contenders import CHANGED, CONTENDERS
from static_org import FIELDS

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Org:
    """The org that is read."""

    url: str
    token: str
    ca_file: str

    @property
    def env(self) -> dict[str, str]:
        """What a contender needs to reach it."""
        login = {"SF_ACCESS_TOKEN": self.token, "SF_ORG_INSTANCE_URL": self.url, "REQUESTS_CA_BUNDLE": self.ca_file}
        # Modules are compiled once, as they are when they are installed, whatever the habit of this machine.
        python = {"PYTHONPATH": str(HERE.parent), "PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/pull-bench-compiled"}
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | login | python


@dataclass(frozen=True)
class Cost:
    """What one run cost: seconds on the clock, seconds of CPU (children included), MiB at the peak, rows it handled."""

    wall: float
    cpu: float
    peak: float
    rows: int


# --- orgs --------------------


@contextmanager
def served(command: list[str]) -> Iterator[Org]:
    """A server in another process, which says on its first line where it is."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            told = json.loads(line)
            yield Org(told["url"], told["token"], told["ca_file"])
        finally:
            server.terminate()


@contextmanager
def served_org(options: argparse.Namespace) -> Iterator[Org]:
    """The org that the options ask for."""
    if options.url:
        yield Org(options.url, options.token, options.ca_file)
        return
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory(prefix="pull-org-") as folder:
        if options.server == "fake":
            command = ["-m", "sfsync", "fake", "serve", "--port", "0", "--json", "--ca-file", f"{folder}/ca.pem"]
            if options.nothing:
                command += ["--seed", "1", "--leads", str(options.rows)]
            else:
                command += ["--data", str(fake_data(Path(folder), options.rows))]
        else:
            command = [str(HERE / "static_org.py"), "--rows", str(options.rows), "--folder", str(folder)]
            command += ["--latency", str(options.latency), "--bandwidth", str(options.bandwidth)]
            command += ["--changed-every", str(options.changed_every)]
        with served(command) as org:
            yield org


def fake_data(folder: Path, rows: int) -> Path:
    """The leads as a folder of CSV files that the fake org loads."""
    import duckdb

    data = folder / f"fake-{rows}"
    data.mkdir(exist_ok=True)
    columns = ", ".join(f'{sql} AS "{field}"' for field, (_type, sql) in FIELDS.items())
    leads = f"SELECT {columns} FROM (SELECT i, false AS changed FROM range({rows}) AS r(i))"
    duckdb.execute(f"COPY ({leads}) TO '{data}/Lead.csv' (HEADER, FORCE_QUOTE *)")
    return data


# --- the race --------------------


def measured(name: str, org: Org, folder: Path) -> Cost:
    """Run one contender in a folder."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "pull_contenders.py"), name], cwd=folder, env=org.env, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = status
    if status:
        raise SystemExit(f"{name} failed")
    told = json.loads(said)
    return Cost(wall, usage.ru_utime + usage.ru_stime, told["peak"], told["rows"])


def race(org: Org, names: list[str], rounds: int, scratch: Path) -> dict[str, list[Cost]]:
    """Let the contenders take turns, each beginning in a copy of the folder it needs."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="pull-bench-", dir=scratch) as kept:
        for name in names:
            if name in CHANGED:
                (Path(kept) / name).mkdir()
                measured(CHANGED[name][1], org, Path(kept) / name)
        for number in range(rounds):
            for name in names:
                folder = Path(kept) / "run"
                if name in CHANGED:
                    shutil.copytree(Path(kept) / name, folder)
                else:
                    folder.mkdir()
                os.sync()  # what others have written is on the disk, and nobody waits for it
                costs[name].append(measured(name, org, folder))
                shutil.rmtree(folder)
                told = costs[name][-1]
                print(f"round {number + 1}: {name}: {told.wall:.2f} s, CPU {told.cpu:.2f} s", file=sys.stderr)
    return costs


def show(costs: dict[str, list[Cost]]) -> None:
    """The medians, and each contender's ratio to the first one of its round."""
    first = next(iter(costs.values()))
    print(f"{'':38} {'rows':>10} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9} {'wall ÷':>7} {'CPU ÷':>7}")
    for name, runs in costs.items():
        wall, cpu, peak = (statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "peak"))
        pairs = list(zip(runs, first, strict=True))
        by_wall = statistics.median(run.wall / base.wall for run, base in pairs)
        by_cpu = statistics.median(run.cpu / base.cpu for run, base in pairs)
        print(f"{name:38} {runs[0].rows:>10,} {wall:>8.2f} {cpu:>8.2f} {peak:>9.0f} {by_wall:>7.2f} {by_cpu:>7.2f}")


def show_nothing(org: Org, rounds: int, scratch: Path) -> None:
    """Pull the default objects twice and more: what does it cost when nothing has changed?"""
    command = [sys.executable, "-m", "sfsync", "pull", "--project", ".", "--json"]
    with tempfile.TemporaryDirectory(prefix="pull-bench-", dir=scratch) as folder:
        walls, told = [], {}
        for _ in range(rounds + 1):
            begun = time.monotonic()
            done = subprocess.run(command, cwd=folder, env=org.env, check=True, capture_output=True)
            walls.append(time.monotonic() - begun)
            told = json.loads(done.stdout)
            told = told.get("result", told)
    pulled = [each for each in told["objects"] if each["state"] == "done"]
    calls, again = told["api_calls"], walls[1:]
    print(f"first pull {walls[0]:.2f} s; nothing changed: {statistics.median(again):.2f} s (best {min(again):.2f})")
    print(f"{calls} API calls for {len(pulled)} objects: {calls / len(pulled):.2f} each")


def main() -> None:
    """Read the options, serve, race, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="leads of the org (1,000,000; with --nothing 1,000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="leave the others out")
    parser.add_argument("--server", choices=["static", "fake"], help="ready-made pages, or the fake org itself")
    parser.add_argument("--folder", type=Path, help="keep the ready-made pages here for the next time")
    parser.add_argument("--scratch", type=Path, help="where contenders work; default: the system's temporary folder")
    parser.add_argument("--incremental", action="store_true", help="measure what it costs to take over changes")
    parser.add_argument("--changed-every", type=int, default=100, help="with --incremental: every nth lead changed")
    parser.add_argument("--nothing", action="store_true", help="measure a pull that finds nothing new in eight objects")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before every answer")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="megabytes a second on each connection")
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--ca-file")
    options = parser.parse_args()
    options.server = options.server or ("fake" if options.nothing else "static")
    options.rows = options.rows or (1000 if options.nothing else 1_000_000)
    names = options.only or list(CONTENDERS)
    if options.incremental:
        names = [name for name, (_run, base) in CHANGED.items() if base in names]
    with served_org(options) as org:
        if options.nothing:
            show_nothing(org, options.rounds, options.scratch)
        else:
            show(race(org, names, options.rounds, options.scratch))


if __name__ == "__main__":
    main()
