"""How long the whole catalogue takes on a large mirror, with the time of each rule, and pandas beside it.

Run it with the project's own virtual environment::

    python benchmarks/audit.py                    # 1,000,000 leads and opportunities, 5,000,000 rows of history
    python benchmarks/audit.py --leads 100000
    python benchmarks/audit.py --select CV,PL     # these rules alone
    python benchmarks/audit.py --folder DIR       # keep the mirror there for the next time

The mirror is made by SQL: an org's own stages, statuses and describes, and records of every object that rules read. An
audit runs as it always does: the fitness gate, every enabled rule, findings stored and held against those of earlier
audits, all metrics. pandas does ten of the heaviest joins and windows on the same tables, read from the same store, in
a process of its own. Time, processor time and peak memory are of each process as a whole.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit_mirror import SETTINGS, make_mirror

HERE = Path(__file__).resolve().parent
SHOWN = 25


def measured(name: str, folder: Path, select: str) -> dict[str, Any]:
    """Run one contender in a process of its own; what it says, with its wall time, CPU seconds and peak in MiB."""
    begun = time.monotonic()
    command = [sys.executable, str(HERE / "audit.py"), "--as", name, "--folder", str(folder), "--select", select]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    if status:
        raise SystemExit(f"{name} failed")
    told: dict[str, Any] = json.loads(said)
    told |= {"wall": time.monotonic() - begun, "cpu": usage.ru_utime + usage.ru_stime}
    return told


def timed(whole: Callable[..., Any], key: Callable[..., str], seconds: dict[str, float]) -> Callable[..., Any]:
    """The same function, adding the seconds of each call to `seconds`; what is timed within it has its own entry."""

    def with_time(*given: Any, **named: Any) -> Any:
        begun, before = time.monotonic(), sum(seconds.values())
        try:
            return whole(*given, **named)
        finally:
            within = sum(seconds.values()) - before
            name = key(*given)
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - begun - within

    return with_time


def sfsync(folder: Path, select: str) -> dict[str, Any]:
    """The audit, and how long each rule, relation and metric took."""
    import yaml

    from sfsync.audit import run
    from sfsync.audit.find import Finder
    from sfsync.audit.metrics import registry
    from sfsync.audit.relations.build import BuiltRelations
    from sfsync.config.settings import Settings
    from sfsync.store import open_store

    seconds: dict[str, float] = {}
    Finder.find = timed(Finder.find, lambda _self, one: one.rule.id, seconds)  # type: ignore[method-assign]
    BuiltRelations._build = timed(  # type: ignore[method-assign]  # noqa: SLF001 - it is timed, not used
        BuiltRelations._build,  # noqa: SLF001
        lambda _self, relation, *_rest: f"relation {relation.name}",
        seconds,
    )
    run.judge = timed(run.judge, lambda found, _place: f"{found.resolved.rule.id}, storing", seconds)
    registry.METRICS = tuple(
        replace(each, compute=timed(each.compute, lambda *_given, of=each: f"metric {of.metric.id}", seconds))
        for each in registry.METRICS
    )
    settings = Settings.model_validate(yaml.safe_load(SETTINGS))
    chosen = select.split(",") if select else None
    begun = time.monotonic()
    result = run.audit(open_store(folder / "mirror.duckdb"), settings, select=chosen, even_if_unfit=True)
    return {
        "seconds": seconds,
        "all": time.monotonic() - begun,
        "states": Counter(rule.state.value for rule in result.rules),
        "findings": sum(rule.count for rule in result.rules),
        "metrics": len(result.metrics),
    }


def pandas(folder: Path, select: str) -> dict[str, Any]:
    """Ten of the heaviest questions, each with what it reads of the store."""
    del select
    import duckdb
    from audit_pandas import QUESTIONS

    seconds: dict[str, float] = {}
    with duckdb.connect(str(folder / "mirror.duckdb"), read_only=True) as connection:

        def frame(name: str, *columns: str) -> Any:
            listed = ", ".join(f'"{column}"' for column in columns)
            return connection.execute(f'SELECT {listed} FROM sf."{name}"').df()

        for rule, question in QUESTIONS.items():
            timed(question, lambda _frame, rule=rule: rule, seconds)(frame)
    return {"seconds": seconds, "all": sum(seconds.values())}


CONTENDERS = {"sfsync": sfsync, "pandas": pandas}


def show(told: dict[str, dict[str, Any]], shown: int) -> None:
    """The contenders, and where the time goes."""
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
    for name, one in told.items():
        print(f"{name:34} {one['wall']:>8.2f} {one['cpu']:>8.2f} {one['peak']:>9.0f}")
    own = told["sfsync"]
    print(f"\n{own['findings']:,} findings, {own['metrics']} metrics; rules: {own['states']}; audit {own['all']:.2f} s")
    slowest = sorted(own["seconds"].items(), key=lambda item: -item[1])
    for name, seconds in slowest[:shown]:
        print(f"  {name:40} {seconds:>7.2f} s")
    rest = [seconds for _name, seconds in slowest[shown:]]
    print(f"  {f'{len(rest)} others':40} {sum(rest):>7.2f} s")
    if "pandas" in told:
        print("\nthe same questions in pandas (reading included); sfsync without the relations, which rules share")
        for rule, seconds in told["pandas"]["seconds"].items():
            print(f"  {rule:12} pandas {seconds:>7.2f} s   sfsync {own['seconds'].get(rule, 0.0):>7.2f} s")


def main() -> None:
    """Make the mirror, let each contender run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=1_000_000, help="and as many opportunities")
    parser.add_argument("--select", default="", help="only these rules, e.g. CV,OP007")
    parser.add_argument("--only", choices=list(CONTENDERS), help="leave the other one out")
    parser.add_argument("--folder", type=Path, help="where the mirror is kept; default: made anew each time")
    parser.add_argument("--shown", type=int, default=SHOWN, help="how many of the slowest parts to list")
    parser.add_argument("--as", dest="contender", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        told = CONTENDERS[options.contender](options.folder, options.select)
        told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(told))
        return
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        Path(folder).mkdir(exist_ok=True)
        begun = time.monotonic()
        make_mirror(Path(folder), options.leads)
        print(f"the mirror of {options.leads:,} leads is ready after {time.monotonic() - begun:.0f} s", file=sys.stderr)
        names = [options.only] if options.only else list(CONTENDERS)
        show({name: measured(name, Path(folder), options.select) for name in names}, options.shown)


if __name__ == "__main__":
    main()
