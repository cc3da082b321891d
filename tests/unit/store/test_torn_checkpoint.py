"""A checkpoint that was cut off anywhere: the file opens, and holds what was committed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from sfsync.errors import StoreDamaged, StoreError
from sfsync.store import duckdb_blocks
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.duckdb_blocks import FIRST_BLOCK, kept_beside, put_back

SOAK = Path(__file__).parents[2] / "soak" / "killed_stores.py"
BLOCK = 262_144
TABLES = 12
#: How much of a block is written when a process is killed, in pages of memory.
CUTS = (4096, BLOCK // 2, BLOCK - 4096, BLOCK)


def everything(store: DuckDBStore) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as session:
        names = [name for (name,) in session.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1")]
        return {name: list(session.execute(f"SELECT * FROM {name} ORDER BY ALL")) for name in names}


def filled(path: Path) -> DuckDBStore:
    store = DuckDBStore(path)
    with store.writing() as session:
        for i in range(TABLES):
            session.execute(f"CREATE TABLE t{i} AS SELECT n, 'row ' || n AS text FROM range(300) AS r(n)")
    return store


def change(store: DuckDBStore, chance: random.Random) -> None:
    with store.writing() as session:
        for _ in range(chance.randint(1, 4)):
            i = chance.randrange(TABLES)
            session.execute(
                chance.choice(
                    [
                        f"INSERT INTO t{i} VALUES ({chance.randrange(10_000)}, 'new')",
                        f"UPDATE t{i} SET text = 'changed {chance.random()}' WHERE n % {chance.randint(2, 9)} = 0",
                        f"DELETE FROM t{i} WHERE n % 7 = {chance.randrange(7)}",
                        f"CREATE OR REPLACE TABLE t{i} AS SELECT * FROM t{(i + 1) % TABLES}",
                        f"INSERT INTO t{i} SELECT n, 'many ' || n FROM range({chance.randint(1, 200_000)}) AS r(n)",
                    ]
                )
            )


@contextmanager
def caught_before_closing(store: DuckDBStore, into: Path, chance: random.Random) -> Iterator[None]:
    """Copies of what is on the disk when changes are committed and the checkpoint is still to come."""
    into.mkdir()
    with store.at_hand():
        change(store, chance)
        for file in store.path.parent.glob("mirror.duckdb*"):
            # not by this process: closing the file would give up DuckDB's lock on it
            subprocess.run(["cp", "-r", str(file), str(into)], check=True)
        yield


def tear(before: Path, after: Path, chance: random.Random, cuts: Sequence[int] = CUTS) -> int:
    """Leave `before` as a checkpoint does that is cut off before its header: of each block a part is written."""
    old, new = before.read_bytes(), after.read_bytes()
    torn = 0
    with before.open("r+b") as file:
        for at in range(FIRST_BLOCK, len(new), BLOCK):
            if old[at : at + BLOCK] != new[at : at + BLOCK]:
                cut = chance.choice(cuts)
                file.seek(at)
                file.write(new[at : at + cut])
                torn += at < len(old)
    return torn


@pytest.mark.parametrize("seed", range(12))
def test_whatever_of_its_blocks_were_written_nothing_committed_is_lost(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    (tmp_path / "live").mkdir()
    store = filled(tmp_path / "live" / "mirror.duckdb")
    for turn in range(4):
        with caught_before_closing(store, tmp_path / f"cut off {turn}", chance):
            pass
        caught = tmp_path / f"cut off {turn}" / "mirror.duckdb"
        if not Path(f"{caught}.wal").exists():
            continue  # a big commit has ended in a checkpoint of its own
        tear(caught, store.path, chance)
        assert everything(DuckDBStore(caught)) == everything(store)
        assert not kept_beside(caught).exists()
        assert not kept_beside(store.path).exists()


def test_without_the_kept_blocks_such_a_file_does_not_open(tmp_path: Path) -> None:
    """The tests above would not notice a checkpoint that writes over nothing."""
    chance = random.Random(1)
    (tmp_path / "live").mkdir()
    store = filled(tmp_path / "live" / "mirror.duckdb")
    with caught_before_closing(store, tmp_path / "cut off", chance):
        pass
    caught = tmp_path / "cut off" / "mirror.duckdb"
    assert tear(caught, store.path, chance, cuts=[4096]) > 0
    kept_beside(caught).unlink()
    with pytest.raises(StoreDamaged):
        everything(DuckDBStore(caught))


def test_blocks_of_a_checkpoint_that_is_complete_are_not_put_back(tmp_path: Path) -> None:
    chance = random.Random(5)
    (tmp_path / "live").mkdir()
    store = filled(tmp_path / "live" / "mirror.duckdb")
    with caught_before_closing(store, tmp_path / "cut off", chance):
        pass
    shutil.copy(kept_beside(tmp_path / "cut off" / "mirror.duckdb"), kept_beside(store.path))
    content = store.path.read_bytes()
    put_back(store.path)
    assert store.path.read_bytes() == content
    assert not kept_beside(store.path).exists()


@pytest.mark.parametrize("left", [0, 10, FIRST_BLOCK, FIRST_BLOCK + 5000, -1])
def test_kept_blocks_that_were_cut_off_themselves_are_not_put_back(tmp_path: Path, left: int) -> None:
    (tmp_path / "live").mkdir()
    store = filled(tmp_path / "live" / "mirror.duckdb")
    with caught_before_closing(store, tmp_path / "cut off", random.Random(7)):
        pass
    caught = tmp_path / "cut off" / "mirror.duckdb"
    content = kept_beside(caught).read_bytes()
    kept_beside(caught).write_bytes(content[:left])
    before = caught.read_bytes()
    put_back(caught)
    assert caught.read_bytes() == before
    assert everything(DuckDBStore(caught)) == everything(store)


def test_blocks_of_a_file_that_somebody_has_open_stay_where_they_are(tmp_path: Path) -> None:
    store = filled(tmp_path / "mirror.duckdb")
    kept_beside(store.path).write_bytes(b"of the checkpoint that is under way")
    script = f"import duckdb, sys; c = duckdb.connect({str(store.path)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        put_back(store.path)
        assert kept_beside(store.path).exists()
        other.communicate()
    put_back(store.path)
    assert not kept_beside(store.path).exists()


def test_a_new_mirror_takes_nothing_from_the_blocks_of_one_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    old = filled(tmp_path / "live" / "mirror.duckdb")
    with caught_before_closing(old, tmp_path / "cut off", random.Random(9)):
        pass
    kept = kept_beside(tmp_path / "cut off" / "mirror.duckdb")
    (tmp_path / "new").mkdir()
    shutil.copy(kept, kept_beside(tmp_path / "new" / "mirror.duckdb"))
    new = filled(tmp_path / "new" / "mirror.duckdb")
    assert [len(rows) for rows in everything(new).values()] == [300] * TABLES


def test_where_there_is_no_room_to_keep_blocks_a_commit_is_refused_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path / "mirror.duckdb")
    before = everything(store)
    with monkeypatch.context() as patch:
        patch.setattr(duckdb_blocks, "_write", full_disk)
        with pytest.raises(StoreError, match=r"mirror\.duckdb\.blocks: No space left"), store.writing() as session:
            session.execute("INSERT INTO t1 VALUES (1, 'lost')")
    assert everything(store) == before


def test_where_there_is_no_room_at_the_closing_there_is_no_checkpoint_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path / "mirror.duckdb")
    with monkeypatch.context() as patch:
        patch.setattr(duckdb_blocks.KeptBlocks, "keep", lambda *_: None)
        patch.setattr(duckdb_blocks, "_write", full_disk)
        with store.writing() as session:
            session.execute("INSERT INTO t1 VALUES (-1, 'kept')")
    assert Path(f"{store.path}.wal").exists()
    assert ((-1, "kept")) in everything(store)["t1"]
    with store.writing() as session:
        session.execute("INSERT INTO t1 VALUES (-2, 'kept')")
    assert not Path(f"{store.path}.wal").exists()
    assert not kept_beside(store.path).exists()


def test_the_size_of_a_block_is_read_as_duckdb_tells_it(tmp_path: Path) -> None:
    for size in (16_384, 262_144):
        path = tmp_path / f"{size}.duckdb"
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{path}' AS made (BLOCK_SIZE {size})")
            connection.execute("CREATE TABLE made.t AS SELECT 1 AS n")
            connection.execute("DETACH made")
        with duckdb.connect(path) as connection:
            (told,) = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()[0]
        assert duckdb_blocks._block_size(path.read_bytes()[:FIRST_BLOCK]) == told == size


def test_what_is_committed_is_there_under_every_name_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real, link = tmp_path / "data" / "mirror.duckdb", tmp_path / "link.duckdb"
    link.symlink_to(real)
    store = filled(link)
    assert link.is_symlink()
    with store.at_hand():
        with store.writing() as session:
            session.execute("INSERT INTO t1 VALUES (-1, 'committed')")
        subprocess.run(["cp", "-r", str(tmp_path / "data"), str(tmp_path / "killed")], check=True)
    assert (-1, "committed") in everything(DuckDBStore(tmp_path / "killed" / "mirror.duckdb"))["t1"]


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path) -> None:
    store = filled(tmp_path / "mirror.duckdb")
    with store.at_hand():
        with store.writing() as session:
            session.execute("INSERT INTO t1 VALUES (1, 'x')")
        assert kept_beside(store.path).stat().st_mode & 0o777 == 0o600


def test_a_process_killed_at_any_moment_leaves_a_file_that_opens(tmp_path: Path) -> None:
    """A short run of the soak, which kills thousands."""
    done = subprocess.run(
        [sys.executable, str(SOAK), "--kills", "30", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 30" in done.stdout


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")
