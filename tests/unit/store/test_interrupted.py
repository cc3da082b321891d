from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from sfsync.store.duckdb import DuckDBStore

LONG = "CREATE TABLE t AS SELECT sum(i % 7) AS n FROM range(300000000) AS a(i)"


def test_control_c_in_the_middle_of_a_statement_is_what_it_is_elsewhere_and_undoes_the_transaction(
    tmp_path: Path,
) -> None:
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        session.execute("CREATE TABLE kept (n INTEGER)")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    try:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt), store.writing() as session:
            session.execute("INSERT INTO kept VALUES (1)")
            session.execute(LONG)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert store.query("SELECT count(*) FROM kept").rows().scalar() == 0
