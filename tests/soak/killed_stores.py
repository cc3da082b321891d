"""Kill writers of a store at random moments: each time the file must open and hold every row that was committed.

Any number of kills, in a folder on any kind of disk::

    python tests/soak/killed_stores.py --kills 2000 --folder /dev/shm

`--bare` writes with DuckDB alone, to show what is held against what: its file is damaged now and then.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from sfsync.errors import StoreError
from sfsync.store.duckdb import DuckDBStore

TABLES = 12

#: A store is used until it holds so many rows.
MOST_ROWS = 2000


def write_on(path: Path, told: int, first: int, *, bare: bool) -> None:
    """Commit one row after the other, and tell each; until the kill."""
    store, n = DuckDBStore(path), first
    connection = duckdb.connect() if bare else None
    while True:
        insert = f"INSERT INTO t{n % TABLES} VALUES ({n})"
        if connection is not None:
            connection.execute(f"ATTACH '{path}' AS k")
            connection.execute(insert.replace("INTO ", "INTO k."))
            connection.execute("DETACH k")
        else:
            with store.writing() as session:
                session.execute(insert)
        os.write(told, n.to_bytes(8, "little"))
        n += 1


def fresh(path: Path) -> None:
    """An empty store."""
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()
    with DuckDBStore(path).writing() as session:
        for i in range(TABLES):
            session.execute(f"CREATE TABLE t{i} AS SELECT n FROM range(0) AS r(n)")


def killed(path: Path, seconds: float, first: int, *, bare: bool) -> int:
    """Kill a writer after some time; returns the number of the last row that it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        write_on(path, writing, first, bare=bare)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    return int.from_bytes(told[-8:], "little") if told else first - 1


def held(path: Path) -> list[int]:
    """The numbers that the store holds, in order; asked by another process, as the next run would."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with DuckDBStore(path).reading() as session:
                rows = session.execute(" UNION ALL ".join(f"SELECT n FROM t{i}" for i in range(TABLES)) + " ORDER BY n")
            os.write(writing, ",".join(str(n) for (n,) in rows).encode())
        except StoreError as error:
            sys.stdout.write(f"{error.message}\n")
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if status:
        raise StoreError("the file does not open")
    return [int(n) for n in answer.split(",") if n]


def main() -> int:
    """Kill, look, and count; exit code 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; a temporary folder by default")
    parser.add_argument("--bare", action="store_true", help="DuckDB alone, without the store")
    given = parser.parse_args()
    chance, lost = random.Random(given.seed), 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / "mirror.duckdb"
        fresh(path)
        first = 1
        for kill in range(given.kills):
            last = killed(path, chance.uniform(0.03, 0.12), first, bare=given.bare)
            try:
                rows = held(path)
                # the row after the last one told may have been committed, and not told
                complete = rows in ([*range(1, last + 1)], [*range(1, last + 2)])
            except StoreError:
                rows, complete = [], False
            first = len(rows) + 1
            if not complete:
                sys.stdout.write(f"kill {kill} (seed {given.seed}): {len(rows)} rows, {last} were committed\n")
                sys.stdout.flush()
                lost += 1
            if not complete or len(rows) > MOST_ROWS:
                fresh(path)
                first = 1
    sys.stdout.write(f"{lost} of {given.kills} kills lost something\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
